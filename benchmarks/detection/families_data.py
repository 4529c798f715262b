"""What sensors, indexes, maps and models answer: nearly all of it numbers."""

from benchmarks.detection.benign import Plain
from benchmarks.detection.people import Fake
from benchmarks.detection.tree import Tree, shaped


def iot_telemetry(f: Fake, b: Plain) -> Tree:
    return {
        "device_id": b.hex(16),
        "mac": f.mac(),
        "firmware": b.semver(),
        "readings": [
            {
                "ts": b.millis(),
                "temp_c": round(b.rng.gauss(20, 4), 3),
                "rssi": -b.rng.randint(30, 90),
                "seq": b.rng.randint(1, 10**6),
            }
            for _ in f.some(2, 8)
        ],
    }


def vector_hits(f: Fake, b: Plain) -> Tree:
    return {
        "matches": [
            {
                "id": b.ulid(),
                "score": round(b.rng.random(), 8),
                "values": [round(b.rng.gauss(0, 1), 7) for _ in range(8)],
                "metadata": {"doc": b.file(), "chunk": b.rng.randint(0, 400), "author": f.person().full()},
            }
            for _ in f.some(2, 4)
        ]
    }


def weather(f: Fake, b: Plain) -> Tree:
    return {
        "lat": b.latitude(),
        "lon": b.longitude(),
        "observed": b.iso(),
        "temp": 11.4,
        "wind": {"deg": 240, "speed": 5.1},
        "station": "EDDB 031150Z",
        "hourly": [round(b.rng.gauss(10, 5), 2) for _ in range(8)],
    }


def geo_search(f: Fake, b: Plain) -> Tree:
    return {
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [b.longitude(), b.latitude()]},
                "properties": {
                    "osm_id": b.big(),
                    "name": "Jardin des Plantes",
                    "geohash": "u09tvw0f6szye",
                    "population": 2_148_271,
                },
            }
        ]
    }


def ml_metrics(f: Fake, b: Plain) -> Tree:
    return {
        "run_id": b.hex(32),
        "model": "xgb-v1.2.3.4",
        "metrics": {"auc": 0.91827364, "loss": 1.2e-05, "steps": 128_000, "epoch": 12},
        "params": {"learning_rate": 0.0003, "seed": 1234567890, "batch": 4096},
        "checkpoint": "ckpt-000000128000.pt",
        "sha256": b.hex(64),
    }


def traces(f: Fake, b: Plain) -> Tree:
    return {
        "trace_id": b.hex(32),
        "spans": [
            {
                "span_id": b.hex(16),
                "start_ns": b.millis() * 10**6,
                "duration_ns": b.rng.randint(1, 10**9),
                "name": "GET /v1/users/:id",
                "status": shaped("OK", enum=["OK", "ERROR"]),
            }
            for _ in f.some(1, 5)
        ],
    }


FAMILIES = (iot_telemetry, vector_hits, weather, geo_search, ml_metrics, traces)

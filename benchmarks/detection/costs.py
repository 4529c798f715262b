"""What looking costs: against Presidio on JSON of three sizes, and on hostile shapes of three sizes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf

from benchmarks.detection import comparator, corpus
from benchmarks.detection.hostile import Shape
from benchmarks.detection.seams import Timer, as_result, looked
from benchmarks.detection.tree import Json, Object

KB = 1024
SIZES = (256 * KB, 512 * KB, 1024 * KB)
_TIMES = 3
_HOPELESS_MS = 2000.0
_TOO_SHORT_MS = 3.0
"""Below this at 512 KB, the ratio of two times is the clock's noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """CPU of one shape, in ms, at 256 KB, 512 KB and 1 MB."""

    shape: str
    quarter: float
    half: float
    whole: float

    @property
    def ratio(self) -> float:
        return self.half / self.quarter if self.half >= _TOO_SHORT_MS and self.quarter else 1.0


def growths(shapes: Mapping[str, Shape], timed: Timer) -> Iterator[Growth]:
    """Least of three each, after a cold one; what is hopeless at 256 KB is not tried at more. Raises as `timed`."""
    for name, shape in shapes.items():
        results = [as_result(shape(size)) for size in SIZES]
        quarter, half, whole = min(timed([results[0]] * 2)), inf, inf
        if quarter < _HOPELESS_MS:
            took = timed([results[0], *(each for each in results for _ in range(_TIMES))])[1:]
            quarter, half, whole = (min(took[at : at + _TIMES]) for at in range(0, len(took), _TIMES))
        yield Growth(shape=name, quarter=quarter, half=half, whole=whole)


def payload(size: int, seed: int) -> Object:
    """Corpus results of meaningful keys, together about `size` bytes of JSON."""
    body: list[Json] = []
    left = size
    for case in corpus.cases(seed, 400, "named"):
        one = case.result.get("structuredContent")
        if one is None or (written := len(str(one))) > max(left, 200):
            continue
        body.append(one)
        left -= written
        if left < 120:
            break
    return {"result": body}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """CPU in ms over the same JSON: `presidio` is analyze() with context words, `without_context` the cheaper one.

    analyze() only finds, in one text, and so does `look`. `text` and `structured` are redact and secrets as a whole,
    finding and rewriting, over that text and over structured content with its text copy.
    """

    kilobytes: int
    presidio: float
    without_context: float
    look: float
    text: float
    structured: float


def compared(kilobytes: int, seed: int, timed: Timer) -> Compared:
    """Raises SeamMissingError where one of the two is not there."""
    body = payload(kilobytes * KB, seed)
    times = 2 if kilobytes > 10 else 5
    text = as_result(json.dumps(body))
    return Compared(
        kilobytes=kilobytes,
        presidio=comparator.milliseconds(body, times=times),
        without_context=comparator.milliseconds(body, times=times, context=False),
        look=looked(text, times=10 * times),
        text=min(timed([text] * 9)[1:]),
        structured=min(timed([as_result(body)] * 9)[1:]),
    )

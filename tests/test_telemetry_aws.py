"""Exports to AWS's OTLP endpoints: which those are, how they are signed, and that nobody waits for them."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError
from botocore.loaders import Loader

from policies.audit import Audit
from policies.model import Call, Exchange, Result
from proxy.errors import AuthError, ConfigError
from proxy.inbound import Inbound
from proxy.lease import Lease
from proxy.otlp import LOGS, TRACES, Signal, address, findings, headers, region, signed_for
from proxy.otlp_logs import PIECE_BYTES
from proxy.otlp_signing import Keys, Sigv4, session
from proxy.sigv4 import Credentials
from proxy.telemetry import Telemetry, start
from tests.auth.aws_verifier import Verifier
from tests.auth.clocks import Clock
from tests.auth.conftest import aws, bare  # noqa: F401 - fixtures
from tests.auth.secrets_manager import Aws
from tests.otlp_collector import Collector, collecting

XRAY = "https://xray.eu-central-1.amazonaws.com/v1/traces"
CLOUDWATCH = "https://logs.eu-central-1.amazonaws.com/v1/logs"
GROUP = {"OTEL_EXPORTER_OTLP_LOGS_HEADERS": "x-aws-log-group=/shop/proxy,x-aws-log-stream=one"}
CANARY = "canary-91c4"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SIGNALS = {TRACES: "xray", LOGS: "logs"}


def _as_botocore_knows_them() -> Iterator[tuple[str, Signal, str]]:
    """Every host of the two services, in each partition, with and without FIPS and dual stack."""
    loader = Loader()
    partitions = loader.load_data("partitions")
    for signal, service in SIGNALS.items():
        provider = EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        for partition, fips, dual in itertools.product(partitions["partitions"], (False, True), (False, True)):
            where = partition["outputs"]["implicitGlobalRegion"]
            try:
                url = provider.resolve_endpoint(Region=where, UseFIPS=fips, UseDualStack=dual).url
            except EndpointProviderError:
                continue
            yield f"{url}{signal.path}", signal, where


KNOWN = list(_as_botocore_knows_them())


def _shown(value: object) -> str:
    """The same in every process, which the text of a set is not."""
    return value.variable if isinstance(value, Signal) else str(value)


@pytest.mark.parametrize(("url", "signal", "where"), KNOWN, ids=[row[0] for row in KNOWN])
def test_every_endpoint_that_botocore_knows_is_signed_for_its_region(url: str, signal: Signal, where: str) -> None:
    assert region(url, signal) == where
    assert region(url, LOGS if signal is TRACES else TRACES) is None


def test_botocore_knows_many() -> None:
    assert len(KNOWN) > 40


@pytest.mark.parametrize(
    ("url", "signal", "where"),
    [
        (XRAY, TRACES, "eu-central-1"),
        ("https://XRAY.eu-central-1.AMAZONAWS.com:443/v1/traces", TRACES, "eu-central-1"),
        ("https://vpce-0a1b-c2d3.xray.us-east-1.vpce.amazonaws.com/v1/traces", TRACES, "us-east-1"),
        ("https://logs.us-gov-west-1.amazonaws.com/v1/logs", LOGS, "us-gov-west-1"),
        ("http://xray.us-east-1.amazonaws.com/v1/traces", TRACES, None),
        ("https://xray.us-east-1.amazonaws.com:8443/v1/traces", TRACES, None),
        ("https://user@xray.us-east-1.amazonaws.com/v1/traces", TRACES, None),
        ("https://xray.us-east-1.amazonaws.com/v1/traces?x=1", TRACES, None),
        ("https://xray.us-east-1.amazonaws.com/v1/traces/", TRACES, None),
        ("https://xray.us-east-1.amazonaws.com/v1/logs", LOGS, None),
        ("https://xray.us-east-1.amazonaws.com.evil.example/v1/traces", TRACES, None),
        ("https://xray.us-east-1.evil.example/v1/traces", TRACES, None),
        ("https://xray.us-east-\u0661.amazonaws.com/v1/traces", TRACES, None),
        ("https://notxray.us-east-1.amazonaws.com/v1/traces", TRACES, None),
        ("https://a.b.xray.us-east-1.amazonaws.com/v1/traces", TRACES, None),
        ("https://collector.example/v1/traces", TRACES, None),
        ("http://[::1/v1/traces", TRACES, None),
        ("", TRACES, None),
    ],
    ids=_shown,
)
def test_only_an_endpoint_of_aws_is_signed(url: str, signal: Signal, where: str | None) -> None:
    assert region(url, signal) == where


def test_a_token_of_the_users_own_is_left_alone() -> None:
    environ = {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": CLOUDWATCH}
    assert signed_for(environ, LOGS) == "eu-central-1"
    assert signed_for(environ | {"OTEL_EXPORTER_OTLP_LOGS_HEADERS": "Authorization=Bearer%20x"}, LOGS) is None
    assert signed_for(environ | {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20x"}, LOGS) is None


@pytest.mark.parametrize(
    ("environ", "to"),
    [
        ({}, XRAY),
        ({"AWS_ENDPOINT_URL_XRAY": "http://127.0.0.1:1/"}, "http://127.0.0.1:1/v1/traces"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:2"}, "http://127.0.0.1:2/v1/traces"),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_XRAY": "http://b"}, "http://b/v1/traces"),
        ({"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": "http://127.0.0.1:3"}, XRAY),
    ],
    ids=["none", "of the service", "of all", "both", "of another"],
)
def test_the_sdks_own_variables_send_an_endpoint_of_aws_elsewhere(environ: dict[str, str], to: str) -> None:
    assert address({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": XRAY, **environ}, TRACES) == to
    theirs = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector/v1/traces", **environ}
    assert address(theirs, TRACES) == "http://collector/v1/traces"


@pytest.mark.parametrize(
    ("environ", "signal", "said"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://xray.us-east-1.amazonaws.com"}, TRACES, None),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://xray.us-east-1.amazonaws.com/v1/traces"},
            TRACES,
            "https://xray",
        ),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://xray.us-east-1.amazonaws.com"}, TRACES, "/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": XRAY}, TRACES, "/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": CLOUDWATCH}, LOGS, "x-aws-log-group and x-aws-log-stream"),
        (
            {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": CLOUDWATCH, "OTEL_EXPORTER_OTLP_HEADERS": "x-aws-log-group=a"},
            LOGS,
            "must have x-aws-log-stream",
        ),
        ({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": CLOUDWATCH, **GROUP}, LOGS, None),
        ({"OTEL_LOGS_EXPORTER": "console"}, LOGS, "may be otlp or none"),
        ({"OTEL_LOGS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "grpc"}, LOGS, "LOGS_PROTOCOL"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector"}, LOGS, None),
    ],
)
def test_what_aws_would_refuse_is_found_at_start(environ: dict[str, str], signal: Signal, said: str | None) -> None:
    found = list(findings(environ, signal))
    assert len(found) == (said is not None)
    assert (said or "") in "".join(found)
    if said is not None:
        with pytest.raises(ConfigError):
            start(environ)


def test_headers_are_read_as_the_specification_has_them() -> None:
    given = "x-aws-log-group=%2Fshop%2Fproxy, X-AWS-Log-Stream = one ,empty,=nameless"
    read = headers({"OTEL_EXPORTER_OTLP_LOGS_HEADERS": given}, LOGS)
    assert read == {"x-aws-log-group": "/shop/proxy", "x-aws-log-stream": "one", "empty": ""}


@pytest.fixture
def at_aws(bare: pytest.MonkeyPatch) -> Iterator[dict[Signal, Collector]]:  # noqa: F811
    """X-Ray and CloudWatch Logs on loopback, the environment pointing to them, and keys that they know."""
    secrets = {"AKIDEXAMPLE": ("right", "session")}
    there = {
        signal: Collector(verifier=Verifier(service, "eu-central-1", secrets)) for signal, service in SIGNALS.items()
    }
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "right", "AWS_SESSION_TOKEN": "session"}
    for name, value in (keys | GROUP).items():
        bare.setenv(name, value)
    bare.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", XRAY)
    bare.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", CLOUDWATCH)
    for signal, collector in there.items():
        bare.setenv(signal.override, collector.url)
    with collecting(there[TRACES]), collecting(there[LOGS]):
        yield there


class Sink:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        self.lines.append(line)


def _one_call(telemetry: Telemetry, **more: Any) -> Sink:
    """What one exchange leaves: its spans, and the line of the audit beside the sink's."""
    sink = Sink()
    params = {"name": "lookup", "arguments": {"ssn": CANARY}}
    inbound = Inbound(
        method="tools/call",
        params=params,
        protocol="2026-07-28",
        door="lane",
        headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "authorization": CANARY},
    )
    with telemetry.server_span(inbound) as span:
        call = Call(id="0190-exchange", method="tools/call", params=params)
        exchange = Exchange(
            **{
                "call": call,
                "result": Result(body={"content": [], "x": CANARY}),
                "outcome": "completed",
                "trace_id": span.trace_id,
                **more,
            }
        )
        span.finish(exchange)
    _audit(telemetry.beside(sink)).on_done(exchange)
    return sink


def _audit(sinks: Any) -> Audit:
    from dataclasses import replace

    from policies.testing import services

    return Audit(Audit.Config(), replace(services(), sinks=sinks))


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_exports_are_signed_so_that_botocore_agrees(
    at_aws: dict[Signal, Collector], compression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
    telemetry = start(os.environ)
    _one_call(telemetry)
    telemetry.close()
    for signal, collector in at_aws.items():
        assert collector.verdicts == ["ok"], signal
        (request,) = collector.received
        signed = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        assert {"content-type", "host", "x-amz-date", "x-amz-security-token"} <= set(signed)
        assert ("content-encoding" in signed) is (compression == "gzip")
        assert {"x-aws-log-group", "x-aws-log-stream"} <= set(signed) or signal is TRACES
    assert at_aws[LOGS].received[0].headers["x-aws-log-group"] == "/shop/proxy"


def test_a_line_of_the_audit_is_a_record_with_its_trace_and_without_any_value(at_aws: dict[Signal, Collector]) -> None:
    telemetry = start(os.environ)
    sink = _one_call(telemetry)
    telemetry.close()
    (record,) = at_aws[LOGS].records()
    (span,) = at_aws[TRACES].spans()
    assert record.trace_id == span.trace_id == bytes.fromhex(TRACE)
    assert record.event_name == "mcp_policy_proxy.exchange"
    assert abs(record.time_unix_nano / 1e9 - time.time()) < 60
    body = {pair.key: pair.value for pair in record.body.kvlist_value.values}
    (line,) = sink.lines
    assert set(body) == set(json.loads(line))
    assert body["exchange"].string_value == "0190-exchange"
    assert body["outcome"].string_value == "completed"
    for collector in at_aws.values():
        assert CANARY not in str(collector.traces()) + str(collector.logs())


def test_the_resource_tells_cloudwatch_whose_it_is(
    at_aws: dict[Signal, Collector], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop.DEFAULT,cloud.region=mine,cloud.resource_id=arn")
    telemetry = start(os.environ)
    _one_call(telemetry)
    telemetry.close()
    for message in (at_aws[TRACES].traces()[0].resource_spans[0], at_aws[LOGS].logs()[0].resource_logs[0]):
        told = {pair.key: pair.value for pair in message.resource.attributes}
        assert told["service.name"].string_value == "shop.DEFAULT"
        assert told["cloud.region"].string_value == "mine"
        assert told["cloud.resource_id"].string_value == "arn"
        assert told["cloud.provider"].string_value == "aws"
        assert [one.string_value for one in told["aws.log.group.names"].array_value.values] == ["/shop/proxy"]
        assert [one.string_value for one in told["aws.log.stream.names"].array_value.values] == ["one"]


def test_a_refusal_is_told_once_without_a_secret_and_the_keys_are_read_again(
    at_aws: dict[Signal, Collector], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    collector = at_aws[TRACES]
    telemetry = start(os.environ)
    _one_call(telemetry)
    _until(lambda: len(collector.received) == 1)
    _one_call(telemetry)
    _until(lambda: len(collector.received) == 2)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "right")
    _until(lambda: "answered 403" in caplog.text)
    _one_call(telemetry)
    telemetry.close()
    assert collector.verdicts == ["signature", "signature", "ok"]
    ours = [record.getMessage() for record in caplog.records if record.name == "proxy.otlp_signing"]
    assert ours == ["traces were not taken: the endpoint answered 403"]
    assert CANARY not in caplog.text


def test_without_keys_nothing_is_sent_and_the_log_says_what_to_do(
    at_aws: dict[Signal, Collector], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    telemetry = start(os.environ)
    _one_call(telemetry)
    telemetry.close()
    assert [collector.received for collector in at_aws.values()] == [[], []]
    said = {record.getMessage().partition(";")[0] for record in caplog.records if record.name == "proxy.otlp_signing"}
    assert said == {f"{kind} are not sent: AWS credentials: none found" for kind in ("traces", "logs")}


async def test_a_containers_keys_sign_and_are_renewed_before_they_end(aws: Aws) -> None:  # noqa: F811
    """The Runtime's own kind of credentials, read by the exporter's thread."""
    import asyncio

    from proxy.aws import load

    clock = Clock()
    clock.now = time.time()
    keys = Keys(load, clock)
    first = await asyncio.to_thread(keys.get)
    assert first.token
    clock.now += 0.5 * aws.lasts
    await asyncio.to_thread(keys.get)
    assert aws.loads == 1
    clock.now += 0.4 * aws.lasts
    await asyncio.to_thread(keys.get)
    assert aws.loads == 2


def test_keys_at_hand_are_used_while_they_hold_and_no_longer() -> None:
    clock, answers = Clock(1000.0), iter([Lease(value=_keys("a"), ends=1100.0), None, None, None])

    def load() -> Lease[Credentials]:
        if (lease := next(answers)) is None:
            raise AuthError("away")
        return lease

    keys = Keys(load, clock)
    assert keys.get().access_key == "a"
    clock.now = 1090.0
    assert keys.get().access_key == "a"
    clock.now = 1100.0
    with pytest.raises(AuthError, match="away"):
        keys.get()


def _keys(name: str) -> Credentials:
    return Credentials(access_key=name, secret_key="s")


def test_every_attempt_is_signed_for_its_own_second() -> None:
    clock = Clock()
    signing = Sigv4(TRACES, "eu-central-1", load=lambda: Lease(value=_keys("a"), ends=None), clock=clock)
    stamps = []
    for _ in range(2):
        request = requests.Request("POST", XRAY, data=b"x", auth=signing).prepare()
        stamps.append(request.headers["X-Amz-Date"])
        clock.now += 1
    assert stamps[0] != stamps[1]


def test_what_is_signed_follows_no_redirection(at_aws: dict[Signal, Collector]) -> None:
    here, elsewhere = at_aws.values()
    here.status, here.location = 307, f"{elsewhere.url}/v1/traces"
    with session(TRACES, "eu-central-1") as signing, pytest.raises(requests.TooManyRedirects):
        signing.post(f"{here.url}/v1/traces", data=b"x")
    assert len(here.received) == 1
    assert elsewhere.received == []


def test_large_lines_go_in_pieces_that_cloudwatch_takes(at_aws: dict[Signal, Collector]) -> None:
    telemetry = start(os.environ | {"OTEL_TRACES_EXPORTER": "none"})
    sinks = telemetry.beside(Sink())
    for number in range(40):
        sinks.write(json.dumps({"exchange": str(number), "filling": "x" * 50_000}))
    telemetry.close()
    bodies = [request.body for request in at_aws[LOGS].received]
    assert max(map(len, bodies)) < PIECE_BYTES + 60_000 < 2**20
    told = [record.body.kvlist_value.values[0].value.string_value for record in at_aws[LOGS].records()]
    assert sorted(map(int, told)) == list(range(40))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"exchange":"x","n":1180591620717411303424}', "1180591620717411303424"),
        ("no json " + CANARY, CANARY),
        ('{"exchange":"x","trace_id":"zz"}', "zz"),
        ('{"exchange":"x","trace_id":7,"deep":[{"a":null,"b":[true,1.5]}]}', "deep"),
        ("[1]", "int_value: 1"),
        ('{"exchange":"half \\ud800 of one"}', "half"),
        ("lone \ud800 surrogate", "surrogate"),
        ('{"exchange":' + "[" * 60 + "]" * 60 + "}", "[[[["),
    ],
    ids=["70 bits", "text", "no trace", "nested", "a list", "an escaped surrogate", "a surrogate", "deep"],
)
def test_a_line_of_any_shape_is_a_record(at_aws: dict[Signal, Collector], line: str, told: str) -> None:
    telemetry = start(os.environ | {"OTEL_TRACES_EXPORTER": "none"})
    telemetry.beside(Sink()).write(line)
    telemetry.close()
    (record,) = at_aws[LOGS].records()
    assert told in str(record.body)
    assert not record.trace_id


@pytest.mark.parametrize(
    ("delay", "status", "most"), [(30, 200, 2.6), (0, 403, 1.0), (0, 503, 2.6)], ids=["hangs", "refuses", "overloaded"]
)
def test_an_endpoint_in_trouble_holds_up_neither_a_call_nor_the_end(
    at_aws: dict[Signal, Collector], delay: float, status: int, most: float
) -> None:
    for collector in at_aws.values():
        collector.delay, collector.status = delay, status
    threads = set(threading.enumerate())
    telemetry = start(os.environ)
    began = time.monotonic()
    for _ in range(600):
        _one_call(telemetry)
    calls = time.monotonic()
    telemetry.close()
    assert calls - began < 2.0
    assert time.monotonic() - calls < most
    assert all(collector.received for collector in at_aws.values())
    if status == 503:
        for left in set(threading.enumerate()) - threads:
            left.join(2)
            assert not left.is_alive(), f"{left.name} goes on trying"


def test_the_queue_of_lines_forgets_its_oldest(
    at_aws: dict[Signal, Collector], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BLRP_MAX_QUEUE_SIZE", "10")
    monkeypatch.setenv("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "10")
    collector = at_aws[LOGS]
    collector.delay = 0.5
    telemetry = start(os.environ | {"OTEL_TRACES_EXPORTER": "none"})
    sinks = telemetry.beside(Sink())
    for number in range(100):
        sinks.write(json.dumps({"exchange": str(number)}))
    telemetry.close()
    told = [int(record.body.kvlist_value.values[0].value.string_value) for record in collector.records()]
    assert len(told) <= 30
    assert set(range(90, 100)) <= set(told)


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_logs_are_off_unless_asked_for_by_name() -> None:
    sink = Sink()
    for environ in ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}):
        telemetry = start(environ)
        assert telemetry.beside(sink) is sink
        telemetry.close()


def test_neither_requests_nor_the_signer_is_imported_for_a_collector_of_ones_own(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from proxy.telemetry import start\n"
        "start({'OTEL_EXPORTER_OTLP_ENDPOINT': 'http://127.0.0.1:1'}).close()\n"
        "print('proxy.otlp_signing' in sys.modules, 'botocore' in sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, env={})
    assert (ran.stdout, ran.returncode) == ("False False\n", 0), ran.stderr


PAGE = (Path(__file__).parents[1] / "docs" / "telemetry.md").read_text(encoding="utf-8")


def test_the_variables_of_the_page_are_understood() -> None:
    blocks = re.findall(r"^```\n(OTEL_EXPORTER.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        environ = dict(line.split("=", 1) for line in block.split())
        assert not [*findings(environ, TRACES), *findings(environ, LOGS)]
        assert signed_for(environ, TRACES) == "us-east-1"
        assert signed_for(environ, LOGS) == ("us-east-1" if "LOGS" in block else None)
    for signal in (TRACES, LOGS):
        assert f"`{signal.override}`" in PAGE

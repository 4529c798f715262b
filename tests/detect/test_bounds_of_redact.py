from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from policies.detect.engine import Engine
from policies.detect.lanes import OutOfTimeError
from policies.detect.redaction import Redaction
from policies.detect.replace import Schema
from policies.detect.scope import Scope
from policies.model import Deny, Json, JsonObject, Modify
from policies.redact import Redact
from policies.testing import result
from policies.text import Walk
from policies.validation import Validation
from tests.detect.redacting import CARD, EMAIL, IBAN, PHONE, SSN, decide, opened, redact, redacted


@pytest.fixture(scope="module")
def policy() -> Iterator[Redact]:
    with opened() as made:
        yield made


@pytest.fixture(scope="module")
def engine(policy: Redact) -> Engine:
    assert policy._loading
    return policy._loading.result().engine


# --- bounds and failures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [{"max_bytes": 100}, {"max_text": 50}, {"max_seconds": 1e-9}])
async def test_what_is_too_large_to_look_at_is_denied(config: dict[str, Any]) -> None:
    small = redact(**config)
    await small.open()
    try:
        assert await decide(small, result(f"{EMAIL} " * 10)) == Deny("too_large_to_redact")
    finally:
        await small.close()


async def test_when_the_rules_do_not_load_nothing_passes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ImportError("no rules")

    monkeypatch.setattr("policies.detect.catalog.engine", broken)
    policy = redact()
    await policy.open()
    try:
        depths = []
        for _ in range(20):
            with pytest.raises(ImportError) as raised:
                await decide(policy, result(EMAIL))
            depths.append(len(raised.traceback))
        # The exception is one and the same: frames that gathered in it would keep each result.
        assert max(depths) < 20
        assert "redact cannot be loaded (ImportError)" in caplog.text
    finally:
        await policy.close()


async def test_the_event_loop_runs_on_meanwhile(policy: Redact) -> None:
    work = asyncio.ensure_future(decide(policy, result(f"{SSN} and {EMAIL}; " * 2_000)))
    turns = 0
    while not work.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert isinstance(await work, Modify)
    assert turns > 5


async def test_work_that_nobody_waits_for_stops(policy: Redact) -> None:
    text = result(f"{SSN} and {EMAIL}; " * 6_000)
    work = asyncio.ensure_future(decide(policy, text))
    await asyncio.sleep(0.05)
    work.cancel()
    began = time.monotonic()
    await redacted(policy, result(EMAIL))
    assert time.monotonic() - began < 2


async def test_no_value_is_logged(policy: Redact, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await redacted(policy, result(f"IBAN DE00 3704 0044 0532 0130 00, card 4111 1111 1111 1112, {EMAIL}, {SSN}"))
    assert not [record for record in caplog.records if any(text in record.getMessage() for text in ("3704", "4111"))]


def structured_of(key: str, unit: str) -> Callable[[int], JsonObject]:
    return lambda size: {"structuredContent": {key: (unit * (size // len(unit) + 1))[:size] + "!"}}


def with_schema(size: int) -> tuple[JsonObject, Json]:
    """As many definitions as values, each value under its own."""
    count = size // 32
    mails = [{"type": "string", "format": "email", "title": str(at)} for at in range(count)]
    defs = {f"d{at}": {"properties": {"email": mail}} for at, mail in enumerate(mails)}
    schema = {"$defs": defs, "properties": {f"p{at}": {"$ref": f"#/$defs/d{at}"} for at in range(count)}}
    return {"structuredContent": {f"p{at}": {"email": f"u{at}@example.com"} for at in range(count)}}, schema


HOSTILE: Mapping[str, Callable[[int], Any]] = {
    **{
        unit: structured_of("x", unit)
        for unit in (
            "1234567 ", "1", "1 ", "a@", "@", "a@b.", "ab:cd::", ":", "1.", "1-", "(1", "+1", "+1 (555) ", "10.1.2.3 ",
            "DE89 3704 ", "AA11", "1a", "bc1q", "tel 1 ", "phone 5551234 ", "4111 1111 1111 1111 ", "123-45-6789 ",
            "السعر ٢٠٠ ريال، ", "٠", '"a":', "x'", "\\", '"\\u0040', '"\\\\', "arn:aws:a:a:1:", "-",
        )
    },
    **{f"{key} {unit}": structured_of(key, unit) for key in ("email", "phone", "dob") for unit in "@1a٠"},
    "a long word": lambda size: {"structuredContent": {"x": f"@{'1' * size}"}},
    "a long domain": lambda size: {"structuredContent": {"x": f"{'a' * size}@{'b' * size}.{'c.' * size}"}},
    "tokens and lengths": lambda size: {
        "content": [{"text": "a " * size}],
        "structuredContent": [{"email": f"a@{'b' * length}"} for length in range(5, 5 + min(size // 40, 300))],
    },
    "keys": lambda size: {"structuredContent": {f"u{at}@example.com": 1 for at in range(size // 20)}},
    "one long key": lambda size: {"structuredContent": {"ssn" * size: [1] * (size // 4)}},
    "schema": with_schema,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_no_result_takes_more_than_linear_time(engine: Engine, name: str) -> None:
    def seconds(size: int) -> float:
        made = HOSTILE[name](size)
        body, schema = made if isinstance(made, tuple) else (made, None)
        scope = Scope(max_text=1 << 20, schema=Schema(schema, Validation()) if schema else None)
        began = time.thread_time()
        Redaction(engine, scope, lambda: None).run(body, Walk.result)
        return time.thread_time() - began

    small = min(seconds(2_000) for _ in range(2))
    assert min(seconds(8_000) for _ in range(2)) < 2.5 * 4 * small + 0.01


async def test_small_results_do_not_wait_for_large_ones(policy: Redact) -> None:
    heavy = [asyncio.ensure_future(decide(policy, result(f"{CARD} {at} " * 9_000))) for at in range(4)]
    await asyncio.sleep(0.05)
    for _ in range(3):
        await redacted(policy, result(f"ask {EMAIL} or {PHONE}"))
    assert not any(work.done() for work in heavy)
    for work in heavy:
        work.cancel()
    await asyncio.wait(heavy)


async def test_large_results_do_not_wait_for_one_another(policy: Redact) -> None:
    heavy = asyncio.ensure_future(decide(policy, result(f"{CARD} " * 12_000)))
    await asyncio.sleep(0.02)
    await redacted(policy, result(f"{EMAIL} {'word ' * 10_000}"))
    assert not heavy.done()
    heavy.cancel()


def test_threads_share_an_engine(engine: Engine) -> None:
    texts = [f"{at}: {PHONE}, {SSN}, {IBAN}, tel 555 01{at:02}, {CARD}" for at in range(50)]

    def spans(text: str) -> list[Any]:
        return engine.find(text, engine.context(()), lambda: None)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(spans, texts)) == [spans(text) for text in texts]


@pytest.mark.parametrize("structured", [{"a": EMAIL}, {EMAIL: {}}, {"ssn": 536228726}, {"a": json.dumps([EMAIL])}])
def test_the_time_can_run_out_while_writing(engine: Engine, structured: Json) -> None:
    walks: list[Walk] = []
    done: list[Walk] = []

    def walk(each: Walk, body: JsonObject) -> JsonObject:
        walks.append(each)
        new = each.result(body)
        done.append(each)
        return new

    def check() -> None:
        if len(walks) > 1:
            raise OutOfTimeError

    scope = Scope(max_text=1_000)
    with pytest.raises(OutOfTimeError):
        Redaction(engine, scope, check).run({"structuredContent": structured}, walk)
    assert done == walks[:1]


def test_the_time_can_run_out_within_a_text(engine: Engine) -> None:
    for unit in (f"{EMAIL} ", "10.1.2.3 ", f"{CARD} "):
        calls: list[int] = []
        engine.find(unit * 1_000, engine.context(()), lambda calls=calls: calls.append(1))  # type: ignore[misc]
        assert len(calls) >= 10


def test_the_time_for_one_result_is_two_seconds_by_default() -> None:
    assert Redact.Config().model_dump()["max_seconds"] == 2


async def test_a_text_of_too_many_values_is_denied(policy: Redact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policies.detect.looking.MOST_VALUES", 100)
    assert await decide(policy, result(f"[{'12345,' * 100}1]")) == Deny("too_large_to_redact")


@pytest.mark.parametrize("entities", [["NOPE"], []])
def test_unknown_entities_are_a_config_error(entities: list[str]) -> None:
    with pytest.raises(ValueError, match="EMAIL_ADDRESS"):
        redact(entities=entities)


async def test_only_the_entities_asked_for_are_redacted() -> None:
    policy = redact(entities=["US_SSN"])
    await policy.open()
    try:
        clean = await redacted(policy, result(f"{EMAIL} {SSN}", structured={"email": EMAIL, "ssn": SSN}))
    finally:
        await policy.close()
    assert clean.body["content"][0]["text"] == f"{EMAIL} <US_SSN>"
    assert clean.structured == {"email": EMAIL, "ssn": "<US_SSN>"}

"""Ways past the rules that were found by looking for them, and what they cost the process."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from inspect import isawaitable
from pathlib import Path

import pytest

from policies.detect.catalog import engine
from policies.detect.detecting import GLANCED_BYTES
from policies.detect.entities import ENTITIES, LOCALES
from policies.detect.prose import is_plain, is_prose
from policies.jsontext import dumps
from policies.model import ALLOW, Json, JsonObject, Modify, Result
from policies.redact import Redact
from policies.secrets import Secrets
from policies.testing import build, call, result, services, tool
from policies.tokenize import Tokenize
from tests.detect.redacting import EMAIL, opened, redact, redacted


@pytest.fixture(scope="module")
def policy() -> Iterator[Redact]:
    with opened() as made:
        yield made


class Never:
    """Never gets to the work."""

    def start(self, _: object) -> Future[None]:
        return Future()


def unloaded(made: type[Redact] | type[Secrets]) -> Redact | Secrets:
    """Open, and its rules not there yet."""
    policy = build(made, replace(services(), behind=Never()))
    asyncio.run(policy.open())
    assert isinstance(policy, made)
    return policy


def base64_of(text: str, times: int = 1) -> str:
    for _ in range(times):
        text = base64.b64encode(text.encode()).decode()
    return text


async def test_what_was_too_deep_to_read_is_read_where_it_is_not(policy: Redact) -> None:
    said = base64_of(f"mail {EMAIL} now ok")
    clean = await redacted(policy, result(structured={"a": [base64_of(said, 3), said]}))
    assert clean.structured["a"][1] == base64_of("mail <EMAIL_ADDRESS> now ok")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("first\\_last@example.com, jane\\.doe@example\\.com", "<EMAIL_ADDRESS>, <EMAIL_ADDRESS>"),
        ("ssn 536\\-22\\-8726", "ssn <US_SSN>"),
        ("write jose\u0301.garci\u0301a@example.com", "write <EMAIL_ADDRESS>"),
    ],
)
async def test_markdowns_backslashes_and_accents_apart_hide_nothing(policy: Redact, text: str, clean: str) -> None:
    assert (await redacted(policy, result(text))).content[0]["text"] == clean


async def test_a_name_is_known_however_its_accents_are_written(policy: Redact) -> None:
    given = result("Andre\u0301s called, and Andr\u00e9s", structured={"first_name": "Andre\u0301s"})
    assert (await redacted(policy, given)).content[0]["text"] == "<PERSON> called, and <PERSON>"


@pytest.mark.parametrize(("named", "value"), [("name", "value"), ("Name", "Value"), ("Key", "Value")])
async def test_a_name_beside_a_value_tells_what_it_is_in_either_case(policy: Redact, named: str, value: str) -> None:
    given = [{named: "given_name", value: "Marianne"}, {named: "ssn", value: 536228726}]
    clean = await redacted(policy, result(structured={"UserAttributes": given}))
    assert [each[value] for each in clean.structured["UserAttributes"]] == ["<PERSON>", 0]


@pytest.mark.parametrize(
    "text",
    [
        "jane (at) example (dot) com",
        "jane(at)example.com",
        "jane arroba example punto com",
        "jane AT example.com",
        "see www.example.com",
    ],
)
def test_an_address_in_words_waits_for_the_rules(text: str) -> None:
    assert not is_prose(result(text).body)


def test_such_an_address_in_a_description_waits_as_well() -> None:
    assert not is_plain("Ask jane (at) example (dot) com")
    assert is_plain("Looks at orders, and at this point at nothing else".replace("point ", "time "))


@pytest.mark.parametrize("presidio", [{"recognizers": ["mine:Mine"]}, {"files": ["mine.yaml"]}])
def test_what_recognizers_of_ones_own_may_find_waits(presidio: JsonObject, tmp_path: Path) -> None:
    policy = build(Redact, replace(services(), folder=tmp_path), presidio=presidio)
    pending = policy.on_result(call(), result("see the emp here"))
    assert pending is not ALLOW
    pending.close()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("initialize", {"serverInfo": {"name": "x", "version": "1.2.3.4", "description": f"of {EMAIL}"}}),
        ("initialize", {"_meta": {"owner": EMAIL}}),
        ("initialize", {"instructions": "Plain.", "note": [EMAIL]}),
        ("server/discover", {"_meta": {"io.modelcontextprotocol/serverInfo": {"title": EMAIL, "version": "1.2.3.4"}}}),
        ("tools/list", {"tools": [{"name": "t"}], "_meta": {"owner": EMAIL}}),
        ("tools/list", {"tools": [], "note": EMAIL}),
    ],
)
async def test_greetings_and_lists_are_read_beside_what_only_the_protocol_reads(
    policy: Redact, method: str, body: JsonObject
) -> None:
    clean = await redacted(policy, Result(body=body), call(method=method))
    assert dumps(clean.body) == dumps(body).replace(EMAIL.encode(), b"<EMAIL_ADDRESS>")


@pytest.mark.parametrize("made", [Redact, Secrets])
def test_a_plain_greeting_or_list_waits_for_no_rules(made: type[Redact] | type[Secrets]) -> None:
    info = {"name": "x", "version": "12.34.567", "title": "Orders"}
    bodies: dict[str, JsonObject] = {
        "initialize": {"serverInfo": info, "protocolVersion": "2025-11-25", "capabilities": {}},
        "tools/list": {"tools": [{"name": "a" * 50}], "_meta": {"io.modelcontextprotocol/serverInfo": info}},
    }
    for method, body in bodies.items():
        assert unloaded(made).on_result(call(method=method), Result(body=body)) is ALLOW


async def test_others_words_in_a_tools_meta_are_read(policy: Redact) -> None:
    decision = policy.on_tool(tool("t", _meta={"owner": EMAIL}), call().caller)
    decision = await decision if isawaitable(decision) else decision
    assert isinstance(decision, Modify)
    assert decision.value.definition["_meta"] == {"owner": "<EMAIL_ADDRESS>"}  # type: ignore[union-attr]


@pytest.mark.parametrize("key", ["k" * 1_000, "a b c " * 1_000])
def test_no_long_key_is_kept(key: str) -> None:
    made = engine(ENTITIES, LOCALES, 0.4)
    made.key(key, lambda: None)
    made.below((key,))[key]
    assert made.context((key, key)) is made.context((key[:64], key[:64]))
    kept = [*made.plain_keys, *(each for table in (made._contexts, made._below) for keys in table for each in keys)]
    kept += [each for below in made._below.values() for each in below]
    assert max(map(len, kept)) <= 64


async def test_the_event_loop_runs_on_while_a_large_document_is_glanced_at() -> None:
    policy = build(Secrets)
    await policy.open()
    small = policy.on_result(call(), result("&#65;"))
    assert small is ALLOW or isinstance(await small, object)  # type: ignore[misc]
    began = time.perf_counter()
    pending = policy.on_result(call(), result("&#65;" * (GLANCED_BYTES // 2)))
    assert time.perf_counter() - began < 0.05
    assert isawaitable(pending)
    assert await pending is ALLOW
    await policy.close()


async def test_the_event_loop_runs_on_while_a_large_call_is_opened() -> None:
    policy = build(Tokenize, services(keys={"file:ring": [b"1" * 32]}), keys="file:ring", scope="global")
    await policy.open()
    pending = policy.on_call(call("send", {"text": "<a:k1 " * 50_000}))
    assert isawaitable(pending)
    ticks = 0
    task = asyncio.ensure_future(pending)
    while not task.done():
        await asyncio.sleep(0.001)
        ticks += 1
    assert task.result() is not ALLOW
    assert ticks > 3
    await policy.close()


def test_arguments_cannot_be_redacted_by_what_opens_tokens_in_them() -> None:
    tokens: dict[str, Json] = {"keys": "file:ring", "scope": "global"}
    for config in ({"arguments": True, "tokens": tokens, "action": "tokenize"},):
        with pytest.raises(ValueError, match="arguments"):
            redact(**config)
    with pytest.raises(ValueError, match="arguments"):
        build(Tokenize, arguments=True, **tokens)

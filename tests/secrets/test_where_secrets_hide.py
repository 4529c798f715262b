"""What a document's escapes, brackets and blobs do not hide."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pytest

from policies.jsontext import dumps
from policies.model import ALLOW, Deny, Modify, Result
from policies.secrets import Secrets
from policies.testing import build, call, result, services, tool

KEY = "AKIA" + "Q4TZ7NLWD3HVXKEB"
TOKEN = "ghp_" + "9aKfL2mQx7RtWv3ZcB8nYs5Dj1Hg6PeU0oIr"
SAID = f"the token is {TOKEN} ok??>>"


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wrapped(text: str, width: int, end: str = "\n") -> str:
    """As GitHub and MIME write base64."""
    whole = base64_of(text)
    return end.join(whole[at : at + width] for at in range(0, len(whole), width)) + end


@pytest.fixture(scope="module")
def policy() -> Iterator[Secrets]:
    made = build(Secrets)
    asyncio.run(made.open())
    yield made  # type: ignore[misc]
    asyncio.run(made.close())


async def decided(policy: Secrets, given: Result) -> Any:
    decision = policy.on_result(call(), given)
    return await decision if isawaitable(decision) else decision


@pytest.mark.parametrize(
    "text",
    [
        f"line\n{base64_of(SAID)}",
        f"a\t{base64_of(SAID)}",
        f"C:\\{base64_of(SAID)}",
        json.dumps({"a": f"x\n{base64_of(SAID)}"}, indent=3),
        json.dumps({"a": base64_of(SAID)}).replace("/", "\\/").replace("+", "\\u002b"),
        *(wrapped(f"// here is some code, 123 {SAID}", width) for width in (60, 64, 76)),
        wrapped(f"// here is some code, 123 {SAID}", 76, "\r\n"),
        json.dumps({"content": wrapped(f"// here is some code, 123 {SAID}", 60)}),
        f"{'a' * 60}\n{wrapped('x' * 45 + SAID, 60)}",
    ],
    ids=range(11),
)
async def test_base64_is_read_wherever_it_begins_and_however_it_is_wrapped(policy: Secrets, text: str) -> None:
    decision = await decided(policy, result(text))
    assert isinstance(decision, Modify)
    again = await decided(policy, decision.value)  # type: ignore[arg-type]
    assert again is ALLOW


@pytest.mark.parametrize("text", [f"<{KEY}>", f"<TOKEN:{TOKEN}>", f"<SECRET:{TOKEN}>", f"**{TOKEN}**"])
async def test_what_looks_like_a_label_hides_nothing(policy: Secrets, text: str) -> None:
    decision = await decided(policy, result(text))
    assert isinstance(decision, Modify)
    assert TOKEN not in dumps(decision.value.body).decode()  # type: ignore[union-attr]
    denied = policy.on_call(call("send", {"text": text}))
    assert isinstance(await denied if isawaitable(denied) else denied, Deny)


async def test_a_password_in_an_address_with_escaped_slashes_is_found(policy: Secrets) -> None:
    text = json.dumps({"url": "postgres://app:cGBhyR2bGfXfcx@db.internal/orders"}).replace("/", "\\/")
    decision = await decided(policy, result(text))
    assert isinstance(decision, Modify)
    assert b"cGBhyR2bGfXfcx" not in dumps(decision.value.body)  # type: ignore[union-attr]


async def test_a_blob_that_is_text_is_read(policy: Secrets) -> None:
    blob = base64_of(f"Hello, this is a file with {TOKEN} and MORE in it")
    resource = {"uri": "file:///a", "mimeType": "text/plain", "blob": blob}
    decision = await decided(policy, result(content=[{"type": "resource", "resource": resource}]))
    assert isinstance(decision, Modify)
    new = decision.value.body["content"][0]["resource"]["blob"]  # type: ignore[union-attr]
    assert base64.b64decode(new) == b"Hello, this is a file with <SECRET> and MORE in it"


@pytest.mark.parametrize("text", ["the code is acme-12", "passwort ist hUnter22"])
async def test_before_the_rules_are_there_what_they_could_match_waits(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[[rules]]\nid = "acme"\nregex = "acme-[0-9]{2}"\n')
    policy = build(Secrets, replace(services(), folder=tmp_path), rules=["mine.toml"])
    assert isinstance(policy, Secrets)
    await policy.open()
    policy._worker = None
    for pending in (policy.on_result(call(), result(text)), policy.on_tool(tool("t", description=text), call().caller)):
        assert isawaitable(pending)
        assert isinstance(await pending, Modify)
    await policy.close()

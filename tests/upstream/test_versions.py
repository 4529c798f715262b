"""A handshake with a server that takes some revisions and refuses the others, as a gateway's supportedVersions do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from proxy.errors import RpcError
from proxy.upstream import Origin
from tests.upstream.fake import HANDSHAKE, MODERN, Fake, Seen, handshake, modern

CALL: dict[str, Any] = {"name": "echo", "arguments": {}}
NOW = Origin(version=MODERN, session="a")


def taking(*versions: str, refusal: tuple[int, int, bool], sessions: bool = False) -> Callable[[Seen], Awaitable[None]]:
    """A server that refuses every other revision, by code and HTTP status, and says which it takes, or not."""
    code, status, says = refusal
    plain = handshake(sessions=sessions)
    numbers = iter(range(1, 100))

    async def answer(seen: Seen) -> None:
        wished = seen.params.get("protocolVersion") if seen.method == "initialize" else None
        version = wished or seen.headers.get("mcp-protocol-version", "2025-03-26")
        if version not in versions:
            return await seen.error(code, status, {"supported": list(versions), "requested": version} if says else None)
        if wished is None:
            return await plain(seen)
        session = {"mcp_session_id": f"v{next(numbers)}"} if sessions else {}
        if sessions:
            plain.live.add(session["mcp_session_id"])  # type: ignore[attr-defined]
        info = {"name": "fake", "version": "1"}
        return await seen.result(
            {"protocolVersion": wished, "capabilities": {"tools": {}}, "serverInfo": info}, **session
        )

    return answer


REFUSALS = [(-32602, 200, True), (-32602, 200, False), (-32022, 400, True), (-32600, 400, False), (-32000, 400, False)]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("version", ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])
async def test_a_revision_that_the_upstream_takes_is_found(
    to: Any, version: str, refusal: tuple[int, int, bool]
) -> None:
    async with Fake(taking(version, refusal=refusal)) as fake:
        upstream = await to(fake.url)
        await upstream.request("tools/call", CALL, NOW)
        assert upstream.known().version == version
        assert fake.asked("tools/call")[0].headers["mcp-protocol-version"] == version
        wished = [seen.params["protocolVersion"] for seen in fake.asked("initialize")]
        assert wished[-1] == version
        assert len(wished) <= (2 if refusal[2] else 4)


async def test_the_newest_of_several_is_taken_and_later_sessions_begin_with_it(to: Any) -> None:
    async with Fake(taking("2025-03-26", "2025-06-18", refusal=(-32602, 200, False), sessions=True)) as fake:
        upstream = await to(fake.url)
        for session in ("a", "b"):
            await upstream.request("tools/call", CALL, Origin(version=HANDSHAKE, session=session))
        wished = [seen.params["protocolVersion"] for seen in fake.asked("initialize")]
        assert wished == ["2025-11-25", "2025-06-18", "2025-06-18"]


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_with_no_revision_in_common_the_refusal_is_the_answer(to: Any, refusal: tuple[int, int, bool]) -> None:
    async with Fake(taking("1999-01-01", refusal=refusal)) as fake:
        with pytest.raises(RpcError) as caught:
            await (await to(fake.url)).request("tools/call", CALL, NOW)
        assert caught.value.code == refusal[0]
        assert len(fake.asked("initialize")) <= 4


async def test_an_error_that_is_not_about_revisions_is_not_asked_around(to: Any) -> None:
    async def refuse(seen: Seen) -> None:
        await seen.error(-32603)

    async with Fake(refuse) as fake:
        with pytest.raises(RpcError):
            await (await to(fake.url)).request("tools/call", CALL, NOW)
        assert len(fake.asked("initialize")) == 1


async def test_an_upstream_that_takes_the_modern_revision_alone_is_never_greeted(to: Any) -> None:
    async with Fake(modern()) as fake:
        await (await to(fake.url)).request("tools/call", CALL, NOW)
        assert fake.asked("initialize") == []


async def test_an_upstream_that_comes_to_want_sessions_gets_one(to: Any) -> None:
    async def wants_one(seen: Seen) -> None:
        if seen.method != "initialize" and "mcp-session-id" not in seen.headers:
            await seen.error(-32600, 400)
        else:
            await with_sessions(seen)

    with_sessions = handshake(sessions=True)
    async with Fake(handshake()) as fake:
        upstream = await to(fake.url)
        await upstream.request("tools/call", CALL, Origin(version=HANDSHAKE, session="a"))
        fake.answer = wants_one
        upstream._greeter._probed = 0.0
        await upstream.request("tools/call", CALL, Origin(version=HANDSHAKE, session="a"))
        assert fake.asked("tools/call")[-1].headers["mcp-session-id"]

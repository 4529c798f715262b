"""What happens while the door is not open yet, and where a policy is not ready."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy import door as doors
from proxy.app import compose, door_of, http_app
from proxy.behind import Behind
from proxy.door import Door
from proxy.server import listen, server
from proxy.services import services
from proxy.settings import load
from tests.mcp_wire import ERAS, MODERN, rpc
from tests.rich_upstream import RichUpstream
from tests.running import until

REDACT = '[[policy]]\nuse = "redact"\n'


class Held:
    """A proxy whose imports have not begun; `behind.go()` lets them."""

    def __init__(self, upstream: str, tmp_path: Path, policies: str = "", door: Door | None = None) -> None:
        file = tmp_path / "policies.toml"
        file.write_text(policies)
        self.settings = load({}, upstream=upstream, policies=file)
        self.behind = Behind()
        self.behind.hold()
        self.proxy = compose(self.settings, lent=services(self.settings, self.behind))
        self.door = door or door_of(self.proxy)

    async def __aenter__(self) -> Held:
        bound = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{bound.getsockname()[1]}/mcp"
        self._running = self.proxy.running()
        await self._running.__aenter__()
        self._app = http_app(self.proxy, self.door)
        self._serving = server(await self._app.__aenter__(), 0.2)
        self._task = asyncio.create_task(self._serving.serve(sockets=[bound]))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.behind.go()
        self._serving.should_exit = True
        await self._task
        await self._app.__aexit__(None, None, None)
        await self._running.__aexit__(None, None, None)
        await asyncio.to_thread(self.behind.end, 20)

    async def ready(self) -> Any:
        async with aiohttp.ClientSession() as session, session.get(self.url.replace("/mcp", "/readyz")) as answer:
            return await answer.json()


@pytest.mark.parametrize("era", ERAS)
async def test_plain_messages_are_answered_before_the_door_opens_and_the_others_wait_for_it(
    era: str, tmp_path: Path
) -> None:
    async with RichUpstream(era).running() as upstream, Held(upstream.url, tmp_path) as held:
        assert (await rpc(held.url, "tools/list", {}, era)).result["tools"]
        assert (await held.ready())["door"] == "opening"
        waiting = asyncio.create_task(rpc(held.url, "prompts/list", {}, era))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        held.behind.go()
        assert "prompts" in (await waiting).result
        assert (await held.ready())["door"] == "open"


async def test_a_door_that_does_not_open_in_time_says_so_and_the_lane_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "OPENS_S", 0.05)
    async with RichUpstream(MODERN).running() as upstream, Held(upstream.url, tmp_path) as held:
        refused = await rpc(held.url, "prompts/list", {}, MODERN)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
        assert (await rpc(held.url, "tools/list", {}, MODERN)).status == 200


async def test_a_door_that_cannot_open_says_so_and_the_lane_goes_on(tmp_path: Path) -> None:
    def broken() -> None:
        raise ImportError("no fastmcp")

    async with RichUpstream(MODERN).running() as upstream:
        held = Held(upstream.url, tmp_path)
        held.door = Door(load=broken, make=held.proxy.fastmcp, behind=held.behind)
        async with held:
            held.behind.go()
            assert (await rpc(held.url, "prompts/list", {}, MODERN)).status == 503
            assert (await held.ready())["door"] == "failed"
            assert (await rpc(held.url, "tools/list", {}, MODERN)).status == 200


async def test_a_result_waits_for_a_policy_that_is_not_ready_and_is_never_let_past_it(tmp_path: Path) -> None:
    async with RichUpstream(MODERN).running() as upstream, Held(upstream.url, tmp_path, REDACT) as held:
        params = {"name": "echo", "arguments": {"mail": "jane@example.com"}}
        waiting = asyncio.create_task(rpc(held.url, "tools/call", params, MODERN))
        await until(lambda: len(upstream.bodies("tools/call")) == 1)
        await asyncio.sleep(0.1)
        assert not waiting.done()
        held.behind.go()
        reply = await waiting
        assert "jane@example.com" not in str(reply.messages)
        assert reply.result["content"]


async def test_a_result_is_denied_when_the_policy_is_not_ready_in_time(tmp_path: Path) -> None:
    policies = REDACT + "timeout_ms = 50\n"
    async with RichUpstream(MODERN).running() as upstream, Held(upstream.url, tmp_path, policies) as held:
        params = {"name": "echo", "arguments": {"mail": "jane@example.com"}}
        reply = await rpc(held.url, "tools/call", params, MODERN)
        assert reply.result["isError"] is True
        assert "policy_error" in reply.result["content"][0]["text"]
        assert "jane@example.com" not in str(reply.messages)


def test_a_process_composes_without_what_is_imported_behind_it(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "import proxy.process, proxy.server, proxy.lane\n"
        "from proxy.app import compose\n"
        "from proxy.settings import load\n"
        "for mode in ('none', 'iam'):\n"
        "    compose(load({}, upstream='https://x.execute-api.us-east-1.amazonaws.com/mcp', auth_mode=mode))\n"
        "print(*{name.split('.')[0] for name in sys.modules})\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    late = {"fastmcp", "mcp", "mcp_types", "starlette", "httpx2", "botocore", "presidio_analyzer", "opentelemetry"}
    assert set(found.stdout.split()) & late == set()


def test_pieces_of_work_are_done_one_after_another_in_order() -> None:
    behind, done = Behind(), list[int]()
    behind.hold()
    futures: list[Future[None]] = [behind.start(partial(done.append, number)) for number in range(5)]
    assert done == []
    behind.go()
    for future in futures:
        future.result(5)
    assert done == [0, 1, 2, 3, 4]


def test_what_a_piece_of_work_raises_is_told_to_whoever_waits_and_stops_no_other() -> None:
    behind = Behind()
    failed, fine = behind.start(lambda: 1 // 0), behind.start(lambda: 2)
    with pytest.raises(ZeroDivisionError):
        failed.result(5)
    assert fine.result(5) == 2


def test_a_process_that_ends_begins_no_more_of_it() -> None:
    behind, done = Behind(), list[int]()
    behind.hold()
    behind.start(partial(done.append, 1))
    behind.end(5)
    assert done == []


def test_the_version_that_is_told_is_the_installed_one() -> None:
    from importlib.metadata import version

    from proxy import VERSION

    assert version("mcp-policy-proxy") == VERSION

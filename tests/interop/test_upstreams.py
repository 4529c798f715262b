"""Real upstreams behind the proxy: whatever is listed, called, read or completed answers as it does directly.

What is compared is the raw JSON-RPC answer. Where the caller speaks an era that the upstream does not, the one allowed
difference is what the caller's era demands of every answer (revision 2026-07-28: `resultType`, and `ttlMs` with
`cacheScope` on what may be cached).
"""

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path

import pytest

from .compare import differences
from .conftest import Installed
from .recordings import ERAS, Recording, Recordings, proxied_wire, reach, record_both, running
from .steps import tools_called
from .upstreams import EVERYTHING_HTTP, EVERYTHING_STDIO, PLACE, UPSTREAMS, Upstream
from .wire import Era, Json

pytestmark = pytest.mark.interop

Recorded = Callable[[Upstream], Recordings]
CACHING: Json = {"ttlMs": 0, "cacheScope": "private"}
ABLE: Json = {"sampling": {}, "elicitation": {"form": {}, "url": {}}, "roots": {}}
ASKING: tuple[Json, ...] = (
    {"name": "trigger-sampling-request", "arguments": {"prompt": "hello"}},
    {"name": "trigger-elicitation-request", "arguments": {}},
    {"name": "trigger-url-elicitation", "arguments": {"url": "https://example.com/"}},
    {"name": "get-roots-list", "arguments": {}},
)
PAIRS = [pytest.param(upstream, era, id=f"{upstream.name}-{era}") for upstream in UPSTREAMS for era in ERAS]
STEPS = [
    pytest.param(upstream, era, step.label, step.method, id=f"{upstream.name}-{era}-{step.label}")
    for upstream in UPSTREAMS
    for era in ERAS
    for step in upstream.steps(PLACE)
]


@pytest.fixture(scope="module")
def recorded(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The recordings of an upstream, made once."""

    @functools.cache
    def make(upstream: Upstream) -> Recordings:
        return asyncio.run(record_both(upstream, tmp_path_factory.mktemp(upstream.name)))

    def get(upstream: Upstream) -> Recordings:
        installed(upstream.environment)
        return make(upstream)

    return get


@pytest.mark.parametrize("upstream", UPSTREAMS, ids=lambda upstream: upstream.name)
def test_every_tool_that_an_upstream_lists_is_called(recorded: Recorded, upstream: Upstream) -> None:
    for recording in map(_made, recorded(upstream).direct.values()):
        listed = {tool["name"] for tool in recording.answers["tools/list"].body["result"]["tools"]}
        assert listed == tools_called(upstream.steps(PLACE))


@pytest.mark.parametrize(("upstream", "era", "label", "method"), STEPS)
def test_a_proxied_answer_equals_the_direct_one(
    recorded: Recorded, upstream: Upstream, era: Era, label: str, method: str
) -> None:
    proxied = _made(recorded(upstream).proxied[era]).answers[label]
    direct = _direct(recorded(upstream), upstream).answers[label]
    assert "unanswered" not in direct.body
    assert differences(_as_seen_in(era, direct.body, method), proxied.body) == []
    assert differences([*direct.progress], [*proxied.progress]) == []


@pytest.mark.parametrize(("upstream", "era"), PAIRS)
def test_a_caller_meets_the_upstreams_own_name_and_instructions(
    recorded: Recorded, upstream: Upstream, era: Era
) -> None:
    direct = _direct(recorded(upstream), upstream).hello
    proxied = _made(recorded(upstream).proxied[era]).hello
    assert differences(_introduction(direct), _introduction(proxied)) == []
    assert set(proxied["capabilities"]) == _kept(set(direct["capabilities"]), era, upstream)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("upstream", [EVERYTHING_HTTP, EVERYTHING_STDIO], ids=lambda upstream: upstream.name)
async def test_a_tool_that_asks_its_caller_back_is_answered_at_once(
    installed: Installed, tmp_path: Path, upstream: Upstream, era: Era
) -> None:
    """With an error, or as it answers a direct caller that refuses what it is asked: never with a wait."""
    installed(upstream.environment)
    with running(upstream, tmp_path, tmp_path) as server:
        async with reach(upstream, server, tmp_path, "handshake", ABLE) as wire:
            refused = [await wire.ask("tools/call", call, within=10) for call in ASKING]
        async with proxied_wire(upstream, server, tmp_path, tmp_path, era, ABLE) as wire:
            proxied = [await wire.ask("tools/call", call, within=10) for call in ASKING]
    for call, direct, answer in zip(ASKING, refused, proxied, strict=True):
        failed = "error" in answer.body or answer.body["result"].get("isError")
        assert failed or answer.body["result"]["content"] == direct.body["result"]["content"], (call, answer.body)


def _made(recording: Recording) -> Recording:
    if recording.failure:
        pytest.fail(recording.failure, pytrace=False)
    return recording


def _direct(recordings: Recordings, upstream: Upstream) -> Recording:
    """The direct view in the newest era that the upstream speaks, which is the one the proxy speaks with it."""
    return _made(recordings.direct[upstream.eras[-1]])


def _kept(capabilities: set[str], era: Era, upstream: Upstream) -> set[str]:
    """Tasks end at the proxy. A modern upstream logs per request, for which a handshake caller looks for `logging`."""
    translated = {"logging"} if era == "handshake" and "modern" in upstream.eras else set()
    return capabilities - {"tasks"} | translated


def _introduction(hello: Json) -> Json:
    """serverInfo moved to `_meta` in revision 2026-07-28."""
    named = hello.get("serverInfo") or hello.get("_meta", {}).get("io.modelcontextprotocol/serverInfo")
    return {"serverInfo": named, "instructions": hello.get("instructions")}


def _as_seen_in(era: Era, body: Json, method: str) -> Json:
    """The answer with what the caller's era demands of every answer, or without what only the other era knows."""
    if "error" in body:
        return body
    result: Json = body["result"]
    if era == "handshake":
        return {
            "result": {key: value for key, value in result.items() if key not in CACHING | {"resultType": "complete"}}
        }
    cached = method.endswith("/list") or method == "resources/read"
    return {"result": {"resultType": "complete"} | (CACHING if cached else {}) | result}

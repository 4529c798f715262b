"""One composition of the proxy, twice: as it is, and with the lane left out. Each side has an upstream of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from proxy.services import services
from proxy.settings import AuthMode, load
from proxy.spans import Tracing
from tests.differential import seen
from tests.differential.case import Case, case
from tests.differential.seen import Seen
from tests.differential.upstream import ScriptedUpstream
from tests.differential.wire import Answer, sent
from tests.running import Doors, Running, proxy_before, until

Traces: TypeAlias = Mapping[str, Sequence[Any]]

CHAIN: Final = Path(__file__).parent / "chain" / "policies.toml"
_BOUNDS: Final = {"unknown_s": 1e-9, "ttl_min_s": 3600}
"""Every unknown name asks the upstream, and nothing else does: what it is asked is then the same on both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the proxies of both sides stand in."""

    name: str
    era: str
    sessions: bool = False
    auth_mode: AuthMode = "none"


@dataclass(frozen=True, slots=True)
class Asking:
    """One request on its way through one side: the answer, the lines of the audit, what the upstream was asked."""

    answer: Answer
    lines: Sequence[dict[str, Any]]
    upstream: Sequence[Any]


@dataclass(slots=True)
class _Lines:
    """A sink that keeps."""

    written: list[str] = field(default_factory=list)

    def write(self, line: str) -> None:
        self.written.append(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side, running. `spans` are complete once it has ended."""

    doors: Doors
    running: Running
    upstream: ScriptedUpstream
    lines: _Lines
    spans: InMemorySpanExporter

    def traces(self) -> Traces:
        """The spans of each exchange. Call it when the side has ended."""
        return seen.by_exchange(self.spans.get_finished_spans())

    async def ask(self, case: Case) -> Asking:
        """Send the case, and gather what came of it."""
        del self.upstream.asked[:], self.lines.written[:]
        port = urlsplit(self.running.url).port or 0
        answer = await sent(port, case.head(port), case.sent_body())
        lines = [seen.line(text) for text in self.lines.written]
        return Asking(answer, lines, [seen.asked(request) for request in self.upstream.asked])

    @property
    def ended(self) -> int:
        """Upstream sessions ended so far. That happens beside the requests, so it is counted over all of them."""
        return len(self.upstream.deleted)


@contextlib.asynccontextmanager
async def side(around: Around, doors: Doors, tmp_path: Path) -> AsyncIterator[Side]:
    """A proxy before a scripted upstream, its catalog filled and its door open."""
    lines, spans, tracing = _Lines(), InMemorySpanExporter(), Tracing({})
    tracing.export_to(spans)
    flags: dict[str, Any] = {
        "telemetry": tracing,
        "lent": replace(services(load({})), sinks=lines),
        "doors": doors,
        "bounds": dict(_BOUNDS),
        "forward_headers": ("X-Forwarded-On",),
        "auth_mode": around.auth_mode,
    }
    upstream = ScriptedUpstream(around.era, sessions=around.sessions)
    async with (
        upstream.running(),
        proxy_before(upstream.url, tmp_path, CHAIN, **flags) as running,
    ):
        if around.auth_mode == "none":
            await until(lambda: len(running.proxy.catalogs.main) == len(upstream.tools))
        made = Side(doors=doors, running=running, upstream=upstream, lines=lines, spans=spans)
        # What is imported in the background is there once these are answered.
        for method in ("prompts/list", "tools/call"):
            await made.ask(case("first", method))
        yield made


@contextlib.asynccontextmanager
async def sides(around: Around, tmp_path: Path) -> AsyncIterator[tuple[Side, Side]]:
    """The proxy as it is, and the proxy without its lane."""
    async with side(around, "both", tmp_path) as lane, side(around, "door", tmp_path) as door:
        yield lane, door


def told(asking: Asking, traces: Traces) -> Seen:
    """What is compared of a request, once the spans are in."""
    return Seen(
        status=asking.answer.status,
        kind=seen.kind_of(asking.answer),
        headers=seen.headers_of(asking.answer),
        streaming=seen.streaming(asking.answer),
        whole=seen.whole(asking.answer),
        messages=seen.messages(asking.answer),
        audit=[seen.audited(line) for line in asking.lines],
        spans=[span for line in asking.lines for span in traces.get(line["exchange"], ["no span"])],
        upstream=asking.upstream,
    )

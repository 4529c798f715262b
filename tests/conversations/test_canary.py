"""What a policy removed, what was refused and what is secret appears nowhere: a canary is planted everywhere."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from proxy.spans import Tracing
from tests.mcp_wire import MODERN, rpc
from tests.rich_upstream import RichUpstream
from tests.running import proxy_before

pytestmark = pytest.mark.usefixtures("doors")

CANARY = "canary-4b1d7e90"
MAIL = f"{CANARY}@example.com"

POLICY = f'''
from policies.model import ALLOW, Deny
from policies.policy import Policy


class Leak(Policy):
    """Leaks what it can in each hook."""

    def on_call(self, call):
        if call.arguments.get("raise"):
            raise RuntimeError("{CANARY} " + str(call.arguments))
        if call.arguments.get("deny"):
            return Deny("because", "for the audit only")
        if call.arguments.get("garbage"):
            return "{CANARY}"
        return ALLOW

    def on_result(self, call, result):
        if call.arguments.get("raise_late"):
            raise ValueError("{CANARY}")
        return ALLOW
'''
SHORT = """
[[policy]]
use = "redact"
[[policy]]
use = "audit"
[[policy]]
use = "leak_policy:Leak"
"""
WHOLE = """
[[policy]]
use = "sanitize"
[[policy]]
use = "redact"
[[policy]]
use = "secrets"
[[policy]]
use = "tokenize"
config = { keys = "ephemeral:", scope = "global", flows = [{ to = "*" }] }
[[policy]]
use = "audit"
[[policy]]
use = "leak_policy:Leak"
"""


def _tracing(memory: InMemorySpanExporter) -> Tracing:
    tracing = Tracing({})
    tracing.export_to(memory)
    return tracing


@pytest.mark.parametrize("chain", [SHORT, WHOLE], ids=["short", "whole"])
async def test_a_canary_planted_anywhere_appears_in_no_log_span_audit_line_or_error(
    chain: str,
    upstream: RichUpstream,
    era: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    spans = InMemorySpanExporter()
    (tmp_path / "leak_policy.py").write_text(POLICY)
    caplog.set_level(logging.DEBUG)
    upstream.instructions = f"Write to {MAIL} for help."
    upstream.tools[1] = {**upstream.tools[1], "description": f"Ask {MAIL} first."}
    upstream.results["untitled"] = {
        "content": [{"type": "text", "text": json.dumps({"mail": MAIL})}],
        "structuredContent": {"mail": MAIL},
        "_meta": {"a.b/mail": MAIL},
    }
    upstream.results["failing"] = {"content": [{"type": "text", "text": f"no such user {MAIL}"}], "isError": True}
    told: list[Any] = []
    async with proxy_before(upstream.url, tmp_path, chain, telemetry=_tracing(spans)) as running:
        headers = {"authorization": f"Bearer {CANARY}", "x-secret": CANARY, "cookie": f"a={CANARY}"}
        for method, params in (
            ("tools/call", {"name": "untitled", "arguments": {"a": CANARY}, "_meta": {"a.b/c": CANARY}}),
            ("tools/call", {"name": "failing", "arguments": {"a": CANARY}}),
            ("tools/call", {"name": "untitled", "arguments": {"raise": CANARY}}),
            ("tools/call", {"name": "untitled", "arguments": {"raise_late": CANARY}}),
            ("tools/call", {"name": "untitled", "arguments": {"deny": CANARY}}),
            ("tools/call", {"name": "untitled", "arguments": {"garbage": CANARY}}),
            ("tools/call", {"name": CANARY, "arguments": {}}),
            ("tools/call", {"name": "untitled", "arguments": [CANARY]}),
            ("prompts/get", {"name": CANARY, "arguments": {"a": CANARY}}),
            ("resources/read", {"uri": f"a://{CANARY}"}),
            (f"vendor/{CANARY}", {"a": CANARY}),
        ):
            told.append((await rpc(running.url, method, params, era, headers=headers)).messages)
        told.append(
            (await rpc(running.url, "server/discover" if era == MODERN else "initialize", _hello(era), era)).messages
        )
        told.append((await rpc(running.url, "tools/list", {}, era)).messages)
    out, err = capfd.readouterr()
    kinds = {span.kind.name for span in spans.get_finished_spans()}
    assert {"SERVER", "CLIENT"} <= kinds, "without spans the test would prove nothing"
    assert out.count('"tools/call"') >= 7, "without audit lines the test would prove nothing"
    traced = "".join(span.to_json() for span in spans.get_finished_spans())
    own = [record.getMessage() for record in caplog.records if record.name.startswith(("proxy", "policies"))]
    assert CANARY not in traced
    assert CANARY not in out
    assert CANARY not in err
    assert not [line for line in own if CANARY in line]
    assert CANARY not in json.dumps([*told[:8], *told[-2:]])


def _hello(era: str) -> dict[str, Any]:
    info = {"name": CANARY, "version": "1"}
    return {} if era == MODERN else {"protocolVersion": era, "capabilities": {}, "clientInfo": info}

"""Tokens through the whole proxy: made in one call's result, opened in another's arguments, by both doors and eras."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proxy.key_rings import new_line
from tests.mcp_wire import rpc
from tests.rich_upstream import RichUpstream
from tests.running import proxy_before

pytestmark = pytest.mark.usefixtures("doors")

MAIL = "jane.doe@example.com"
CHAIN = """
[[policy]]
use = "redact"
[[policy]]
use = "secrets"
[[policy]]
use = "tokenize"
[policy.config]
keys = "file:{ring}"
scope = "global"
entities = ["EMAIL_ADDRESS"]
flows = [{{ from = "untitled", to = "echo" }}]
[[policy]]
use = "audit"
"""


async def test_a_token_goes_to_the_model_and_the_value_to_the_tool_that_may_have_it(
    upstream: RichUpstream, era: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ring = tmp_path / "ring"
    ring.write_text(f"{new_line('first')}\n")
    upstream.results["untitled"] = {
        "content": [{"type": "text", "text": json.dumps({"mail": MAIL})}],
        "structuredContent": {"mail": MAIL},
    }
    async with proxy_before(upstream.url, tmp_path, CHAIN.format(ring=ring)) as running:
        seen = await rpc(running.url, "tools/call", {"name": "untitled", "arguments": {}}, era)
        token = seen.result["structuredContent"]["mail"]
        assert MAIL not in json.dumps(seen.messages)
        assert json.loads(seen.result["content"][0]["text"]) == {"mail": token}
        sent = await rpc(running.url, "tools/call", {"name": "echo", "arguments": {"to": token}}, era)
        assert upstream.bodies("tools/call")[-1]["params"]["arguments"] == {"to": MAIL}
        assert MAIL not in json.dumps(sent.messages)
        reached = len(upstream.bodies("tools/call"))
        for name, to in (("failing", token), ("echo", token[:-12] + ">")):
            denied = await rpc(running.url, "tools/call", {"name": name, "arguments": {"to": to}}, era)
            assert denied.result["isError"] is True
            assert "Denied: token_" in denied.result["content"][0]["text"]
        assert len(upstream.bodies("tools/call")) == reached
    out, err = capfd.readouterr()
    assert out.count('"tools/call"') >= 4
    assert MAIL not in out + err

"""A policy that breaks, hangs or answers nonsense denies, in each hook; it never lets through and never leaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.mcp_wire import rpc
from tests.rich_upstream import RichUpstream
from tests.running import proxy_before

SECRET = "s3cret-value"
POLICY = f"""
import asyncio

from policies.policy import Policy


async def misbehave(how):
    if how == "raise":
        raise RuntimeError("{SECRET}")
    if how == "hang":
        await asyncio.Event().wait()
    return {{"none": None, "text": "{SECRET}", "number": 1, "dict": {{"{SECRET}": 1}}}}.get(how)


class Config(Policy.Config):
    how: str
    hook: str


class Broken(Policy):
    Config = Config

    async def on_call(self, call):
        from policies.model import ALLOW
        return await misbehave(self.config.how) if self.config.hook == "on_call" else ALLOW

    async def on_result(self, call, result):
        from policies.model import ALLOW
        return await misbehave(self.config.how) if self.config.hook == "on_result" else ALLOW

    async def on_tool(self, tool, caller):
        from policies.model import ALLOW
        return await misbehave(self.config.how) if self.config.hook == "on_tool" else ALLOW

    async def on_done(self, exchange):
        if self.config.hook == "on_done":
            await misbehave(self.config.how)
"""


def _chain(how: str, hook: str) -> str:
    return f"""
[[policy]]
use = "audit"
[[policy]]
use = "broken_policy:Broken"
timeout_ms = 50
config = {{ how = "{how}", hook = "{hook}" }}
"""


@pytest.mark.parametrize(
    ("doors", "how"),
    [
        *(("both", how) for how in ("raise", "hang", "none", "text", "number", "dict")),
        ("door", "raise"),
        ("door", "none"),
    ],
    indirect=["doors"],
)
@pytest.mark.parametrize("hook", ["on_call", "on_result", "on_tool", "on_done"])
async def test_a_policy_that_breaks_denies_and_is_contained(
    upstream: RichUpstream, era: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], doors: str, how: str, hook: str
) -> None:
    (tmp_path / "broken_policy.py").write_text(POLICY)
    async with proxy_before(upstream.url, tmp_path, _chain(how, hook)) as running:
        called = await rpc(running.url, "tools/call", {"name": "untitled"}, era)
        listed = await rpc(running.url, "tools/list", {}, era)
    answer = called.messages[-1]
    if hook == "on_done":
        assert answer["result"]["content"][0]["text"] == "u"
        assert listed.result["tools"]
    elif hook == "on_tool":
        assert answer["error"]["code"] == -32602, "a tool that cannot be judged is as good as not there"
        assert listed.result["tools"] == []
    else:
        assert answer["result"]["isError"] is True
        assert answer["result"]["content"][0]["text"].startswith("Denied: policy_error (exchange ")
        assert "result" not in listed.messages[-1]
        assert not -32768 <= listed.error["code"] <= -32000
    if hook in ("on_call", "on_tool"):
        assert upstream.bodies("tools/call") == []
    out, err = capfd.readouterr()
    assert SECRET not in out + err + json.dumps(called.messages + listed.messages)
    calls = [json.loads(line) for line in out.splitlines() if '"tools/call"' in line]
    assert len(calls) == 1
    assert calls[0]["outcome"] == ("completed" if hook == "on_done" else "denied")

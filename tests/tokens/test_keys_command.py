from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from policies.testing import build, call, result, run, services
from policies.tokenize import Tokenize
from proxy.key_rings import parsed

MAIL = "jane.doe@example.com"


def keys(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "proxy", "keys", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, cwd=Path(__file__).parents[2]
    )


def test_a_new_key_makes_a_ring_that_seals_and_opens() -> None:
    ring = keys("new", "first").stdout
    assert ring.startswith("first ")
    lent = services(keys={"file:ring": parsed(ring, "file:ring")})
    flows = [{"from": "get", "entities": "*", "to": "send"}]
    policy = build(Tokenize, lent, keys="file:ring", scope="global", flows=flows)
    answered = run(policy, call("get"), result(MAIL))
    sent = run(policy, call("send", {"to": answered.text}))
    assert MAIL not in answered.text
    assert sent.call
    assert sent.call.arguments == {"to": MAIL}


def test_each_new_key_is_another_and_has_todays_name_where_none_is_given() -> None:
    one, other = keys("new").stdout, keys("new").stdout
    assert one.split()[0] == other.split()[0]
    assert one.split()[1] != other.split()[1]


def test_a_name_that_no_ring_can_have_is_refused() -> None:
    ran = keys("new", "a b")
    assert ran.returncode == 1
    assert "NAME" in ran.stderr
    assert ran.stdout == ""

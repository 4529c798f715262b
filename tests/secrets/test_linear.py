from __future__ import annotations

import json
from collections.abc import Callable
from time import process_time

import pytest

from policies.detect.finding import NOWHERE
from policies.secrets.finder import SecretFinder

FINDER = SecretFinder()
SMALL, LARGE = 1 << 14, 1 << 16
"""Characters; four times as many may take six times as long, for clocks are coarse."""
HOSTILE = (
    *(
        "password ",
        "password=",
        "token: ",
        '"secret":"',
        "secret_key_=",
        "api_key",
        "token_",
        "token is ",
        "<password a",
    ),
    *(
        "AKIA",
        "-ghp_",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ",
        "eyJ",
        "eyJhbGciOi.",
        "://",
        "http://a:",
        "bearer ",
    ),
    *("authorization: ", "YWJjZGVmZ2hpamts", "a", ".", "=", '"', "\\", " ", "\n", "xoxb-123456789-", "-ya29.aaa"),
    *("-pypi-AgE", "discord", "bot ", "aaa8Q~", "123456789:AA", "AccountKey=", "session_token=IQoJaaaa", "--password "),
    *(
        "PuTTY-User-Key-File-2: a\nEnc: x\nAAAA\n",
        "sntrys_eyJaaaa",
        "密码：",
        "İpassword=",
        "pässwörd",
        "password=abc123;",
    ),
)


def _took(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(2):
        start = process_time()
        work()
        best = min(best, process_time() - start)
    return best


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_grows_no_faster_than_the_text(unit: str) -> None:
    small, large = unit * (SMALL // len(unit)), unit * (LARGE // len(unit))

    short = _took(lambda: FINDER.find(small, NOWHERE, lambda: None))
    long = _took(lambda: FINDER.find(large, NOWHERE, lambda: None))

    assert long < 6 * short + 0.01
    assert _took(lambda: FINDER.may_hold(json.dumps(large).encode())) < 0.25

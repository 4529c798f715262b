"""What the tests of tokens share: keys that are not random, a clock, and tokens made with them."""

from __future__ import annotations

from collections.abc import Sequence

from policies.tokens.tokens import Keyring, Lifetime, Tokens

OLD, NEW, FOREIGN = bytes(range(32)), bytes(range(64)), b"\x07" * 64
NOW = 1_800_000_000.0
HOUR = 3600.0
SCOPE = '["caller", "https://idp.example.com", "ann"]'
MAIL = "ann.miller@example.com"
TOOL = "crm.get_profile"


class At:
    """A clock that shows what it is set to."""

    def __init__(self, time: float = NOW) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time


def tokens(keys: Sequence[bytes] = (NEW,), now: At | None = None, lifetime: Lifetime | None = None) -> Tokens:
    ring = Keyring.of(keys)
    return Tokens(keyring=lambda: ring, now=now or At(), lifetime=lifetime)


def mail(made: Tokens | None = None) -> str:
    return (made or tokens()).make(MAIL, "EMAIL_ADDRESS", SCOPE, TOOL)

"""How many edited tokens open: none may. And what making and opening cost.

`python -m benchmarks.detection.tokens_edited` prints both; `edited(count)` is what the bench and the tests call.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha512
from typing import Final

from policies.tokens.errors import TokenError
from policies.tokens.layout import Parts
from policies.tokens.spans import find
from policies.tokens.tokens import Keyring, Tokens

SCOPE: Final = '["caller", "https://idp.example.com", "ann"]'
TOOL: Final = "crm.get_profile"

_SIGNS: Final = "0123456789abcdefghijklmnopqrstuvwxyz_<>:-. /"
_IGNORED: Final = str.maketrans("", "", " \\")
_VALUES: Final = (
    ("ann.miller@example.com", "EMAIL_ADDRESS"),
    ("4111111111111111", "CREDIT_CARD"),
    ("+44 20 7946 0958", "PHONE_NUMBER"),
    ("Ann", "PERSON"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """Of `count` edits, how many opened: as a whole text (`opened`), and found in a text (`opened_in_text`).

    `reasons` counts why the others stayed closed. `unseen` were not taken for tokens in a text: tails, and crumbs.
    """

    count: int
    opened: int
    opened_in_text: int
    reasons: Counter[str]
    unseen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Microseconds for the token of an e-mail address, and its characters."""

    make_us: float
    open_us: float
    find_and_open_us: float
    characters: int


def edited(count: int, seed: int = 5) -> Edited:
    """Edits tokens of four entities: characters replaced, taken out, put in, swapped; cuts, and halves joined."""
    made, chance = tokens(), random.Random(seed)
    whole = [made.make(value, entity, SCOPE, TOOL) for value, entity in _VALUES]
    opened = in_text = unseen = 0
    reasons: Counter[str] = Counter()
    edits = _edits(whole, chance)
    for _ in range(count):
        text = next(edits)
        try:
            made.open(text, SCOPE)
            opened += 1
        except TokenError as error:
            reasons[error.reason] += 1
        spans = find(text)
        unseen += not spans
        in_text += any(_opens(made, span.parts) for span in spans)
    return Edited(count=count, opened=opened, opened_in_text=in_text, reasons=reasons, unseen=unseen)


def cost(rounds: int = 20_000) -> Cost:
    made = tokens()
    value, entity = _VALUES[0]
    token = made.make(value, entity, SCOPE, TOOL)
    text = f"Please write to {token} today."
    return Cost(
        make_us=_micros(lambda: made.make(value, entity, SCOPE, TOOL), rounds),
        open_us=_micros(lambda: made.open(token, SCOPE), rounds),
        find_and_open_us=_micros(lambda: _opens(made, find(text)[0].parts), rounds),
        characters=len(token),
    )


def tokens() -> Tokens:
    """With a key that is the same in every run."""
    ring = Keyring.of([sha512(b"tokens_edited").digest()])
    return Tokens(keyring=lambda: ring, now=lambda: 1_800_000_000.0)


def _opens(made: Tokens, parts: Parts | None) -> bool:
    if parts is None:
        return False
    try:
        made.open_parts(parts, SCOPE)
    except TokenError:
        return False
    return True


def _edits(whole: list[str], chance: random.Random) -> Iterator[str]:
    """Without end. Left out is what a reader may overlook: case, blanks, and both brackets gone with nothing else."""
    kinds = (_replaced, _without, _with, _swapped, _cut, _joined)
    while True:
        token = chance.choice(whole)
        text = chance.choice(kinds)(token, whole, chance)
        plain = text.lower().translate(_IGNORED)
        if not any(each[1:-1].lower() in (plain, plain[1:-1]) or each.lower() in plain for each in whole):
            yield text


def _replaced(token: str, _: list[str], chance: random.Random) -> str:
    at = chance.randrange(len(token))
    return token[:at] + chance.choice(_SIGNS) + token[at + 1 :]


def _without(token: str, _: list[str], chance: random.Random) -> str:
    at = chance.randrange(len(token))
    return token[:at] + token[at + 1 :]


def _with(token: str, _: list[str], chance: random.Random) -> str:
    at = chance.randrange(1, len(token))
    return token[:at] + chance.choice(_SIGNS) + token[at:]


def _swapped(token: str, _: list[str], chance: random.Random) -> str:
    one = chance.randrange(len(token) - 1)
    other = one + 1 if chance.random() < 0.5 else chance.randrange(len(token))
    signs = list(token)
    signs[one], signs[other] = signs[other], signs[one]
    return "".join(signs)


def _cut(token: str, _: list[str], chance: random.Random) -> str:
    start, end = sorted((chance.randrange(len(token)), chance.randrange(len(token) + 1)))
    return token[:start] + token[end:] if chance.random() < 0.5 else token[start:end]


def _joined(token: str, whole: list[str], chance: random.Random) -> str:
    other = chance.choice(whole)
    at = chance.randrange(1, len(token))
    return token[:at] + other[chance.choice((at, chance.randrange(1, len(other)))) :]


def _micros(work: Callable[[], object], rounds: int) -> float:
    began = time.process_time()
    for _ in range(rounds):
        work()
    return (time.process_time() - began) / rounds * 1e6


def main() -> None:
    found, costs = edited(100_000), cost()
    print(json.dumps({"edited": found.count, "opened": found.opened, "opened_in_text": found.opened_in_text}))
    print(json.dumps({"unseen_in_text": found.unseen, **found.reasons}))
    print(json.dumps({name: round(getattr(costs, name), 1) for name in costs.__slots__}))


if __name__ == "__main__":
    main()

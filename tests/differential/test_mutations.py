"""Plain messages with a few things changed at random: whatever comes of it, the doors answer alike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.differential.case import PLAIN, Case, Header, case
from tests.differential.cases_headers import ACCEPT, CONTENT_TYPE, METHOD, MORE, NAME, VERSION
from tests.differential.cases_messages import METHODS
from tests.differential.known import unexplained
from tests.differential.seen import Seen
from tests.differential.sides import Around, sides, told
from tests.differential.upstream import SCRIPTS
from tests.mcp_wire import ENVELOPE, ERAS, MODERN

Ask = Callable[[Case], tuple[Seen, Seen]]

_SLOW = {"status_429", *(name for name, script in SCRIPTS.items() if script.pause_s)}
_KEYS = st.sampled_from(
    [
        *("name", "arguments", "cursor", "_meta", "progressToken", "id", "method", "params", "jsonrpc", "clientInfo"),
        *("capabilities", "protocolVersion", "version", "title", "roots", "listChanged", "task", "icons", "x"),
        *ENVELOPE,
    ]
)
_WORDS = st.sampled_from(["echo", "2.0", "tools/call", "tools/list", "nowhere", *ERAS, *sorted({*SCRIPTS} - _SLOW)])
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    _WORDS,
)
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=5
)
_TABLES = (ACCEPT, CONTENT_TYPE, VERSION, NAME, METHOD, MORE)
_LINES = st.sampled_from([line for table in _TABLES for lines in table.values() for line in lines if len(lines) < 9])
_OBJECTS = st.dictionaries(_KEYS | st.text(max_size=3), _JSON, max_size=3)
_IDS = st.one_of(st.just(7), st.integers(), st.text(max_size=6))
_TOKENS = st.one_of(st.integers(), st.text(max_size=3))
_OF_LANE = METHODS[:6]


@st.composite
def plain(draw: st.DrawFn) -> Case:
    """A message that a client could well send, with values of its own."""
    method = draw(st.sampled_from([*["tools/call"] * 4, *_OF_LANE * 2, *METHODS]))
    era = draw(st.sampled_from(ERAS))
    params: Any = dict(PLAIN.get(method, {}))
    if method == "tools/call":
        params = {"name": draw(_WORDS), "arguments": draw(_OBJECTS)}
    if draw(st.booleans()):
        params["_meta"] = {"example.com/x": draw(_JSON), "progressToken": draw(_TOKENS)}
    members = {} if method.startswith("notifications/") else {"id": draw(_IDS)}
    return case("plain", method, params, era, members=members)


@st.composite
def mutated(draw: st.DrawFn) -> Case:
    """A plain message of which up to two parts are changed."""
    whole = draw(plain())
    body: Any = json.loads(whole.body)
    headers = list(whole.headers)
    for _ in range(draw(st.integers(0, 2))):
        if draw(st.booleans()):
            headers = draw(_changed_headers(headers))
        else:
            _change(draw, body)
    return Case(name="a mutation", headers=headers, body=json.dumps(body).encode())


@st.composite
def _changed_headers(draw: st.DrawFn, headers: list[Header]) -> list[Header]:
    where = draw(st.integers(0, len(headers)))
    change = draw(st.sampled_from(["drop", "add", "again", "replace"]))
    if change == "add" or where == len(headers):
        return [*headers, draw(_LINES)]
    before, (name, value), after = headers[:where], headers[where], headers[where + 1 :]
    if change == "drop":
        return before + after
    if change == "again":
        return [*headers, (name, value)]
    found = [line for table in _TABLES for lines in table.values() for line in lines if line[0] == name]
    return [*before, draw(st.sampled_from(found or [(name, "")])), *after]


def _change(draw: st.DrawFn, body: dict[str, Any]) -> None:
    """Set or drop a member of the message, or of an object in it."""
    objects = [body]
    for found in objects:
        objects += [child for child in found.values() if isinstance(child, dict)]
    chosen = objects[draw(st.integers(0, len(objects) - 1))]
    key = draw(st.sampled_from(sorted(chosen)) | _KEYS) if chosen else draw(_KEYS)
    if draw(st.integers(0, 3)):
        chosen[key] = draw(_JSON)
    else:
        chosen.pop(key, None)


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Sends a case through both sides; spans are left out, because they are known at the end only."""
    around = Around(name="modern upstream", era=MODERN)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        held = sides(around, tmp_path_factory.mktemp("sides"))
        lane, door = runner.run(held.__aenter__())

        async def both(sent: Case) -> tuple[Seen, Seen]:
            ours, theirs = await asyncio.gather(lane.ask(sent), door.ask(sent))
            return told(ours, {}), told(theirs, {})

        yield lambda sent: runner.run(both(sent))
        runner.run(held.__aexit__(None, None, None))


@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sent=mutated())
def test_a_plain_message_changed_at_random_is_answered_alike_by_both_doors(ask: Ask, sent: Case) -> None:
    lane, door = ask(sent)
    assert not unexplained(lane, door)

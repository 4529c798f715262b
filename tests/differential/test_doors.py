"""Whatever the lane takes is answered as the door would have: to the caller, to the upstream, in the records."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
import uvloop

from tests.differential.known import KNOWN, explained, told, unexplained
from tests.differential.run import AROUND, CASES, Compared, compared
from tests.differential.sides import Around

LEAST = 0.3
"""Of the cases the lane takes this part at least: with fewer the test would compare the door with itself."""

Went = Mapping[Around, Sequence[Compared]]


@pytest.fixture(scope="module")
def went(tmp_path_factory: pytest.TempPathFactory) -> Went:
    """Every case through both sides."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return {
            around: runner.run(compared(around, cases, tmp_path_factory.mktemp("sides")))
            for around, cases in AROUND.items()
        }


@pytest.mark.parametrize("around", AROUND, ids=lambda around: around.name)
def test_both_doors_answer_alike(went: Went, around: Around) -> None:
    differing = {one.case.name: found for one in went[around] if (found := unexplained(one.lane, one.door))}
    assert not differing, f"{len(differing)} of {len(went[around])} requests\n" + "\n".join(told(differing))


def test_each_known_difference_still_shows(went: Went) -> None:
    shown = {name for cases in went.values() for one in cases for name in explained(one.lane, one.door)}
    assert shown == {known.name for known in KNOWN}


def test_the_lane_takes_enough_of_the_cases_for_the_comparison_to_mean_something(went: Went) -> None:
    for around, cases in went.items():
        assert sum(one.by_lane for one in cases) > LEAST * len(cases), around.name


def test_no_two_cases_have_one_name() -> None:
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []

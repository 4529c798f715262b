"""What passes before the rules are there is what the rules, once they are, find nothing in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeVar

import pytest

from benchmarks.detection.corpus import cases
from benchmarks.detection.seams import spans
from policies.detect.prose import is_prose
from policies.model import ALLOW, Result
from policies.policy import Policy
from policies.redact import Redact
from policies.secrets import Secrets
from policies.testing import build, call, result, services

T = TypeVar("T")

PLAIN = [
    "The customer asked for a change of the delivery window and confirmed the new one by phone.",
    "Order 66 was shipped in 3 parts (2 of them today).",
    "",
    "Nothing found, try another word.",
]
TELLING = [
    "Write to jane.doe@example.com.",
    "jane dot doe at example dot com",
    "Call 555 0142 please",
    "Ask Maria Gonzalez",
    "name: maria",
    "born on 12 march 1984",
    "Привет",
    "password is hUnter22",
    '{"a": 1}',
]


class Never:
    """Never gets to the work."""

    def start(self, _: Callable[[], T]) -> Future[T]:
        return Future()


def waiting() -> list[Policy]:
    """Open, and their rules not there yet."""
    lent = replace(services(), behind=Never())
    made = [build(Redact, lent), build(Secrets, lent)]
    for policy in made:
        asyncio.run(policy.open())
    return made


@pytest.mark.parametrize("text", PLAIN)
def test_plain_words_wait_for_no_rules(text: str) -> None:
    assert is_prose(result(text).body)
    for policy in waiting():
        assert policy.on_result(call(), result(text)) is ALLOW
        assert policy.on_call(call("t", {"a": text})) is ALLOW
    assert spans(text) == []


@pytest.mark.parametrize("text", TELLING)
def test_whatever_a_rule_could_find_something_in_waits(text: str) -> None:
    pending = [policy.on_result(call(), result(text)) for policy in waiting()]
    assert any(decision is not ALLOW for decision in pending)
    for decision in pending:
        if decision is not ALLOW:
            decision.close()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "body",
    [
        {"content": [], "structuredContent": {"a": "b"}},
        {"content": [{"type": "text", "text": "a", "annotations": {}}]},
        {"content": [{"type": "image", "data": "a"}]},
        {"content": "a"},
        {"code": 1, "message": "a"},
    ],
)
def test_what_is_more_than_text_waits(body: dict[str, object]) -> None:
    assert not is_prose(Result(body=body).body)


def test_no_sentence_about_a_leaf_of_the_corpus_passes_with_a_value_in_it() -> None:
    passed = 0
    for case in cases(7, 1, "named"):
        for _, leaf in case.leaves:
            text = f"they said {leaf.value} on the phone and wrote it down"
            if is_prose(result(text).body):
                passed += 1
                assert spans(text) == []
    assert passed > 100, "without sentences that pass the test would prove nothing"

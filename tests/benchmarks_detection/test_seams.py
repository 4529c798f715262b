"""The protocol, the costs and the verdicts."""

import json

import pytest

from benchmarks.detection import costs, research, seams
from benchmarks.detection.comparator import Written, cut
from benchmarks.detection.research import Sentence
from benchmarks.detection.seams import SeamMissingError
from benchmarks.detection.verdicts import Verdict, table

LINES = [{"id": "a", "result": {"content": []}, "outputSchema": None}, {"id": "b", "result": {}, "outputSchema": None}]


def line(**changes):
    return json.dumps({"id": "a", "result": {}, "findings": [], "denied": None, "ms": 0.2} | changes)


def test_answers_come_in_any_order():
    output = f"{line(id='b', result=None, denied='too_large')}\n{line()}\n"
    first, second = seams.answers(LINES, output)
    assert (first.id, first.result, first.denied) == ("b", None, "too_large")
    assert (second.id, second.ms) == ("a", 0.2)


@pytest.mark.parametrize(
    "output",
    [
        "",
        line(),
        line() + "\n" + line(),
        f"{line()}\n{line(id='c')}",
        "no json",
        "[1]",
        f"{line()}\n{line(id='b', result=None)}",
    ],
)
def test_answers_that_are_missing_doubled_foreign_or_malformed_are_refused(output):
    with pytest.raises(SeamMissingError):
        seams.answers(LINES, output)


def test_a_command_that_fails_is_a_missing_seam_and_not_a_score():
    with pytest.raises(SeamMissingError):
        seams.command("--there-is-no-such-option")(LINES)


def timer(power):
    return lambda results: [50 * (len(each["content"][0]["text"]) / costs.SIZES[0]) ** power for each in results]


def test_quadratic_growth_is_told_from_linear_growth():
    shapes = {"x": lambda count: "x" * count}
    (linear,), (square,) = (list(costs.growths(shapes, timer(power))) for power in (1, 2))
    assert linear.ratio == pytest.approx(2)
    assert square.ratio == pytest.approx(4)
    assert (linear.whole, square.whole) == (pytest.approx(200), pytest.approx(800))


def test_what_is_hopeless_at_a_quarter_of_a_megabyte_is_not_tried_at_more():
    seen = []
    (found,) = costs.growths(
        {"x": lambda count: "x" * count}, lambda results: seen.extend(results) or [9000.0] * len(results)
    )
    assert found.ratio == found.whole == float("inf")
    assert len(seen) == 2


@pytest.mark.parametrize("kilobytes", [1, 10])
def test_a_payload_has_the_size_asked_for(kilobytes):
    assert 0.7 * kilobytes * 1024 < len(json.dumps(costs.payload(kilobytes * 1024, 3))) < 1.3 * kilobytes * 1024


@pytest.mark.parametrize(
    ("value", "limits", "met"),
    [
        (0.99, {"least": 0.99}, True),
        (0.98, {"least": 0.99}, False),
        (0.002, {"most": 0.002}, True),
        (0.003, {"most": 0.002}, False),
        (None, {"least": 0.0}, False),
        (None, {}, True),
    ],
)
def test_a_figure_without_a_value_misses_its_target(value, limits, met):
    verdict = Verdict(part="p", figure="f", value=value, **limits)
    assert verdict.met is met
    assert ("MISSED" in table([verdict])) is not met


def test_overlap_counts_for_the_same_entity_only():
    given = [Sentence(text="mail a@b.co now", spans=((5, 11, "EMAIL_ADDRESS"),))]
    right = research.agreement(given, lambda text: [(7, 9, "EMAIL_ADDRESS"), (8, 11, "URL")])
    assert (right.precision("EMAIL_ADDRESS"), right.recall("EMAIL_ADDRESS"), right.found["URL"]) == (1, 1, 0)
    wrong = research.agreement(given, lambda text: [(0, 4, "EMAIL_ADDRESS"), (5, 11, "PHONE_NUMBER")])
    assert (wrong.precision("EMAIL_ADDRESS"), wrong.recall("EMAIL_ADDRESS"), wrong.precision("PHONE_NUMBER")) == (
        0,
        0,
        0,
    )


def test_the_comparator_s_text_is_json_and_its_cuts_fall_on_the_leaves():
    body = {"a": 'x "quoted" y', "b": [1, None, True, {"c": "née"}], "d": 2.5}
    writer = Written()
    writer.write(body)
    text = "".join(writer.parts)
    assert json.loads(text) == body
    hit = bytearray(len(text))
    for word in ("née", "2.5"):
        hit[text.index(word) : text.index(word) + 3] = b"\1\1\1"
    assert cut(body, iter(writer.leaves), text, hit) == body | {"b": [1, None, True, {"c": "███"}], "d": None}

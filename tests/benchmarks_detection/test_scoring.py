"""The scorer says of simple redactors what is known of them, the bad ones included."""

import json

import pytest

from benchmarks.detection import corpus, secrets_corpus
from benchmarks.detection.corpus import Case
from benchmarks.detection.parts import figures
from benchmarks.detection.scoring import BY_KEY_ONLY, Score, judge, measured
from benchmarks.detection.seams import Answer
from benchmarks.detection.tree import Leaf, pii, text
from tests.benchmarks_detection import stand_ins

CASES = {variant: list(corpus.cases(5, 2, variant)) for variant in corpus.VARIANTS}


def one(value: str, *leaves: Leaf) -> Case:
    """A case of a text alone."""
    result = {"content": [{"type": "text", "text": value}]}
    labels = tuple(((), leaf) for leaf in leaves)
    return Case(id="1", family="f", variant="named", root="text", result=result, schema=None, leaves=labels)


def judged(case: Case, answer: str | None) -> Score:
    score = Score()
    result = None if answer is None else {"content": [{"type": "text", "text": answer}]}
    judge(score, case, Answer(id="1", result=result))
    return score


@pytest.mark.parametrize("variant", corpus.VARIANTS)
def test_doing_nothing_finds_nothing_and_spoils_nothing(variant):
    score = measured(CASES[variant], stand_ins.NOTHING)
    assert score.recall() == 0
    assert score.changed == 0
    assert (score.valid, score.in_step) == (score.structured, score.copies)


def test_denying_everything_misses_nothing_and_spoils_everything():
    score = measured(CASES["named"], stand_ins.DENIES)
    assert (score.recall(), score.benign_changed) == (1, 1)
    assert score.denied == len(CASES["named"])
    assert score.structured == 0


def test_an_e_mail_pattern_has_the_e_mails_and_nothing_else():
    score = measured(CASES["named"], stand_ins.EMAILS)
    with_an_at = {"EMAIL_ADDRESS", "URL_CREDENTIALS"}
    assert {entity for entity in score.planted if score.removed[entity]} <= with_an_at
    assert score.removed["EMAIL_ADDRESS"] == score.planted["EMAIL_ADDRESS"]
    assert score.changed == 0
    assert (score.valid, score.in_step) == (score.structured, score.copies)


def test_a_plain_pattern_misses_disguised_e_mails():
    score = measured(CASES["disguised"], stand_ins.EMAILS)
    assert score.removed["EMAIL_ADDRESS"] < 0.7 * score.planted["EMAIL_ADDRESS"]


def test_blanking_digits_spoils_benign_leaves_and_breaks_schemas():
    score = measured(CASES["named"], stand_ins.DIGITS)
    assert score.benign_changed > 0.5
    assert score.valid < 0.3 * score.structured
    assert score.removed["US_SSN"] == score.planted["US_SSN"]


def test_a_value_left_in_the_text_copy_is_missed_and_the_copy_is_out_of_step():
    score = measured(CASES["named"], stand_ins.FORGETS_THE_COPY)
    assert score.in_step < score.copies
    assert score.removed["EMAIL_ADDRESS"] < 0.2 * score.planted["EMAIL_ADDRESS"]


def test_an_answer_without_its_structured_content_is_neither_valid_nor_in_step():
    drop = stand_ins.each_line(lambda result: {"content": result["content"]})
    score = measured(CASES["named"], drop)
    assert (score.valid, score.in_step) == (0, 0)
    assert score.benign_changed > 0.5


@pytest.mark.parametrize(
    "answer", ["ssn 123-45-6789", "ssn 123 45 6789", "ssn 123456789", "ssn １２３-45-6789", "123%2D45%2D6789"]
)
def test_digits_that_are_still_there_in_any_writing_are_missed(answer):
    assert judged(one("ssn 123-45-6789", pii("US_SSN", "123-45-6789")), answer).recall() == 0


@pytest.mark.parametrize("answer", ["ssn ***-**-6789", "ssn [US_SSN]", "", "ssn 1234567890"])
def test_a_masked_or_replaced_value_is_removed(answer):
    assert judged(one("ssn 123-45-6789", pii("US_SSN", "123-45-6789")), answer).recall() == 1


def test_a_value_inside_base64_or_json_in_the_answer_is_missed():
    case = one("x", pii("EMAIL_ADDRESS", "anna@example.com"))
    assert judged(case, "eyJlbWFpbCI6ICJhbm5hQGV4YW1wbGUuY29tIn0=").recall() == 0
    assert judged(case, json.dumps({"a": json.dumps({"b": "anna\u200b@example.com"})})).recall() == 0


def test_a_short_name_inside_a_word_is_not_taken_for_the_name():
    assert judged(one("Tan", pii("PERSON", "Tan")), "standard: important Tango").recall() == 1


def test_harmless_parts_of_a_text_have_to_stay():
    leaf = text("mail {} about {}", pii("EMAIL_ADDRESS", "anna@example.com"), "ORD-2024-0091")
    case = one(str(leaf.value), leaf)
    assert judged(case, "mail X about ORD-2024-0091").changed == 0
    assert judged(case, "mail X about X").changed == 1


@pytest.mark.parametrize(("given", "answered"), [(1, 1.0), (True, 1), ("1", 1), (None, "null")])
def test_a_benign_leaf_of_another_type_is_changed(given, answered):
    result = {"content": [{"type": "text", "text": "Done"}], "structuredContent": {"a": given}}
    case = Case(
        id="1",
        family="f",
        variant="named",
        root="structured",
        result=result,
        schema={},
        leaves=((("a",), Leaf(value=given)),),
    )
    for value, changed in ((given, 0), (answered, 1)):
        score = Score()
        judge(score, case, Answer(id="1", result={**result, "structuredContent": {"a": value}}))
        assert score.changed == changed


def test_a_secret_in_a_url_is_removed_when_its_password_is():
    cases = [case for case in secrets_corpus.secret_cases(5, 9) if case.id.startswith("secrets/url_password")]
    assert measured(cases, stand_ins.NOTHING).recall() == 0
    cut = stand_ins.everywhere(lambda value: value if not isinstance(value, str) else "" if "app:" in value else value)
    assert measured(cases, stand_ins.each_line(cut)).recall() > 0.5


def test_a_bad_redactor_misses_the_targets_and_a_good_one_meets_them():
    for redactor, all_met in ((stand_ins.NOTHING, False), (stand_ins.DIGITS, False)):
        verdicts = list(figures("named", measured(CASES["named"], redactor), 0.99, 0.002))
        assert all(verdict.met for verdict in verdicts) is all_met
    only_emails = Score()
    for entity in ("EMAIL_ADDRESS", *BY_KEY_ONLY):
        only_emails.planted[entity] = 10
    only_emails.removed["EMAIL_ADDRESS"] = 10
    assert all(verdict.met for verdict in figures("meaningless", only_emails, 0.85, 0.002))
    assert not all(verdict.met for verdict in figures("named", only_emails, 0.99, 0.002))

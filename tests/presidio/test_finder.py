"""Presidio's recognizers and the users' behind `find`: what they find, and every trap of theirs closed."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from policies.detect.finding import NOWHERE, Finding, Near
from policies.finding import PolicyConfigError
from policies.presidio.config import PresidioConfig
from policies.presidio.errors import RecognitionError, RecognitionTimeError
from policies.presidio.finder import SHARED, WINDOW, PresidioFinder
from policies.presidio.loading import load

RRN = "960121-1234567"
MINE = """
import time

from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult


class Colours(PatternRecognizer):
    def __init__(self):
        super().__init__("COLOUR", patterns=[Pattern("colour", "red|blue", 0.7)])


class Late(PatternRecognizer):
    def __init__(self):
        super().__init__("LATE", patterns=[Pattern("late", "(?:a|aa)+b", 0.7)])


class Base(EntityRecognizer):
    def __init__(self):
        super().__init__(["WORD"], name=type(self).__name__)

    def load(self):
        pass


class Crashing(Base):
    def analyze(self, text, entities, nlp_artifacts):
        raise ValueError("cannot read " + text)


class Leaving(Base):
    def analyze(self, text, entities, nlp_artifacts):
        raise SystemExit(text)


class Outside(Base):
    def analyze(self, text, entities, nlp_artifacts):
        return [RecognizerResult("WORD", 0, len(text) + 1, 0.9)]


class Unscored(Base):
    def analyze(self, text, entities, nlp_artifacts):
        return [RecognizerResult("WORD", 0, 1, float("nan"))]


class Slow(Base):
    def analyze(self, text, entities, nlp_artifacts):
        time.sleep(0.06)
        return []


class Tokens(Base):
    def analyze(self, text, entities, nlp_artifacts):
        starts = nlp_artifacts.tokens_indices
        return [RecognizerResult("WORD", at, at + 1, 0.9) for at in starts] + [RecognizerResult("OTHER", 0, 1, 0.9)]


class NotOne:
    pass


class Unbuilt(Base):
    def __init__(self):
        raise RuntimeError("a secret")
"""
FILE = """
recognizers:
  - name: Badges
    supported_entity: BADGE
    context: [badge, employee card]
    patterns: [{name: badge, regex: '[0-9]{6}', score: 0.1}]
  - name: Keys
    supported_entity: KEY
    patterns: [{name: key, regex: 'K[0-9a-f]{3,}', score: 0.6}]
  - name: Runs
    supported_entity: RUN
    patterns: [{name: run, regex: '[# ]{150,}#', score: 0.6}]
  - name: Titles
    supported_languages: [de, en]
    supported_entity: TITLE
    deny_list: [Freifrau]
    score_thresholds: {default: 0.99}
  - name: Rounds
    supported_entity: ROUND
    score_thresholds: {ROUND: 0.7}
    patterns: [{name: round, regex: 'R[0-9]{4}', score: 0.6}]
  - name: CrRecognizer
    type: predefined
    class_name: CreditCardRecognizer
  - {name: KrRrnRecognizer, type: predefined, enabled: false}
"""


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("policies")
    (folder / "colours_of_mine.py").write_text(MINE)
    (folder / "badges.yaml").write_text(FILE)
    yield folder
    import sys

    sys.path[:] = [each for each in sys.path if each != str(folder)]
    sys.modules.pop("colours_of_mine", None)


@pytest.fixture(scope="module")
def finder() -> PresidioFinder:
    names = ("KrRrnRecognizer", "UsNpiRecognizer", "UrlRecognizer", "EmailRecognizer", "IbanRecognizer")
    return load(PresidioConfig(recognizers=names, nlp="none"))


@pytest.fixture(scope="module")
def badges(beside: Path) -> PresidioFinder:
    return load(PresidioConfig(files=("badges.yaml",), nlp="none"), beside)


def mine(beside: Path, *names: str, max_seconds: float = 5.0) -> PresidioFinder:
    recognizers = tuple(f"colours_of_mine:{name}" for name in names)
    return load(PresidioConfig(recognizers=recognizers, nlp="none", max_seconds=max_seconds), beside)


def unchecked() -> None:
    """No deadline."""


def found(finder: PresidioFinder, text: str, near: Near = NOWHERE) -> list[tuple[str, str, str]]:
    findings = sorted(finder.find(text, near, unchecked), key=lambda each: each.start)
    return [(each.entity, text[each.start : each.end], each.why) for each in findings]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"resident {RRN} there", ("KR_RRN", RRN, "shape")),
        ("the NPI is 1245319599", ("US_NPI", "1245319599", "checksum")),
        ("my iban is DE89370400440532013000", ("IBAN_CODE", "DE89370400440532013000", "word")),
        ("at https://example.com/a?b=1.", ("URL", "https://example.com/a?b=1.", "shape")),
        ("see docs.example.org.", ("URL", "docs.example.org", "shape")),
        ("to ann@example.co.uk", ("EMAIL_ADDRESS", "ann@example.co.uk", "checksum")),
    ],
)
def test_presidios_recognizers_find(finder: PresidioFinder, text: str, what: tuple[str, str, str]) -> None:
    assert [(entity, value) for entity, value, _ in found(finder, text)] == [what[:2]]


def test_why_says_how_it_was_found(finder: PresidioFinder) -> None:
    assert found(finder, f"resident {RRN} there")[0][2] == "shape"
    assert found(finder, "number 1245319599 there")[0][2] == "checksum"
    assert found(finder, f"RRN {RRN} there")[0][2] == "word"
    finding = next(iter(finder.find(f"RRN {RRN}", NOWHERE, unchecked)))
    assert finding == Finding(4, 18, "KR_RRN", 0.85, "word", "KrRrnRecognizer")


def test_no_entity_that_is_not_asked_for_is_found(beside: Path) -> None:
    config = PresidioConfig(recognizers=("KrRrnRecognizer", "UsNpiRecognizer"), entities=("KR_RRN",), nlp="none")
    finder = load(config)
    assert finder.entities == {"KR_RRN"}
    assert found(finder, f"{RRN} and 1245319599") == [("KR_RRN", RRN, "shape")]
    assert {entity for entity, _, _ in found(mine(beside, "Tokens"), "one two")} == {"WORD"}


def test_an_entity_that_nothing_finds_is_an_error() -> None:
    with pytest.raises(PolicyConfigError, match=r"entities: unknown entity 'KR_RNR'.*did you mean 'KR_RRN'"):
        load(PresidioConfig(recognizers=("KrRrnRecognizer",), entities=("KR_RNR",), nlp="none"))


@pytest.mark.parametrize(
    ("text", "words", "what"),
    [
        ("badge 471100", set(), [("BADGE", "471100", "word")]),
        ("Badges: 471100", set(), [("BADGE", "471100", "word")]),
        ("employee card no 471100", set(), [("BADGE", "471100", "word")]),
        ("card no 471100", set(), []),
        ("badge one two three four five 471100", set(), []),
        ("471100", {"badge"}, [("BADGE", "471100", "word")]),
        ("471100", {"order"}, []),
        ("Kabcdef01", set(), [("KEY", "Kabcdef01", "shape")]),
        ("die Freifrau kam", set(), [("TITLE", "Freifrau", "shape")] * 2),
        ("R4711", set(), []),
        ("pay 4012888888881881", set(), [("CREDIT_CARD", "4012888888881881", "checksum")]),
        (RRN, set(), []),
    ],
)
def test_files_declare_recognizers_with_context_and_thresholds(
    badges: PresidioFinder, text: str, words: set[str], what: list[tuple[str, str, str]]
) -> None:
    assert found(badges, text, Near(words=frozenset(words))) == what


def test_a_users_class_finds(beside: Path) -> None:
    assert found(mine(beside, "Colours"), "a red car") == [("COLOUR", "red", "shape")]
    assert len(found(mine(beside, "Tokens"), "one two, three")) == 4  # the comma is a token too


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("colours_of_mine:Colors", "unknown class 'Colors': did you mean 'Colours'"),
        ("colours_of_mine:NotOne", "is not a subclass of Presidio's EntityRecognizer"),
        ("colours_of_mine:Unbuilt", "'colours_of_mine:Unbuilt' cannot be built: RuntimeError at colours_of_mine.py:"),
    ],
)
def test_a_class_that_is_none_is_an_error_without_its_text(name: str, said: str, beside: Path) -> None:
    with pytest.raises(PolicyConfigError) as caught:
        load(PresidioConfig(recognizers=(name,), nlp="none"), beside)
    assert said in str(caught.value)
    assert "a secret" not in str(caught.value)


def test_a_pattern_of_a_file_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "recognizers:\n  - {name: Bad, supported_entity: BAD, patterns: [{name: a, regex: '(', score: 0.5}]}\n"
    )
    with pytest.raises(PolicyConfigError, match=r"files: bad.yaml: recognizer 'Bad' cannot be built"):
        load(PresidioConfig(files=("bad.yaml",), nlp="none"), tmp_path)


# --- traps ---


def test_a_pattern_that_times_out_raises_instead_of_finding_nothing(beside: Path) -> None:
    finder = mine(beside, "Late", max_seconds=0.05)
    assert found(finder, "aab") == [("LATE", "aab", "shape")]
    with pytest.raises(RecognitionTimeError, match=r"\Aa pattern of Late took too long\Z"):
        list(finder.find("a" * 60 + "cb", NOWHERE, unchecked))


def test_patterns_of_a_class_are_not_shared_with_presidio(finder: PresidioFinder) -> None:
    from presidio_analyzer.predefined_recognizers import KrRrnRecognizer, UrlRecognizer

    assert all(
        type(each.compiled_regex).__module__ != "policies.presidio.recognizers" for each in KrRrnRecognizer.PATTERNS
    )
    assert len(UrlRecognizer.PATTERNS) == 4


def test_the_environment_cannot_make_presidio_drop_patterns_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from presidio_analyzer import pattern_recognizer

    monkeypatch.setattr(pattern_recognizer, "REGEX_TIMEOUT_SECONDS", 3)
    with pytest.raises(PolicyConfigError, match="max_seconds: must be less than REGEX_TIMEOUT_SECONDS"):
        load(PresidioConfig(recognizers=("KrRrnRecognizer",), nlp="none"))


def test_a_recognizer_over_time_raises(beside: Path) -> None:
    with pytest.raises(RecognitionTimeError):
        list(mine(beside, "Slow", max_seconds=0.05).find("text", NOWHERE, unchecked))


def test_the_texts_of_one_result_share_its_time(beside: Path) -> None:
    finder = mine(beside, "Slow", max_seconds=0.1)
    one = finder.for_result()
    assert list(one.find("first", NOWHERE, unchecked)) == []
    with pytest.raises(RecognitionTimeError):
        list(one.find("second", NOWHERE, unchecked))
    assert list(finder.for_result().find("another", NOWHERE, unchecked)) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Crashing", "Crashing raised ValueError"),
        ("Leaving", "Leaving raised SystemExit"),
        ("Outside", "Outside found something outside of the text, or without a score"),
        ("Unscored", "Unscored found something outside of the text, or without a score"),
    ],
)
def test_a_broken_recognizer_raises_without_the_text(name: str, said: str, beside: Path) -> None:
    with pytest.raises(RecognitionError) as caught:
        list(mine(beside, name).find("canary-4711", NOWHERE, unchecked))
    assert str(caught.value) == said
    error: BaseException | None = caught.value
    while error is not None:
        assert "canary" not in str(error)
        error = error.__cause__ or error.__context__
    assert "canary-4711" not in "".join(traceback.format_exception_only(caught.value))


def test_check_stops_the_search(finder: PresidioFinder) -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        list(finder.find(RRN, NOWHERE, stop))


def test_no_value_is_logged(caplog: pytest.LogCaptureFixture, beside: Path) -> None:
    caplog.set_level(logging.DEBUG)
    finder = load(PresidioConfig(recognizers=("CryptoRecognizer", "IbanRecognizer", "KrRrnRecognizer"), nlp="none"))
    assert found(finder, "1BoatSLRHtKNngkdXEeobR76b53LETtpyX DE00370400440532013000 " + RRN)
    assert caplog.text == ""


def test_e_mail_addresses_are_checked_without_the_network(no_network: list[str]) -> None:
    finder = load(PresidioConfig(recognizers=("EmailRecognizer", "UrlRecognizer"), nlp="none"))
    assert found(finder, "mail ann@example.com") == [("EMAIL_ADDRESS", "ann@example.com", "checksum")]
    assert found(finder, "mail ann@example.invalidtld") == []
    assert no_network == []


@pytest.mark.parametrize("unit", ["a.", "a@", "1-", "a.com", "http://www.", "www.a-", "DE89 "], ids=repr)
def test_hostile_texts_take_linear_time(finder: PresidioFinder, unit: str) -> None:
    texts = [unit * (size // len(unit)) for size in (32 << 10, 64 << 10)]
    one, two = (min(_seconds(finder, text) for _ in range(3)) for text in texts)
    assert two < 2.5 * one + 0.02
    assert two < 1.0


def _seconds(finder: PresidioFinder, text: str) -> float:
    since = time.thread_time()
    list(finder.find(text, NOWHERE, unchecked))
    return time.thread_time() - since


def test_a_value_is_found_once_wherever_parts_meet(finder: PresidioFinder) -> None:
    for at in range(WINDOW - 2 * SHARED - 20, WINDOW + 2 * SHARED, 7):
        text = "x " * (at // 2) + " " * (at % 2) + RRN + " x" * 900
        findings = list(finder.find(text, NOWHERE, unchecked))
        assert [(each.start, each.end) for each in findings] == [(at, at + len(RRN))]


@pytest.mark.parametrize("at", [0, 100, 1_000, 1_799, 1_801, 1_999, 2_001])
def test_a_long_value_with_spaces_is_covered_whole_where_any_part_of_it_is_one(badges: PresidioFinder, at: int) -> None:
    text = "-" * at + "# " * 1_500 + "#" + "-" * 3_000
    covered = {place for each in badges.find(text, NOWHERE, unchecked) for place in range(each.start, each.end)}
    assert {*range(at, at + 3_001)} - covered == set()


@pytest.mark.parametrize("at", [0, 100, 1_700, 1_799, 1_801, 1_999, 2_001])
@pytest.mark.parametrize("length", [150, 1_900, 2_500, 7_000])
def test_a_value_longer_than_a_part_is_covered_whole(badges: PresidioFinder, at: int, length: int) -> None:
    text = "-" * at + "K" + "a" * (length - 1) + " - " * 500 + "Kabc"
    covered = {place for each in badges.find(text, NOWHERE, unchecked) for place in range(each.start, each.end)}
    assert covered == {*range(at, at + length), *range(len(text) - 4, len(text))}

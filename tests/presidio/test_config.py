"""The table, what is wrong with it, and which texts deserve Presidio: all without importing it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from policies.detect.finding import NOWHERE
from policies.finding import PolicyConfigError, config_findings
from policies.presidio.config import Model, PresidioConfig
from policies.presidio.gate import Gate
from policies.presidio.installed import MISSING, models
from policies.presidio.loading import load
from policies.presidio.problems import problems

BADGES = """
recognizers:
  - name: Badges
    supported_entity: BADGE
    patterns: [{name: badge, regex: 'BDG[a-f]{6}', score: 0.6}]
  - name: Titles
    supported_entity: TITLE
    deny_list: [Freifrau, Graf]
"""


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    (tmp_path / "badges.yaml").write_text(BADGES)
    (tmp_path / "mine.py").write_text("")
    (tmp_path / "broken.yaml").write_text("recognizers: [")
    (tmp_path / "empty.yaml").write_text("other: 1")
    (tmp_path / "odd.yaml").write_text("recognizers:\n  - {name: A, type: other}\n")
    (tmp_path / "far.yaml").write_text("recognizers: [AzureAILanguageRecognizer]")
    return tmp_path


def test_what_is_cheap_does_not_import_presidio() -> None:
    code = (
        "import sys; import policies.presidio.loading as loading\n"
        "from policies.presidio.config import PresidioConfig\n"
        "from policies.presidio.gate import Gate\n"
        "from policies.presidio.problems import problems\n"
        "from policies.detect.finding import NOWHERE\n"
        "config = PresidioConfig(recognizers=('KrRrnRecognizer',))\n"
        "assert not problems(config) and Gate(config).deserves('960121-1234567', NOWHERE)\n"
        "print({'presidio_analyzer', 'spacy', 'tldextract', 'regex', 'yaml'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"recognizers": ["KrRnRecognizer"]}, "recognizers: unknown recognizer 'KrRnRecognizer': did you mean 'KrRrn"),
        ({"recognizers": ["GLiNERRecognizer"]}, "recognizers: GLiNERRecognizer loads a model: name it in `nlp`"),
        ({"recognizers": ["SpacyRecognizer"]}, "recognizers: SpacyRecognizer comes with a model"),
        ({"recognizers": ["AzureAILanguageRecognizer"]}, "recognizers: AzureAILanguageRecognizer asks a service"),
        ({"recognizers": ["nowhere:Mine"]}, "recognizers: there is no module 'nowhere': it is neither in "),
        ({"recognizers": ["mine:"]}, "recognizers: 'mine:' is not 'module:Class'"),
        ({"files": ["absent.yaml"]}, "absent.yaml: there is no such file"),
        ({"files": ["broken.yaml"]}, "broken.yaml: not valid YAML (line "),
        ({"files": ["empty.yaml"]}, "empty.yaml: must have a list `recognizers`"),
        ({"files": ["odd.yaml"]}, "odd.yaml: recognizer 1: type must be"),
        ({"files": ["far.yaml"]}, "far.yaml: AzureAILanguageRecognizer asks a service"),
        ({"nlp": {"engine": "spacy", "model": "xx_absent_sm"}}, "nlp.model: 'xx_absent_sm' is neither an installed"),
        ({"nlp": {"engine": "stanza", "model": "/absent"}}, "nlp.model: there is no folder '/absent'"),
        ({"nlp": {"engine": "gliner", "model": "."}}, "nlp.engine: gliner needs HF_HUB_OFFLINE=1"),
    ],
)
def test_what_is_wrong_is_told_at_start(
    table: dict[str, object], said: str, beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert any(said in finding for finding in problems(PresidioConfig.model_validate(table), beside))


@pytest.mark.parametrize(
    "table",
    [{}, {"recognizers": ["KrRrnRecognizer", "mine:Mine"]}, {"files": ["badges.yaml"]}, {"nlp": "none"}],
    ids=str,
)
def test_what_is_right_has_no_findings(table: dict[str, object], beside: Path) -> None:
    assert problems(PresidioConfig.model_validate(table), beside) == []


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"recogniser": []}, "config.recogniser"),
        ({"nlp": "spacy"}, "config.nlp"),
        ({"nlp": {"engine": "bert", "model": "x"}}, "config.nlp.table.engine"),
        ({"nlp": {"engine": "spacy"}}, "config.nlp.table.model"),
        ({"threshold": 2}, "config.threshold"),
        ({"max_seconds": 0}, "config.max_seconds"),
        ({"entities": ["person"]}, "config.entities"),
        ({"languages": []}, "config.languages"),
    ],
    ids=str,
)
def test_a_wrong_table_is_refused_by_key(table: dict[str, object], key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        PresidioConfig.model_validate(table)
    assert [text.partition(":")[0] for text in config_findings(caught.value, PresidioConfig, {})] == [key]


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    config = PresidioConfig(recognizers=("KrRrnRecognizer",))
    assert problems(config) == [MISSING]
    assert "pip install mcp-policy-proxy[presidio]" in MISSING
    with pytest.raises(PolicyConfigError, match=r"pip install mcp-policy-proxy\[presidio\]"):
        load(config)


def test_nothing_asked_for_and_nothing_installed_is_not_in_use() -> None:
    config = PresidioConfig(nlp="none")
    assert not Gate(config).in_use
    assert not Gate(config).deserves("Ann Smith, 960121-1234567", NOWHERE)
    assert problems(config) == []


def test_a_model_is_not_taken_when_no_entity_of_one_is_asked_for(installed_model: str) -> None:
    assert models(PresidioConfig()) == {"en": Model(engine="spacy", model=installed_model)}
    assert models(PresidioConfig(entities=("KR_RRN",))) == {}
    assert models(PresidioConfig(nlp="none")) == {}
    assert models(PresidioConfig(languages=("fr",))) == {}


@pytest.mark.parametrize(
    ("text", "deserves"),
    [
        ("960121-1234567", True),
        ("call 5550100", True),
        ("ok", False),
        ("123", False),
        ("active", False),
        ("2026-11-20T18:24:31.123Z", False),
        ("2026-11-20", False),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", False),
        ("d41d8cd98f00b204e9800998ecf8427e", False),
        ("sha256:" + "9f" * 32, False),
        ("v10.12.2024-rc.1", False),
        ("arn:aws:iam::123456789012:role/reader", False),
        ("3141.592653", False),
        ("12345678Z", True),
        ("Ann Smith met Bob Jones", False),
    ],
)
def test_patterns_deserve_digits_that_are_not_benign(text: str, deserves: bool) -> None:
    gate = Gate(PresidioConfig(recognizers=("KrRrnRecognizer",), nlp="none"))
    assert gate.deserves(text, NOWHERE) is deserves


@pytest.mark.parametrize(
    ("text", "deserves"),
    [
        ("Yesterday Ann Smith flew to Berlin.", True),
        ("ann met Bob", True),
        ("Иван живёт в Москве", True),
        ("山田太郎さんに送る", True),
        ("the order was shipped", False),
        ("ANNSMITH", False),
        ("Berlin", False),
        ("", False),
        ("SKU-4711-B", False),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", False),
        ("QWxsIHlvdXIgYmFzZSBhcmUgYmVsb25n", False),
        ('{"name": "Ann Smith", "a": [1, 2], "b": {"c": "D e"}, "f": "G h"}', False),
        ("public static Foo bar() { return new Foo(a[0], b[1]); } class Baz { Foo f = null; int x = (1); }", False),
    ],
)
def test_models_deserve_prose(text: str, deserves: bool, installed_model: str) -> None:
    assert Gate(PresidioConfig()).deserves(text, NOWHERE) is deserves


@pytest.mark.parametrize(
    ("text", "deserves"),
    [("see BDGabcdef", True), ("see bdgABCDEF", True), ("die Freifrau", True), ("see BDG", False), ("é", True)],
)
def test_users_patterns_say_themselves_what_deserves_them(text: str, deserves: bool, beside: Path) -> None:
    gate = Gate(PresidioConfig(files=("badges.yaml",), nlp="none"), beside)
    assert gate.deserves(text, NOWHERE) is deserves


@pytest.mark.parametrize("text", ["anything", "2026-11-20", "3f786850-e387-4cb1-9bd0-0c0f9a4ac5f1"])
def test_a_users_class_sees_every_text(text: str, beside: Path) -> None:
    assert Gate(PresidioConfig(recognizers=("mine:Mine",), nlp="none"), beside).deserves(text, NOWHERE)


def test_benign_shapes_deserve_those_that_look_for_them() -> None:
    gate = Gate(PresidioConfig(recognizers=("UuidRecognizer",), nlp="none"))
    assert gate.deserves("0f8fad5b-d9cb-469f-a165-70867728950e", NOWHERE)


@pytest.mark.parametrize("unit", ["a", "A", "a ", "Ab", " ", "9f", "ア ", "{", "BDG"])
def test_deciding_takes_linear_time(unit: str, installed_model: str, beside: Path) -> None:
    gate = Gate(PresidioConfig(files=("badges.yaml",), recognizers=("KrRrnRecognizer",)), beside)
    one, two = (min(_seconds(gate, unit * (size // len(unit))) for _ in range(2)) for size in (256 << 10, 512 << 10))
    assert two < 2.5 * one + 0.01
    assert two < 0.3


def _seconds(gate: Gate, text: str) -> float:
    since = time.thread_time()
    gate.deserves(text, NOWHERE)
    gate.prose(text)
    return time.thread_time() - since

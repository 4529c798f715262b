"""Models behind `find`: found when installed, read from disk, never fetched, and their failures are failures."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from policies.detect.finding import NOWHERE, Finding
from policies.finding import PolicyConfigError
from policies.presidio.config import Model, PresidioConfig
from policies.presidio.errors import RecognitionError, RecognitionTimeError
from policies.presidio.finder import PresidioFinder
from policies.presidio.gate import Gate
from policies.presidio.loading import load

NAMES = ("Ann Smith", "PERSON"), ("Berlin", "GPE"), ("French", "NORP"), ("Example Works", "ORG"), ("May 2026", "DATE")
TEXT = "Yesterday Ann Smith flew to Berlin. She is French and works at Example Works since May 2026."


def unchecked() -> None:
    """No deadline."""


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spaCy pipeline that knows its names by rules."""
    import spacy

    nlp = spacy.blank("en")
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": name} for name, label in NAMES])
    folder = tmp_path_factory.mktemp("models") / "rules"
    nlp.to_disk(folder)
    return folder


def by_path(path: Path, **more: Any) -> PresidioConfig:
    return PresidioConfig(nlp=Model(engine="spacy", model=str(path)), **more)


def found(finder: PresidioFinder, text: str) -> dict[str, str]:
    return {text[each.start : each.end]: each.entity for each in finder.find(text, NOWHERE, unchecked)}


def test_people_places_and_groups_are_found_by_a_model_on_disk(on_disk: Path, no_network: list[str]) -> None:
    finder = load(by_path(on_disk))
    assert finder.entities == {"PERSON", "LOCATION", "NRP"}
    assert found(finder, TEXT) == {"Ann Smith": "PERSON", "Berlin": "LOCATION", "French": "NRP"}
    first = min(finder.find(TEXT, NOWHERE, unchecked), key=lambda each: each.start)
    assert first == Finding(10, 19, "PERSON", 0.85, "model", "SpacyRecognizer")
    assert no_network == []


def test_what_else_a_model_knows_is_found_when_asked_for(on_disk: Path) -> None:
    finder = load(by_path(on_disk, entities=("ORGANIZATION", "DATE_TIME"), threshold=0.3))
    assert found(finder, TEXT) == {"Example Works": "ORGANIZATION", "May 2026": "DATE_TIME"}


def test_an_installed_model_is_taken_by_itself(
    installed_model: str, on_disk: Path, tmp_path: Path, no_network: list[str]
) -> None:
    (tmp_path / "site" / installed_model / "data").symlink_to(on_disk)
    assert found(load(PresidioConfig()), TEXT)["Ann Smith"] == "PERSON"
    assert no_network == []


def test_a_model_that_cannot_be_loaded_is_an_error_and_nothing_is_fetched(
    tmp_path: Path, no_network: list[str]
) -> None:
    with pytest.raises(PolicyConfigError, match=r"nlp: the spacy model .* cannot be loaded: OSError"):
        load(by_path(tmp_path))
    with pytest.raises(PolicyConfigError, match="nothing is downloaded"):
        load(PresidioConfig(nlp=Model(engine="spacy", model="en_core_web_lg")))
    assert no_network == []


def test_a_model_does_not_see_what_is_not_prose(on_disk: Path) -> None:
    finder = load(by_path(on_disk))
    assert found(finder, "Berlin") == {}
    assert found(finder, "id=Berlin;a=(Ann Smith);{b}[c]<d>;(e)={f};[g]") == {}


def test_names_are_found_in_every_part_of_a_long_text(on_disk: Path) -> None:
    finder = load(by_path(on_disk))
    text = (TEXT + " And so on it went, for a while. ") * 100
    findings = [each for each in finder.find(text, NOWHERE, unchecked) if each.entity == "PERSON"]
    assert sorted(each.start for each in findings) == [
        at for at in range(len(text)) if text.startswith("Ann Smith", at)
    ]


class Label:
    """What SpacyRecognizer reads of a spaCy span."""

    def __init__(self, label: str, start: int, end: int) -> None:
        self.label_, self.start_char, self.end_char = label, start, end


@pytest.fixture(scope="module")
def engines() -> Any:
    from presidio_analyzer.nlp_engine import NlpArtifacts

    from policies.presidio.models import WordsOnly

    class Fake(WordsOnly):
        """Takes the first word for a person, unless told to do something else."""

        def __init__(self, instead: Any = None) -> None:
            super().__init__(["en"])
            self.instead = instead

        def process_text(self, text: str, language: str) -> NlpArtifacts:
            if self.instead is not None:
                self.instead(text)
            artifacts = super().process_text(text, language)
            artifacts.entities, artifacts.scores = [Label("PERSON", 0, text.index(" "))], [0.9]  # type: ignore[list-item]
            return artifacts

        def get_supported_entities(self) -> list[str]:
            return ["PERSON"]

    return Fake


def over(engine: Any, installed: str, max_seconds: float = 5.0) -> PresidioFinder:
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    from policies.presidio.models import WordsOnly, reader

    assert installed
    config = PresidioConfig(max_seconds=max_seconds)
    return PresidioFinder(
        Gate(config),
        [],
        [reader(engine, SpacyRecognizer, "en")],
        entities=frozenset({"PERSON"}),
        config=config,
        split=WordsOnly(["en"]),
    )


def test_an_engine_like_spacys_is_read(engines: Any, installed_model: str) -> None:
    assert found(over(engines(), installed_model), "Ann went to Rome") == {"Ann": "PERSON"}


def test_a_model_that_crashes_raises_without_the_text(engines: Any, installed_model: str) -> None:
    def crash(text: str) -> None:
        raise RuntimeError(text)

    with pytest.raises(RecognitionError, match=r"\ASpacyRecognizer raised RuntimeError\Z") as caught:
        found(over(engines(crash), installed_model), "Ann went to Rome")
    assert caught.value.__context__ is None


def test_a_model_in_use_by_another_thread_is_waited_for_within_the_time(engines: Any, installed_model: str) -> None:
    inside, leave = threading.Event(), threading.Event()

    def hang(_: str) -> None:
        inside.set()
        leave.wait(5)

    finder = over(engines(hang), installed_model, max_seconds=0.1)

    def first() -> None:
        with pytest.raises(RecognitionTimeError):
            found(finder, "Ann went to Rome")

    other = threading.Thread(target=first)
    other.start()
    assert inside.wait(5)
    with pytest.raises(RecognitionTimeError, match="a model is busy"):
        found(finder, "Bob went to Rome")
    leave.set()
    other.join()


def test_an_engine_fetches_no_model_by_itself(no_network: list[str]) -> None:
    from policies.presidio.models import readers

    with pytest.raises(PolicyConfigError, match="cannot be loaded: OSError"):
        readers({"en": Model(engine="spacy", model="en_core_web_lg")})
    assert no_network == []


def test_a_transformers_model_finds_and_its_failure_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from presidio_analyzer.nlp_engine import huggingface_token_pipe

    from policies.presidio.models import readers

    def pipeline(**given: Any) -> Any:
        assert given["model"] == "/models/ner"
        return ner

    def ner(text: str) -> list[dict[str, Any]]:
        if "Bob" in text:
            raise MemoryError(text)
        return [{"entity_group": "PER", "start": 0, "end": 3, "score": 0.97}]

    monkeypatch.setattr(huggingface_token_pipe, "hf_pipeline", pipeline)
    monkeypatch.setattr(huggingface_token_pipe, "_pipeline_device", lambda: -1)  # asks torch
    (reader,) = readers({"en": Model(engine="transformers", model="/models/ner")})
    assert reader.engine is not None
    assert [each.label_ for each in reader.engine.process_text("Ann went to Rome", "en").entities] == ["PERSON"]
    with pytest.raises(MemoryError):  # Presidio's own pipe takes the text for one without names
        reader.engine.process_text("Bob went to Rome", "en")


def test_a_gliner_model_is_read_from_its_folder_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from presidio_analyzer.predefined_recognizers.ner import gliner_recognizer

    from policies.presidio.models import readers

    class Gliner:
        @classmethod
        def from_pretrained(cls, name: str, **given: Any) -> Gliner:
            assert (name, given["local_files_only"]) == ("/models/gliner", True)
            return cls()

        def predict_entities(self, text: str, **_: Any) -> list[dict[str, Any]]:
            return [{"label": "PERSON", "start": 0, "end": 3, "score": 0.8}]

    monkeypatch.setattr(gliner_recognizer, "GLiNER", Gliner)
    (reader,) = readers({"en": Model(engine="gliner", model="/models/gliner")})
    (only,) = reader.recognizer.analyze("Ann went to Rome", ["PERSON"], None) or []  # type: ignore[arg-type]
    assert (only.entity_type, only.start, only.end) == ("PERSON", 0, 3)

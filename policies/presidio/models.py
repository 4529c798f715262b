"""Models that read a language, loaded from this machine alone. Only `loading.py` imports this module."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine, SpacyNlpEngine, StanzaNlpEngine, TransformersNlpEngine
from presidio_analyzer.predefined_recognizers import (
    GLiNERRecognizer,
    SpacyRecognizer,
    StanzaRecognizer,
    TransformersRecognizer,
)

from policies.finding import PolicyConfigError, failed
from policies.presidio.config import Model
from policies.presidio.theirs import Reader, Recognizer

_WORD: Final = re.compile(r"\w+|[^\w\s]")


class WordsOnly(NlpEngine):
    """Splits words, lower-cased, for recognizers that want artifacts; no model, no entities."""

    def __init__(self, languages: Sequence[str]) -> None:
        self._languages = list(languages)

    def load(self) -> None:
        return None

    def is_loaded(self) -> bool:
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        found = list(_WORD.finditer(text))
        words, starts = [match[0].lower() for match in found], [match.start() for match in found]
        return NlpArtifacts([], words, starts, words, self, language)  # type: ignore[arg-type] # no spaCy document

    def process_batch(
        self, texts: Iterable[str], language: str, *_args: object, **_kwargs: object
    ) -> Iterator[tuple[str, NlpArtifacts]]:
        return ((text, self.process_text(text, language)) for text in texts)

    def is_stopword(self, word: str, language: str) -> bool:
        return False

    def is_punct(self, word: str, language: str) -> bool:
        return False

    def get_supported_entities(self) -> list[str]:
        return []

    def get_supported_languages(self) -> list[str]:
        return self._languages


class _Offline(SpacyNlpEngine):
    @staticmethod
    def _download_spacy_model_if_needed(model_name: str) -> None:
        """Presidio's downloads a model that is not there; ours lets spaCy say so."""


class _OfflineTransformers(TransformersNlpEngine):
    """Over a blank pipeline, which splits words; Presidio's wants a second model for that."""

    def load(self) -> None:
        import spacy
        from presidio_analyzer.nlp_engine.huggingface_token_pipe import FACTORY_NAME

        loaded: dict[str, Any] = {}
        for model in cast(list[dict[str, Any]], self.models):
            nlp = spacy.blank(model["lang_code"])
            settings = self.ner_model_configuration
            pipe = nlp.add_pipe(
                FACTORY_NAME,
                config={
                    "model": model["model_name"]["transformers"],
                    "stride": settings.stride,
                    "alignment_mode": settings.alignment_mode,
                    "aggregation_strategy": settings.aggregation_strategy,
                    "spans_key": self.entity_key,
                },
            )
            strictly(pipe)
            loaded[model["lang_code"]] = nlp
        self.nlp = loaded  # type: ignore[assignment] # Presidio gives it no type


def strictly(pipe: Any) -> None:
    """Let the pipe raise what its model raises: Presidio's logs it and takes the text for one without names."""
    pipe._predict_one = lambda doc: pipe._validate_predictions(pipe.pipeline(doc.text))


def readers(models: Mapping[str, Model]) -> list[Reader]:
    """A reader for each language. Raises PolicyConfigError when a model cannot be loaded."""
    return [_reader(language, model) for language, model in models.items()]


def _reader(language: str, model: Model) -> Reader:
    try:
        return _BUILD[model.engine](language, model.model)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a model's library raises is a finding
        why = failed(error, None).partition(" at ")[0]
    raise PolicyConfigError([f"nlp: the {model.engine} model {model.model!r} cannot be loaded: {why}"])


def _spacy(language: str, model: str) -> Reader:
    engine = _Offline([{"lang_code": language, "model_name": model}])
    return reader(engine, SpacyRecognizer, language)


def _stanza(language: str, model: str) -> Reader:
    from presidio_analyzer.nlp_engine.stanza_nlp_engine import load_pipeline

    engine = StanzaNlpEngine([{"lang_code": language, "model_name": language}], download_if_missing=False)
    engine.nlp = {  # type: ignore[assignment] # Presidio gives it no type
        language: load_pipeline(
            language, dir=model, processors="tokenize,pos,lemma,ner", download_method=None, device=engine.device
        )
    }
    return reader(engine, StanzaRecognizer, language)


def _transformers(language: str, model: str) -> Reader:
    engine = _OfflineTransformers([{"lang_code": language, "model_name": {"spacy": "", "transformers": model}}])
    return reader(engine, TransformersRecognizer, language)


def _gliner(language: str, model: str) -> Reader:
    made = GLiNERRecognizer(model_name=model, supported_language=language, local_files_only=True)
    return Reader(recognizer=cast(Recognizer, made), language=language)


def reader(engine: NlpEngine, recognizer: type[SpacyRecognizer], language: str) -> Reader:
    """A reader over an engine, which is loaded unless it is."""
    if not engine.is_loaded():
        engine.load()
    made = recognizer(supported_language=language, supported_entities=engine.get_supported_entities())
    return Reader(recognizer=cast(Recognizer, made), language=language, engine=engine)


_BUILD: Mapping[str, Callable[[str, str], Reader]] = {
    "spacy": _spacy,
    "stanza": _stanza,
    "transformers": _transformers,
    "gliner": _gliner,
}

"""Presidio without a model: its engine and checksums, with patterns and a search for context words that stay linear.

Importing Presidio takes more than a second: only `load` does it, and only in a thread of the policy. Left out: the URL
recognizer (quadratic), the e-mail recognizer (asks the network for a list of domains), the IP recognizer (slow), and
the context search (quadratic). What is left keeps no state: threads share one analyzer.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from policies.redact.context import CARD, PHONE, SSN, Words
from policies.redact.shapes import is_card

ENTITIES: Final = ("PHONE_NUMBER", "CREDIT_CARD", "US_SSN", "IBAN_CODE", "CRYPTO")
CONTEXT_SCORE: Final = 0.35
WEAK_SCORE: Final = 0.05
_LEAST_WITH_CONTEXT: Final = 0.4

_START: Final = r"(?<![A-Za-z0-9_.-])"
_END: Final = r"(?![A-Za-z0-9_-]|\.[0-9])"
_EXTENSION: Final = r"(?: ?(?:x|ext\.?) ?[0-9]{1,6})?"
_PATTERNS: Final[Sequence[tuple[str, Words, Mapping[str, float]]]] = (
    (
        "PHONE_NUMBER",
        PHONE,
        {
            r"(?<![A-Za-z0-9_+])\+[0-9]{8,15}" + _EXTENSION + _END: 0.6,
            r"(?<![A-Za-z0-9_+])(?=\+(?:[0-9][ .()-]{0,3}){7})\+[0-9]{1,9}(?:[ .-]?\([0-9]{1,4}\)[ .-]?|[ .-])"
            r"[0-9]{1,10}(?:[ .-][0-9]{2,8}){0,4}" + _EXTENSION + _END: 0.6,
            r"(?<![A-Za-z0-9_.+-])(?:1[ .-])?(?:\([0-9]{3}\) ?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}"
            + _EXTENSION
            + _END: 0.5,
            r"(?<![A-Za-z0-9_.+-])(?![0-9]{4}-[0-9]{2}-[0-9]{2})\(?[0-9](?:[ ().-]{0,3}[0-9]){6,14}" + _END: WEAK_SCORE,
        },
    ),
    (
        "US_SSN",
        SSN,
        {
            _START + r"(?!000|666)[0-9]{3}([- .])(?!00)[0-9]{2}\1(?!0000)[0-9]{4}" + _END: 0.5,
            _START + r"(?!000|666)[0-9]{3}(?!00)[0-9]{2}(?!0000)[0-9]{4}" + _END: WEAK_SCORE,
        },
    ),
    (
        "CREDIT_CARD",
        CARD,
        {_START + r"(?:[0-9]{12,19}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4})" + _END: WEAK_SCORE},
    ),
)
"""Scores below the threshold count only beside a context word. No quantifier can give up a character to another."""

_CARD_SHAPES: Final = (
    r"(?<![A-Za-z0-9.])(?<![0-9]-)"
    r"(?:[0-9]{13,19}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5})"
    r"(?![A-Za-z0-9]|\.[0-9])"
)
_LAST_OF_FIVE: Final = r"(?<=[^A-Za-z0-9.-][0-9]{4} )[0-9]{4} [0-9]{4} [0-9]{4} [0-9]{4}(?![A-Za-z0-9]| ?[0-9]|\.[0-9])"
"""A card number behind another group of four, which the shapes above would take for its first."""
_WORD: Final = re.compile(r"[^\W_]+")
_WORDS_BEFORE: Final = 5


def load() -> Any:
    """Import Presidio and build its analyzer. Its log is silenced: it writes the values that fail a checksum."""
    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL + 1)
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry

    recognizers = _recognizers()
    analyzer = AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=recognizers, supported_languages=["en"]),
        nlp_engine=_words_only(),
        supported_languages=["en"],
        context_aware_enhancer=_context({each.id: Words(tuple(each.context)) for each in recognizers}),
    )
    analyzer.analyze("call 212-555-0100", "en", entities=list(ENTITIES))  # compiles the patterns
    return analyzer


def _recognizers() -> list[Any]:
    from presidio_analyzer import Pattern, PatternRecognizer
    from presidio_analyzer.predefined_recognizers import CryptoRecognizer, IbanRecognizer

    class Card(PatternRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            return is_card(pattern_text)

    own = [
        PatternRecognizer(
            supported_entity=entity,
            name=f"{entity} patterns",
            context=list(context.singular),
            patterns=[
                Pattern(f"{entity} {number}", text, score) for number, (text, score) in enumerate(patterns.items())
            ],
        )
        for entity, context, patterns in _PATTERNS
    ]
    card = Card(
        supported_entity="CREDIT_CARD",
        name="cards",
        context=list(CARD.singular),
        patterns=[Pattern("card", _CARD_SHAPES, 0.3), Pattern("last of five", _LAST_OF_FIVE, 0.3)],
    )
    return [*own, card, CryptoRecognizer(), IbanRecognizer()]


def _context(words: Mapping[str, Words]) -> Any:
    """Raises the score of what stands after a word of its recognizer's context, or under a key that holds one."""
    from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer

    class Near(ContextAwareEnhancer):
        def enhance_using_context(
            self,
            text: str,
            raw_results: list[Any],
            nlp_artifacts: Any,
            recognizers: list[Any],
            context: list[str] | None = None,
        ) -> list[Any]:
            for result in raw_results:
                at = bisect_right(nlp_artifacts.tokens_indices, result.start)
                near = (*nlp_artifacts.tokens[max(at - _WORDS_BEFORE - 1, 0) : at], *(context or ()))
                if words[result.recognition_metadata["recognizer_identifier"]].among(near):
                    result.score = min(max(result.score + CONTEXT_SCORE, _LEAST_WITH_CONTEXT), 1.0)
            return raw_results

    return Near(CONTEXT_SCORE, _LEAST_WITH_CONTEXT, _WORDS_BEFORE, 0)


def _words_only() -> Any:
    """An NLP engine that only splits words, lower-cased: that is all the search for context needs."""
    from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

    class Words(NlpEngine):
        def load(self) -> None:
            return None

        def is_loaded(self) -> bool:
            return True

        def process_text(self, text: str, language: str) -> Any:
            matches = list(_WORD.finditer(text))
            words = [match[0].lower() for match in matches]
            return NlpArtifacts([], words, [match.start() for match in matches], [], self, language)  # type: ignore[arg-type]

        def process_batch(self, texts: Iterable[str], language: str, *args: Any, **kwargs: Any) -> Any:
            return ((text, self.process_text(text, language)) for text in texts)

        def is_stopword(self, word: str, language: str) -> bool:
            return False

        def is_punct(self, word: str, language: str) -> bool:
            return False

        def get_supported_entities(self) -> list[str]:
            return []

        def get_supported_languages(self) -> list[str]:
            return ["en"]

    return Words()

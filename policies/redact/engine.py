"""Presidio without a model: its engine, its context words and its checksums, with patterns that stay linear.

Importing Presidio takes more than a second: only `load` does it, and only in the thread of the policy. Texts are shown
to it in short windows around what could be a value, because its context search is quadratic in the text.
Left out: the URL recognizer (quadratic), and the e-mail recognizer, which asks the network for a list of domains.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from policies.redact.keys import windows

ENTITIES: Final = (
    "EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "US_SSN", "IBAN_CODE", "IP_ADDRESS", "CRYPTO", "DATE_OF_BIRTH",
)  # fmt: skip
"""DATE_OF_BIRTH is found by the key's name alone."""

_NOT_PERSONAL: Final = frozenset({"127.0.0.1", "0.0.0.0", "255.255.255.255", "::1", "::"})
_CARD: Final = ("credit", "card", "visa", "mastercard", "amex", "discover", "maestro", "cc", "pan")
_PHONE: Final = ("phone", "telephone", "tel", "mobile", "cell", "cellphone", "fax", "whatsapp", "sms")
_SSN: Final = ("ssn", "social", "security", "ssns")
_EMAIL: Final = (
    r"[\w.%+'-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}"
    r"(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{1,59})(?![\w@])"
)
_END: Final = r"(?![\w-]|\.\d)"
_PATTERNS: Final[Sequence[tuple[str, Sequence[str], Mapping[str, float]]]] = (
    ("EMAIL_ADDRESS", ("email", "mail"), {_EMAIL: 0.9}),
    (
        "PHONE_NUMBER",
        _PHONE,
        {
            r"(?<![\w+])\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,5}(?:[ .-]?\d{2,5}){1,4}" + _END: 0.6,
            r"(?<![\w.+-])(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?: ?(?:x|ext\.?) ?\d{1,6})?" + _END: 0.5,
            r"(?<![\w.+-])(?!\d{4}-\d\d-\d\d)\(?\d[\d ().-]{5,17}\d" + _END: 0.05,
        },
    ),
    (
        "US_SSN",
        _SSN,
        {
            r"(?<![\w.-])(?!000|666)\d{3}([- .])(?!00)\d\d\1(?!0000)\d{4}" + _END: 0.5,
            r"(?<![\w.-])(?!000|666)\d{3}(?!00)\d\d(?!0000)\d{4}" + _END: 0.05,
        },
    ),
    ("CREDIT_CARD", _CARD, {r"(?<![\w.-])(?:\d{12,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4})" + _END: 0.05}),
)
"""Scores below the threshold count only beside a context word, which adds 0.35."""

_CARD_SHAPES: Final = (
    r"(?<![A-Za-z0-9.])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5})(?![A-Za-z0-9]|\.\d)"
)


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` of a text are an `entity`."""

    start: int
    end: int
    entity: str
    score: float


class Engine:
    """Finds spans. Used by one thread at a time."""

    def __init__(self, analyzer: Any, entities: Sequence[str], threshold: float) -> None:
        self._analyzer = analyzer
        self._entities = list(entities)
        self._threshold = threshold

    def find(self, text: str, context: Sequence[str], check: Callable[[], None]) -> list[Span]:
        """Spans in order, none overlapping another. `check` is called between windows and may raise to stop."""
        found: list[Span] = []
        for start, end in windows(text):
            check()
            found += self._window(text[start:end], start, context)
        return _apart(found)

    def _window(self, text: str, offset: int, context: Sequence[str]) -> Iterable[Span]:
        results = self._analyzer.analyze(
            text, "en", entities=self._entities, score_threshold=self._threshold, context=list(context) or None
        )
        for item in results:
            if item.entity_type != "IP_ADDRESS" or _is_personal(text[item.start : item.end]):
                yield Span(item.start + offset, item.end + offset, item.entity_type, item.score)


def _is_personal(address: str) -> bool:
    return address not in _NOT_PERSONAL and any(char.isdigit() for char in address)


def _apart(spans: list[Span]) -> list[Span]:
    """The best of those that overlap, grown over what the others cover beyond it."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        last = merged[-1] if merged else None
        if last is None or span.start >= last.end:
            merged.append(span)
            continue
        best = max(last, span, key=lambda each: (each.score, each.end - each.start))
        merged[-1] = Span(last.start, max(last.end, span.end), best.entity, best.score)
    return merged


def load(entities: Sequence[str], threshold: float) -> Engine:
    """Import Presidio and build the engine. Its log is silenced: it writes the values that fail a checksum."""
    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL + 1)
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry

    asked = [entity for entity in entities if entity != "DATE_OF_BIRTH"]
    registry = RecognizerRegistry(recognizers=_recognizers(), supported_languages=["en"])
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=_words_only(), supported_languages=["en"])
    engine = Engine(analyzer, asked, threshold)
    engine.find("call 212-555-0100 or a@example.com", (), lambda: None)  # compiles the patterns
    return engine


def _recognizers() -> list[Any]:
    from presidio_analyzer import Pattern, PatternRecognizer
    from presidio_analyzer.predefined_recognizers import CryptoRecognizer, IbanRecognizer, IpRecognizer

    class Card(PatternRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            return _is_card(pattern_text)

    own = [
        PatternRecognizer(
            supported_entity=entity,
            name=f"{entity} patterns",
            context=list(context),
            patterns=[
                Pattern(f"{entity} {number}", text, score) for number, (text, score) in enumerate(patterns.items())
            ],
        )
        for entity, context, patterns in _PATTERNS
    ]
    card = Card(
        supported_entity="CREDIT_CARD", name="cards", context=list(_CARD), patterns=[Pattern("card", _CARD_SHAPES, 0.3)]
    )
    return [*own, card, CryptoRecognizer(), IbanRecognizer(), IpRecognizer()]


def _is_card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    two, four = int(digits[:2]), int(digits[:4])
    issued = (
        digits[0] == "4"
        or two in range(50, 70)
        or two in (34, 35, 36, 37, 38, 39, 30)
        or 2221 <= four <= 2720
        or four in (1800, 2131)
    )
    doubled = (sum(divmod(int(digit) * 2, 10)) for digit in digits[-2::-2])
    return issued and (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _words_only() -> Any:
    """An NLP engine that only splits words, lower-cased: that is all the context search needs."""
    from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

    class Words(NlpEngine):
        def load(self) -> None:
            return None

        def is_loaded(self) -> bool:
            return True

        def process_text(self, text: str, language: str) -> Any:
            matches = list(re.finditer(r"[^\W_]+|[^\w\s]|_", text))
            tokens = [match[0] for match in matches]
            starts = [match.start() for match in matches]
            lemmas = [token.lower() for token in tokens]
            return NlpArtifacts([], tokens, starts, lemmas, self, language)  # type: ignore[arg-type]

        def process_batch(self, texts: Iterable[str], language: str, *args: Any, **kwargs: Any) -> Any:
            return ((text, self.process_text(text, language)) for text in texts)

        def is_stopword(self, word: str, language: str) -> bool:
            return False

        def is_punct(self, word: str, language: str) -> bool:
            return not word.isalnum()

        def get_supported_entities(self) -> list[str]:
            return []

        def get_supported_languages(self) -> list[str]:
            return ["en"]

    return Words()

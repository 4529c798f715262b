"""presidio-research v2 (MIT, Microsoft): precision and recall in free text, by exact entity, any overlap."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.detection.scoring import ratio
from benchmarks.detection.seams import Span, Spans

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "presidio_research_v2.json"
ENTITIES = ("EMAIL_ADDRESS", "IP_ADDRESS", "IBAN_CODE", "US_SSN", "URL", "CREDIT_CARD", "PHONE_NUMBER")
_SAME = {"DOMAIN_NAME": "URL", "URL_CREDENTIALS": "URL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Counts per entity: `right` found spans of `found`, `met` of the `given` ones."""

    found: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)

    def precision(self, entity: str) -> float:
        return ratio(self.right[entity], self.found[entity], empty=0.0)

    def recall(self, entity: str) -> float:
        return ratio(self.met[entity], self.given[entity])


def read(file: Path) -> list[Sentence]:
    """Raises OSError, ValueError, KeyError."""
    whole: list[dict[str, Any]] = json.loads(file.read_text())
    return [Sentence(text=each["full_text"], spans=tuple(_span(span) for span in each["spans"])) for each in whole]


def _span(span: dict[str, Any]) -> Span:
    entity = str(span["entity_type"])
    return int(span["start_position"]), int(span["end_position"]), _SAME.get(entity, entity)


def agreement(sentences: Sequence[Sentence], finds: Spans) -> Agreement:
    """Raises what `finds` raises. A URL inside an e-mail address that is one is not counted against it."""
    total = Agreement()
    for sentence in sentences:
        found = [(start, end, _SAME.get(entity, entity)) for start, end, entity in finds(sentence.text)]
        emails = [span for span in sentence.spans if span[2] == "EMAIL_ADDRESS"]
        found = [span for span in found if span[2] != "URL" or not any(_over(span, email) for email in emails)]
        _count(total.found, total.right, found, sentence.spans)
        _count(total.given, total.met, sentence.spans, found)
    return total


def _count(all_of: Counter[str], met: Counter[str], spans: Sequence[Span], others: Sequence[Span]) -> None:
    for span in spans:
        all_of[span[2]] += 1
        met[span[2]] += any(span[2] == other[2] and _over(span, other) for other in others)


def _over(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]

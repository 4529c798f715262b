"""What we use of Presidio's objects: recognizers, their results, and engines that read. Its own types say little."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class Explanation(Protocol):
    pattern_name: str | None
    validation_result: bool | None


class Found(Protocol):
    """`RecognizerResult`: characters `start` to `end` of the text; `score` from 0 to 1."""

    entity_type: str
    start: int
    end: int
    score: float
    analysis_explanation: Explanation | None


class Artifacts(Protocol):
    """`NlpArtifacts`: handed from an engine to a recognizer, and not looked at."""

    tokens_indices: list[int]


class Recognizer(Protocol):
    """`EntityRecognizer`."""

    name: str
    supported_entities: list[str]
    context: list[str] | None

    @property
    def score_thresholds(self) -> Mapping[str, float]: ...

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Artifacts) -> list[Found] | None: ...

    def enhance_using_context(
        self,
        text: str,
        raw_recognizer_results: list[Found],
        other_raw_recognizer_results: list[Found],
        nlp_artifacts: Artifacts,
        context: Sequence[str] | None,
    ) -> list[Found]: ...


class Engine(Protocol):
    """`NlpEngine`, loaded."""

    def process_text(self, text: str, language: str) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A recognizer that reads prose of one language: with the artifacts of `engine`, or by itself when it is None.

    `lock`: nobody promises that a pipeline may be used by two threads at once.
    """

    recognizer: Recognizer
    language: str
    engine: Engine | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

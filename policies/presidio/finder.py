"""Presidio behind the engine's `Finder`: a text in parts, each part through the recognizers and models it deserves."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from typing import Final

from policies.detect.finding import Finding, Near, Why
from policies.presidio.config import PresidioConfig
from policies.presidio.context import LEAST, RAISE, ContextWords, Words
from policies.presidio.errors import RecognitionError, RecognitionTimeError
from policies.presidio.gate import Gate
from policies.presidio.theirs import Artifacts, Engine, Found, Reader, Recognizer

WINDOW: Final = 2_000
"""Characters that a recognizer gets at once: what is quadratic in them stays bounded."""
SHARED: Final = 200
"""Characters that a part has in common with the next, on either side of what is its own to report."""

_THEIRS: Final = "presidio_analyzer."
"""Where recognizers come from that do not look at the artifacts they get, which cost more than they do."""
_SPACE: Final = re.compile(r"\s")


class Clock:
    """The seconds that one result may take, by the clock on the wall: a model computes in threads of its own."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    @property
    def left(self) -> float:
        return self._left

    def spend(self, since: float) -> None:
        """Raises RecognitionTimeError when no time is left."""
        self._left -= time.monotonic() - since
        if self._left <= 0:
            raise RecognitionTimeError("out of time")


class PresidioFinder:
    """Recognizers and models, loaded. `find` gives each text `max_seconds`; `for_result` shares them among texts."""

    def __init__(
        self,
        gate: Gate,
        recognizers: Sequence[Recognizer],
        readers: Sequence[Reader],
        *,
        entities: frozenset[str],
        config: PresidioConfig,
        split: Engine,
    ) -> None:
        """`split` makes artifacts of a text's words, for recognizers that no model reads for."""
        self._gate, self._readers = gate, tuple(readers)
        self._entities, self._split, self._language = entities, split, config.languages[0]
        self._threshold, self._max_seconds = config.threshold, config.max_seconds
        self._none = split.process_text("", self._language)
        self._split_for = {id(each) for each in recognizers if not type(each).__module__.startswith(_THEIRS)}
        everyone = [*recognizers, *(each.recognizer for each in readers)]
        self._context = {id(each): ContextWords(each.context or ()) for each in everyone}
        self._asked = {id(each): sorted(entities.intersection(each.supported_entities)) for each in everyone}
        self._recognizers = tuple(each for each in recognizers if self._asked[id(each)])

    @property
    def entities(self) -> frozenset[str]:
        return self._entities

    def deserves(self, text: str, near: Near) -> bool:
        """Whether Presidio is to look at this text: as its gate says."""
        return self._gate.deserves(text, near)

    def for_result(self) -> OneResult:
        """The finder for the texts of one result."""
        return OneResult(self, Clock(self._max_seconds))

    def find(self, text: str, near: Near, check: Callable[[], None]) -> Sequence[Finding]:
        """All findings. Raises RecognitionError, RecognitionTimeError over `max_seconds`, and what `check` raises."""
        return self.within(Clock(self._max_seconds), text, near, check)

    def within(self, clock: Clock, text: str, near: Near, check: Callable[[], None]) -> list[Finding]:
        """All findings, or an exception: never a part of them."""
        findings: list[Finding] = []
        first = covered = 0
        while first < len(text):
            start = _start(text, first)
            end = min(start + WINDOW, len(text))
            found = [_moved(each, start) for each in self._part(text[start:end], near, clock, check)]
            cut = [each.start for each in found if each.end == end < len(text)]
            if any(at <= first for at in cut):  # a part is too short for it: it goes on to where its run ends
                space = _SPACE.search(text, end)
                last = space.start() if space else len(text)
                found = [replace(each, end=last) if each.end == end else each for each in found]
            else:
                last = end if end == len(text) else min([end - SHARED, *cut])
            own = [_from(each, first) for each in found if each.start < last and _is_new(each, first, covered)]
            covered = max([covered, *(each.end for each in own)])
            findings += own
            first = last
        return findings

    def _part(self, part: str, near: Near, clock: Clock, check: Callable[[], None]) -> Iterator[Finding]:
        words = Words(part)
        if self._recognizers and self._gate.patterned(part):
            artifacts = self._split.process_text(part, self._language) if self._split_for else self._none
            for recognizer in self._recognizers:
                check()
                given = artifacts if id(recognizer) in self._split_for else self._none
                results = _timed(recognizer.name, clock, partial(self._run, recognizer, part, given))
                yield from self._findings(recognizer, results, part, near, words)
        if self._readers and self._gate.prose(part):
            for reader in self._readers:
                check()
                results = _timed(reader.recognizer.name, clock, partial(self._read, reader, part, clock))
                yield from self._findings(reader.recognizer, results, part, near, words, model=True)

    def _run(self, recognizer: Recognizer, part: str, artifacts: Artifacts) -> list[Found]:
        """A recognizer's results, its own look at their context included."""
        results = recognizer.analyze(part, self._asked[id(recognizer)], artifacts) or []
        return list(recognizer.enhance_using_context(part, results, [], artifacts, None))

    def _read(self, reader: Reader, part: str, clock: Clock) -> list[Found]:
        if not reader.lock.acquire(timeout=max(clock.left, 0.0)):
            raise RecognitionTimeError("a model is busy with another result")
        try:
            artifacts = (reader.engine or self._split).process_text(part, reader.language)
            return self._run(reader.recognizer, part, artifacts)
        finally:
            reader.lock.release()

    def _findings(
        self,
        recognizer: Recognizer,
        results: Sequence[Found],
        part: str,
        near: Near,
        words: Words,
        model: bool = False,
    ) -> Iterator[Finding]:
        asked, context = self._asked[id(recognizer)], self._context[id(recognizer)]
        thresholds = recognizer.score_thresholds
        for result in results:
            start, end, entity = _sound(result, part, recognizer.name)
            if entity not in asked:
                continue
            score, why = float(result.score), _why(result, model)
            if not model and score < 1 and context.among(words.before(start) | near.words):
                score, why = min(max(score + RAISE, LEAST), 1.0), "word"
            least = thresholds.get(entity, thresholds.get("default", self._threshold))
            if score >= least and score > 0:
                yield Finding(start, end, entity, min(score, 1.0), why, recognizer.name)


class OneResult:
    """A `Finder` over the finder's recognizers, with one clock. Of one thread."""

    def __init__(self, finder: PresidioFinder, clock: Clock) -> None:
        self._finder, self._clock = finder, clock

    @property
    def entities(self) -> frozenset[str]:
        return self._finder.entities

    def find(self, text: str, near: Near, check: Callable[[], None]) -> Sequence[Finding]:
        return self._finder.within(self._clock, text, near, check)


def _timed(name: str, clock: Clock, run: Callable[[], list[Found]]) -> list[Found]:
    """What it returns. What it raises is told by its type alone: its text may hold the value."""
    since = time.monotonic()
    failure: RecognitionError
    try:
        results = run()
    except RecognitionError as error:
        failure = type(error)(str(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - code of others: whatever it raises
        failure = RecognitionError(f"{name} raised {type(error).__name__}")
    else:
        clock.spend(since)
        return results
    raise failure


def _sound(result: Found, part: str, name: str) -> tuple[int, int, str]:
    """Start, end and entity of a result that lies in the part and has a score."""
    start, end, entity, score = result.start, result.end, result.entity_type, result.score
    placed = isinstance(start, Integral) and isinstance(end, Integral) and 0 <= start < end <= len(part)
    if not (placed and isinstance(entity, str) and isinstance(score, Real) and score >= 0):  # NaN is not
        raise RecognitionError(f"{name} found something outside of the text, or without a score")
    return int(start), int(end), entity


def _why(result: Found, model: bool) -> Why:
    if model:
        return "model"
    explanation = result.analysis_explanation
    if explanation is None or explanation.pattern_name is None:
        return "model"
    return "checksum" if explanation.validation_result else "shape"


def _start(text: str, first: int) -> int:
    """Where a part begins whose own begins at `first`: some words before it, and not within a word if possible."""
    start = max(first - SHARED, 0)
    return text.find(" ", start, first) + 1 or start if start else 0


def _is_new(found: Finding, first: int, covered: int) -> bool:
    """Whether no part before has told it: it begins in this part's own, or goes on after all that was told."""
    return found.start >= first or found.end > max(first, covered)


def _from(found: Finding, first: int) -> Finding:
    return replace(found, start=first) if found.start < first else found


def _moved(found: Finding, by: int) -> Finding:
    return replace(found, start=found.start + by, end=found.end + by)

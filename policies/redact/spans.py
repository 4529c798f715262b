"""Found parts of a text: putting them together, and putting something in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` of a text are an `entity`; `number` says that they are a JSON number."""

    start: int
    end: int
    entity: str
    score: float = 1.0
    number: bool = False


def apart(spans: Iterable[Span]) -> list[Span]:
    """In order, none overlapping: of those that do, the best, grown over what the others cover beyond it."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        last = merged[-1] if merged else None
        if last is None or span.start >= last.end:
            merged.append(span)
            continue
        merged[-1] = _joined(last, span)
    return merged


def _joined(one: Span, other: Span) -> Span:
    best = max(one, other, key=lambda each: (each.score, each.end - each.start))
    start, end = one.start, max(one.end, other.end)
    number = any(each.number and (each.start, each.end) == (start, end) for each in (one, other))
    return Span(start, end, best.entity, best.score, number)


def cover(text: str, spans: Iterable[Span], by: Callable[[str, Span], str]) -> str:
    """The text with what `by` makes of each span in its place."""
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start], by(text[span.start : span.end], span)]
        at = span.end
    return "".join([*parts, text[at:]])


def label(_: str, span: Span) -> str:
    return "0" if span.number else f"<{span.entity}>"


def blot(digit: str, text: str, _: Span) -> str:
    return "".join(
        digit if char.isdigit() else ("x" if char.islower() else "X") if char.isalpha() else char for char in text
    )

"""Findings of one text put together, and something put in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from policies.detect.finding import Finding


def apart(findings: Iterable[Finding]) -> list[Finding]:
    """In order, none overlapping: of those that do, the best, grown over what the others cover beyond it."""
    merged: list[Finding] = []
    for finding in sorted(findings, key=lambda each: (each.start, -each.end)):
        last = merged[-1] if merged else None
        if last is None or finding.start >= last.end:
            merged.append(finding)
            continue
        if (last.start, last.end, last.entity, last.number) == (
            finding.start,
            finding.end,
            finding.entity,
            finding.number,
        ):
            merged[-1] = finding if finding.confidence > last.confidence else last
        else:
            merged[-1] = _joined(last, finding)
    return merged


def _joined(one: Finding, other: Finding) -> Finding:
    best = max(one, other, key=lambda each: (each.confidence, each.end - each.start))
    if (one.start, one.end) == (other.start, other.end) and one.entity != other.entity:
        best = next((each for each in (one, other) if each.why == "known"), best)  # the same as where it was found
    start, end = one.start, max(one.end, other.end)
    number = any(each.number and (each.start, each.end) == (start, end) for each in (one, other))
    return replace(best, start=start, end=end, number=number)


def cover(text: str, findings: Iterable[Finding], by: Callable[[str, Finding], str]) -> str:
    """The text with what `by` makes of each finding in its place."""
    parts, at = [], 0
    for each in findings:
        parts += [text[at : each.start], by(text[each.start : each.end], each)]
        at = each.end
    return "".join([*parts, text[at:]])


def blot(digit: str, text: str, _: Finding) -> str:
    """The shape of the text: every digit `digit`, every letter an x."""
    return "".join(
        digit if char.isdigit() else ("x" if char.islower() else "X") if char.isalpha() else char for char in text
    )

"""What a redaction put into a text: labels (`<EMAIL_ADDRESS>`, `<PERSON:…>`), masks, tokens. Nothing is found there."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from policies.detect.finding import Finding
from policies.tokens import mail, spans
from policies.tokens.layout import LEAST_CHARS

_LABEL: Final = re.compile(r"<[A-Z][A-Z0-9_]{1,40}(?::[^<>]{1,4000}+)?>")
_SHOWN: Final = 4
"""Letters and digits that a mask leaves at most."""


def is_ours(text: str) -> bool:
    """Whether the whole text is a label or a mask."""
    if text.startswith("<"):
        return _LABEL.fullmatch(text) is not None
    return "**" in text and sum(map(str.isalnum, text)) <= _SHOWN


def beside_ours(text: str, findings: Sequence[Finding]) -> Sequence[Finding]:
    """The findings that are not part of a label or a whole token. Linear in the text."""
    if len(text) < LEAST_CHARS and "<" not in text:
        return findings
    found = [match.span() for match in _LABEL.finditer(text)] if "<" in text else []
    if spans.may_hold(text):
        found += [(each.start, each.end) for each in spans.find(text) if each.parts]
    found.sort()
    return [each for each in findings if not _is_within(each, found) and not mail.is_mail(text[each.start : each.end])]


def _is_within(finding: Finding, ours: list[tuple[int, int]]) -> bool:
    """Whether one of `ours`, in order, holds the whole of it."""
    at = bisect_right(ours, finding.start, key=lambda each: each[0])
    return any(end >= finding.end for _, end in ours[max(at - 2, 0) : at])

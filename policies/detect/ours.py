"""What a redaction put into a text: labels (`<EMAIL_ADDRESS>`, `<PERSON:…>`), masks, tokens. Nothing is found there.

Anybody can write angle brackets and stars around a value, so nothing counts as ours that has room for one: behind a
label's colon a hash alone, in a mask a few digits, in a token what its check characters fit.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from policies.detect.finding import Finding
from policies.tokens import mail, spans
from policies.tokens.layout import LEAST_CHARS

_LABEL: Final = re.compile(r"<[A-Z]{2,15}(?:_[A-Z]{1,15}){0,4}(?::(?=[2-7]{0,15}[a-z])[a-z2-7]{16})?(?:_[0-9]{1,4})?>")
"""An entity, which is words in capitals, its hash where there is one, and its number among keys that look the same."""
_SHOWN: Final = 4
"""Digits that a mask leaves at most."""


def is_ours(text: str) -> bool:
    """Whether the whole text is a label, a token or a mask."""
    if text.startswith("<") and _LABEL.fullmatch(text):
        return True
    if "**" in text:
        return sum(map(str.isdigit, text)) <= _SHOWN and not any(map(str.isalpha, text))
    return _is_token(text)


def beside_ours(text: str, findings: Sequence[Finding]) -> Sequence[Finding]:
    """The findings that are not part of a label or a whole token. Linear in the text."""
    if len(text) < LEAST_CHARS and "<" not in text:
        return findings
    found = [match.span() for match in _LABEL.finditer(text)] if "<" in text else []
    if spans.may_hold(text):
        found += [(each.start, each.end) for each in spans.find(text) if each.parts]
    found.sort()
    return [each for each in findings if not _is_within(each, found) and not mail.is_mail(text[each.start : each.end])]


def _is_token(text: str) -> bool:
    """Whether the whole text is a whole token."""
    if len(text) < LEAST_CHARS or not spans.may_hold(text):
        return False
    found = spans.find(text)
    is_one = len(found) == 1 and found[0].parts is not None and found[0].end - found[0].start == len(text)
    return is_one or mail.is_mail(text)


def _is_within(finding: Finding, ours: list[tuple[int, int]]) -> bool:
    """Whether one of `ours`, in order, holds the whole of it."""
    at = bisect_right(ours, finding.start, key=lambda each: each[0])
    return any(end >= finding.end for _, end in ours[max(at - 2, 0) : at])

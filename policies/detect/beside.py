"""The words beside a match, where what was found around it counts as one word: so it does once a label stands there."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from policies.detect.finding import Finding

_COUNTED: Final = re.compile(r"[^\W_]+")
_PUT: Final = re.compile(r"<[A-Z][A-Z0-9_]{1,40}(?::[^<>]{1,400}+)?>|[^\s*]{0,64}\*\*[^\s]{0,64}+")
"""Labels and masks: a redaction put them there, in whatever number of words."""
_FOUND: Final = " 0 "
_BEFORE, _AFTER = 128, 48
"""Characters before and after a match in which its words are looked for."""
_WORDS_BEFORE, _WORDS_AFTER = 5, 2


class Beside:
    """A text with one word for each of `found`, labels and masks: a second redaction sees the same as the first."""

    def __init__(self, text: str, found: Iterable[Finding]) -> None:
        cut = [(each.start, each.end) for each in found]
        if "<" in text or "**" in text:
            cut += [match.span() for match in _PUT.finditer(text)]
        kept: list[str] = []
        self._starts, self._gone = [0], [0]
        at = gone = 0
        for start, end in sorted(cut):
            if end > at:
                kept += [text[at:start], _FOUND]
                gone += end - max(start, at) - len(_FOUND)
                at = end
                self._starts.append(end)
                self._gone.append(gone)
        self._text = "".join([*kept, text[at:]]) if kept else text

    def words(self, start: int, end: int) -> list[str]:
        """The lower-case words before and after characters `start` to `end` of the whole text."""
        first, last = self._place(start), self._place(end)
        before = _COUNTED.findall(self._text[max(first - _BEFORE, 0) : first].lower())
        after = _COUNTED.findall(self._text[last : last + _AFTER].lower())
        return before[-_WORDS_BEFORE:] + after[:_WORDS_AFTER]

    def _place(self, at: int) -> int:
        return at - self._gone[bisect_right(self._starts, at) - 1]

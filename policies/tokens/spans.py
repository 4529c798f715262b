"""Where tokens stand in a text, however a model writes them down again. Linear in the text.

Read as tokens: in any case; with blanks or line breaks inside, as at a wrap; without both of their angle brackets;
with brackets or colon in HTML (`&lt;`), JSON (`\\u003c`) or percent escapes (`%3C`), HTML and percent escapes twice
too; with `\\_` for `_`, as Markdown has it. Around one there may stand anything.

What looks like a token and is not whole is found as damaged, never skipped: a mark behind a bracket, a name and a
colon, whatever follows; one bracket without the other; a name, a colon, a mark and 24 characters more; the base32 of a
whole token without its name, or with another mark; 40 characters of base32 before a closing bracket. A hexadecimal
digest is none of these. What cannot be recognised is the middle of a token, a short tail, and a head of less than 24
characters that also lost its bracket.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

from policies.tokens.errors import DamagedTokenError
from policies.tokens.layout import LEAST_CHARS, Parts, parsed

Writing: TypeAlias = Literal["plain", "html", "html twice", "json", "percent", "percent twice"]
"""How the signs of a token are written, and so what stands in its place."""

_B: Final = r"(?:[\s\x1c-\x1f\x85\xa0\xad\u2000-\u200d\u2028\u2029\u2060\u3000\ufeff]|\\[nrt])"
_BREAK: Final = r"(?:(?:[\r\n\xad\u200b-\u200d\u2060\ufeff]|\\[nr])[ \t]{0,16}+)"
_OPEN: Final = r"(?:<|&(?:amp;)?(?:lt|#0{0,3}60|#x0{0,3}3c);|\\u003c|\\x3c|%(?:25)?3c)"
_CLOSE: Final = r"(?:>|&(?:amp;)?(?:gt|#0{0,3}62|#x0{0,3}3e);|\\u003e|\\x3e|%(?:25)?3e)"
_COLON: Final = r"(?::|\\:|&(?:amp;)?(?:colon|#0{0,3}58|#x0{0,3}3a);|\\u003a|\\x3a|%(?:25)?3a)"
_START: Final = r"(?:(?<![a-z0-9])(?!(?<=\\)[nrt])|(?<=\\[nrt])|(?<=%[0-9a-f][0-9a-f]))"
_DIGIT: Final = r"[0-9a-hjkmnp-tv-z]"
_TAIL: Final = 40
"""Characters of base32 before a closing bracket that are the tail of a token."""
_FLAGS: Final = re.IGNORECASE | re.ASCII

_TOKEN: Final = re.compile(
    rf"(?P<open>{_OPEN}){_B}{{0,8}}+(?P<within>[a-z](?:[a-z0-9_]|\\_|{_BREAK}){{0,80}}+){_B}{{0,8}}+(?P<colon>{_COLON}){_B}{{0,8}}+"
    rf"(?=k{_B}{{0,8}}1|[0-9a-z]{{32}})"
    rf"|{_START}(?P<bare>[a-z](?:[a-z0-9_]|\\_){{0,80}}+){_B}{{0,8}}+(?P<sign>{_COLON}){_B}{{0,8}}+"
    rf"(?=k{_B}{{0,8}}1|{_DIGIT}{{{LEAST_CHARS}}})"
    rf"|(?<!{_DIGIT})(?:k1(?={_DIGIT}{{{LEAST_CHARS - 2}}})|{_DIGIT}{{{_TAIL},}}+(?={_CLOSE}))",
    _FLAGS,
)
_MARK: Final = re.compile(rf"k{_B}{{0,8}}+1", _FLAGS)
_RUN: Final = re.compile(rf"(?:[0-9a-z]++|{_B})*+", _FLAGS)
_WORD: Final = re.compile(r"[0-9a-z]++", _FLAGS)
_BLANKS: Final = re.compile(rf"{_B}{{1,200}}+", _FLAGS)
_BLANK: Final = re.compile(_B, _FLAGS)
_CLOSED: Final = re.compile(_CLOSE, _FLAGS)
_END: Final = re.compile(rf"{_B}{{0,8}}+{_CLOSE}", _FLAGS)
_HEX: Final = re.compile(r"[0-9a-f]*+", _FLAGS)
_RUNS: Final = bytes(chr(code).isascii() and chr(code).isalnum() for code in range(256))
_LONG_RUN: Final = b"\1" * 32

_LONGEST: Final = 12_000
"""Characters behind a colon that are looked at; no token is so long, wrapped or not."""
_WRAPS: Final = 12
"""Words that a token without brackets may have been broken into."""
_SURELY: Final = 24
"""A head of a token without brackets that is cut is known for one from so many characters behind the mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Characters `start` to `end` of a text are a token, or were one: then `parts` is None."""

    start: int
    end: int
    parts: Parts | None
    writing: Writing = "plain"

    def escaped(self, value: str) -> str:
        """The value as it has to stand in the token's place."""
        if self.writing.startswith("html"):
            once = html.escape(value)
            return html.escape(once) if self.writing == "html twice" else once
        if self.writing.startswith("percent"):
            once = quote(value, safe="")
            return quote(once, safe="") if self.writing == "percent twice" else once
        return json.dumps(value)[1:-1] if self.writing == "json" else value


def find(text: str) -> list[Span]:
    """The tokens of a text in order, whole and damaged; they do not overlap."""
    found: list[Span] = []
    if not may_hold(text):
        return found
    at = 0
    while match := _TOKEN.search(text, at):
        span = _span(text, match)
        if span:
            found.append(span)
        at = span.end if span else max(match.end(), match.start() + 1)
    return found


def may_hold(text: str) -> bool:
    """Whether a token may stand in it, escaped as JSON or not: a quick look, 3 µs per KB."""
    if _MARK.search(text) or "\\u00" in text:
        return True
    return text.encode("utf-8", "replace").translate(_RUNS).find(_LONG_RUN) >= 0


def _span(text: str, match: re.Match[str]) -> Span | None:
    if match["open"]:
        return _bracketed(text, match)
    if match["bare"]:
        return _bare(text, match)
    end = _end_of_word(text, match.end())
    return Span(start=match.start(), end=end, parts=None) if _is_mixed(text[match.start() : end]) else None


def _bracketed(text: str, match: re.Match[str]) -> Span | None:
    entity = _BLANK.sub("", match["within"]).replace("\\", "")
    mark = _MARK.match(text, match.end())
    body = match.end() if mark is None else mark.end()
    end = _RUN.match(text, body, body + _LONGEST)
    assert end is not None
    close = _END.match(text, end.end())
    base32 = _BLANK.sub("", end[0])
    if mark is None:
        if close is None or not _is_mixed(base32):
            return None
        return Span(start=match.start(), end=close.end(), parts=None)
    if close is None:
        return Span(start=match.start(), end=_end_of_word(text, body), parts=None)
    writing = _writing(match["open"], match["colon"])
    return Span(start=match.start(), end=close.end(), parts=_whole(entity, base32), writing=writing)


def _bare(text: str, match: re.Match[str]) -> Span | None:
    """Without brackets nothing says where a wrapped token ends, but its check characters do."""
    entity, writing = match["bare"].replace("\\", ""), _writing(match["sign"], match["sign"])
    mark = _MARK.match(text, match.end())
    if mark is None:
        end = _end_of_word(text, match.end())
        if not match["bare"].isupper() or not _is_mixed(text[match.end() : end]):
            return None
        return Span(start=match.start(), end=end, parts=None)
    at, base32 = mark.end(), ""
    for _ in range(_WRAPS):
        end = _end_of_word(text, at)
        base32 += text[at:end]
        if parts := _whole(entity, base32):
            half = _CLOSED.match(text, end)
            return Span(
                start=match.start(), end=half.end() if half else end, parts=None if half else parts, writing=writing
            )
        blanks = _BLANKS.match(text, end)
        if blanks is None or len(base32) > _LONGEST:
            break
        at = blanks.end()
    end = _end_of_word(text, mark.end())
    return Span(start=match.start(), end=end, parts=None) if end - mark.end() >= _SURELY else None


def _is_mixed(word: str) -> bool:
    """Neither hexadecimal, as digests are, nor letters alone, as names are."""
    return not word.isalpha() and not _HEX.fullmatch(word)


def _end_of_word(text: str, at: int) -> int:
    word = _WORD.match(text, at)
    return word.end() if word else at


def _whole(entity: str, base32: str) -> Parts | None:
    if len(base32) < LEAST_CHARS:
        return None
    try:
        return parsed(entity, base32)
    except DamagedTokenError:
        return None


def _writing(*signs: str) -> Writing:
    for sign in signs:
        if sign[0] == "%":
            return "percent twice" if sign.startswith("%25") else "percent"
        if sign[0] == "&":
            return "html twice" if sign.startswith("&amp;") else "html"
        if sign[:2] in ("\\u", "\\x", "\\U", "\\X"):
            return "json"
    return "plain"

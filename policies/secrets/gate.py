"""Whether a JSON document may hold a secret at all, before anybody parses it."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property
from typing import Final
from urllib.parse import unquote

import re2

from policies.hidden import hidden_runs
from policies.secrets.trie import Words

_DISGUISE: Final = re.compile(rb"\\[ubf_.@+~*-]|\x7f|&[#A-Za-z]|%[2-7][0-9A-Fa-f]")
"""Without any of these, what an ASCII document says is what is written, but for `\\"`, `\\n` and the like."""
_ESCAPE: Final = re.compile(r"\\+u([0-9a-fA-F]{4})")
_MARKDOWN: Final = re.compile(r"\\++([_.@+~*-])")
_WIDE_DIGIT: Final = re.compile(r"(?![0-9])\d")
_SIGNS: Final = (
    ("-", "\u2010\u2012\u2013\u2014\u2015\u2212"),
    (".", "\u3002"),
    ("/", "\u2215\u2044"),
)
"""Signs that `policies.detect.layers` reads as ASCII, of those that Unicode's compatibility forms leave alone."""
_URL: Final = r"/\\{0,8}/[^\s\"/]{1,400}@"
_URL_KEYWORD: Final = "://"


_SK: Final = re.compile(r"sk[a-f][a-f]")
_ENDING: Final = re.compile(r"\(\?<=(sk[a-f][a-f])\)")


class Gate:
    """Lets a document through if a keyword of any kind stands in it, whatever its letters are disguised as."""

    def __init__(self, keywords: Iterable[str]) -> None:
        words = frozenset(keywords) - {_URL_KEYWORD}
        ascii_words = {word for word in words if word.isascii()}
        plain = sorted(word for word in ascii_words if not _SK.fullmatch(word))
        begun = rb"(?:^|[^a-z0-9]|\\[bfnrt])sk[a-f][a-f]"
        address = rb":\\{0,8}/\\{0,8}/"
        self._any = re2.compile(b"|".join([*(re2.escape(word.encode()) for word in plain), begun, address]))
        self._every = words

    @cached_property
    def _bytes(self) -> tuple[re.Pattern[bytes], ...]:
        """Exactly what `_any` finds too much of."""
        ascii_words = {word for word in self._every if word.isascii()}
        return (_compiled(_begun(Words(ascii_words).pattern)), _compiled(_URL))

    @cached_property
    def _folded(self) -> tuple[re.Pattern[str], ...]:
        """For what is not ASCII, or escaped: most processes are asked late about such, or never."""
        return (re.compile(_begun(Words(map(_normal, self._every)).pattern)), re.compile(_URL))

    def may_hold(self, raw: bytes) -> bool:
        """False only where no text or key of this JSON, however it is escaped or disguised, holds a keyword.

        Text in base64 is not looked into: ask again with what it says.
        """
        if raw.isascii() and _DISGUISE.search(raw) is None:
            lower = raw.lower()
            return self._any.search(lower) is not None and any(pattern.search(lower) for pattern in self._bytes)
        text = _plain(raw.decode("utf-8", "replace"))
        return any(pattern.search(text) for pattern in self._folded)


def _begun(pattern: str) -> str:
    """The keywords that also end words (`asked`) count where one begins; `n` may be the end of an escape."""
    return _ENDING.sub(r"(?<=\1)(?:(?<![a-z0-9]\1)|(?<=\\\\[bfnrt]\1))", pattern)


def _compiled(pattern: str) -> re.Pattern[bytes]:
    """One for itself: beside others, `re` would no longer pass over characters that none begins with."""
    return re.compile(pattern.encode())


def _plain(text: str) -> str:
    """As a reader would take it, lower-case; more may be gone than was hidden, but no letter."""
    if "\\" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text).replace("\\b", "").replace("\\f", "")
        text = _MARKDOWN.sub(r"\1", text)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if "&" in text:
        text = html.unescape(text)
    if "%" in text:
        text = unquote(text, errors="replace")
    if not (text.isascii() and text.isprintable()):
        text = _narrow(text)
    return text.lower()


def _narrow(text: str) -> str:
    parts, at = [], 0
    for start, end in hidden_runs(text):
        parts.append(text[at:start])
        at = end
    text = _normal("".join([*parts, text[at:]]))
    for sign, others in _SIGNS:
        for other in others:
            text = text.replace(other, sign)
    return _WIDE_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKD", text)

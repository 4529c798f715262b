"""Whether a value is still in an answer: as it is, as its digits, or behind any of the disguises of the corpus."""

import base64
import binascii
import html
import json
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from benchmarks.detection.tree import Found, Json

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
_AT = re.compile(r" ?[\[(] ?at ?[\])] ?| at (?=[\w.-]+ dot )", re.IGNORECASE)
_DOT = re.compile(r" ?[\[(] ?dot ?[\])] ?| dot ", re.IGNORECASE)
_SEPARATORS = re.compile(r"(?<=\d)[\s./()\-]{1,3}(?=\d)")
_DEPTH = 4


class Remains:
    """Everything that an answer says, in every reading."""

    def __init__(self, answer: Json) -> None:
        texts = {reading for text in strings(answer) for reading in readings(text)}
        self._text = "\n".join(texts)
        self._digits = "\n".join(_SEPARATORS.sub("", text) for text in texts)

    def has(self, found: Found) -> bool:
        if found.written and found.written in self._text:
            return True
        value = password_of(found.value) if found.entity == "URL_CREDENTIALS" else found.value
        if value in self._text:
            return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", self._text) is not None
        digits = digits_of(found)
        return bool(digits) and re.search(rf"(?<!\d){digits}(?!\d)", self._digits) is not None


def password_of(url: str) -> str:
    """Of a URL with credentials the password counts, wherever it is."""
    return url.split(":")[2].partition("@")[0]


def digits_of(found: Found) -> str:
    """The digits of a value that is hardly more than digits; else nothing."""
    if found.entity in {"IP_ADDRESS", "MAC_ADDRESS", "STREET_ADDRESS"} or found.entity.startswith("SECRET"):
        return ""
    digits = "".join(sign for sign in found.value if sign.isdigit())
    signs = sum(sign.isalnum() for sign in found.value)
    return digits if len(digits) >= 7 and len(digits) == signs else ""


def strings(value: Json) -> Iterator[str]:
    """Every scalar and every key as text."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif value is not None and not isinstance(value, bool):
        yield value if isinstance(value, str) else repr(value)


def readings(text: str, depth: int = 0) -> Iterator[str]:
    """The text, the text without its disguise, and what is encoded in it."""
    yield text
    if depth == _DEPTH:
        return
    plain = _DOT.sub(".", _AT.sub("@", folded(text)))
    if plain != text:
        yield plain
    if text[:1] in "{[" and (inner := _parsed(text)) is not None:
        for each in strings(inner):
            yield from readings(each, depth + 1)
    for match in _BASE64.finditer(text):
        if decoded := _decoded(match.group()):
            yield from readings(decoded, depth + 1)


def folded(text: str) -> str:
    """NFKC gives full-width digits, other @ and thin spaces their plain form; entities and percents are opened."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", unquote(html.unescape(text))))


def _parsed(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except ValueError:
        return None
    return value


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""

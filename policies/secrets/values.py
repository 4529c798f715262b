"""What can be a secret's value, under a name that speaks of one, and what only stands in its place."""

from __future__ import annotations

import re
from typing import Final

from policies.secrets.entropy import entropy
from policies.secrets.words import PASSWORDS, SECRETS, TOKENS, Sort

LONGEST: Final = 8_192
"""Characters of a value that is one as a whole."""

_PLACEHOLDER: Final = re.compile(
    r"(?i)(?:null|nil|none|undefined|true|false|yes|no|on|off|n/?a|unset|empty|default|required|optional|string|text|"
    r"value|test|testing|foo|bar|foobar|invalid|missing|hidden|unknown|bearer|basic|include|omit|same-origin|oauth2?|"
    r"sensitive|encrypted|todo|tbd|fixme)\Z"
    r"|(?:your|my|our|the|some|insert|enter|replace|put|example|sample|dummy|fake|placeholder)(?:[-_ .]|\Z)"
    r"|change[-_ ]?(?:me|it|this)|<|\[|\(|\$[A-Za-z({]|%[A-Za-z_]{1,64}%|\{\{|\{[A-Za-z_]{1,64}\}|@[A-Za-z_.]{1,64}@\Z"
    r"|(?:process\.env|os\.environ|os\.getenv|env|secrets?|vars?|local|data|module|config|settings|self|this|vault|file|op|ref|arn|"
    r"sha(?:1|256|384|512)|md5|keyring|ssm|secretsmanager)[.:/\[+-]"
)
_GONE: Final = re.compile(r"(?i)redacted|removed|masked|\*{3}|•{2}|x{5}|\.{3}|…|example\Z|placeholder")
_PLACE: Final = re.compile(
    r"[a-zA-Z][a-zA-Z0-9+.-]{1,16}://|~?\.{0,2}/|[A-Za-z]:\\|0x[0-9a-fA-F]{40}\Z|[a-z_-]{1,40}(?:/[a-z0-9_.-]{1,64}){2}"
)
"""An address of something: a URL (its password is found by itself), a path, an account on a chain."""
_NAME: Final = re.compile(r"(?=.{0,80}\Z)[A-Za-z]+[0-9]?(?:[-_./:](?:[A-Za-z]{1,24}|[A-Za-z0-9]{1,10}))+")
"""What people call a thing: `prod-db-credentials`, `default-token-x7k2p`, `user.password`."""
_BYTES: Final = re.compile(r"[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{43}=")
_DIGIT: Final = re.compile(r"\d")
_SPACE: Final = re.compile(r"\s")
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_HELD: Final = re.compile(r"(?i)(?:pass|pwd|key|secret|token|sig)[a-z_ ]{0,12}=|:[^/\s@]{1,256}@")
_MOST_SPACES: Final = 2
"""In a password with a digit in it; more of them, or without one, and it is a sentence about passwords."""
_LOOKED_AT: Final = 96
"""Characters that tell random from not."""
_ALIKE: Final = 3
"""Different characters of a value, at least."""
_SHORTEST: Final = 8
_BITS: Final = 2.7
_BITS_LONG, _LONG = 3.0, 20


def is_secret(value: str, sort: Sort, *, loose: bool = False) -> bool:
    """Whether the value under a name of this sort is one. `loose`: it stands without quotes in a text, as code may."""
    if not 3 <= len(value) <= LONGEST or stands_in(value) or len(set(value)) < _ALIKE:
        return False
    if sort == "bytes":
        return _BYTES.fullmatch(value) is not None
    if sort == "phrase":
        return len(value) >= _SHORTEST
    if sort == "connection":
        return _HELD.search(value) is not None
    if _PLACE.match(value):
        return False
    spaces = len(_SPACE.findall(value[:_LOOKED_AT])) if _SPACE.search(value) else 0
    if spaces:
        return sort == "password" and spaces <= _MOST_SPACES and _DIGIT.search(value) is not None
    if sort == "password":
        return not (loose and (_is_word(value) or _is_dotted(value)))
    return _is_random(value, sort, loose)


def stands_in(value: str) -> bool:
    """Whether it stands in the place of a secret: a template, a mask, the name of a variable or of a kind."""
    lower = value.lower()
    if _PLACEHOLDER.match(value) or lower in PASSWORDS or lower in SECRETS or lower in TOKENS:
        return True
    return _GONE.search(value[:_LOOKED_AT]) is not None


def _is_random(value: str, sort: Sort, loose: bool) -> bool:
    if len(value) < _SHORTEST or value.isdigit() or _NAME.fullmatch(value):
        return False
    if (loose and _DIGIT.search(value) is None) or (sort == "token" and _is_word(value)):
        return False
    return entropy(value[:_LOOKED_AT]) >= (_BITS_LONG if len(value) >= _LONG else _BITS)


def _is_word(value: str) -> bool:
    return _WORD.fullmatch(value) is not None


def _is_dotted(value: str) -> bool:
    """Whether it reads as code: `self.password`, `user_password`."""
    return all(part.isalpha() and part.isascii() for part in re.split(r"[._]|->|::", value))

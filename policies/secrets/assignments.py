"""`password=hunter2` and its like in a text: which name stands around a keyword, and which value behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from policies.detect.finding import Finding, Why
from policies.secrets.values import is_secret
from policies.secrets.words import Sort

SortOf: TypeAlias = "Callable[[str], Sort | None]"
_LONGEST_NAME: Final = 64
_BEFORE: Final = 48
"""Characters before a keyword that may belong to the name."""
_NAME: Final = re.compile(r"[\w.-]*+")
_REST: Final = re.compile(
    r"(?P<tail>[\w.-]{0,64}+(?: [\w.-]{1,24}+){0,3})\\{0,3}[\"'`]?\]?"
    r"(?P<given>[ \t]{0,3}(?:=>|:=|===?|[=:])[ \t]{0,8}|[ ]{1,2}(?:is|ist|est|es|è|é|lautet)[: ]{1,3})"
    r"(?P<quote>\\{0,3}[\"'`])?"
)
_FLAG: Final = re.compile(r"[\w-]{0,40}+ {1,2}(?P<quote>[\"'])?")
_TAG: Final = re.compile(r"(?P<tail>[\w.-]{0,64}+)(?: [^<>]{0,200}+)?>\s{0,8}(?P<value>[^<>\s]{1,256}+)\s{0,8}</")
_QUOTED: Final = re.compile(r"[^\"'`\n\\]{1,256}(?=[\"'`\\]|\Z)")
_BARE: Final = re.compile(
    r"[^\s\"'`,;<>(){}\[\]|\\&]{1,256}+(?:&(?![\w.-]{1,40}=)[^\s\"'`,;<>(){}\[\]|\\&]{0,64}+){0,4}"
)
_QUERY: Final = re.compile(r"[^\s\"'`<>&#;]{1,256}+")
_LINE: Final = re.compile(r"\S{1,256}+")
"""A value in a line of its own may have any sign in it."""
_OWN_LINE: Final = re.compile(r"[ \t]{0,16}(?:export |- |set |ENV |\$env:)?\Z", re.IGNORECASE)
_MORE: Final = re.compile(r"[A-Za-z0-9+/=_~.-]*+")
_CODE: Final = re.compile(r"\s{0,2}[(\[{]|\|\||\?")
"""Behind a bare value: it was a call, an index, an expression."""
_CALL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,64}[(\[]")
_SAYS: Final = re.compile(r" (?:is|ist|est|es|è|é|lautet)\Z")
_LOGIN: Final = re.compile(r"(?:login|user)\s{1,4}\S{1,64}\s{1,8}\Z")
_QUOTES: Final = " \"'"
_AFTER: Final = ".:!?,;\"'"
_UPPER: Final = re.compile(r"[A-Z0-9_.]*+\Z")


def name_end(text: str, at: int) -> int:
    """Where the name around the keyword at `at` ends: keywords before that are of the same name."""
    run = _NAME.match(text, at, at + _LONGEST_NAME)
    return run.end() if run else at


def assignment(text: str, at: int, sort_of: SortOf) -> Finding | None:
    """The secret that the name around the keyword at `at` is given; None where there is none."""
    start = _name_start(text, at)
    if _behind("=", text, start) and _behind("=", text, _name_start(text, start - 1)):
        return None  # `a=b=c=`: `--env=TOKEN=abc` is a name within a value, more than that is none
    if _behind("<", text, start):
        return _tag(text, start, at, sort_of)
    rest = _REST.match(text, at)
    if rest is None:
        return _flag(text, start, at, sort_of)
    said = text[start : rest.end("tail")]
    name = _SAYS.sub("", said) if " " in said else said
    sort = sort_of(name)
    if sort is None:
        return _flag(text, start, at, sort_of) if " " in said else None
    if rest["quote"]:
        return _quoted(text, rest.end(), sort)
    variable = "=" in rest["given"] and _UPPER.match(name) is not None
    if variable and _begins_line(text, start):
        return _in_line(text, rest.end(), sort)
    says = len(name) < len(said) or rest["given"].strip(" :").isalpha()
    bare = _QUERY if _behind("?&", text, start) else _BARE
    return _bare(text, bare.match(text, rest.end()), sort, loose=says or not variable)


def _behind(signs: str, text: str, at: int) -> bool:
    """Whether one of `signs` stands right before `at`."""
    return at > 0 and text[at - 1] in signs


def _name_start(text: str, at: int) -> int:
    run = _NAME.match(text[max(at - _BEFORE, 0) : at][::-1])
    return at - (run.end() if run else 0)


def _quoted(text: str, at: int, sort: Sort) -> Finding | None:
    value = _QUOTED.match(text, at)
    return _found(text, *value.span(), sort) if value and is_secret(value[0], sort) else None


def _in_line(text: str, at: int, sort: Sort) -> Finding | None:
    value = _LINE.match(text, at)
    if value is None or (_CALL.match(value[0]) and sort != "password"):
        return None
    bare = value[0].rstrip(_QUOTES)
    return _found(text, at, at + len(bare), sort) if is_secret(bare, sort) else None


def _bare(text: str, value: re.Match[str] | None, sort: Sort, *, loose: bool) -> Finding | None:
    if value is None or (loose and (_CODE.match(text, value.end()) or value[0].endswith(":"))):
        return None
    bare = value[0].rstrip(_AFTER)
    return _found(text, value.start(), value.start() + len(bare), sort) if is_secret(bare, sort, loose=loose) else None


def _begins_line(text: str, start: int) -> bool:
    """Whether there is nothing before the name, in its line, but what marks a variable."""
    line = text[max(start - 32, 0) : start].rpartition("\n")[2]
    return _OWN_LINE.match(line) is not None


def _flag(text: str, start: int, at: int, sort_of: SortOf) -> Finding | None:
    """`--password hunter2` of a command, `login bob password hunter2` of a .netrc."""
    if not text.startswith("--", start) and not _LOGIN.search(text, max(start - 80, 0), start):
        return None
    rest = _FLAG.match(text, at)
    sort = sort_of(text[start : rest.end()].strip(_QUOTES)) if rest else None
    if rest is None or sort is None:
        return None
    return (
        _quoted(text, rest.end(), sort)
        if rest["quote"]
        else _bare(text, _BARE.match(text, rest.end()), sort, loose=False)
    )


def _tag(text: str, start: int, at: int, sort_of: SortOf) -> Finding | None:
    """`<password>hunter2</password>`."""
    rest = _TAG.match(text, at)
    sort = sort_of(text[start : rest.end("tail")]) if rest else None
    if rest is None or sort is None or not is_secret(rest["value"], sort):
        return None
    return _found(text, *rest.span("value"), sort)


def _whole(text: str, end: int) -> int:
    """Where a value that was looked at up to `end` ends, if it is longer than that."""
    more = _MORE.match(text, end) if end < len(text) and text[end - 1].isalnum() and text[end].isalnum() else None
    return more.end() if more else end


def _found(text: str, start: int, end: int, sort: Sort) -> Finding:
    why: Why = "word" if sort in {"password", "phrase"} else "entropy"
    return Finding(start, _whole(text, end), "SECRET", 0.8, why, "named-secret")

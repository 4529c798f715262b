"""What is known to hold nothing before any rule is there: plain words. It saves the first calls of a process the wait.

Every finding of ours has a digit, a sign, a long word, a name in capitals or a separator; what has none of them passes.
A test holds this against the rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from policies.model import Json, JsonObject

_TELLING: Final = re.compile(
    r"[@=%&\\]|[^\x00-\x7f]|-----|://|[0-9](?:[^0-9]{0,4}[0-9]){2}|[A-Za-z0-9_/+-]{16}|[Ww]{3}\."
    r"|[({\[<] ?(?i:at|dot|arroba|arobase|chiocciola)\b| (?:AT|(?i:dot|punkt|point|punto|ponto)) "
)
_NAMING: Final = re.compile(r"[:;<{\[|\t\n\r\"]|[A-Z][a-z'-]* [A-Z]| (?i:at) ")
_KEYS: Final = frozenset({"content", "isError", "resultType"})


def is_plain(text: str) -> bool:
    """Whether no value stands in a text, names beside their words aside."""
    return _TELLING.search(text) is None


def is_prose(body: JsonObject) -> bool:
    """Whether a result is text blocks of plain words, and nothing else."""
    content = body.get("content")
    if not _KEYS.issuperset(body) or not isinstance(content, list | tuple):
        return False
    return all(map(_is_prose, content))


def _is_prose(block: Json) -> bool:
    if not isinstance(block, Mapping) or len(block) != 2 or block.get("type") != "text":
        return False
    text = block.get("text")
    return isinstance(text, str) and is_plain(text) and _NAMING.search(text) is None

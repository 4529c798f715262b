"""A JSON text with some of its strings and numbers replaced; every other byte stays what it was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from policies.jsontext import Exact
from policies.model import Json
from policies.textjson import Braces, Token

_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


class KeyCollisionError(ValueError):
    """Two keys of one object became the same."""


class GrowthError(ValueError):
    """The text would become several times longer: escapes within escapes double with every level."""


@dataclass(slots=True)
class Patches:
    """What to change in `text`, given in the order of its `tokens`; `apply` gives the new text."""

    text: str
    tokens: Sequence[Token]
    _spans: list[tuple[int, int, str]] = field(default_factory=list)
    _names: dict[int, str] = field(default_factory=dict)
    _gone: set[int] = field(default_factory=set)
    _touched: dict[int, Braces] = field(default_factory=dict)
    _dropping: bool = False

    def replace(self, token: Token, value: Json) -> None:
        self._spans.append((token.start, token.end, self._written(value)))

    def drop(self, token: Token) -> None:
        """Take out a property, whose name comes next. In an array, and of a text that is one string, null remains."""
        if token.owner is None:
            self.replace(token, None)
        self._dropping = token.owner is not None

    def rename(self, token: Token, name: str) -> None:
        """For every name of a property, changed or not."""
        if (name is token.value and not self._dropping) or token.owner is None:
            return
        self._touched[id(token.owner)] = token.owner
        if self._dropping:
            self._gone.add(token.start)
            self._dropping = False
        else:
            self._names[token.start] = name
            self.replace(token, name)

    def apply(self) -> str:
        """The new text, or the same object. Raises KeyCollisionError, GrowthError."""
        for owner, names in self._objects():
            self._check(names)
            self._spans += [(start, end, "") for start, end in self._cuts(owner, names)]
        if not self._spans:
            return self.text
        if sum(len(new) for _, _, new in self._spans) > 4 * len(self.text) + 1_000:
            raise GrowthError("a JSON text would become several times longer")
        parts, at = [], 0
        for start, end, new in sorted(self._spans):
            parts += [self.text[at:start], new]
            at = end
        return "".join([*parts, self.text[at:]])

    def _written(self, value: Json) -> str:
        """As it can stand in the text: nothing but ASCII where the text is nothing else, and never half a character."""
        if type(value) is Exact:
            return value.text
        new = json.dumps(value, ensure_ascii=self.text.isascii())
        return new if new.isascii() else _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", new)

    def _objects(self) -> Iterator[tuple[Braces, list[Token]]]:
        """Objects of which a name changes or goes, with all their names in order."""
        names: dict[int, list[Token]] = {each: [] for each in self._touched}
        for token in self.tokens if names else ():
            if token.until and id(token.owner) in names:
                names[id(token.owner)].append(token)
        return ((self._touched[each], found) for each, found in names.items())

    def _check(self, names: Sequence[Token]) -> None:
        said: dict[str, str] = {}
        for token in names:
            new = self._names.get(token.start, token.value)
            if token.start not in self._gone and said.setdefault(new, token.value) != token.value:
                raise KeyCollisionError("two keys of an object became the same")

    def _cuts(self, owner: Braces, names: Sequence[Token]) -> Iterator[tuple[int, int]]:
        gone = [token.start in self._gone for token in names]
        first = next((number for number, is_gone in enumerate(gone) if not is_gone), None)
        if first is None:
            yield owner.start, owner.end
            return
        if first:
            yield names[0].start, names[first].start
        for before, token in pairwise(names[first:]):
            if token.start in self._gone:
                yield before.until, token.until

"""The one walk over every string of a call or a result, copying only what changes.

`Walk(edit)` calls `edit(leaf, where)` for each string leaf (and each number when `numbers` is set) and rebuilds the
value around what `edit` returned. A subtree in which nothing changed is returned as the same object, so its bytes
stay what they were. `where` is a chain of steps; `path`, `words` and `keys` read it, and nothing is built before they
are asked. Depth is bounded by what `jsontext.loads` accepts; every pass takes linear time, and a `Budget` bounds it.

What is text: everything but what `envelope` names, fields that only the protocol reads and base64. Content of a kind
that nobody knows is walked like any JSON.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from policies import envelope
from policies.envelope import Fields
from policies.jsontext import MAX_DEPTH
from policies.model import Json, JsonObject
from policies.textjson import TooManyValuesError, Where, may_be_json, number, read
from policies.textpatch import GrowthError, KeyCollisionError, Patches

__all__ = [
    "DROP",
    "Budget",
    "Edit",
    "GrowthError",
    "KeyCollisionError",
    "KeyEdit",
    "Leaf",
    "TooManyValuesError",
    "Walk",
    "Where",
    "depth_of",
    "keys",
    "leaves",
    "path",
    "split_key",
    "words",
]

Edit: TypeAlias = "Callable[[Json, Where], Json]"
"""Takes a leaf and returns the very same object, or what stands in its place; DROP removes it from its object."""

KeyEdit: TypeAlias = "Callable[[str, Where], str]"
BlobEdit: TypeAlias = "Callable[[str, str, Where], str]"


class _Drop:
    """Type of DROP."""


DROP: Final = _Drop()

_TEXT_COST: Final = 8
_TEXT_SHIFT: Final = 8
"""A text that is read as JSON counts as 8 values, and one for every 256 characters; what is in it counts as well."""

_META_ONLY: Final = frozenset({"_meta"})
_IDENTIFIER: Final = re.compile(r"(?!.*[0-9]{4})(?!.*[0-9][_-]+[0-9])[A-Za-z_][A-Za-z0-9_-]{0,39}\Z")
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class Budget:
    """How many values one walk may look at. `late` is asked now and then; once it says yes, nothing is left."""

    __slots__ = ("_late", "left")

    def __init__(self, values: int, late: Callable[[], bool]) -> None:
        self.left = values
        self._late = late

    def spend(self, values: int) -> None:
        """Raises TooManyValuesError."""
        before, self.left = self.left, self.left - values
        if self.left < 0 or (before >> 12 != self.left >> 12 and self._late()):
            raise TooManyValuesError("more values than may be looked at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One walk: `edit` for leaves, `key` for object keys (where given), `budget` (where given) for all of it.

    `blob` (where given) takes the base64 of an image, a sound or a resource, and its MIME type as it is said; `data`
    takes as a whole what the protocol says nothing about: arguments, structured content.

    Raises KeyCollisionError, GrowthError (a text in a text), TooManyValuesError (with a budget only).
    """

    edit: Edit
    key: KeyEdit | None = None
    numbers: bool = False
    budget: Budget | None = None
    blob: BlobEdit | None = None
    data: Edit | None = None

    def call(self, params: JsonObject, method: str = "") -> JsonObject:
        """A call's params; without a method, the fields of every method are the protocol's."""
        return self._envelope(params, envelope.of_call(method))

    def result(self, body: JsonObject, method: str = "") -> JsonObject:
        """What answers a call of `method`, or the params of the notification `method`."""
        return self._envelope(body, envelope.of_result(method))

    def value(self, value: Json, where: Where = None, *, protocol: bool = False) -> Json:
        """Any JSON value. `protocol` says that base64 in it may be the protocol's."""
        if isinstance(value, str):
            return self.edit(value, where)
        if isinstance(value, (dict, Mapping)):
            return self._object(value, where, protocol)
        if isinstance(value, (list, tuple)):
            return self._array(value, where, protocol)
        if self.numbers and value is not None and not isinstance(value, bool):
            return self.edit(value, where)
        return value

    def inside(self, text: str, where: Where) -> str | None:
        """The same walk inside a text that is itself JSON (see `textjson`): the text with what changed put in place.

        None when it is no JSON, or nested too deeply: then it is plain text.
        """
        if not may_be_json(text):
            return None
        if self.budget:
            self.budget.spend(_TEXT_COST + (len(text) >> _TEXT_SHIFT))
        most = self.budget.left if self.budget else sys.maxsize
        tokens = read(text, where, MAX_DEPTH - depth_of(where), most, numbers=self.numbers)
        if tokens is None:
            return None
        if self.budget:
            self.budget.spend(len(tokens))
        patches = Patches(text, tokens)
        edit, key = self.edit, self.key
        for token in tokens:
            value: Json = token.value
            if token.until:
                patches.rename(token, key(value, token.where) if key else value)
                continue
            if token.is_number:
                value = number(value)
            changed = value if value is None else edit(value, token.where)
            if changed is DROP:
                patches.drop(token)
            elif changed is not value:
                patches.replace(token, changed)
        return patches.apply()

    def _envelope(self, value: JsonObject, fields: Fields) -> JsonObject:
        changed: JsonObject = self._object(value, None, True, fields | _META_ONLY)
        return changed

    def _object(self, value: JsonObject, where: Where, protocol: bool, fields: Fields = envelope.NONE) -> Json:
        if self.budget:
            self.budget.spend(len(value) + 1)
        pairs: list[tuple[str, Json]] = []
        same = True
        for key, child in value.items():
            at = (where, key)
            if protocol:
                changed = self._child(value, key, child, at, fields)
            else:
                changed = self.edit(child, at) if type(child) is str else self.value(child, at)
            name = self.key(key, at) if self.key else key
            same = same and changed is child and name is key
            if changed is not DROP:
                pairs.append((name, changed))
        if same:
            return value
        copy = dict(pairs)
        if len(copy) != len(pairs):
            raise KeyCollisionError("two keys of an object became the same")
        return copy

    def _child(self, owner: JsonObject, key: str, child: Json, at: Where, fields: Fields) -> Json:
        if key in fields:
            if envelope.is_opaque(child) and key != "_meta":
                return child
            if isinstance(child, Mapping) and key in _NESTED:
                return self._object(child, at, True, _NESTED[key])
        if (key == "blob" or key == "data") and envelope.is_blob(owner, key, child, _name(at[0] if at else None)):
            return self.blob(child, str(owner.get("mimeType", "")), at) if self.blob else child
        if key not in envelope.USER_DATA:
            return self.value(child, at, protocol=True)
        return self.data(child, at) if self.data else self.value(child, at)

    def _array(self, value: list[Json] | tuple[Json, ...], where: Where, protocol: bool) -> Json:
        if self.budget:
            self.budget.spend(len(value) + 1)
        copy: list[Json] | None = None
        for index, child in enumerate(value):
            changed = self.value(child, (where, index), protocol=protocol)
            if changed is not child:
                copy = list(value) if copy is None else copy
                copy[index] = None if changed is DROP else changed
        return value if copy is None else copy


_NESTED: Final[Mapping[str, Fields]] = {"_meta": envelope.META, "ref": envelope.REFERENCE}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A string: its JSON path, the words of the key above it, the text; `is_key` for the name of a property."""

    path: str
    words: tuple[str, ...]
    text: str
    is_key: bool = False


def leaves(value: Json) -> list[Leaf]:
    """Every string of a JSON value in document order, a property's value before its name."""
    found: list[Leaf] = []

    def see(text: str, where: Where, is_key: bool = False) -> str:
        found.append(Leaf(path(where), words(where), text, is_key))
        return text

    Walk(edit=see, key=lambda text, where: see(text, where, True)).value(value)
    return found


def path(where: Where) -> str:
    """A JSON path such as `$.content[0].text`; a key that does not look like a plain name appears as `*`.

    Four digits in a row, or digits in groups, are no part of a plain name: they could be somebody's.
    """
    steps: list[str] = []
    while where is not None:
        where, step = where
        if isinstance(step, int):
            steps.append(f"[{step}]")
        else:
            steps.append(f".{step}" if _IDENTIFIER.match(step) else ".*")
    return "$" + "".join(reversed(steps))


def keys(where: Where, limit: int = 2) -> tuple[str, ...]:
    """The nearest object keys above a leaf, nearest first; array indexes do not count."""
    found: list[str] = []
    while where is not None and len(found) < limit:
        where, step = where
        if isinstance(step, str):
            found.append(step)
    return tuple(found)


def words(where: Where) -> tuple[str, ...]:
    """The lower-case words of the nearest key: `homePhone_number` gives home, phone, number."""
    return tuple(word for key in keys(where, 1) for word in split_key(key))


def split_key(key: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORDS.findall(key))


def depth_of(where: Where) -> int:
    """How many steps lead to a leaf."""
    depth = 0
    while where is not None:
        where, depth = where[0], depth + 1
    return depth


def _name(where: Where) -> str | int | None:
    """The nearest key, one array of items skipped."""
    if where is not None and isinstance(where[1], int):
        where = where[0]
    return None if where is None else where[1]

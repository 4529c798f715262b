"""The first walk over a body: what stands in its leaves, and which values are therefore known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from policies.detect.actions import DeniedError
from policies.detect.encoded import SHORTEST
from policies.detect.engine import KEY_CONFIDENCE, LONGEST_KEY, Check, Context, Engine
from policies.detect.finding import Finding
from policies.detect.mirror import parsed
from policies.detect.places import steps_of
from policies.detect.reading import NAMED, Reading
from policies.detect.scope import Scope
from policies.jsontext import MAX_DEPTH, JsonError, loads
from policies.model import Json
from policies.text import Budget, TooManyValuesError, Walk, Where, depth_of, path

MOST_VALUES: Final = 500_000
"""Of a result, its texts that are JSON included."""
MOST_FOUND: Final = 20_000
"""Of different values in one result. Each costs some hundredths of a millisecond, wherever it stands."""
_SAYING: Final = ("name", "key", "field", "label", "attribute", "type", "system")
_NAMING: Final = (*_SAYING, *map(str.capitalize, _SAYING))
"""Keys that say what stands under `value` or `Value` beside them, the most telling first."""
DEEPEST: Final = 3
"""Base64 within base64."""
_COLUMNS: Final = ("columns", "headers", "header", "fields", "column_names", "columnNames")
_ROWS: Final = frozenset(("rows", "data", "values", "records"))
"""Keys of a table's columns, as names or as objects with a `name`, and of its rows, as lists of cells."""
OPENINGS: Final = frozenset('{["`~ \t\r\n\u200b\ufeff\xa0\xad')
"""What a text that is JSON may begin with."""


def budget(check: Check) -> Budget:
    """For one walk: `check` is called now and then."""

    def late() -> bool:
        check()
        return False

    return Budget(MOST_VALUES, late)


class Looking:
    """Looks at every leaf once. `walk` is the walk to do it with, `values` is what was found.

    Data is looked at without the walk's ceremony: most results hold nothing, and this is what each of them costs.
    """

    def __init__(self, engine: Engine, reading: Reading, scope: Scope, check: Check) -> None:
        self._engine, self._reading, self._scope, self._check = engine, reading, scope, check
        self._plain_keys = engine.plain_keys
        self._memo = reading.memo
        self._budget = budget(check)
        self.values: dict[str, Finding] = {}
        self._closed: set[str] = set()
        self._spares = reading.spares
        self._denies = scope.actions.denies
        self.walk = Walk(
            edit=self._leaf, key=self._key, numbers=True, budget=self._budget, blob=self._blob, data=self._data
        )

    def _data(self, value: Json, where: Where) -> Json:
        if isinstance(value, (dict, Mapping)):
            self._object(value, where, self._reading.above(where))
        elif isinstance(value, (list, tuple)):
            self._array(value, where, self._reading.above(where))
        elif value is not None and not isinstance(value, bool):
            self._leaf(value, where)
        return value

    def _object(self, value: Mapping[str, Json], where: Where, above: tuple[str, ...]) -> None:
        self._budget.spend(len(value) + 1)
        if "value" in value or "Value" in value:
            self._name(value, where)
        if not _ROWS.isdisjoint(value):
            self._table(value, where)
        plain, below = self._plain_keys, self._engine.below(above)
        for key, child in value.items():
            if key not in plain:
                self._key(key, (where, key))
            kind = type(child)
            if kind is str:
                if child:
                    self._text(
                        child, (where, key), below[key] if key not in NAMED else self._reading.context((where, key))
                    )
            elif kind is int or kind is float:
                if below[key].said or key in NAMED:
                    self._number(child, (where, key))
            elif kind is dict:
                self._object(child, (where, key), (key,))
            elif kind is list:
                self._array(child, (where, key), (key, *above))
            elif child is not None and kind is not bool:
                self._data(child, (where, key))

    def _name(self, value: Mapping[str, Json], where: Where) -> None:
        """What the object says of its `value`."""
        name = next((value[key] for key in _NAMING if isinstance(value.get(key), str)), "")
        if name and len(name) <= LONGEST_KEY:
            self._reading.names[tuple(steps_of(where))] = name

    def _table(self, value: Mapping[str, Json], where: Where) -> None:
        """Rows of cells beside the names of their columns."""
        columns: Json = next((value[key] for key in _COLUMNS if isinstance(value.get(key), list)), [])
        said = [each.get("name") if isinstance(each, Mapping) else each for each in columns]
        names = [name for name in said if isinstance(name, str)]
        if not names or len(names) < len(said):
            return
        for key in _ROWS & value.keys():
            self._reading.columns[*steps_of(where), key] = (names, self._reading.above(where))

    def _array(self, value: list[Json] | tuple[Json, ...], where: Where, keys: tuple[str, ...]) -> None:
        self._budget.spend(len(value) + 1)
        context = self._engine.context(keys)
        above, columns = keys[:1], self._reading.columns
        for index, child in enumerate(value):
            kind = type(child)
            if kind is str:
                if child:
                    at = (where, index)
                    self._text(child, at, self._reading.context(at) if columns else context)
            elif kind is dict:
                self._object(child, (where, index), above)
            elif kind is list:
                self._array(child, (where, index), keys)
            elif child is not None and kind is not bool:
                self._data(child, (where, index))

    def _leaf(self, leaf: Json, where: Where) -> Json:
        if not isinstance(leaf, str):
            self._number(leaf, where)
        elif leaf:
            self._text(leaf, where, self._reading.context(where))
        return leaf

    def _number(self, number: float, where: Where) -> None:
        digits, entity = self._reading.number(number, where)
        if entity:
            self._note(digits, Finding(0, len(digits), entity, KEY_CONFIDENCE, "key"), where)

    def _text(self, text: str, where: Where, context: Context, depth: int = 0) -> None:
        if (text, context) in self._memo and not (self._spares or text in self._closed):
            return
        self._check()
        if text[0] in OPENINGS and self._inside(text, where):
            return
        findings = self._reading.find(text, where, context)
        if findings:
            for finding in findings:
                self._note(text[finding.start : finding.end], finding, where)
        if len(text) < SHORTEST:
            return
        if depth == DEEPEST:
            self._closed.add(text)  # elsewhere it may be less deep
            return
        self._closed.discard(text)
        for run in self._reading.encoded(text):
            self._text(run.text, where, context, depth + 1)

    def _inside(self, text: str, where: Where) -> bool:
        """Whether the text is JSON, which is then looked at.

        What no usual writer wrote may say a key twice, of which only the last is in its value: it is read token by
        token as well.
        """
        depth = MAX_DEPTH - depth_of(where)
        value = parsed(text, depth) if text[0] in "{[" else None
        if value is not None:
            self._data(value, where)
            return True
        try:
            value = loads(text, depth)
        except JsonError:
            value = None
        if isinstance(value, dict | list):
            self._data(value, where)
        return self.walk.inside(text, where) is not None

    def _key(self, key: str, where: Where) -> str:
        if key not in self._plain_keys:
            for finding in self._engine.key(key, self._check):
                self._note(key[finding.start : finding.end], finding, (where and where[0], "*"))
        return key

    def _blob(self, data: str, mime: str, where: Where) -> str:
        text = self._reading.blob(data, mime)
        if text:
            self._text(text, where, self._reading.context(where))
        return data

    def _note(self, value: str, finding: Finding, where: Where) -> None:
        """Of two entities that are found for one value, the surer one counts."""
        if self._denies and self._scope.actions.of(finding.entity) == "deny":
            raise DeniedError(f"{finding.entity} at {path(where)}")
        known = self.values.get(value)
        if known is None and len(self.values) >= MOST_FOUND:
            raise TooManyValuesError("more findings than may be redacted")
        if known is None or known.confidence < finding.confidence:
            self.values[value] = finding

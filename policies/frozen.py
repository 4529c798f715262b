"""Values that cannot be mutated: dicts and lists that raise TypeError, and serialise like any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, NoReturn, TypeVar

Value = TypeVar("Value")


def _refuse(self: object, *_: object, **__: object) -> NoReturn:
    raise TypeError("values handed to a policy are not to be mutated: return a Modify with a copy")


class FrozenDict(dict[str, Any]):
    """A dict that refuses to change. `copy.deepcopy` gives an ordinary one, changeable all the way down."""

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __deepcopy__(self, memo: object) -> dict[str, Any]:
        return {key: thawed(value) for key, value in self.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (self.__deepcopy__(None),)


class FrozenList(list[Any]):
    """A list that refuses to change. `copy.deepcopy` gives an ordinary one, changeable all the way down."""

    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = extend = insert = pop = remove = clear = sort = reverse = _refuse

    def __deepcopy__(self, memo: object) -> list[Any]:
        return [thawed(value) for value in self]

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (self.__deepcopy__(None),)


def frozen(value: Value) -> Value:
    """A deep copy that raises TypeError when it is mutated, of JSON or of a value of `policies.model`."""
    return _frozen(value)  # type: ignore[no-any-return]


def thawed(value: Any) -> Any:
    """Ordinary dicts and lists again, all the way down."""
    if isinstance(value, Mapping):
        return {key: thawed(child) for key, child in value.items()}
    return [thawed(child) for child in value] if isinstance(value, list | tuple) else value


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return FrozenDict({key: _frozen(child) for key, child in value.items()})
    if isinstance(value, list):
        return FrozenList(_frozen(child) for child in value)
    if isinstance(value, tuple):
        return tuple(_frozen(child) for child in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{item.name: _frozen(getattr(value, item.name)) for item in fields(value)})
    return value

"""A tool result in the making: JSON whose leaves know what they are."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Scalar = str | int | float | bool | None
Json = Scalar | dict[str, "Json"] | list["Json"]
Object = dict[str, Json]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A value that has to go: its entity, the value itself and, where it is disguised, how it is written."""

    entity: str
    value: str
    written: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One scalar.

    `found` has to go; `kept` are parts of a text that have to stay; a leaf with neither is benign and stays as it is.
    `free` is not scored. `named` is benign only thanks to its key, and free without it. `headings` are the column
    names of a table in the text; `hint` goes into the leaf's schema.
    """

    value: Scalar
    found: tuple[Found, ...] = ()
    kept: tuple[str, ...] = ()
    free: bool = False
    named: bool = False
    headings: tuple[str, ...] = ()
    hint: Mapping[str, Json] = field(default_factory=dict)


Tree = Leaf | Scalar | Mapping[str, "Tree"] | Sequence["Tree"]
"""A plain scalar is a benign leaf."""


def pii(entity: str, value: str | int, /, **hint: Json) -> Leaf:
    return Leaf(value=value, found=(Found(entity=entity, value=str(value)),), hint=hint)


def free(value: Scalar) -> Leaf:
    return Leaf(value=value, free=True)


def named(value: Scalar, /, **hint: Json) -> Leaf:
    return Leaf(value=value, named=True, hint=hint)


def shaped(value: Scalar, /, **hint: Json) -> Leaf:
    """Benign, and its schema says more than its type."""
    return Leaf(value=value, hint=hint)


def text(form: str, /, *parts: "Leaf | str") -> Leaf:
    """A string leaf of `{}` places: PII in it goes, plain strings in it stay."""
    found = tuple(each for part in parts if isinstance(part, Leaf) for each in part.found)
    kept = tuple(part for part in parts if isinstance(part, str))
    values = [part.value if isinstance(part, Leaf) else part for part in parts]
    return Leaf(value=form.format(*values), found=found, kept=kept if found else ())


def as_leaf(tree: Tree) -> Leaf | None:
    if isinstance(tree, Leaf):
        return tree
    return None if isinstance(tree, Mapping | list | tuple) else Leaf(value=tree)  # type: ignore[arg-type]


def leaves(tree: Tree, path: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    leaf = as_leaf(tree)
    if leaf is not None:
        yield path, leaf
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from leaves(value, (*path, key))
    else:
        for index, value in enumerate(tree):  # type: ignore[arg-type]
            yield from leaves(value, (*path, index))


def mapped(tree: Tree, change: Callable[[str, Leaf], Tree], key: str = "") -> Tree:
    """The tree with every leaf replaced; `change` is told the nearest key."""
    leaf = as_leaf(tree)
    if leaf is not None:
        return change(key, leaf)
    if isinstance(tree, Mapping):
        return {name: mapped(value, change, name) for name, value in tree.items()}
    return [mapped(value, change, key) for value in tree]  # type: ignore[union-attr]


def plain(tree: Tree) -> Json:
    leaf = as_leaf(tree)
    if leaf is not None:
        return leaf.value
    if isinstance(tree, Mapping):
        return {key: plain(value) for key, value in tree.items()}
    return [plain(value) for value in tree]  # type: ignore[union-attr]

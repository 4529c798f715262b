"""Cases: tool results with what is in them, in every variant, from one seed."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from benchmarks.detection import (
    families_cloud,
    families_code,
    families_customers,
    families_data,
    families_money,
    families_people,
    families_text,
)
from benchmarks.detection.benign import Plain
from benchmarks.detection.disguises import disguised
from benchmarks.detection.people import LOCALES, Fake
from benchmarks.detection.prose import harmless, sentence
from benchmarks.detection.schemas import schema
from benchmarks.detection.tree import Json, Leaf, Object, Path, Tree, as_leaf, leaves, mapped, plain

Family = Callable[[Fake, Plain], Tree]
FAMILIES: tuple[Family, ...] = (
    *families_customers.FAMILIES,
    *families_people.FAMILIES,
    *families_money.FAMILIES,
    *families_code.FAMILIES,
    *families_cloud.FAMILIES,
    *families_data.FAMILIES,
    *families_text.FAMILIES,
)
VARIANTS = ("named", "meaningless", "disguised", "prose")
Root = Literal["structured", "json_text", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One result. Paths of `leaves` start at the root: the structured content, the JSON in the text, or the text."""

    id: str
    family: str
    variant: str
    root: Root
    result: Object
    schema: Object | None
    leaves: tuple[tuple[Path, Leaf], ...]

    @property
    def line(self) -> Object:
        """What a redactor is given."""
        return {"id": self.id, "result": self.result, "outputSchema": self.schema}


def cases(seed: int, rounds: int, variant: str) -> Iterator[Case]:
    """`rounds` results of every family. The same seed gives the same data in each variant, up to the disguise."""
    for turn in range(rounds):
        for index, family in enumerate(FAMILIES):
            rng = Random(f"{seed}/{turn}/{family.__name__}")
            fake = Fake(rng, LOCALES[(turn + index) % len(LOCALES)])
            tree = family(fake, Plain(rng))
            trees = list(_prose(fake, tree)) if variant == "prose" else [_VARIED[variant](fake, tree)]
            for part, varied in enumerate(trees):
                identity = f"{variant}/{family.__name__}/{turn}/{part}"
                yield build(identity, family.__name__, variant, varied, rng)


def build(identity: str, family: str, variant: str, tree: Tree, rng: Random) -> Case:
    """Most results are structured with a JSON copy; some are JSON in a text only, some have a sentence beside them."""
    leaf = as_leaf(tree)
    if leaf is not None:
        result: Object = {"content": [{"type": "text", "text": str(leaf.value)}], "isError": variant == "prose"}
        return Case(
            id=identity, family=family, variant=variant, root="text", result=result, schema=None, leaves=(((), leaf),)
        )
    whole = tree if isinstance(tree, Mapping) else {"result": tree}
    body, style = plain(whole), rng.random()
    copy = _dumped(body, rng) if style < 0.92 else "Done, see the structured content."
    result = {"content": [{"type": "text", "text": copy}]}
    structured = style < 0.8 or style >= 0.92
    return Case(
        id=identity,
        family=family,
        variant=variant,
        root="structured" if structured else "json_text",
        result={**result, "structuredContent": body} if structured else result,
        schema=schema(whole) if structured else None,
        leaves=tuple(leaves(whole)),
    )


def _dumped(body: Json, rng: Random) -> str:
    style = rng.randrange(4)
    if style == 0:
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return json.dumps(body, indent=2 if style == 1 else None, ensure_ascii=style == 2)


def _named(fake: Fake, tree: Tree) -> Tree:
    return tree


def _meaningless(fake: Fake, tree: Tree) -> Tree:
    names: dict[str, str] = {}
    form = fake.rng.choice(["k{}", "f_{}", "col{}", "x{}"])

    def rename(key: str) -> str:
        return names.setdefault(key, form.format(len(names) + 1))

    def unnamed(key: str, leaf: Leaf) -> Leaf:
        if key == "columns":
            return replace(leaf, value=rename(str(leaf.value)))
        head, newline, rest = str(leaf.value).partition("\n")
        for heading in sorted(leaf.headings, key=len, reverse=True):
            head = head.replace(heading, rename(heading))
        value = head + newline + rest if leaf.headings else leaf.value
        return replace(leaf, value=value, named=False, free=leaf.free or leaf.named)

    return _renamed(mapped(tree, unnamed), rename)


def _renamed(tree: Tree, rename: Callable[[str], str]) -> Tree:
    if isinstance(tree, Mapping):
        return {rename(key): _renamed(value, rename) for key, value in tree.items()}
    return [_renamed(value, rename) for value in tree] if isinstance(tree, list) else tree


def _disguised(fake: Fake, tree: Tree) -> Tree:
    return mapped(tree, lambda key, leaf: disguised(fake.rng, key, leaf))


def _prose(fake: Fake, tree: Tree) -> Iterator[Tree]:
    """At most three sentences of a family's values, and a harmless one."""
    single = [
        (path, leaf) for path, leaf in leaves(tree) if len(leaf.found) == 1 and str(leaf.value) == leaf.found[0].value
    ]
    for path, leaf in fake.rng.sample(single, min(3, len(single))):
        key = next((step for step in reversed(path) if isinstance(step, str)), "rows")
        if key != "rows":
            yield sentence(fake.rng, key, leaf)
    yield harmless(fake, Plain(fake.rng))


_VARIED: dict[str, Callable[[Fake, Tree], Tree]] = {
    "named": _named,
    "meaningless": _meaningless,
    "disguised": _disguised,
}

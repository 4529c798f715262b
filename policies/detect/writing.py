"""The second walk over a body: something else in the place of each value, the same for the same value."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from policies.detect.finding import Finding
from policies.detect.known import Known
from policies.detect.layers import layers, reads_as_written
from policies.detect.looking import DEEPEST, OPENINGS
from policies.detect.places import Places, steps_of
from policies.detect.reading import Reading
from policies.detect.scope import Scope
from policies.detect.spans import apart, blot, cover
from policies.model import Json
from policies.text import DROP, Walk, Where, keys


class Writing:
    """Writes leaves, keys and blobs. `changes` are the places written, each with its entity and why."""

    def __init__(self, reading: Reading, known: Known, scope: Scope) -> None:
        self._reading, self._known, self._scope = reading, known, scope
        self._places = Places(scope.schema, scope.described)
        self._anew: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._taken: dict[str, int] = {}
        self.renamed: set[str] = set()
        self.changes: list[tuple[Where, str, str]] = []

    def leaf(self, leaf: Json, where: Where, walk: Walk) -> Json:
        """What stands for a string or a number; the same object where nothing changes. Raises NotRedactableError."""
        if isinstance(leaf, str):
            return self._text(leaf, where, walk, 0) if leaf else leaf
        digits, entity = self._reading.number(leaf, where)
        why = "key" if entity else "known"
        entity = entity or self._known.numbers.get(digits, "")
        if not entity or self._reading.spared(where, entity):
            return leaf
        return self._put(leaf, self._scope.actions.number(digits, entity), (), where, [(entity, why)])

    def blob(self, data: str, mime: str, where: Where, walk: Walk) -> str:
        """A blob's base64, the same object where nothing changes."""
        text = self._reading.blob(data, mime)
        new = self._text(text, where, walk, 0) if text else text
        if new is text:
            return data
        return base64.b64encode(new.encode(errors="replace") if isinstance(new, str) else b"").decode()

    def key(self, key: str, where: Where) -> str:
        """A property's name, the same object where nothing changes."""
        if key not in self._names:
            self._names[key] = self._name(key, where)
        if self._names[key] == key:
            return key
        self.renamed.add(key)
        self.changes.append((where, self._in_key(key, where)[0].entity, "shape"))
        return self._names[key]

    def _text(self, leaf: str, where: Where, walk: Walk, depth: int) -> Json:
        if keys(where, 1) == ("uri",) and leaf == self._scope.spoken:
            return leaf  # the caller's own address for it
        if leaf[0] in OPENINGS and (inner := walk.inside(leaf, where)) is not None:
            return inner
        findings = self._all(leaf, where)
        said = self._said_anew(leaf, where, walk, depth, findings) if depth < DEEPEST else []
        if said:
            self.changes += [(where, each.entity, _why(each)) for each in findings]
            return cover(leaf, sorted([*findings, *said], key=lambda each: each.start), self._cut)
        if not findings:
            return leaf
        wanted: Json = cover(leaf, findings, self._scope.actions.text)
        if not wanted and not depth and self._may_go(where):
            wanted = DROP  # nothing is left of it: `remove`
        masks = (cover(leaf, findings, partial(blot, digit)) for digit in "019")
        return self._put(leaf, wanted, masks, where, dict.fromkeys((each.entity, _why(each)) for each in findings))

    def _may_go(self, where: Where) -> bool:
        """Whether it is a property of data, or of JSON in a text: a content block without its text is none."""
        steps = steps_of(where)
        return (
            bool(steps) and isinstance(steps[-1], str) and (steps[0] == self._scope.described or "text" in steps[:-1])
        )

    def _said_anew(self, text: str, where: Where, walk: Walk, depth: int, findings: Sequence[Finding]) -> list[Finding]:
        """Runs of base64 whose text changes. What each shall be is kept in `_anew`."""
        changed = []
        for run in self._reading.encoded(text):
            if any(each.start < run.end and run.start < each.end for each in findings):
                continue
            new = self._text(run.text, where, walk, depth + 1)
            if new is not run.text:
                self._anew[text[run.start : run.end]] = run.written(new if isinstance(new, str) else "")
                changed.append(Finding(run.start, run.end, ""))
        return changed

    def _cut(self, value: str, finding: Finding) -> str:
        return self._scope.actions.text(value, finding) if finding.entity else self._anew[value]

    def _all(self, text: str, where: Where) -> Sequence[Finding]:
        found = self._reading.find(text, where, self._reading.context(where))
        known = list(self._known_in(text, where))
        return apart([*found, *known]) if known else found

    def _known_in(self, text: str, where: Where) -> Iterator[Finding]:
        if reads_as_written(text):
            for each in self._known.find(text):
                if not self._reading.spared(where, each.entity):
                    yield each
            return
        for layer in layers(text):
            for each in self._known.find(layer.text):
                if not self._reading.spared(where, each.entity):
                    yield Finding(*layer.place(each.start, each.end), each.entity, 0.0, "known")

    def _put(
        self, leaf: Json, wanted: Json, masks: Iterable[str], where: Where, why: Iterable[tuple[str, str]]
    ) -> Json:
        schema = self._scope.schema
        new = wanted if schema is None else self._places.replacement(steps_of(where), leaf, wanted, masks)
        if new is not leaf:
            self.changes += [(where, entity, reason) for entity, reason in why]
        return new

    def _in_key(self, key: str, where: Where) -> list[Finding]:
        return apart([*self._reading.key(key), *self._known_in(key, where)])

    def _name(self, key: str, where: Where) -> str:
        """The key with its values covered, and numbered where another key looks the same."""
        findings = self._in_key(key, where)
        if not findings:
            return key
        covered = cover(key, findings, self._scope.actions.text)
        count = self._taken[covered] = self._taken.get(covered, 0) + 1
        at = covered.rfind(">")
        return covered if count == 1 else f"{covered[:at]}_{count}{covered[at:]}" if at >= 0 else f"{covered}_{count}"


def _why(finding: Finding) -> str:
    """Of a secret the kind, which is what an exemption names."""
    return finding.rule if finding.entity == "SECRET" and finding.rule else finding.why

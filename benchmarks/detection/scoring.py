"""What a redactor's answers are worth: what it missed, what it spoilt, and whether the results still hold together."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import jsonschema_rs

from benchmarks.detection.corpus import Case
from benchmarks.detection.seams import Answer, Redactor
from benchmarks.detection.surviving import Remains
from benchmarks.detection.tree import Json, Leaf, Object, Path

BY_KEY_ONLY = frozenset({"PERSON", "STREET_ADDRESS", "DATE_OF_BIRTH"})
"""The issue has these found by key name or a model: nothing in the value itself tells."""
_EXAMPLES = 40


@dataclass(slots=True, kw_only=True)
class Score:
    """Counts over the cases of one variant. `missed` and `spoilt` name places of the corpus, never its values."""

    planted: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    benign: int = 0
    changed: int = 0
    structured: int = 0
    valid: int = 0
    copies: int = 0
    in_step: int = 0
    denied: int = 0
    missed: list[str] = field(default_factory=list)
    spoilt: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def recall(self, without: Iterable[str] = ()) -> float:
        entities = set(self.planted) - set(without)
        return ratio(sum(self.removed[each] for each in entities), sum(self.planted[each] for each in entities))

    @property
    def benign_changed(self) -> float:
        return ratio(self.changed, self.benign, empty=0.0)


def ratio(part: int, whole: int, empty: float = 1.0) -> float:
    return part / whole if whole else empty


def measured(cases: Sequence[Case], redactor: Redactor) -> Score:
    """Raises SeamMissingError where the redactor does."""
    found = {answer.id: answer for answer in redactor([case.line for case in cases])}
    score = Score()
    for case in cases:
        judge(score, case, found[case.id])
    return score


def judge(score: Score, case: Case, answer: Answer) -> None:
    """A denied result misses nothing, and has all its benign leaves changed."""
    score.denied += answer.result is None
    remains = Remains(answer.result)
    body = _body(case, answer.result)
    for path, leaf in case.leaves:
        where = f"{case.id}:{'/'.join(map(str, path))}"
        for found in leaf.found:
            _planted(score, found.entity, where, gone=not remains.has(found))
        if not leaf.free and (not leaf.found or leaf.kept):
            score.benign += 1
            if answer.result is None or not _kept(leaf, _at(body, path)):
                score.changed += 1
                _note(score.spoilt, where)
    if answer.result is not None:
        _whole(score, case, answer.result)


def _planted(score: Score, entity: str, where: str, *, gone: bool) -> None:
    score.planted[entity] += 1
    score.removed[entity] += gone
    if not gone:
        _note(score.missed, f"{entity} {where}")


def _kept(leaf: Leaf, value: object) -> bool:
    """A benign leaf is the same value of the same type; of a text, every part that has to stay is there."""
    if leaf.kept:
        return isinstance(value, str) and all(part in value for part in leaf.kept)
    return type(value) is type(leaf.value) and value == leaf.value


def _body(case: Case, result: Object | None) -> object:
    if result is None:
        return None
    if case.root == "structured":
        return result.get("structuredContent")
    text = copy_of(result)
    return _parsed(text) if case.root == "json_text" else text


def _at(value: object, path: Path) -> object:
    """What is at the path, or an Ellipsis where nothing is: None is a value."""
    for step in path:
        try:
            value = value[step]  # type: ignore[index]
        except (TypeError, LookupError):
            return ...
    return value


def _whole(score: Score, case: Case, result: Object) -> None:
    """Valid against its schema, and the text copy says what the structured content says."""
    if case.schema is None:
        return
    score.structured += 1
    body = result.get("structuredContent")
    right = jsonschema_rs.validator_for(case.schema, validate_formats=True).is_valid(body)
    score.valid += right
    if not right:
        _note(score.broken, f"schema {case.id}")
    if _parsed(copy_of(case.result)) == case.result["structuredContent"]:
        score.copies += 1
        same = "structuredContent" in result and _parsed(copy_of(result)) == body
        score.in_step += same
        if not same:
            _note(score.broken, f"copy {case.id}")


def copy_of(result: Object) -> str:
    """The text of the first content block."""
    match result.get("content"):
        case [{"text": str(text)}, *_]:
            return text
    return ""


def _parsed(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except ValueError:
        return None
    return value


def _note(places: list[str], place: str) -> None:
    if len(places) < _EXAMPLES:
        places.append(place)

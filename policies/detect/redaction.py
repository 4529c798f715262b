"""One result (or one call's params) redacted: look at every leaf, then write every leaf."""

from __future__ import annotations

from collections.abc import Callable

from policies.detect.engine import LONGEST_KEY, Check, Engine
from policies.detect.known import Known
from policies.detect.looking import Looking, budget
from policies.detect.mirror import Writer, mirrored
from policies.detect.places import steps_of
from policies.detect.reading import Reading
from policies.detect.replace import NotRedactableError
from policies.detect.scope import Scope
from policies.detect.writing import Writing
from policies.model import Change, Json, JsonObject
from policies.text import Walk, Where, path


class Redaction:
    """The state of one redaction. `check` is called all along and may raise to stop it."""

    def __init__(self, engine: Engine, scope: Scope, check: Check) -> None:
        self._scope, self._check = scope, check
        self._known = Known(check)
        self._reading = Reading(engine, scope, check)
        self._writing = Writing(self._reading, self._known, scope)
        self._looking = Looking(engine, self._reading, scope, check)

    def run(self, body: JsonObject, walk: Callable[[Walk, JsonObject], JsonObject]) -> JsonObject:
        """The redacted body, or the same object.

        Raises DeniedError, BlobDeniedError, NotRedactableError, KeyCollisionError, TooLargeError, TooManyValuesError,
        GrowthError, and what `check` raises.
        """
        schema, key = self._scope.schema, self._scope.described
        copies = mirrored(body, key) if key in body else {}
        bare = _without(body, copies)
        walk(self._looking.walk, bare)
        if not self._looking.values:
            return body
        for value, finding in self._looking.values.items():
            self._known.add(value, finding.entity, finding.confidence)
        writer = self._writer()
        described = bare.get(key)
        if schema and described is not None:
            writer.value(described, (None, key))  # decides, before its text copy is written
        new = walk(writer, bare)
        self._check()
        changed = new.get(key)
        if schema and changed is not described and not schema.accepts(changed):
            raise NotRedactableError("the redacted value is not valid")
        return body if new is bare else self._with_copies(body, new, copies)

    def look(self, body: JsonObject, walk: Callable[[Walk, JsonObject], JsonObject]) -> int:
        """How many different values stand in the body; nothing is written. Raises as `run`."""
        walk(self._looking.walk, body)
        return len(self._looking.values)

    @property
    def changes(self) -> tuple[Change, ...]:
        """What was changed, once each; a key that was changed appears as `*` in every path."""
        found = self._writing.changes
        return tuple(dict.fromkeys(Change(path(self._masked(where)), kind, why) for where, kind, why in found))

    def _masked(self, where: Where) -> Where:
        masked: Where = None
        for step in steps_of(where):
            hidden = isinstance(step, str) and (len(step) > LONGEST_KEY or step in self._writing.renamed)
            masked = (masked, "*" if hidden else step)
        return masked

    def _with_copies(self, body: JsonObject, new: JsonObject, copies: dict[int, Writer]) -> JsonObject:
        """The texts that say the structured content over again, written anew from what it says now."""
        if not copies:
            return new
        key, content, changes = self._scope.described, list(new["content"]), self._writing.changes
        said = dict.fromkeys((entity, why) for where, entity, why in changes if steps_of(where)[0] == key)
        for index, write in copies.items():
            text = write(new[key]) if new[key] is not body[key] else body["content"][index]["text"]
            content[index] = {**content[index], "text": text}
            at: Where = (((None, "content"), index), "text")
            changes += [(at, entity, why) for entity, why in said]
        return {**new, "content": content}

    def _writer(self) -> Walk:
        def leaf(value: Json, where: Where) -> Json:
            self._check()
            return self._writing.leaf(value, where, walk)

        def blob(data: str, mime: str, where: Where) -> str:
            return self._writing.blob(data, mime, where, walk)

        walk = Walk(edit=leaf, key=self._writing.key, numbers=True, budget=budget(self._check), blob=blob)
        return walk


def _without(body: JsonObject, copies: dict[int, Writer]) -> JsonObject:
    if not copies:
        return body
    content = [{**block, "text": ""} if index in copies else block for index, block in enumerate(body["content"])]
    return {**body, "content": content}

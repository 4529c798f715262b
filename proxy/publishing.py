"""How the upstream's tools are published: under which names, with which schemas, and which of them not at all.

By default a tool is published as it is listed. An AgentCore gateway names its tools `target___tool`; the prefix may be
taken off, and is put back for a call. What two tools would share belongs to neither. A gateway that has this proxy as
a target lists its own tools again, behind that target: those are not published (the loop would grow with every
synchronisation). References in schemas may be written out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from policies.jsontext import dumps
from policies.model import JsonObject
from proxy.dereference import StaysError, dereferenced
from proxy.settings import Settings

SEPARATOR: Final = "___"
"""Between target and tool in a gateway's tool names; a target's own name has no underscore (CreateGatewayTarget)."""

COLLISION: Final = "tool_name_collision"
LOOP: Final = "self_loop"

_SHOWN: Final = 128
_KEPT: Final = 20_000
"""Names after which no page of a list teaches more: a catalog holds no more tools by default."""
GROWTH: Final = 16 * 2**20
"""Characters by which the schemas of one list may grow in all by being written out; those of later tools stay."""
_LOGGED: Final = 20
"""Findings that are logged at most, of one list."""
_SCHEMAS: Final = ("inputSchema", "outputSchema")


class Publishing:
    """What is known of one list of tools. `findings` says what is not published, and why."""

    def __init__(self, *, strip: bool = False, dereference: bool = False) -> None:
        self._strip = strip
        self._dereference = dereference
        self._names: dict[str, str] = {}
        self._callable: dict[str, str] = {}
        self._loops: frozenset[str] = frozenset()
        self._made: dict[str, tuple[JsonObject, JsonObject]] = {}
        self.withheld: frozenset[str] = frozenset()
        self._news: list[tuple[int, str]] = []
        self.findings: tuple[str, ...] = ()
        self.fault = ""
        self._full = False

    @property
    def changes(self) -> bool:
        """Whether a definition may be published otherwise than it is listed, or not at all."""
        return self._strip or self._dereference or bool(self._loops)

    def called(self, name: str) -> str | None:
        """The upstream's own name of a published tool, or None where none is published under `name`."""
        return self._callable.get(name) if self._strip else name

    def published(self, listed: Sequence[JsonObject], *, whole: bool) -> list[JsonObject]:
        """The definitions of `listed` as they are published; `whole` says that there are no others."""
        self._learn(listed, whole=whole)
        left = GROWTH
        made: list[JsonObject] = []
        for definition in listed:
            shown = self.one(definition)
            if shown is None:
                continue
            if self._dereference and (left := left - grown(definition, shown)) < 0:
                shown = {**shown, **{key: definition[key] for key in _SCHEMAS if key in definition}}
            made.append(shown)
            name = definition.get("name")
            if isinstance(name, str) and name in self._names and (self._strip or self._dereference):
                self._made[name] = (definition, shown)
        if left < 0 and not self._full:
            self._full = True
            self._news.append((logging.WARNING, f"schemas stay as they are after {GROWTH} characters written out"))
        return made

    def listed(self, published: Sequence[JsonObject]) -> list[JsonObject]:
        """What the upstream listed as these, as far as it is known."""
        own = [self.called(str(definition.get("name"))) for definition in published]
        return [self._made.get(name or "", (definition,))[0] for name, definition in zip(own, published, strict=True)]

    def one(self, definition: JsonObject) -> JsonObject | None:
        """A definition as it is published, or None where it is not. What has no name is left as it is."""
        name = definition.get("name")
        if not isinstance(name, str):
            return definition
        if name in self._loops or self.name(name) in self.withheld:
            return None
        return self._shaped(name, definition) if self._strip or self._dereference else definition

    def name(self, own: str) -> str:
        """The name under which the tool `own` of the upstream is published."""
        target, separator, tool = own.partition(SEPARATOR)
        return tool if self._strip and separator and target and tool else own

    def _learn(self, listed: Sequence[JsonObject], *, whole: bool) -> None:
        found = {name for definition in listed if isinstance(name := definition.get("name"), str)}
        if (found == self._names.keys()) if whole else (found <= self._names.keys() or len(self._names) > _KEPT):
            return
        fresh = {name: self.name(name) for name in sorted(found)}
        self._names = fresh if whole else {**self._names, **fresh}
        self._judge()

    def _judge(self) -> None:
        """Which names lead back here, and which two tools would share."""
        loops = frozenset(name for name in self._names if _comes_back(name, self._names))
        owners: dict[str, list[str]] = {}
        for own, name in self._names.items():
            if own not in loops:
                owners.setdefault(name, []).append(own)
        shared = {name: found for name, found in owners.items() if len(found) > 1}
        self._loops = loops
        self.withheld = frozenset(shared)
        self._callable = {name: found[0] for name, found in owners.items() if len(found) == 1} if self._strip else {}
        self._made = {name: made for name, made in self._made.items() if name in self._names}
        self._say([*map(_loop, sorted(loops)), *(_collision(name, shared[name]) for name in sorted(shared))])
        self.fault = LOOP if loops else COLLISION if shared else ""

    def _say(self, findings: Iterable[str]) -> None:
        findings = tuple(findings)
        self._news += [(logging.ERROR, text) for text in findings if text not in self.findings][:_LOGGED]
        self.findings = findings

    def news(self) -> list[tuple[int, str]]:
        """What has come up since this was asked last, each with the level at which it is to be logged."""
        news, self._news = self._news, []
        return news

    def _shaped(self, name: str, definition: JsonObject) -> JsonObject:
        """The same object for as long as the upstream lists the same."""
        held = self._made.get(name)
        if held is not None and held[0] == definition:
            return held[1]
        made = {**definition, "name": self.name(name)} if self._strip else definition
        return self._written_out(name, made) if self._dereference else made

    def _written_out(self, name: str, definition: JsonObject) -> JsonObject:
        fresh = dict(definition)
        for key in _SCHEMAS:
            try:
                fresh[key] = dereferenced(definition[key])
            except KeyError:
                continue
            except StaysError as error:
                if len(self._news) < _LOGGED:
                    said = f"the {key} of the tool {_plain(name)} stays as it is: {error}"
                    self._news.append((logging.WARNING, said))
        return fresh


def grown(definition: JsonObject, shown: JsonObject) -> int:
    """By how many characters of JSON what is shown is longer."""
    return 0 if shown is definition else max(0, len(dumps(shown)) - len(dumps(definition)))


def publishing_of(settings: Settings) -> Publishing:
    """As the settings say."""
    return Publishing(strip=settings.strip_target_prefix, dereference=settings.dereference_schemas)


def _comes_back(name: str, names: Mapping[str, str]) -> bool:
    """Whether the tool is another of the same list, behind one more target."""
    _, separator, tool = name.partition(SEPARATOR)
    return bool(separator) and SEPARATOR in tool and tool in names


def _loop(name: str) -> str:
    target, _, tool = name.partition(SEPARATOR)
    return (
        f"the upstream lists its tool {_plain(tool)} again as {_plain(name)}: its target {_plain(target)} leads back "
        "to the same upstream (is it this proxy?); the second is not published, remove the target"
    )


def _collision(name: str, owners: Sequence[str]) -> str:
    given = " and ".join(map(_plain, owners[:3])) + (" and others" if len(owners) > 3 else "")
    return (
        f"the upstream's tools {given} would all be published as {_plain(name)} (strip_target_prefix): none of "
        "them is; rename one, or unset MCP_PROXY_STRIP_TARGET_PREFIX"
    )


def _plain(name: str) -> str:
    """A name as it can stand in a log: an upstream's text, escaped and cut."""
    return ascii(name[:_SHOWN])

"""What an AgentCore gateway's search tool found, as the caller may see it.

Its result holds tool definitions as data, in `structuredContent.tools` and again as text (AgentCore Gateway, semantic
search): the tools that a list hides from this caller go from both copies, and the others are shown as in a list. Once
anything differs, what is no copy goes as well: nobody can judge what else it says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from policies.jsontext import MAX_DEPTH, JsonError, dumps, has_key_twice, loads
from policies.model import Json, JsonObject
from proxy.publishing import SEPARATOR

SEARCH: Final = "x_amz_bedrock_agentcore_search"

See = Callable[[JsonObject], Awaitable[JsonObject | None]]
"""Gives a tool's definition as this caller may see it, the same object where nothing differs; None hides it."""

_STAYS: Final = frozenset({"isError", "resultType", "inputRequests", "requestState"})
"""Of a result in which something differs, beside its copies: what the protocol reads."""
_PROTOCOL: Final = "io.modelcontextprotocol/"


class UnreadableError(ValueError):
    """The result has no copy that can be judged."""


def searches(name: str) -> bool:
    """Whether it is the search tool of the gateway, or of a gateway behind one of its targets."""
    return name.endswith(SEARCH) and (name == SEARCH or name.endswith(SEPARATOR + SEARCH))


def as_listed(definition: JsonObject, search: str) -> JsonObject:
    """What the tool `search` found, under the name by which the gateway lists it: a target has names of its own."""
    target = search.removesuffix(SEARCH)
    return {**definition, "name": f"{target}{definition['name']}"} if target else definition


def as_found(seen: JsonObject, definition: JsonObject, search: str) -> JsonObject:
    """What is shown of `definition`, under the name that the target has for it."""
    return seen if search == SEARCH else {**seen, "name": definition["name"]}


async def searched(body: JsonObject, see: See, *, tells: bool) -> JsonObject:
    """The result as the caller may see it; the same object when nothing differs.

    `tells` says that it is one that found tools, so that there must be a copy. Raises UnreadableError without one.
    """
    structured = body.get("structuredContent")
    judged = isinstance(structured, Mapping) and _tools(structured) is not None
    if tells and "structuredContent" in body and not judged:
        raise UnreadableError("the structured content holds no list of tools")
    shown = await _shown(structured, see) if judged else None
    copies = [(block, seen) for block in _blocks(body) if (seen := await _read(block, see)) is not None]
    if tells and not judged and not copies:
        raise UnreadableError("no copy of the tools found can be read")
    if not (judged and shown is not structured) and all(block is seen for block, seen in copies):
        return body
    content = [seen for _, seen in copies] or [{"type": "text", "text": dumps(shown).decode()}]
    return {**_bare(body), "content": content, **({"structuredContent": shown} if judged else {})}


def _bare(body: JsonObject) -> JsonObject:
    """The result without its copies, and without what may be another."""
    kept = {key: value for key, value in body.items() if key in _STAYS}
    meta = body.get("_meta")
    said = {key: meta[key] for key in meta if key.startswith(_PROTOCOL)} if isinstance(meta, Mapping) else {}
    return {**kept, "_meta": said} if said else kept


def _blocks(body: JsonObject) -> Sequence[Json]:
    content = body.get("content")
    return content if isinstance(content, list) else ()


async def _read(block: Json, see: See) -> Json:
    """A text block that is a copy of the tools, as the caller may see it, or None."""
    if not isinstance(block, Mapping) or block.get("type") != "text" or not isinstance(block.get("text"), str):
        return None
    try:
        text = block["text"].encode()
        found = loads(text, MAX_DEPTH)
    except (JsonError, UnicodeEncodeError):
        return None
    if _tools(found) is None:
        return None
    shown = await _shown(found, see)
    same = shown is found and not has_key_twice(text, found)
    return block if same else {"type": "text", "text": dumps(shown).decode()}


def _tools(value: Json) -> Sequence[Json] | None:
    """The definitions in `{"tools": […]}` or `[…]`."""
    listed = value.get("tools") if isinstance(value, Mapping) else value
    return listed if isinstance(listed, list) else None


async def _shown(value: Json, see: See) -> Json:
    listed = _tools(value) or ()
    seen = [await see(item) if isinstance(item, Mapping) else None for item in listed]
    kept = [item for item in seen if item is not None]
    if len(kept) == len(listed) and all(one is other for one, other in zip(kept, listed, strict=True)):
        return value
    return {"tools": kept} if isinstance(value, Mapping) else kept

"""What an AgentCore gateway's search tool found, as the caller may see it.

Its result holds tool definitions as data, in `structuredContent.tools` and again as text (AgentCore Gateway, semantic
search): the tools that a list hides from this caller go from both copies, and the others are shown as in a list. What
cannot be judged is not shown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from policies.jsontext import MAX_DEPTH, JsonError, dumps, loads
from policies.model import Json, JsonObject

SEARCH: Final = "x_amz_bedrock_agentcore_search"

See = Callable[[JsonObject], Awaitable[JsonObject | None]]
"""Gives a tool's definition as this caller may see it, the same object where nothing differs; None hides it."""


class UnreadableError(ValueError):
    """The result has no copy that can be judged."""


async def searched(body: JsonObject, see: See) -> JsonObject:
    """The result as the caller may see it; the same object when nothing differs. Raises UnreadableError."""
    if "structuredContent" not in body:
        content, read = await _content(body.get("content"), see, None)
        if not read:
            raise UnreadableError("no copy of the tools found can be read")
        return body if content is body.get("content") else {**body, "content": content}
    structured = body["structuredContent"]
    if _tools(structured) is None or isinstance(structured, list):
        raise UnreadableError("the structured content holds no list of tools")
    shown = await _shown(structured, see)
    content, _ = await _content(body.get("content"), see, shown if shown is not structured else None)
    if shown is structured and content is body.get("content"):
        return body
    return {**body, "structuredContent": shown, "content": content}


async def _content(content: Json, see: See, differing: Json) -> tuple[Json, bool]:
    """The blocks, and whether one of them is a copy of the tools.

    A block that is none says what nobody can judge: it stays only beside structured content in which nothing differs,
    which `differing` is otherwise.
    """
    blocks = content if isinstance(content, list) else []
    kept: list[Json] = []
    read = False
    for block in blocks:
        found = _parsed(block)
        if found is not None:
            shown = await _shown(found, see)
            kept.append(block if shown is found else {**block, "text": dumps(shown).decode()})
            read = True
        elif differing is None:
            kept.append(block)
    if differing is not None and not read:
        kept.append({"type": "text", "text": dumps(differing).decode()})
    same = len(kept) == len(blocks) and all(one is other for one, other in zip(kept, blocks, strict=True))
    return (content if same else kept), read


def _parsed(block: Json) -> Json:
    """The JSON of a text block that is a copy of the tools, or None."""
    if not isinstance(block, Mapping) or block.get("type") != "text" or not isinstance(block.get("text"), str):
        return None
    try:
        found = loads(block["text"].encode(), MAX_DEPTH)
    except (JsonError, UnicodeEncodeError):
        return None
    return found if _tools(found) is not None else None


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
    return {**value, "tools": kept} if isinstance(value, Mapping) else kept

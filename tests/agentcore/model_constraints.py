"""What a value breaks of its shape: botocore's own validator, and what that leaves out.

botocore checks types, required members, unknown members, lower bounds and unions. AWS also refuses what is over an
upper bound, matches no pattern or is none of an enumeration. Messages never repeat a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import Shape, StringShape
from botocore.validate import ParamValidator

Violation = tuple[str, str]
"""Path of a member, and the constraint that it breaks."""

_PRINTABLE = r"\x00-\x1F\x7F-\x9F"

ALSO_TAGGABLE = re.compile(
    r"arn:aws[a-z-]*:bedrock-agentcore:[a-z0-9-]+:\d{12}:token-vault/[^/]+/oauth2credentialprovider/[^/]+"
)
"""The pattern of a taggable ARN has no digit in a resource's kind, so it misses credential providers. AWS takes them:
their tags are listed by this ARN in other people's acceptance tests."""


def violations(value: Any, shape: Shape) -> list[Violation]:
    """Everything that is wrong with `value`, in the order of the shape; none for a valid one."""
    report = ParamValidator().validate(value, shape)
    found = [_told(kind, where, more) for kind, where, more in report._errors]
    return found + list(_bounds(value, shape, ""))


def _told(kind: str, where: str, more: dict[str, Any]) -> Violation:
    path = where.removeprefix(".") or "input"
    told = {
        "missing required field": lambda: (_join(where, more["required_name"]), "Member must not be null"),
        "unknown field": lambda: (_join(where, more["unknown_param"]), "Member is not known"),
        "invalid type": lambda: (path, "Member has the wrong type"),
        "invalid range": lambda: (path, f"Member must be greater than or equal to {more['min_allowed']}"),
        "invalid length": lambda: (path, f"Member must have length greater than or equal to {more['min_allowed']}"),
        "more than one input": lambda: (path, "Member is a union: exactly one of its members must be set"),
        "empty input": lambda: (path, "Member is a union: exactly one of its members must be set"),
    }
    return told[kind]() if kind in told else (path, kind)


def _join(where: str, name: str) -> str:
    return f"{where}.{name}".removeprefix(".")


def _bounds(value: Any, shape: Shape, where: str) -> Iterator[Violation]:
    """Upper bounds, patterns and enumerations. What has the wrong type was reported already."""
    kind, limit = shape.type_name, shape.metadata.get("max")
    if kind == "structure" and isinstance(value, dict):
        if not shape.is_document_type:
            for name, member in shape.members.items():
                if name in value:
                    yield from _bounds(value[name], member, _join(where, name))
    elif kind == "list" and isinstance(value, list):
        yield from _length(len(value), limit, where)
        for index, inner in enumerate(value):
            yield from _bounds(inner, shape.member, f"{where}[{index}]")
    elif kind == "map" and isinstance(value, dict):
        yield from _map(value, shape, where)
    elif kind == "string" and isinstance(value, str):
        yield from _string(value, shape, where)
    elif kind in ("integer", "long", "float", "double"):
        if isinstance(value, bool):
            yield where, "Member has the wrong type"
        elif isinstance(value, int | float) and limit is not None and value > limit:
            yield where, f"Member must be less than or equal to {limit}"


def _map(value: dict[str, Any], shape: Shape, where: str) -> Iterator[Violation]:
    """A map's own size, its keys and its values. Lower bounds of its size too: botocore has none for maps."""
    yield from _length(len(value), shape.metadata.get("max"), where)
    if len(value) < shape.metadata.get("min", 0):
        yield where, f"Member must have length greater than or equal to {shape.metadata['min']}"
    for key, inner in value.items():
        yield from _bounds(key, shape.key, f"{where}.key")
        yield from _bounds(inner, shape.value, f"{where}.value")


def _string(value: str, shape: Shape, where: str) -> Iterator[Violation]:
    yield from _length(len(value), shape.metadata.get("max"), where)
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value) and not _excepted(shape, value):
        yield where, f"Member must satisfy regular expression pattern: {pattern}"
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield where, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"


def _excepted(shape: Shape, value: str) -> bool:
    return shape.name == "TaggableResourcesArn" and ALSO_TAGGABLE.fullmatch(value) is not None


def _length(size: int, limit: int | None, where: str) -> Iterator[Violation]:
    if limit is not None and size > limit:
        yield where, f"Member must have length less than or equal to {limit}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of the model. `\\p{C}`, which Python does not know, stands for control characters there."""
    return re.compile(pattern.replace(r"\p{C}", _PRINTABLE))

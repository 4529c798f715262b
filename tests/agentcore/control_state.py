"""What the operations of the control plane work on, and the bookkeeping that they share."""

from __future__ import annotations

import asyncio
import base64
import secrets
import string
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.agentcore.control_cloud import Cloud
from tests.agentcore.model import ServiceError, invalid
from tests.agentcore.world import ACCOUNT, REGION, Gateway, Json, Target, World

ListTools: TypeAlias = Callable[[World, Gateway, Target], Awaitable[list[Json]]]
"""Lists a target's tools through the data plane. Raises an exception whose text is why the synchronisation fails."""

PAGE = 10
"""Items of a page where the caller does not say, so that a caller who reads one page alone is found out."""

Arn: TypeAlias = str


@dataclass(kw_only=True)
class Plane:
    """One control plane. `gateway_url` says where a gateway of that id is served."""

    world: World
    cloud: Cloud
    list_tools: ListTools
    gateway_url: Callable[[str], str]
    replays: dict[tuple[str, str], tuple[Json, Json]] = field(default_factory=dict)
    """(operation, client token) → the request it came with and the answer it got."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    listings: set[asyncio.Task[None]] = field(default_factory=set)

    def forget(self, resource_id: str) -> None:
        """Client tokens of a resource that is gone make a new one."""
        self.replays = {k: v for k, v in self.replays.items() if resource_id not in v[1].values()}


Operation: TypeAlias = Callable[[Plane, Json], Awaitable[Json]]


def arn(kind: str) -> Arn:
    """ARN of a resource of this service: `runtime/x` …"""
    return f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:{kind}"


def suffix(alphabet: str = string.ascii_letters + string.digits) -> str:
    """The ten characters that AWS puts behind a name to make an id."""
    return "".join(secrets.choice(alphabet) for _ in range(10))


def not_found(what: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", f"{what} was not found")


def conflict(message: str) -> ServiceError:
    return ServiceError("ConflictException", message)


def one_less(counts: dict[str, int], key: str) -> bool:
    """Whether `key` has something left, which this takes."""
    left = counts.get(key, 0)
    if left > 0:
        counts[key] = left - 1
    return left > 0


def page(request: Json, items: Sequence[Json], key: str) -> Json:
    """One page of `items` under `key`, with a token where more follow. Raises ServiceError for a foreign token."""
    begin = _offset(request.get("nextToken"), key)
    end = begin + request.get("maxResults", PAGE)
    more: Json = {"nextToken": base64.urlsafe_b64encode(f"{key}:{end}".encode()).decode()} if end < len(items) else {}
    return {key: list(items[begin:end]), **more}


def _offset(token: str | None, key: str) -> int:
    if token is None:
        return 0
    try:
        kind, _, offset = base64.urlsafe_b64decode(token).decode().partition(":")
        if kind == key:
            return int(offset)
    except ValueError:
        pass
    raise invalid("The nextToken is not one of this list.", ("nextToken", "is not valid"))


def only(values: Mapping[str, Any], names: Iterable[str]) -> Json:
    """Those of `names` that `values` has."""
    return {name: values[name] for name in names if name in values}

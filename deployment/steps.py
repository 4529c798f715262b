"""A step of a deployment, and what it says before it does anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Action = Literal["create", "update", "keep", "delete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a step would do to one resource."""

    resource: str
    """Kind and name, as in `iam role my_agent-execution`."""
    action: Action
    details: tuple[str, ...] = ()
    """What differs, by key. Never a secret, nor the value of a variable."""
    calls: frozenset[str] = frozenset()
    """The AWS calls that change something, as `service:Operation` (`iam:CreateRole`). Empty for `keep`."""


class Step(Protocol):
    """One resource, or a few that live and die together. The next step may rely on what this one has left."""

    def plan(self) -> tuple[Change, ...]:
        """What `apply` would do. Only reads. Raises DeployError."""
        ...

    def apply(self) -> None:
        """Bring it about; nothing to do is fine. A second run carries on where the first was cut off."""
        ...

    def plan_removal(self) -> tuple[Change, ...]:
        """What `remove` would delete: only what carries our tag. Only reads."""
        ...

    def remove(self) -> None:
        """Delete it, if it is there and ours."""
        ...

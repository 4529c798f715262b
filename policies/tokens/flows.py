"""Flows: where a value may go, by where it came from. Information-flow control without any state.

    flows = [{ from = "crm.*", entities = ["CREDIT_CARD"], to = ["payments.refund"] }]

A token opens where at least one rule says so; without rules none opens anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

if TYPE_CHECKING:
    from policies.tokens.tokens import Opened


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Globs = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]
"""One pattern or several, as `fnmatch` reads them (`*`, `?`, `[…]`); upper and lower case differ."""


class Flow(BaseModel):
    """A value of one of `entities` that a tool of `from` gave opens in calls of the tools of `to`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    source: Globs = Field(default=("*",), alias="from")
    entities: Globs = ("*",)
    to: Globs

    def allows(self, opened: Opened, to: str) -> bool:
        return _any(self.to, to) and _any(self.entities, opened.entity) and _any(self.source, opened.tool)


def allowed(flows: Sequence[Flow], opened: Opened, to: str) -> bool:
    """Whether any rule lets it open in a call of the tool `to`."""
    return any(flow.allows(opened, to) for flow in flows)


def notes(flows: Sequence[Flow]) -> Iterator[str]:
    """What `check` says about the rules: nothing opens, or everything does; and names that can never match."""
    if not flows:
        yield "no flows: tokens are made, and no tool gets a real value; add flows = [{ from, entities, to }]"
    for number, flow in enumerate(flows, 1):
        if "*" in flow.to and "*" in flow.source and "*" in flow.entities:
            yield f"flow {number}: every value opens in every tool of the same scope"
        if any(name != name.upper() for name in flow.entities):
            yield f"flow {number}: entities are written in upper case, as in EMAIL_ADDRESS; another never matches"


def _any(globs: Sequence[str], name: str) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)

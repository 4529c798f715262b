"""The table `tokens` of `redact`, and the keys of `tokenize`: where tokens come from, and where they may open."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from policies.finding import SaidError
from policies.tokens.flows import Flow
from policies.tokens.scopes import Scope

HOURS_OF_A_CENTURY = 100 * 365 * 24


class TokensConfig(BaseModel):
    """`keys` is a reference to a key ring. `scope`: who may open a token: the `caller` it was made for, all of its
    `tenant` (what the verified identity says under `claim`), or everyone (`global`).

    `expires_hours` ends tokens, rounded up to a whole day; none expires without it. `flows` say from which tool, of
    which entities, to which tool values may go: without any, no token opens.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    keys: str = Field(min_length=1)
    scope: Scope = "caller"
    claim: str = ""
    expires_hours: int | None = Field(default=None, ge=1, le=HOURS_OF_A_CENTURY)
    flows: tuple[Flow, ...] = ()

    @model_validator(mode="after")
    def _claimed(self) -> TokensConfig:
        if (self.scope == "tenant") is not bool(self.claim):
            raise SaidError("the scope tenant needs claim, what tells tenants apart; no other scope has one")
        return self

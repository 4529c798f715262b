"""Scopes: within which of them a token opens, and where the same value gives the same token."""

from __future__ import annotations

import json
from typing import Final, Literal, TypeAlias

from policies.model import Caller
from policies.tokens.errors import NoScopeError

Scope: TypeAlias = Literal["caller", "tenant", "global"]

OF_A_CALLER: Final[frozenset[Scope]] = frozenset({"caller", "tenant"})
"""Scopes that need a verified caller: a policy with one of them is `per_caller`."""


def scope_of(scope: Scope, caller: Caller, claim: str = "") -> str:
    """The name of the caller's scope. Two scopes never have one name: it is a JSON array (`["tenant", issuer, …]`).

    `caller` is the issuer and the subject; `tenant` is the issuer and what it says under `claim` (a text or an integer
    other than a truth value; the claim's name may hold dots or colons, it is not a path). Only what was verified
    counts, never what headers assert. Raises NoScopeError.
    """
    if scope == "global":
        return _named("global")
    if not caller.subject:
        raise NoScopeError
    if scope == "caller":
        return _named("caller", caller.issuer, caller.subject)
    tenant = caller.claims.get(claim)
    if not claim or type(tenant) not in (str, int) or tenant == "":
        raise NoScopeError
    return _named("tenant", caller.issuer, claim, tenant)


def _named(*parts: str | int | None) -> str:
    return json.dumps(parts)

"""What the tests of `redact` share: values, a customer, and the policy asked about one result."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any

from policies.model import Allow, Call, Deny, Json, Modify, Result, Tool
from policies.redact import Redact
from policies.testing import build, call, frozen, tool

EMAIL, PHONE, SSN, CARD, IBAN = (
    "jane.doe@example.com",
    "+1 425-882-8080",
    "536-22-8726",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
)
CANARIES = (EMAIL, PHONE, SSN, CARD, IBAN)
PROFILE = {
    "customer_id": "CUST001",
    "email": EMAIL,
    "phone": PHONE,
    "ssn": SSN,
    "card_number": CARD,
    "iban": IBAN,
    "date_of_birth": "1984-03-12",
    "orders": ["ORD-10021", "ORD-10077"],
    "created_at": "2021-06-01T09:30:00Z",
}


def redact(**config: Any) -> Redact:
    made = build(Redact, **config)
    assert isinstance(made, Redact)
    return made


@contextmanager
def opened(**config: Any) -> Iterator[Redact]:
    """The policy, opened."""
    made = redact(**config)
    asyncio.run(made.open())
    yield made
    asyncio.run(made.close())


async def decide(policy: Redact, given: Result, a_call: Call | None = None) -> Allow | Modify | Deny:
    decision = policy.on_result(a_call or call(), frozen(given))
    return await decision if isawaitable(decision) else decision


async def redacted(policy: Redact, given: Result, a_call: Call | None = None) -> Result:
    decision = await decide(policy, given, a_call)
    assert isinstance(decision, Modify), decision
    assert isinstance(decision.value, Result)
    return decision.value


def described(**properties: Json) -> Tool:
    required = properties.pop("required", [])
    return tool("get", output_schema={"type": "object", "properties": properties, "required": required})

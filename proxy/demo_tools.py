"""The demo upstream's five customer-support tools: what they list, and what they answer.

Every person is made up. Card and social security numbers are well-known test values that pass their checksums, so
that detection treats them as real. Nothing is kept between calls: the same call always gets the same answer.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from policies.jsontext import dumps
from policies.model import Json, JsonObject

CUSTOMERS: Final[Mapping[str, JsonObject]] = {
    "CUST001": {
        "customer_id": "CUST001",
        "name": "Maria Gonzalez",
        "email": "maria.gonzalez@example.com",
        "phone": "+1 425-882-8080",
        "ssn": "536-22-8726",
        "card_number": "4111 1111 1111 1111",
        "date_of_birth": "1984-03-12",
        "address": "742 Evergreen Terrace, Springfield, OR 97477",
        "tier": "gold",
        "orders": ["ORD-10021", "ORD-10077"],
        "created_at": "2021-06-01T09:30:00Z",
    },
    "CUST002": {
        "customer_id": "CUST002",
        "name": "James Whitfield",
        "email": "james.whitfield@example.org",
        "phone": "+1 212-736-5000",
        "ssn": "536-90-4399",
        "card_number": "5555 5555 5555 4444",
        "date_of_birth": "1971-11-30",
        "address": "12 Harbour Row, Portland, ME 04101",
        "tier": "standard",
        "orders": ["ORD-10050"],
        "created_at": "2023-02-17T14:05:00Z",
    },
}

_WARRANTIES: Final[Mapping[str, JsonObject]] = {
    "SN-48213": {"product": "Espresso machine E2", "status": "active", "expires_on": "2028-05-31"},
    "SN-77310": {"product": "Coffee grinder G1", "status": "expired", "expires_on": "2024-01-15"},
}

_ARTICLES: Final[tuple[Mapping[str, str], ...]] = (
    {"id": "KB-1", "title": "Descale the espresso machine", "text": "Run one tank of descaler, then two of water."},
    {"id": "KB-2", "title": "Return an order", "text": "An order can be returned within 30 days, unused, in its box."},
    {"id": "KB-3", "title": "Claim the warranty", "text": "Check the serial number first, then send us a photograph."},
)

_ORDERS: Final = frozenset(order for customer in CUSTOMERS.values() for order in customer["orders"])
_STATUSES: Final = ("processing", "shipped", "delivered", "cancelled")


class ToolError(Exception):
    """The tool ran and says no: reaches the client as a result with `isError`."""


def call(name: str, arguments: JsonObject) -> JsonObject:
    """The CallToolResult of one call; text and structure say the same. Raises KeyError for an unknown name."""
    tool, answer = TOOLS[name], _ANSWERS[name]
    try:
        _check(tool["inputSchema"], arguments)
        structured = answer(arguments)
    except ToolError as failure:
        return {"content": [{"type": "text", "text": str(failure)}], "isError": True}
    text = {"type": "text", "text": dumps(structured).decode()}
    return {"content": [text], "structuredContent": structured, "isError": False}


def _check(schema: JsonObject, arguments: JsonObject) -> None:
    known: JsonObject = schema["properties"]
    for name in schema["required"]:
        if name not in arguments:
            raise ToolError(f"The argument {name} is missing.")
    for name, value in arguments.items():
        if name not in known:
            raise ToolError("There is an argument that this tool does not take.")
        if not isinstance(value, str):
            raise ToolError(f"The argument {name} must be a string.")
        if value not in known[name].get("enum", (value,)):
            raise ToolError(f"The argument {name} must be one of: {', '.join(known[name]['enum'])}.")


def _profile(arguments: JsonObject) -> Json:
    found = CUSTOMERS.get(arguments["customer_id"])
    if found is None:
        raise ToolError("There is no customer with this id. CUST001 exists.")
    return found


def _warranty(arguments: JsonObject) -> Json:
    found = _WARRANTIES.get(arguments["serial_number"])
    if found is None:
        raise ToolError("There is no product with this serial number. SN-48213 exists.")
    contact = {"contact_email": arguments["customer_email"]} if "customer_email" in arguments else {}
    return {"serial_number": arguments["serial_number"], **found, **contact}


def _knowledge(arguments: JsonObject) -> Json:
    words = set(arguments["query"].lower().split())
    found = [dict(item) for item in _ARTICLES if words & set(f"{item['title']} {item['text']}".lower().split())]
    return {"articles": found, "count": len(found)}


def _order(arguments: JsonObject) -> Json:
    if arguments["order_id"] not in _ORDERS:
        raise ToolError("There is no order with this id. ORD-10021 exists.")
    return {key: arguments[key] for key in ("order_id", "status", "note") if key in arguments}


def _send(arguments: JsonObject) -> Json:
    number = zlib.crc32(f"{arguments['to']}\n{arguments['message']}".encode())
    return {"to": arguments["to"], "characters": len(arguments["message"]), "message_id": f"MSG-{number:08x}"}


def _text(description: str, **more: Json) -> JsonObject:
    return {"type": "string", "description": description, **more}


def _object(properties: Mapping[str, JsonObject], *optional: str) -> JsonObject:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _tool(name: str, title: str, description: str, takes: JsonObject, gives: JsonObject, **hints: bool) -> JsonObject:
    annotations = {"title": title, **hints}
    return {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": takes,
        "outputSchema": gives,
        "annotations": annotations,
    }


_READS: Final = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}

_PROFILE: Final = _object(
    {
        "customer_id": _text("Customer id"),
        "name": _text("Full name"),
        "email": _text("E-mail address", format="email"),
        "phone": _text("Phone number, international form"),
        "ssn": _text("Social security number"),
        "card_number": _text("Number of the payment card on file"),
        "date_of_birth": _text("Date of birth", format="date"),
        "address": _text("Postal address"),
        "tier": _text("Loyalty tier", enum=["standard", "gold"]),
        "orders": {"type": "array", "items": {"type": "string"}, "description": "Ids of the customer's orders"},
        "created_at": _text("When the customer was created", format="date-time"),
    }
)

_WARRANTY: Final = _object(
    {
        "serial_number": _text("Serial number asked for"),
        "product": _text("Product name"),
        "status": _text("Whether the warranty holds", enum=["active", "expired"]),
        "expires_on": _text("Last day of the warranty", format="date"),
        "contact_email": _text("The address given in the call", format="email"),
    },
    "contact_email",
)

_ARTICLE: Final = _object({"id": _text("Article id"), "title": _text("Title"), "text": _text("Body")})

_LIST: Final = (
    _tool(
        "get_customer_profile",
        "Customer profile",
        "Look up a customer by id: name, contact, payment card, tier and orders.",
        _object({"customer_id": _text("Customer id, for example CUST001")}),
        _PROFILE,
        **_READS,
    ),
    _tool(
        "check_warranty_status",
        "Warranty status",
        "Say whether the warranty of a product still holds.",
        _object(
            {
                "serial_number": _text("Serial number, for example SN-48213"),
                "customer_email": _text("Where to reach the customer", format="email"),
            },
            "customer_email",
        ),
        _WARRANTY,
        **_READS,
    ),
    _tool(
        "search_knowledge",
        "Search the knowledge base",
        "Find support articles that hold a word of the query.",
        _object({"query": _text("Words to look for, for example: return order")}),
        _object({"articles": {"type": "array", "items": _ARTICLE}, "count": {"type": "integer", "minimum": 0}}),
        **_READS,
    ),
    _tool(
        "update_order",
        "Update an order",
        "Set the status of an order. The demo answers as if it had, and keeps nothing.",
        _object(
            {
                "order_id": _text("Order id, for example ORD-10021"),
                "status": _text("New status", enum=list(_STATUSES)),
                "note": _text("Note for the order's history"),
            },
            "note",
        ),
        _object({"order_id": _text("Order id"), "status": _text("Status now"), "note": _text("Note")}, "note"),
        readOnlyHint=False,
        destructiveHint=True,
        idempotentHint=True,
        openWorldHint=False,
    ),
    _tool(
        "send_update",
        "Send an update",
        "Send a message to a customer. The demo sends nothing, and answers with the address it was given.",
        _object({"to": _text("E-mail address", format="email"), "message": _text("Text of the message")}),
        _object(
            {
                "to": _text("The address as this server received it"),
                "characters": {"type": "integer", "minimum": 0},
                "message_id": _text("Id of the message"),
            }
        ),
        readOnlyHint=False,
        destructiveHint=False,
        idempotentHint=False,
        openWorldHint=True,
    ),
)

TOOLS: Final[Mapping[str, JsonObject]] = {tool["name"]: tool for tool in _LIST}

_ANSWERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Json]]] = {
    "get_customer_profile": _profile,
    "check_warranty_status": _warranty,
    "search_knowledge": _knowledge,
    "update_order": _order,
    "send_update": _send,
}

"""The fixture's handshake-era tools that push a request to the client in the middle of a call.

A stateless server has no channel back, so there they end in a JSON-RPC error, directly and proxied alike.
"""

from collections.abc import Mapping
from typing import Any, Final

from mcp.server.context import ServerRequestContext
from mcp.shared.message import ServerMessageMetadata
from mcp_types import CreateMessageRequest, CreateMessageResult, ElicitRequest, ElicitResult

from .fixture_catalog import Json, answer, text
from .fixture_rounds import elicit, sample

PUSHES: Final = (
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
)
OPTIONS: Final = ["option1", "option2", "option3"]


def titled(noun: str) -> list[Json]:
    ordinals = ("First", "Second", "Third")
    return [{"const": f"value{n}", "title": f"{word} {noun}"} for n, word in enumerate(ordinals, 1)]


DEFAULTS: Final[dict[str, Json]] = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
ENUMS: Final[dict[str, Json]] = {
    "untitledSingle": {"type": "string", "enum": OPTIONS},
    "titledSingle": {"type": "string", "oneOf": titled("Option")},
    "legacyEnum": {
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": OPTIONS}},
    "titledMulti": {"type": "array", "items": {"anyOf": titled("Choice")}},
}


def question(name: str, arguments: Mapping[str, Any]) -> Json:
    if name == "test_sampling":
        return sample(str(arguments.get("prompt")))
    if name == "test_elicitation":
        user = {"type": "string", "description": "User's response"}
        email = {"type": "string", "description": "User's email address"}
        return elicit(str(arguments.get("message")), username=user, email=email)
    fields = DEFAULTS if name == "test_elicitation_sep1034_defaults" else ENUMS
    return elicit("Please review the form", **fields)


async def push(ctx: ServerRequestContext, name: str, arguments: Mapping[str, Any]) -> Json:
    """Ask the client and answer with what it said. Raises MCPError where there is no channel back."""
    asked = question(name, arguments)
    back = ServerMessageMetadata(related_request_id=ctx.request_id)
    if name == "test_sampling":
        request = CreateMessageRequest.model_validate(asked, by_name=False)
        sampled = await ctx.session.send_request(request, CreateMessageResult, metadata=back)
        return answer(text(f"LLM response: {sampled.content.model_dump_json()}"))
    form = ElicitRequest.model_validate(asked, by_name=False)
    filled = await ctx.session.send_request(form, ElicitResult, metadata=back)
    return answer(text(f"Elicitation completed: action={filled.action}, content={filled.content}"))

"""What the fixture server lists and what its passive tools answer: plain wire JSON, no behaviour.

Every name, URI and shape is asked for by a server scenario of the official conformance suite
(`@modelcontextprotocol/conformance`); the scenario's own check messages say what it looks for.
"""

from typing import Any, Final

Json = dict[str, Any]

PIXEL: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
"""A one-pixel PNG, base64."""

SILENCE: Final = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="
"""A WAV file without a sample in it, base64."""


def text(value: str) -> Json:
    return {"type": "text", "text": value}


def image() -> Json:
    return {"type": "image", "data": PIXEL, "mimeType": "image/png"}


def embedded(uri: str, mime_type: str, body: str) -> Json:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": mime_type, "text": body}}


def answer(*content: Json) -> Json:
    return {"content": list(content)}


def schema(**properties: Json) -> Json:
    """An object schema in which every property is required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


STRING: Final[Json] = {"type": "string"}

ANSWERS: Final[dict[str, Json]] = {
    "test_simple_text": answer(text("This is a simple text response for testing.")),
    "test_image_content": answer(image()),
    "test_audio_content": answer({"type": "audio", "data": SILENCE, "mimeType": "audio/wav"}),
    "test_embedded_resource": answer(
        embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ),
    "test_multiple_content_types": answer(
        text("Multiple content types test:"),
        image(),
        embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ),
    "test_error_handling": {
        **answer(text("This tool intentionally returns an error for testing")),
        "isError": True,
    },
    "json_schema_2020_12_tool": answer(text("The schema is what matters here.")),
    "test_header_argument": answer(text("The header agreed with the argument.")),
    "test_logging_tool": answer(text("Nothing was logged without being asked for.")),
}
"""Tools whose answer depends on nothing."""

DIALECT_SCHEMA: Final[Json] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": STRING, "city": STRING},
        }
    },
    "properties": {
        "name": STRING,
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": STRING,
        "email": STRING,
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""Keywords of JSON Schema 2020-12 that a relay is prone to drop (SEP-1613, SEP-2106)."""

SCHEMAS: Final[dict[str, Json]] = {
    "json_schema_2020_12_tool": DIALECT_SCHEMA,
    "test_header_argument": schema(region={"type": "string", "x-mcp-header": "Region"}),
    "test_sampling": schema(prompt=STRING),
    "test_elicitation": schema(message=STRING),
}
"""Input schemas of the tools that take arguments; every other tool takes none."""


def tool(name: str) -> Json:
    """The tool as it is listed."""
    return {
        "name": name,
        "description": f"Conformance fixture: {name.replace('_', ' ')}.",
        "inputSchema": SCHEMAS.get(name, {"type": "object", "properties": {}}),
    }


def resource(name: str, uri: str, mime_type: str) -> Json:
    return {"name": name, "uri": uri, "mimeType": mime_type, "description": f"Conformance fixture: {name}."}


RESOURCES: Final = [
    resource("static text", "test://static-text", "text/plain"),
    resource("static binary", "test://static-binary", "image/png"),
    resource("watched", "test://watched-resource", "text/plain"),
]
TEMPLATES: Final = [
    {
        "name": "template",
        "uriTemplate": "test://template/{id}/data",
        "mimeType": "application/json",
        "description": "Conformance fixture: the id of the URI comes back in the body.",
    }
]


def prompt(name: str, *arguments: str) -> Json:
    return {
        "name": name,
        "description": f"Conformance fixture: {name.replace('_', ' ')}.",
        "arguments": [{"name": a, "description": f"The argument {a}.", "required": True} for a in arguments],
    }


PROMPTS: Final = [
    prompt("test_simple_prompt"),
    prompt("test_prompt_with_arguments", "arg1", "arg2"),
    prompt("test_prompt_with_embedded_resource", "resourceUri"),
    prompt("test_prompt_with_image"),
    prompt("test_input_required_result_prompt"),
]

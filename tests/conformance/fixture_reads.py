"""What the fixture's prompts and resources say when they are fetched."""

import re
from collections.abc import Mapping
from typing import Final

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from .fixture_catalog import PIXEL, RESOURCES, Json, embedded, image, text

ROUND_PROMPT: Final = "test_input_required_result_prompt"
"""The prompt that asks the caller for its context first."""


def prompt_messages(name: str, arguments: Mapping[str, str]) -> list[Json]:
    contents = {
        "test_simple_prompt": [text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments": [
            text(f"Prompt with arguments: arg1='{arguments.get('arg1')}', arg2='{arguments.get('arg2')}'")
        ],
        "test_prompt_with_embedded_resource": [
            embedded(arguments.get("resourceUri", ""), "text/plain", "Embedded resource content for testing."),
            text("Please process the embedded resource above."),
        ],
        "test_prompt_with_image": [image(), text("Please analyze the image above.")],
        ROUND_PROMPT: [text("Thank you for the context.")],
    }
    if name not in contents:
        raise MCPError(INVALID_PARAMS, "Prompt not found", {"name": name})
    return [{"role": "user", "content": content} for content in contents[name]]


def resource_contents(uri: str) -> Json:
    if match := re.fullmatch(r"test://template/([^/]+)/data", uri):
        body = f'{{"id":"{match[1]}","templateTest":true,"data":"Data for ID: {match[1]}"}}'
        return {"uri": uri, "mimeType": "application/json", "text": body}
    if uri == "test://static-binary":
        return {"uri": uri, "mimeType": "image/png", "blob": PIXEL}
    if uri in {resource["uri"] for resource in RESOURCES}:
        return {"uri": uri, "mimeType": "text/plain", "text": f"This is the content of {uri}."}
    raise MCPError(INVALID_PARAMS, "Resource not found", {"uri": uri})

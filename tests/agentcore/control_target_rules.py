"""What AWS refuses of a target although its model lets it through."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tests.agentcore.model import ServiceError, invalid
from tests.agentcore.world import Json, World

_RUNTIME_HOST = re.compile(r"bedrock-agentcore(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|api\.aws)")
_RUNTIME_PATH = re.compile(r"/runtimes/arn%3A[A-Za-z0-9%_.-]+/invocations/?", re.IGNORECASE)
_PLAIN = re.compile(r"[\x21\x23-\x3B\x3D\x3F-\x5B\x5D\x5F\x61-\x7A\x7E]+")


def judge(world: World, request: Json) -> None:
    """Raises ValidationException."""
    kind, settings = kind_of(request["targetConfiguration"])
    if kind == "mcpServer":
        _judge_endpoint(settings["endpoint"])
    for credential in request.get("credentialProviderConfigurations", []):
        _judge_credential(world, kind, credential)


def kind_of(configuration: Json) -> tuple[str, Json]:
    """The kind of a target (`mcpServer`, `lambda` …) and its settings."""
    (family,) = configuration.values()
    ((kind, settings),) = family.items()
    return kind, settings


def _judge_endpoint(endpoint: str) -> None:
    """https, URL-encoded, and a runtime's ARN in one path segment."""
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or not _PLAIN.fullmatch(endpoint) or re.search(r"%(?![0-9A-Fa-f]{2})", endpoint) or parts.fragment:
        raise _invalid("endpoint", "The endpoint is not a URL-encoded https URL.")
    if _RUNTIME_HOST.fullmatch(host) and not _RUNTIME_PATH.fullmatch(parts.path):
        raise _invalid("endpoint", "The runtime's ARN in the endpoint must be URL-encoded.")


def _judge_credential(world: World, kind: str, credential: Json) -> None:
    chosen, given = credential["credentialProviderType"], credential.get("credentialProvider", {})
    if chosen == "GATEWAY_IAM_ROLE" and kind == "mcpServer" and "iamCredentialProvider" not in given:
        told = "A target that is an MCP server needs an iamCredentialProvider with GATEWAY_IAM_ROLE."
        raise _invalid("credentialProviderConfigurations", told)
    expected = {
        "GATEWAY_IAM_ROLE": {"iamCredentialProvider"} if kind == "mcpServer" else set(),
        "OAUTH": {"oauthCredentialProvider"},
        "API_KEY": {"apiKeyCredentialProvider"},
    }.get(chosen, set())
    if set(given) != expected:
        told = f"The credential provider does not go with {chosen} on a target of this kind."
        raise _invalid("credentialProviderConfigurations", told)
    if oauth := given.get("oauthCredentialProvider"):
        _judge_oauth(world, oauth)


def _judge_oauth(world: World, oauth: Json) -> None:
    if oauth.get("grantType", "CLIENT_CREDENTIALS") != "CLIENT_CREDENTIALS":
        raise ServiceError("NotEmulatedException", "Only the grant type CLIENT_CREDENTIALS is emulated.")
    if not any(provider.arn == oauth["providerArn"] for provider in world.providers.values()):
        raise _invalid("credentialProviderConfigurations", "The OAuth credential provider does not exist.")


def _invalid(field: str, message: str) -> ServiceError:
    return invalid(message, (field, "is not valid"))

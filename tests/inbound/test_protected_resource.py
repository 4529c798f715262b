"""The metadata of RFC 9728, byte for byte where a client compares it with the URL it uses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.callers import callers
from proxy.settings import load
from tests.inbound.conftest import Given, checking

JWT = {"inbound": "jwt", "inbound_issuer": "http://127.0.0.1:1/pool", "inbound_audience": "proxy"}
PUBLIC = {"public_url": "https://mcp.example.com/mcp"}
ROOT = "/.well-known/oauth-protected-resource"


async def asked(path: str, method: str = "GET", host: str = "127.0.0.1:8000", **flags: Any) -> tuple[Any, Any, Any]:
    """Status, headers and body that the app of a path answers."""
    who = callers(load({}, **{**JWT, **flags}), Given())
    app = who.app_for(path)
    assert app is not None
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    await app({"type": "http", "method": method, "path": path, "headers": [(b"host", host.encode())]}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


@pytest.mark.parametrize("path", [ROOT, f"{ROOT}/mcp"])
async def test_the_metadata_says_where_tokens_are_had(path: str) -> None:
    status, headers, body = await asked(path, inbound_scopes="read write", **PUBLIC)
    assert (status, headers[b"content-type"]) == (200, b"application/json")
    assert headers[b"access-control-allow-origin"] == b"*"
    assert json.loads(body) == {
        "resource": "https://mcp.example.com/mcp",
        "authorization_servers": ["http://127.0.0.1:1/pool"],
        "scopes_supported": ["read", "write"],
        "bearer_methods_supported": ["header"],
    }


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:9", "[::1]:8000"])
async def test_on_loopback_the_resource_is_the_url_that_the_client_uses(host: str) -> None:
    _, _, body = await asked(ROOT, host=host)
    assert json.loads(body)["resource"] == f"http://{host}/mcp"


@pytest.mark.parametrize("host", ["evil.example", '127.0.0.1:80", x="y', "127.0.0.1/x", "a@127.0.0.1", ""])
async def test_a_foreign_host_name_is_not_taken_over(host: str) -> None:
    _, _, body = await asked(ROOT, host=host)
    assert json.loads(body)["resource"] == "http://127.0.0.1:8000/mcp"


async def test_a_public_url_behind_a_prefix_has_its_metadata_after_the_root() -> None:
    status, _, body = await asked(f"{ROOT}/team/mcp", public_url="https://example.com/team/mcp")
    assert (status, json.loads(body)["resource"]) == (200, "https://example.com/team/mcp")


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("OPTIONS", 200), ("POST", 405), ("DELETE", 405)])
async def test_other_methods(method: str, status: int) -> None:
    found, headers, _ = await asked(ROOT, method, **PUBLIC)
    assert found == status
    assert headers[b"access-control-allow-origin"] == b"*"


async def test_without_inbound_authentication_nothing_is_published() -> None:
    async with checking() as who:
        assert who.app_for(ROOT) is None

"""What the lane says by itself is what the SDK would have said."""

from __future__ import annotations

import mcp_types.version
import pytest
from mcp.server.runner import ServerRunner
from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS

from proxy.eras import MODERN
from proxy.plain import HANDSHAKE_VERSIONS, UNSAID_VERSION, negotiated
from proxy.stream import STATUS


def test_the_revisions_are_those_of_the_sdk() -> None:
    assert mcp_types.version.HANDSHAKE_PROTOCOL_VERSIONS == HANDSHAKE_VERSIONS
    assert mcp_types.version.MODERN_PROTOCOL_VERSIONS == (MODERN,)
    from mcp_types import DEFAULT_NEGOTIATED_VERSION

    assert DEFAULT_NEGOTIATED_VERSION == UNSAID_VERSION


@pytest.mark.parametrize("wished", [*HANDSHAKE_VERSIONS, MODERN, "2099-01-01", "1.0", ""])
def test_initialize_agrees_on_what_the_sdk_agrees_on(wished: str) -> None:
    params = {"protocolVersion": wished, "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
    assert negotiated(params) == ServerRunner._negotiate_initialize(params)[1]


def test_an_error_has_the_status_that_the_sdk_gives_it() -> None:
    assert dict(ERROR_CODE_HTTP_STATUS) == STATUS

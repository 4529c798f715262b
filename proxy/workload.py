"""The workload access token that AgentCore Runtime gives with a call: who is running, and on whose behalf.

It comes in a header of the call (AgentCore Runtime, service contract), lets AgentCore Identity give out the proxy's
own access token, and goes nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORKLOAD_HEADERS: Final = (
    "x-amz-bedrock-agentcore-identity-wat",
    "workloadaccesstoken",
    "x-amzn-bedrock-agentcore-runtime-workload-accesstoken",
)
"""The names under which the Runtime gives it, the newest first; the last one it sends beside the documented two."""

MOST: Final = 131_072
"""Characters of a workload access token (botocore, WorkloadIdentityTokenType)."""


def workload_of(headers: Mapping[str, str]) -> str | None:
    """The token in a call's headers (lower case), or None."""
    for name in WORKLOAD_HEADERS:
        found = headers.get(name)
        if found and len(found) <= MOST:
            return found
    return None

"""`verify` proves that the deployed proxy answers; `invoke` calls one of its tools."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from datetime import UTC, datetime
from typing import Any

from deployment import runtime
from deployment.calling import Conversation, RpcAnswerError
from deployment.errors import ConfigError, DeployError
from deployment.run import Run
from deployment.transports import transport


def verify(run: Run, options: Namespace) -> int:
    """tools/list over the invocation URL, in a new runtime session. 1 when it does not answer with a tool."""
    conversation = _conversation(run, options)
    problem = None
    count: int | None = None
    try:
        count = len(conversation.tools())
        problem = None if count else "the proxy lists no tool: is its upstream there, and may it be called? see `logs`"
    except DeployError as error:
        problem = str(error)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    document: dict[str, Any] = {"verified": problem is None, "tool_count": count, "verified_at": at}
    if problem is not None:
        run.report.answer({**document, "error": problem}, [f"not verified: {problem}"])
        return 1
    run.report.answer(document, [f"verified: {count} tools, at {at}"])
    return 0


def invoke(run: Run, options: Namespace) -> int:
    """One tools/call; the result as it came. 1 when the tool or the proxy says error."""
    arguments = _arguments(options.arguments)
    conversation = _conversation(run, options)
    try:
        result = conversation.request("tools/call", {"name": options.tool, "arguments": arguments})
    except RpcAnswerError as error:
        run.report.answer({"error": error.error}, [str(error)])
        return 1
    run.report.answer(result, [json.dumps(result, indent=2)])
    return 1 if result.get("isError") is True else 0


def _conversation(run: Run, options: Namespace) -> Conversation:
    arn = runtime.arn(run)
    return Conversation(transport(run, arn, options.token), endpoint=options.endpoint or "DEFAULT")


def _arguments(given: str) -> dict[str, Any]:
    try:
        found = json.loads(sys.stdin.read() if given == "-" else given)
    except (ValueError, RecursionError):
        raise ConfigError(["invoke: the arguments are not JSON"]) from None
    if not isinstance(found, dict):
        raise ConfigError(["""invoke: the arguments must be a JSON object, like '{"key": "value"}'"""])
    return found

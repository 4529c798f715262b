"""`logs`: recent tool calls, by a Logs Insights query over the audit lines that the proxy writes.

Their keys are a public surface: see `audit` in docs/builtin-policies.md. They hold no argument and no result.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from deployment import faults, runtime
from deployment.errors import DeployError, FailedError
from deployment.run import Run

Json = dict[str, Any]

QUERY_S: Final = 60.0

_NAME: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,256}")
"""What may stand in a query. A tool's name with other characters is not looked for there, but in what comes back."""

_COLUMNS: Final = ("time", "tool", "outcome", "ms", "exchange", "policies that acted")


def logs(run: Run, options: Namespace) -> int:
    """Raises DeployError where there is no log group yet, WaitedError where the query does not end."""
    group = group_of(runtime.existing(run)["agentRuntimeId"], run.config.endpoint)
    tracing = transaction_search(run)
    run.report.tell(TRACING[tracing])
    lines = _asked(run, group, options)
    calls = [shown(line) for line in records(lines, options.tool)]
    document = {"log_group": group, "minutes": options.minutes, "transaction_search": tracing, "calls": calls}
    none = f"no tool calls in {group} within the last {options.minutes} minutes"
    run.report.answer(document, table(calls) if calls else [none])
    return 0


def group_of(runtime_id: str, endpoint: str | None) -> str:
    """The log group that AgentCore writes a runtime endpoint's output to."""
    return f"/aws/bedrock-agentcore/runtimes/{runtime_id}-{endpoint or 'DEFAULT'}"


def query(tool: str | None, limit: int) -> str:
    """Newest first. Whole lines come back: the fields that Logs Insights finds in them leave lists out."""
    wanted = f' and name = "{tool}"' if tool and _NAME.fullmatch(tool) else ""
    return (
        f'fields @timestamp, @message | filter ispresent(exchange) and method = "tools/call"{wanted} '
        f"| sort @timestamp desc | limit {limit}"
    )


def records(messages: Iterable[str], tool: str | None) -> Iterable[Json]:
    """The audit lines of tool calls among the messages; of one tool where it is named."""
    for message in messages:
        with contextlib.suppress(ValueError, RecursionError):
            line = json.loads(message)
            if _is_call(line) and tool in (None, line.get("name")):
                yield line


def _is_call(line: Any) -> bool:
    return isinstance(line, dict) and line.get("method") == "tools/call" and "exchange" in line


def shown(line: Mapping[str, Any]) -> Json:
    """What `logs` tells of one call. An unknown tool has no name in the audit."""
    return {
        "time": line.get("time"),
        "tool": line.get("name"),
        "outcome": line.get("outcome"),
        "reason": line.get("reason"),
        "is_error": line.get("is_error"),
        "duration_ms": line.get("duration_ms"),
        "exchange": line.get("exchange"),
        "acted": _acted(line.get("policies")),
    }


def table(calls: Sequence[Mapping[str, Any]]) -> list[str]:
    """Columns as wide as their widest cell."""
    rows = [_COLUMNS, *(_row(call) for call in calls)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def transaction_search(run: Run) -> str:
    """`on`, `pending`, `off`, or `unknown` where X-Ray does not tell. The account's setting, never changed here."""
    try:
        found = run.account.client("xray").get_trace_segment_destination()
    except (ClientError, BotoCoreError):
        return "unknown"
    if found.get("Destination") != "CloudWatchLogs":
        return "off"
    return "on" if found.get("Status") == "ACTIVE" else "pending"


TRACING: Final = {
    "on": "CloudWatch Transaction Search is on: spans can be searched as well",
    "pending": "CloudWatch Transaction Search is being switched on",
    "off": "CloudWatch Transaction Search is off, so spans cannot be searched; it is a setting of the whole account, "
    "and costs: see CloudWatch, Settings",
    "unknown": "whether CloudWatch Transaction Search is on could not be found out (xray:GetTraceSegmentDestination)",
}


def _asked(run: Run, group: str, options: Namespace) -> list[str]:
    """The messages that the query finds."""
    client = run.account.client("logs")
    now = int(time.time())
    try:
        started = client.start_query(
            logGroupName=group,
            startTime=now - options.minutes * 60,
            endTime=now + 60,
            queryString=query(options.tool, options.limit),
        )
    except ClientError as error:
        if faults.code(error) != "ResourceNotFoundException":
            raise
        raise DeployError(f"there is no log group {group} yet: the proxy makes it with its first call") from None
    found = run.waits.until(
        "the Logs Insights query to end", lambda: _results(client, started["queryId"]), within_s=QUERY_S
    )
    return [field["value"] for row in found for field in row if field.get("field") == "@message"]


def _results(client: Any, query_id: str) -> list[list[dict[str, str]]] | None:
    answer = client.get_query_results(queryId=query_id)
    status = answer["status"]
    if status in ("Scheduled", "Running", "Unknown"):
        return None
    if status != "Complete":
        raise FailedError(f"the Logs Insights query ended as {status}")
    return list(answer.get("results") or [])


def _acted(policies: Any) -> list[str]:
    """`redact: modify`, for each decision that was more than to allow. In shadow it is what would have been done."""
    told: dict[str, None] = {}
    for step in policies if isinstance(policies, list) else ():
        if isinstance(step, dict) and step.get("action") not in ("allow", None):
            shadow = " (shadow)" if step.get("mode") == "shadow" else ""
            told[f"{step.get('policy')}: {step['action']}{shadow}"] = None
    return list(told)


def _row(call: Mapping[str, Any]) -> tuple[str, ...]:
    outcome = str(call["outcome"])
    said = call["reason"] or ("error" if call["is_error"] else "")
    duration = call["duration_ms"]
    return (
        str(call["time"] or ""),
        str(call["tool"] or "(unknown)"),
        f"{outcome} ({said})" if said else outcome,
        f"{duration:.1f}" if isinstance(duration, int | float) else "",
        str(call["exchange"]),
        ", ".join(call["acted"]),
    )

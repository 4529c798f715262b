"""`status`: what is there. It only reads."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from deployment import endpoints, faults, names, runtime
from deployment import gateway_find as gateways
from deployment.gateway_form import is_ours
from deployment.logs import TRACING, transaction_search
from deployment.run import Run
from deployment.runtime_request import Json
from proxy.arns import invocation_url


def status(run: Run, options: Namespace) -> int:
    """The runtime with versions, endpoints and artifact; role, secret and target beside it."""
    found = runtime.find(run)
    document: dict[str, Any] = {
        "agent_name": run.config.agent_name,
        "region": run.config.region,
        "runtime": _runtime(run, found) if found else None,
        "role": _role(run),
        "secret": _secret(run),
        "target": _target(run) if run.config.gateway else None,
        "transaction_search": transaction_search(run),
    }
    run.report.answer(document, _lines(document))
    return 0


def _runtime(run: Run, found: Json) -> dict[str, Any]:
    return {
        "arn": found["agentRuntimeArn"],
        "url": invocation_url(found["agentRuntimeArn"]),
        "status": found["status"],
        "failure": found.get("failureReason"),
        "version": found["agentRuntimeVersion"],
        "mmdsv2": runtime.requires_mmdsv2(found),
        "artifact": found.get("agentRuntimeArtifact"),
        "versions": endpoints.usable(run, found),
        "endpoints": [_endpoint(run, found, "DEFAULT"), *map(_shown, endpoints.listed(run, found))],
    }


def _endpoint(run: Run, found: Json, name: str) -> dict[str, Any]:
    return _shown(runtime.endpoint_of(run, found, name) or {"name": name, "status": "missing"})


def _shown(endpoint: Json) -> dict[str, Any]:
    return {"name": endpoint["name"], "status": endpoint["status"], "version": endpoint.get("liveVersion")}


def _role(run: Run) -> str | None:
    answer = faults.found(run.account.client("iam").get_role, RoleName=names.role(run.config))
    return str(answer["Role"]["Arn"]) if answer else None


def _secret(run: Run) -> str | None:
    """The ARN alone."""
    if not run.config.has_client:
        return None
    asked = (run.config.client_secret_arn or names.secret(run.config)).partition("#")[0]
    answer = faults.found(run.account.client("secretsmanager").describe_secret, SecretId=asked)
    return str(answer["ARN"]) if answer else None


def _target(run: Run) -> dict[str, Any] | None:
    gateway = names.gateway_id(run.config.gateway or "")
    for each in gateways.targets(run, gateway):
        found = gateways.target_by_id(run, gateway, each["targetId"])
        if found and is_ours(found, gateways.place(run), run.config.agent_name):
            reasons = [str(reason) for reason in found.get("statusReasons") or ()]
            return {"gateway": gateway, "name": found["name"], "status": found["status"], "reasons": reasons}
    return None


def _lines(document: dict[str, Any]) -> list[str]:
    found = document["runtime"]
    if found is None:
        lines = [f"runtime   {document['agent_name']} is not deployed in {document['region']}"]
    else:
        lines = [
            f"runtime   {found['arn']}",
            f"          {found['status']}, version {found['version']}" + _failure(found),
            f"url       {found['url']}",
            *(f"endpoint  {each['name']} {each['status']} {each['version'] or ''}" for each in found["endpoints"]),
        ]
    lines += [f"{key:10}{document[key]}" for key in ("role", "secret") if document[key]]
    if target := document["target"]:
        lines.append(f"target    {target['name']} at {target['gateway']}, {target['status']}")
    lines.append(f"traces    {TRACING[document['transaction_search']]}")
    return lines


def _failure(found: dict[str, Any]) -> str:
    return f": {found['failure']}" if found["failure"] else ""

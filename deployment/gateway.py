"""`gateway create | delete`: a gateway for those who have none."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from deployment.errors import DeployError
from deployment.gateway_made import Gateway
from deployment.gateway_names import GatewayNames, gateway_name
from deployment.gateway_pool import Pool
from deployment.gateway_role import GatewayRole
from deployment.gateway_sure import be_sure
from deployment.run import Run, carry_out, planned_removal, remove_planned
from deployment.steps import Step


def gateway(run: Run, options: Namespace) -> int:
    """The verb: `options.action` says which of the two. Raises DeployError."""
    return create(run, options) if options.action == "create" else delete(run, options)


def create(run: Run, options: Namespace) -> int:
    """`oauth`: callers bring a token of a user pool that is made beside it; `iam`: they sign. Raises DeployError."""
    named = _named(run, options.name)
    role, pool = GatewayRole(run, named), Pool(run, named)
    oauth = options.auth == "oauth"
    made = Gateway(run, named, role, pool.authorizer if oauth else None)
    steps: list[Step] = [*([pool] if oauth else []), role, made]
    changes = carry_out(run, steps)
    found = made.found()
    if found is None:
        raise DeployError(f"gateway {named.name} was deleted by somebody meanwhile")
    document: dict[str, Any] = {
        "gateway_id": found["gatewayId"],
        "gateway_arn": found["gatewayArn"],
        "gateway_url": found.get("gatewayUrl"),
        "auth": options.auth,
        **(pool.facts() if oauth else {}),
        "changed": [each.resource for each in changes if each.action != "keep"],
    }
    lines = [f"{key:22}{value}" for key, value in document.items() if key != "changed"]
    run.report.answer(document, [*lines, *([] if document["changed"] else ["nothing had to be changed"])])
    return 0


def delete(run: Run, options: Namespace) -> int:
    """With its targets, whoever made them: they cannot live without it. Only a gateway of ours. Raises DeployError."""
    named = _named(run, options.name)
    role = GatewayRole(run, named)
    steps: list[Step] = [Pool(run, named), role, Gateway(run, named, role, None)]
    changes = planned_removal(run, steps)
    if changes:
        be_sure(options, f"delete gateway {named.name} and everything that belongs to it")
    remove_planned(run, steps, changes)
    removed = [each.resource for each in changes]
    lines = [f"removed {each}" for each in removed] or [f"there is no gateway {named.name} of this deployment"]
    run.report.answer({"gateway": named.name, "removed": removed}, lines)
    return 0


def _named(run: Run, name: str | None) -> GatewayNames:
    return GatewayNames(
        agent=run.config.agent_name,
        name=gateway_name(name, run.config.agent_name),
        region=run.account.region,
        account=run.account.id,
    )

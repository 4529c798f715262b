"""`register` makes the proxy a target of a gateway and proves it by listing through it; `unregister` takes it away."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from deployment import gateway_find as find
from deployment.gateway_form import At, server
from deployment.gateway_listing import Proof
from deployment.gateway_secret import asking
from deployment.gateway_sure import be_sure
from deployment.iam import Document
from deployment.register_steps import Wish, place_of, registration, steps_down
from deployment.run import Run, carry_out, planned_removal, remove_planned
from deployment.steps import Change


def register(run: Run, options: Namespace) -> int:
    """Raises DeployError."""
    at = place_of(run, options.gateway, options.target)
    wish = Wish(
        auth=options.auth,
        grant=options.grant,
        credential_provider=options.credential_provider,
        client_secret=getattr(options, "client_secret", None),
        ask=asking(options),
        refresh=getattr(options, "refresh", True),
    )
    planned = registration(run, at, wish)
    if not wish.grant:
        _tell(run, at, planned.statement())
    changes = carry_out(run, planned.steps)
    proof = planned.proof()
    document = {
        **_described(run, at, changes),
        "auth": planned.auth,
        "statement": planned.statement(),
        "granted": planned.is_granted(),
        **proof.document(),
    }
    run.report.answer(document, [_summary(at, changes), *_lines(proof)])
    return 0


def unregister(run: Run, options: Namespace) -> int:
    """Only what is ours: by the target's name and by where it leads. Raises DeployError."""
    at = place_of(run, options.gateway, options.target)
    steps = steps_down(run, at)
    changes = planned_removal(run, steps)
    if changes:
        be_sure(options, f"remove {at}")
    remove_planned(run, steps, changes)
    document = {"gateway": at.gateway, "target": at.target, "removed": [each.resource for each in changes]}
    run.report.answer(document, [f"removed {each.resource}" for each in changes] or [f"{at} is not there"])
    return 0


def _described(run: Run, at: At, changes: Sequence[Change]) -> dict[str, Any]:
    gateway = find.needed_gateway(run, at.gateway)
    target = find.target(run, at.gateway, at.target) or {}
    return {
        "gateway": at.gateway,
        "gateway_url": gateway.get("gatewayUrl"),
        "target": at.target,
        "target_id": target.get("targetId"),
        "endpoint": server(target).get("endpoint"),
        "status": target.get("status"),
        "changed": [each.resource for each in changes if each.action != "keep"],
    }


def _tell(run: Run, at: At, statement: Document | None) -> None:
    if statement is not None:
        run.report.tell(f"the role of gateway {at.gateway} needs this (--grant attaches it):")
        run.report.tell(json.dumps(statement, indent=2))


def _summary(at: At, changes: Sequence[Change]) -> str:
    changed = [each.resource for each in changes if each.action != "keep"]
    return f"{at} is READY ({len(changed)} changed)" if changed else f"{at} is READY, and nothing had to be changed"


def _lines(proof: Proof) -> list[str]:
    if proof.tools is None:
        return [f"not proved by listing: {proof.why}"]
    return [f"{len(proof.tools)} tools are listed through the gateway"]

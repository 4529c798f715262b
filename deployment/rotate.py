"""`rotate`: new secrets without a gap, for the gateway's way in and for the proxy's way out.

In: a new credential provider, the target pointed to it and proved, the old provider deleted. What an interrupted run
left is found by what the target uses. Out: a new version of our secret, which the proxy reads when the old one is
refused; both must be live at the identity provider meanwhile.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from deployment import gateway_find as find
from deployment.errors import DeployError
from deployment.gateway_client import client_of
from deployment.gateway_form import At, is_ours
from deployment.gateway_providers import own, used_by
from deployment.gateway_secret import ClientSecret, asking
from deployment.register_steps import Registration, Wish, place_of, registration
from deployment.run import Run, carry_out
from deployment.secret import Secret
from deployment.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One of the two ways, and why there is nothing to rotate on it (None: there is)."""

    name: str
    idle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the command line says."""

    gateway: str | None
    target: str | None
    reference: str | None = field(repr=False)
    ask: Callable[[str], str] | None


def rotate(run: Run, options: Namespace) -> int:
    """Raises DeployError. Nothing to rotate is an answer, and no error."""
    asked = _Asked(gateway=options.gateway, target=options.target, reference=options.client_secret, ask=asking(options))
    at = place_of(run, asked.gateway, asked.target) if asked.gateway or run.config.gateway else None
    inward, outward = _inward(run, at, asked), _outward(run, at, asked)
    steps: list[Step] = []
    if outward.idle is None:
        steps.append(Secret(run, ClientSecret("new client secret", asked.reference, asked.ask).need(), None))
    registered = _registered(run, at, asked) if at is not None and inward.idle is None else None
    steps += registered.steps if registered else ()
    changes = carry_out(run, steps)
    document: dict[str, Any] = {
        "rotated": [way.name for way in (inward, outward) if way.idle is None],
        "kept": {way.name: way.idle for way in (inward, outward) if way.idle is not None},
        "changed": [each.resource for each in changes if each.action != "keep"],
        **(registered.proof().document() if registered else {}),
    }
    lines = [f"{way.name}: {way.idle or 'rotated'}" for way in (inward, outward)]
    run.report.answer(document, lines)
    return 0


def _registered(run: Run, at: At, asked: _Asked) -> Registration:
    wish = Wish(client_secret=asked.reference, ask=asked.ask, rotate=True)
    return registration(run, at, wish)


def _inward(run: Run, at: At | None, asked: _Asked) -> _Way:
    """The gateway's credential. Raises DeployError where a target is named that is not there."""
    if at is None:
        return _Way(name="inward", idle="no gateway is named, in the config or by --gateway")
    found = find.target(run, at.gateway, at.target)
    if found is None or not is_ours(found, find.place(run), run.config.agent_name):
        raise DeployError(f"{at} is not there, or leads elsewhere; register first")
    name = used_by(found)
    if not name:
        return _Way(name="inward", idle="the gateway signs with its role, so there is no secret to rotate")
    if name not in own(run, at):
        return _Way(name="inward", idle=f"credential provider {name} was not made by this deployment: rotate it there")
    if asked.reference and not asked.gateway and _has_own_client(run):
        return _Way(name="inward", idle="--client-secret is the proxy's own; give --gateway to mean the target's")
    return _Way(name="inward")


def _outward(run: Run, at: At | None, asked: _Asked) -> _Way:
    """The proxy's own client secret."""
    if run.config.auth_mode != "jwt":
        return _Way(name="outward", idle=f"auth_mode is {run.config.auth_mode}: the proxy has no client secret")
    if asked.reference and asked.gateway and _has_own_client(run):
        return _Way(name="outward", idle="--client-secret is the target's, because --gateway is given")
    if at is not None and not asked.reference:
        return _Way(name="outward", idle="no --client-secret is given")
    if run.config.client_secret_arn:
        told = "client_secret_arn names a secret that was not made by this deployment: put the new version there"
        return _Way(name="outward", idle=told)
    return _Way(name="outward")


def _has_own_client(run: Run) -> bool:
    """Whether the proxy and the gateway are two clients, so that one secret cannot be both's."""
    if run.config.auth_mode != "jwt" or run.config.inbound.mode != "jwt":
        return False
    return client_of(run.config).client_id != run.config.cognito_client_id

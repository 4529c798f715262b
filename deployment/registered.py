"""The registration with a gateway as a part of `deploy` and of `destroy`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deployment import faults
from deployment import gateway_find as find
from deployment.gateway_form import At, is_ours
from deployment.gateway_providers import EveryProvider
from deployment.register_steps import Registration, Wish, place_of, registration, steps_down
from deployment.run import Run
from deployment.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The steps that make the proxy a target of the config's gateway."""

    at: At
    registration: Registration

    def proved(self) -> dict[str, Any]:
        """Where it is registered, and what its steps have found through the gateway."""
        return {"gateway": self.at.gateway, "target": self.at.target, **self.registration.proof().document()}


def registered(run: Run, gateway: str, *, refresh: bool) -> Registered:
    """`refresh` has the gateway list the tools again. A permission is not given here: `register --grant` does that.

    Raises DeployError.
    """
    at = place_of(run, gateway, None)
    return Registered(at=at, registration=registration(run, at, Wish(refresh=refresh)))


def unregistering(run: Run) -> Iterator[Step]:
    """What takes away every target that leads to our runtime, at whichever gateway; also one made by `register`."""
    try:
        places = list(_places(run))
    except ClientError as error:
        if faults.code(error) != "AccessDeniedException":
            raise
        run.report.tell("these credentials may not list gateways: a target that was registered stays")
        return
    yield EveryProvider(run)
    for at in places:
        providers, grant, target = steps_down(run, at)
        yield from (providers, target, grant)


def _places(run: Run) -> Iterator[At]:
    place = find.place(run)
    for gateway in find.gateways(run):
        for each in find.targets(run, gateway["gatewayId"]):
            found = find.target_by_id(run, gateway["gatewayId"], each["targetId"])
            if found is not None and is_ours(found, place, run.config.agent_name):
                yield At(gateway=gateway["gatewayId"], target=found["name"])

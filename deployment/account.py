"""The AWS account that is deployed to: clients, and the guard that lets through no change which nobody announced.

Endpoints are overridden by the SDK's own variables alone (`AWS_ENDPOINT_URL_…`), so that what is tested is what runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final

import boto3
from botocore.config import Config

from deployment.errors import DeployError

TAG: Final = "mcp-policy-proxy"
"""Key of the tag that marks a resource as ours; its value is the deployment's `agent_name`."""

_READS: Final = ("Get", "List", "Describe", "Head", "BatchGet", "BatchCheck")
_HARMLESS: Final = frozenset({"logs:StartQuery", "logs:StopQuery", "bedrock-agentcore:InvokeAgentRuntime"})
"""They read, whatever they are called."""

_OTHERS: Final = Config(connect_timeout=10, read_timeout=120, retries={"mode": "standard", "total_max_attempts": 8})
_CONFIGS: Final = {
    # A call may take 15 minutes, and is never repeated by the SDK: the tool may have run.
    "bedrock-agentcore": Config(connect_timeout=10, read_timeout=910, retries={"total_max_attempts": 1}),
    # Asked for a note that nobody need wait for.
    "xray": Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 1}),
}


class UnannouncedError(DeployError):
    """A step was about to change something that its plan did not name: the deployer's mistake, never the config's."""


class Account:
    """One account in one region. Clients are boto3's; they are typed as Any because boto3 ships no types."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._session = boto3.session.Session(region_name=region)
        self._clients: dict[str, Any] = {}
        self._announced: frozenset[str] = frozenset()

    def client(self, service: str) -> Any:
        """The one boto3 client of a service, by boto3's name for it (`bedrock-agentcore-control`)."""
        if service not in self._clients:
            client = self._session.client(service, config=_CONFIGS.get(service, _OTHERS))
            client.meta.events.register("before-call", self._guard)
            self._clients[service] = client
        return self._clients[service]

    @cached_property
    def id(self) -> str:
        """Twelve digits. Raises botocore's errors where there are no credentials."""
        return str(self._caller["Account"])

    @cached_property
    def partition(self) -> str:
        """`aws`, `aws-cn`, `aws-us-gov` …"""
        return str(self._caller["Arn"]).split(":")[1]

    @cached_property
    def _caller(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client("sts").get_caller_identity()
        return found

    @contextlib.contextmanager
    def may(self, calls: Iterable[str]) -> Iterator[None]:
        """Within this block the named calls (`service:Operation`) may change something. Outside none may."""
        before, self._announced = self._announced, self._announced | frozenset(calls)
        try:
            yield
        finally:
            self._announced = before

    def _guard(self, model: Any, **_: object) -> None:
        call = f"{model.service_model.service_name}:{model.name}"
        if model.name.startswith(_READS) or call in _HARMLESS or call in self._announced:
            return
        raise UnannouncedError(f"{call} was not announced by the plan, so it was not made; please report this")

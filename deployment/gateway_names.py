"""Names of what belongs to a gateway. Patterns are those of botocore's model of `bedrock-agentcore-control`.

A target carries no tags, so what we made there is found again by these names alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from deployment.account import TAG
from deployment.errors import DeployError

_ID: Final = re.compile(r"([0-9a-z][-]?){1,100}-[0-9a-z]{10}")
_ARN: Final = re.compile(r"arn:aws[a-z-]*:bedrock-agentcore:([a-z0-9-]{1,20}):([0-9]{12}):gateway/(.+)")
_TARGET: Final = re.compile(r"([0-9a-zA-Z]-?){1,100}")
_GATEWAY: Final = re.compile(r"([0-9a-zA-Z]-?){1,48}")
_LONGEST_TARGET: Final = 48
"""Of a target's name, within a provider's: the provider's has 128 characters, and a gateway's id up to 59."""


def gateway_id(given: str, *, region: str, account: str | None = None) -> str:
    """The id in a gateway's id or ARN: the API takes the id alone. Raises DeployError."""
    arn = _ARN.fullmatch(given)
    if arn and arn[1] != region:
        raise DeployError(f"gateway: the ARN is of region {arn[1]}, and the config says {region}")
    if arn and account and arn[2] != account:
        raise DeployError(f"gateway: the ARN is of account {arn[2]}, and the credentials are of {account}")
    found = arn[3] if arn else given
    if not _ID.fullmatch(found):
        raise DeployError(f"gateway: {found!r} is no id of a gateway; give NAME-0123456789 or the gateway's ARN")
    return found


def hyphenated(name: str, longest: int) -> str:
    """`name` as a gateway or a target may be called: letters and digits, with single hyphens between them."""
    return re.sub(r"[^0-9a-zA-Z]+", "-", name).strip("-")[:longest].rstrip("-")


def target_name(given: str | None, agent_name: str) -> str:
    """The target's name: as given, else made of the agent's. Raises DeployError."""
    name = given or hyphenated(agent_name, _LONGEST_TARGET)
    if not _TARGET.fullmatch(name):
        raise DeployError(
            f"--target: {name!r} is no name of a target: up to 100 letters and digits with single hyphens "
            "between them, no underscore"
        )
    return name


def gateway_name(given: str | None, agent_name: str) -> str:
    """The name of a gateway of ours. Raises DeployError."""
    name = given or hyphenated(agent_name, _LONGEST_TARGET)
    if not _GATEWAY.fullmatch(name):
        raise DeployError(f"--name: {name!r} is no name of a gateway: up to 48 letters and digits with single hyphens")
    return name


def policy_name(target: str, gateway: str) -> str:
    """The inline policy at the gateway's role that lets it call one target."""
    return f"{TAG}-{_short(target)}-{_tail(gateway)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderNames:
    """The OAuth2 credential providers of one target: `{stem}1`, `{stem}2` …, a new one with each rotation.

    The gateway's id, which nobody else can have, stands in every name. No underscore: a provider's ARN allows none.
    """

    target: str
    gateway: str

    @property
    def stem(self) -> str:
        return f"{_short(self.target)}-{self.gateway}-g"

    def name(self, generation: int) -> str:
        return f"{self.stem}{generation}"

    def generation(self, name: str) -> int | None:
        """Which of ours `name` is, or None."""
        found = re.fullmatch(rf"{re.escape(self.stem)}([1-9][0-9]{{0,8}})", name)
        return int(found[1]) if found else None


def is_provider_name(name: str) -> bool:
    """Whether `name` is made like those of ours, for whatever gateway."""
    return re.fullmatch(r"[0-9a-zA-Z-]+-[0-9a-z]{10}-g[1-9][0-9]{0,8}", name) is not None


def is_provider_of(name: str, gateway: str) -> bool:
    """Whether `name` is one of our providers for any target of that gateway."""
    return re.fullmatch(rf"[0-9a-zA-Z-]+-{re.escape(gateway)}-g[1-9][0-9]{{0,8}}", name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayNames:
    """What stands around a gateway of ours called `name`, in one account and region."""

    agent: str
    name: str
    region: str
    account: str

    @property
    def role(self) -> str:
        return f"{self.name}-gateway-{_digest(self.region)[:6]}"

    @property
    def pool(self) -> str:
        return f"{self.name}-gateway"

    @property
    def scope(self) -> str:
        """The resource server's one scope, as it is asked for."""
        return f"{self.name}/invoke"

    @property
    def domain(self) -> str:
        """A prefix is unique in its region and may not hold the words aws, amazon and cognito: so it is a digest."""
        return f"mcp-{_digest('/'.join((self.account, self.region, self.agent, self.name)))[:20]}"

    @property
    def secret(self) -> str:
        return f"{TAG}/{self.agent}/gateway/{self.name}"


def _short(target: str) -> str:
    if len(target) <= _LONGEST_TARGET:
        return target.rstrip("-")
    return f"{target[: _LONGEST_TARGET - 9].rstrip('-')}-{_digest(target)[:8]}"


def _tail(gateway: str) -> str:
    """The ten characters that make a gateway's id unique in its account and region."""
    return gateway.rpartition("-")[2]


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()

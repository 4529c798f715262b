"""What a config may not say, beyond types and patterns: each rule on its own, all of them always asked.

Nothing here repeats a value that might be a secret.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Final

from botocore.session import Session

from deployment import names
from deployment.account import TAG
from deployment.config import DeployConfig
from deployment.variables import MOST, OTEL, owned, variables
from proxy.fetch import problem_of
from proxy.references import unusable

_POOL: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d+_[A-Za-z0-9]+")
_DISCOVERY: Final = re.compile(r"[^\s?#]+/\.well-known/(openid-configuration|oauth-authorization-server)(/[^\s?#]+)?")
_SECRETS: Final = re.compile(
    r"SECRET|PASSWORD|PASSWD|PASSPHRASE|PRIVATE_KEY|(TOKEN|API_?KEY|ACCESS_KEY(_ID)?|CREDENTIALS?)\d*\Z"
)
_SHAPES: Final = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|-----BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]*:[^/\s@]+@"
)
"""AWS access keys, GitHub's tokens, private keys, URLs with a password."""
_CREDENTIAL: Final = re.compile(r"authorization|api[-_]?key|token|secret", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"arn:aws[a-z-]*:|file:|env:")
_MOST_TAGS: Final = 49


def findings(config: DeployConfig) -> Iterator[str]:
    """Each begins with its key. Empty when the config can be deployed, as far as it alone can tell."""
    for rule in (_name, _region, _upstream, _gateways, _outbound, _inbound, _network, _lifecycle):
        yield from rule(config)
    for rule in (_environment, _tags, _endpoint):
        yield from rule(config)


def _name(config: DeployConfig) -> Iterator[str]:
    if not names.RUNTIME.fullmatch(config.agent_name):
        yield (
            "agent_name: a runtime's name is a letter, then at most 47 letters, digits and underscores: "
            f"write {names.runtime_name(config.agent_name)}"
        )


def _region(config: DeployConfig) -> Iterator[str]:
    known = _regions()
    if config.region not in known:
        near = difflib.get_close_matches(config.region, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ", like us-east-1"
        yield f"region: must be the name of an AWS region{hint}"


def _regions() -> list[str]:
    """Every region that botocore knows, of every partition."""
    session = Session()
    partitions = session.get_available_partitions()
    return [
        name for each in partitions for name in session.get_available_regions("sts", each) if names.REGION.match(name)
    ]


def _upstream(config: DeployConfig) -> Iterator[str]:
    if problem := problem_of(config.gateway_endpoint):
        yield f"gateway_endpoint: {problem}"


def _gateways(config: DeployConfig) -> Iterator[str]:
    found = names.upstream(config.gateway_endpoint).gateway
    for key in ("gateway_api_id", "gateway"):
        given = getattr(config, key)
        if given and not (names.GATEWAY.fullmatch(given) or names.GATEWAY_ARN.fullmatch(given)):
            yield f"{key}: must be a gateway's id (NAME-0123456789) or its ARN, not its name or URL"
    own = names.gateway_id(config.gateway_api_id) if config.gateway_api_id else found
    if found and own and own != found and names.GATEWAY.fullmatch(own):
        yield f"gateway_api_id: is not the gateway of gateway_endpoint, {found}"
    if config.gateway and names.gateway_id(config.gateway) in (own, found):
        yield "gateway: is the proxy's own upstream: as a target of it, every call would come back in a loop"


def _outbound(config: DeployConfig) -> Iterator[str]:
    if config.auth_mode == "jwt":
        if not config.cognito_client_id:
            yield "cognito_client_id: is missing, and auth_mode jwt needs it"
        if not (config.token_url or config.cognito_domain or config.cognito_user_pool_id):
            yield "token_url: is missing: auth_mode jwt needs it, or cognito_domain or cognito_user_pool_id"
    if config.auth_mode == "identity" and not config.credential_provider:
        yield "credential_provider: is missing, and auth_mode identity needs it"
    if config.cognito_user_pool_id and not _POOL.fullmatch(config.cognito_user_pool_id):
        yield "cognito_user_pool_id: must look like us-east-1_AbCdEfGhI"
    if config.token_url and (problem := problem_of(config.token_url)):
        yield f"token_url: {problem}"
    arn = config.client_secret_arn
    if arn and (not arn.startswith("arn:") or unusable(arn)):
        yield "client_secret_arn: must be arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME (and #KEY for JSON)"


def _inbound(config: DeployConfig) -> Iterator[str]:
    inbound = config.inbound
    rules = inbound.allowed_audience or inbound.allowed_clients or inbound.allowed_scopes
    if inbound.mode == "jwt":
        if not inbound.discovery_url:
            yield "inbound.discovery_url: is missing, and inbound.mode jwt needs it"
        if not rules:
            yield (
                "inbound: mode jwt needs allowed_clients, allowed_audience or allowed_scopes (Cognito's access tokens "
                "carry no audience: use allowed_clients)"
            )
    elif inbound.discovery_url or rules:
        yield "inbound.mode: is iam, so that the rules for tokens beside it would not be looked at: set it to jwt"
    if inbound.discovery_url and not _DISCOVERY.fullmatch(inbound.discovery_url):
        yield "inbound.discovery_url: must end in /.well-known/openid-configuration"
    elif inbound.discovery_url and (problem := problem_of(inbound.discovery_url)):
        yield f"inbound.discovery_url: {problem}"
    yield from _headers(config)


def _headers(config: DeployConfig) -> Iterator[str]:
    lower = [name.lower() for name in config.inbound.headers]
    if len(set(lower)) < len(lower):
        yield "inbound.headers: names a header twice"
    if "authorization" in lower and config.inbound.mode != "jwt":
        yield "inbound.headers: Authorization is passed on by runtimes with inbound.mode jwt alone"


def _network(config: DeployConfig) -> Iterator[str]:
    network = config.network
    if network.mode == "VPC" and not (network.subnets and network.security_groups):
        yield "network: mode VPC needs subnets and security_groups"
    if network.mode == "PUBLIC" and (network.subnets or network.security_groups):
        yield "network.mode: is PUBLIC, so that subnets and security_groups would not be looked at: set it to VPC"


def _lifecycle(config: DeployConfig) -> Iterator[str]:
    idle, most = config.lifecycle.idle_s or 900, config.lifecycle.max_s or 28_800
    if idle > most:
        yield f"lifecycle: a session cannot idle for {idle} s when it lives for {most} s"


def _environment(config: DeployConfig) -> Iterator[str]:
    ours = owned(config)
    for name, value in config.environment.items():
        if name in ours:
            yield f"environment.{name}: is set by the deployer, from other keys of the config"
        elif _holds_secret(name, value):
            yield (
                f"environment.{name}: a secret does not belong into the runtime's environment: keep it in Secrets "
                "Manager and give its ARN"
            )
    if (count := len(variables(config, "arn"))) > MOST:
        yield f"environment: {count} variables with the deployer's own; a runtime has {MOST} at most"


def _holds_secret(name: str, value: str) -> bool:
    if name.startswith(OTEL):
        return name.endswith("_HEADERS") and bool(_CREDENTIAL.search(value))
    if _SHAPES.search(value):
        return True
    return bool(_SECRETS.search(name.upper())) and bool(value) and not _REFERENCE.match(value)


def _tags(config: DeployConfig) -> Iterator[str]:
    if len(config.tags) > _MOST_TAGS:
        yield f"tags: {len(config.tags)} tags; {_MOST_TAGS} and ours are the most"
    for key in config.tags:
        if key == TAG:
            yield f"tags.{key}: is the tag that marks what this deployer made; leave it out"
        elif key.lower().startswith("aws:"):
            yield f"tags.{key}: keys that begin with aws: are AWS's own"


def files(config: DeployConfig) -> Iterator[str]:
    """What is to be shipped and is not there."""
    for key, path in (("policies", config.policies), ("requirements", config.requirements)):
        if path and not path.is_file():
            yield f"{key}: there is no file {path}"
    for path in config.include:
        if not path.exists():
            yield f"include: there is no file or folder {path}"


def _endpoint(config: DeployConfig) -> Iterator[str]:
    if config.endpoint == "DEFAULT":
        yield "endpoint: DEFAULT follows the newest version by itself; name another one, or none"

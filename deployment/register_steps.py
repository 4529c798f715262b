"""The steps that make the proxy a target of a gateway, and those that undo it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deployment import gateway_find as find
from deployment import runtime
from deployment.errors import DeployError
from deployment.gateway_client import Auth, auth_of, client_of, secret_of
from deployment.gateway_form import At, Credential, RoleCredential
from deployment.gateway_grant import Grant
from deployment.gateway_iam import OAuth, invoke, provider_arns, tokens
from deployment.gateway_listing import Proof, Proving
from deployment.gateway_names import ProviderNames, gateway_id, target_name
from deployment.gateway_provider import NamedProvider, Provider
from deployment.gateway_providers import Leftovers, OwnProviders
from deployment.gateway_target import Target
from deployment.iam import Document
from deployment.run import Run
from deployment.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a registration is to be, beyond its place. `client_secret` is a reference; `ask` prompts for the text."""

    auth: str | None = None
    """`iam` or `oauth`; None: as the runtime wants it."""
    grant: bool = False
    credential_provider: str | None = None
    """An OAuth2 credential provider that somebody else made."""
    client_secret: str | None = field(default=None, repr=False)
    ask: Callable[[str], str] | None = None
    refresh: bool = False
    """Have the gateway list the tools again, although nothing else changed."""
    rotate: bool = False
    """Make a new credential provider, although the one in use is right."""


def place_of(run: Run, gateway: str | None, target: str | None) -> At:
    """Raises DeployError where no gateway is named, or a name is none."""
    given = gateway or run.config.gateway
    if not given:
        raise DeployError("which gateway? Give --gateway ID, or set `gateway` in the config")
    identifier = gateway_id(given, region=run.account.region, account=run.account.id)
    return At(gateway=identifier, target=target_name(target, run.config.agent_name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The steps, and what can be said about them."""

    auth: Auth
    steps: Sequence[Step]
    statement: Callable[[], Document | None]
    """What the gateway's role needs; None before the runtime is there."""
    is_granted: Callable[[], bool]
    """Whether our inline policy gives it."""
    proof: Callable[[], Proof]
    """What was found through the gateway."""


def registration(run: Run, at: At, wish: Wish) -> Registration:
    """Raises DeployError where the config cannot be registered so."""
    provider = _provider(run, at, wish)
    credential: Credential = provider or RoleCredential(region=run.account.region)

    def said() -> Document | None:
        return statement(run, at, provider)

    grant, proving = Grant(run, at, said, wanted=wish.grant), Proving(run, at)
    target = Target(
        run,
        at,
        credential,
        refresh=wish.refresh or wish.rotate,
        patient=grant.is_changing,
        restores=wish.rotate,
    )
    steps: list[Step] = [grant, target, proving, Leftovers(run, at, credential)]
    if provider is not None:
        steps.insert(0, provider)
    return Registration(
        auth="oauth" if provider else "iam",
        steps=steps,
        statement=said,
        is_granted=grant.is_there,
        proof=proving.proof,
    )


def steps_down(run: Run, at: At) -> Sequence[Step]:
    """In the order of building, as `take_down` wants them: the target goes before the provider that it uses."""
    grant = Grant(run, at, lambda: None, wanted=False)
    return [OwnProviders(run, at), grant, Target(run, at, RoleCredential(region=run.account.region))]


def statement(run: Run, at: At, provider: Provider | NamedProvider | None) -> Document | None:
    """What the gateway's role needs for its target; None before the runtime is there."""
    place = find.place(run)
    if provider is None:
        found = runtime.find(run)
        return invoke(str(found["agentRuntimeArn"])) if found else None
    gateway = find.needed_gateway(run, at.gateway)
    identity = (gateway.get("workloadIdentityDetails") or {}).get("workloadIdentityArn") or place.arn(
        "bedrock-agentcore", f"workload-identity-directory/default/workload-identity/{at.gateway}"
    )
    if isinstance(provider, NamedProvider):
        found = provider.found()
        arn, secret = str(found["credentialProviderArn"]), str(found["clientSecretArn"]["secretArn"])
    else:
        arn, secret = provider_arns(ProviderNames(target=at.target, gateway=at.gateway).stem, place)
    return tokens(OAuth(identity=identity, providers=(arn,), secrets=(secret,)), place)


def _provider(run: Run, at: At, wish: Wish) -> Provider | NamedProvider | None:
    if auth_of(run.config, wish.auth) == "iam":
        if wish.credential_provider:
            raise DeployError("--credential-provider: goes with --auth oauth, and the runtime takes signatures")
        return None
    if wish.credential_provider:
        return NamedProvider(run, wish.credential_provider, run.config.inbound.allowed_scopes)
    client = client_of(run.config)
    secret = secret_of(run, client, wish.client_secret, wish.ask)
    return Provider(run, at, client, secret, fresh=wish.rotate)

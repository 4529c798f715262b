"""AgentCore Identity: OAuth2 credential providers, whose secrets live in Secrets Manager, and workload identities."""

from __future__ import annotations

import json
import time
import uuid

from tests.agentcore.control_state import Operation, Plane, arn, conflict, not_found, page
from tests.agentcore.model import invalid
from tests.agentcore.world import REGION, Json, Provider, Target

_CALLBACK = f"https://bedrock-agentcore.{REGION}.amazonaws.com/identities/oauth2/callback/"
_SECRETS = ("clientSecret", "clientSecretConfig", "clientSecretSource")


async def create_provider(plane: Plane, request: Json) -> Json:
    name = request["name"]
    if name in plane.world.providers:
        raise conflict(f"Credential provider with name: {name} already exists")
    kept, secret = await _split(plane, request)
    # AWS's page names the ARN so; the model's pattern has another service in it, which TagResource would refuse.
    own = arn(f"token-vault/default/oauth2credentialprovider/{name}")
    provider = Provider(name=name, arn=own, request=kept, client_secret=secret, tags=dict(request.get("tags", {})))
    provider.callback_url = f"{_CALLBACK}{uuid.uuid4()}"
    managed = f"bedrock-agentcore-identity!default/oauth2/{name}"
    provider.secret_arn = _external(request) or await plane.cloud.keep(managed, _json(secret))
    plane.world.providers[name] = provider
    return _answer(provider)


async def update_provider(plane: Plane, request: Json) -> Json:
    provider = _provider(plane, request)
    provider.request, provider.client_secret = await _split(plane, request)
    provider.updated = time.time()
    if not _external(request):
        await plane.cloud.change(provider.secret_arn, _json(provider.client_secret))
    return _answer(provider)


async def get_provider(plane: Plane, request: Json) -> Json:
    return _answer(_provider(plane, request))


async def delete_provider(plane: Plane, request: Json) -> Json:
    """Not while a target uses it: a rotation makes the new one and points the target to it first."""
    provider = _provider(plane, request)
    if users := _users(plane, provider):
        raise conflict(f"Credential provider {provider.name} is used by the gateway target {', '.join(users)}")
    if not _external(provider.request):
        await plane.cloud.drop(provider.secret_arn)
    del plane.world.providers[provider.name]
    return {}


def _users(plane: Plane, provider: Provider) -> list[str]:
    targets = [each for gateway in plane.world.gateways.values() for each in gateway.targets.values()]
    return [each.name for each in targets if each.status != "DELETING" and provider.arn in _providers(each)]


def _providers(target: Target) -> list[str]:
    """ARNs of the OAuth providers that a target's credentials come from."""
    given = [each.get("credentialProvider", {}) for each in target.request.get("credentialProviderConfigurations", [])]
    return [each["oauthCredentialProvider"]["providerArn"] for each in given if "oauthCredentialProvider" in each]


async def list_providers(plane: Plane, request: Json) -> Json:
    return page(request, [_answer(each) for each in plane.world.providers.values()], "credentialProviders")


def _provider(plane: Plane, request: Json) -> Provider:
    provider = plane.world.providers.get(request["name"])
    if provider is None:
        raise not_found(f"Credential provider {request['name']}")
    return provider


async def _split(plane: Plane, request: Json) -> tuple[Json, str]:
    """The request without its secret, and the secret, read where it is kept elsewhere. Raises ValidationException."""
    ((kind, settings),) = request["oauth2ProviderConfigInput"].items()
    vendor = request["credentialProviderVendor"].removesuffix("Oauth2").lower()
    if kind != f"{vendor}Oauth2ProviderConfig" and kind != "includedOauth2ProviderConfig":
        raise invalid("The vendor and the provider's configuration do not go together.", (kind, "is not valid"))
    external = settings.get("clientSecretSource") == "EXTERNAL"
    if not settings.get("clientId") or ("clientSecretConfig" if external else "clientSecret") not in settings:
        raise invalid("The provider needs a client id and a client secret.", (kind, "is not valid"))
    secret = await _read(plane, settings["clientSecretConfig"]) if external else settings["clientSecret"]
    kept = {name: value for name, value in settings.items() if name != "clientSecret"}
    return {**request, "oauth2ProviderConfigInput": {kind: kept}}, secret


async def _read(plane: Plane, reference: Json) -> str:
    found = await plane.cloud.secret(reference["secretId"])
    try:
        return str(json.loads(found[1])[reference["jsonKey"]]) if found else ""
    except (ValueError, KeyError):
        raise invalid("The client secret cannot be read.", ("clientSecretConfig", "names no secret")) from None


def _external(request: Json) -> str:
    (settings,) = request["oauth2ProviderConfigInput"].values()
    return str(settings["clientSecretConfig"]["secretId"]) if settings.get("clientSecretSource") == "EXTERNAL" else ""


def _json(secret: str) -> str:
    return json.dumps({"client_secret": secret})


def _answer(provider: Provider) -> Json:
    ((kind, settings),) = provider.request["oauth2ProviderConfigInput"].items()
    public = {name: value for name, value in settings.items() if name not in _SECRETS}
    reference = settings.get("clientSecretConfig", {})
    return {
        "name": provider.name,
        "credentialProviderArn": provider.arn,
        "credentialProviderVendor": provider.request["credentialProviderVendor"],
        "clientSecretArn": {"secretArn": provider.secret_arn},
        "clientSecretJsonKey": reference.get("jsonKey", "client_secret"),
        "clientSecretSource": settings.get("clientSecretSource", "MANAGED"),
        "callbackUrl": provider.callback_url,
        "oauth2ProviderConfigOutput": {kind: public},
        "createdTime": provider.created,
        "lastUpdatedTime": provider.updated,
        "status": "READY",
    }


async def create_identity(plane: Plane, request: Json) -> Json:
    name, now = request["name"], time.time()
    if name in plane.world.identities:
        raise conflict(f"Workload identity with name: {name} already exists")
    plane.world.identities[name] = {
        "name": name,
        "workloadIdentityArn": arn(f"workload-identity-directory/default/workload-identity/{name}"),
        "allowedResourceOauth2ReturnUrls": request.get("allowedResourceOauth2ReturnUrls", []),
        "createdTime": now,
        "lastUpdatedTime": now,
        "tags": dict(request.get("tags", {})),
        "managedBy": "",
    }
    return plane.world.identities[name]


async def update_identity(plane: Plane, request: Json) -> Json:
    identity = _identity(plane, request)
    _require_unmanaged(identity)
    identity["allowedResourceOauth2ReturnUrls"] = request.get("allowedResourceOauth2ReturnUrls", [])
    identity["lastUpdatedTime"] = time.time()
    return identity


async def get_identity(plane: Plane, request: Json) -> Json:
    return _identity(plane, request)


async def delete_identity(plane: Plane, request: Json) -> Json:
    identity = _identity(plane, request)
    _require_unmanaged(identity)
    del plane.world.identities[identity["name"]]
    return {}


async def list_identities(plane: Plane, request: Json) -> Json:
    return page(request, list(plane.world.identities.values()), "workloadIdentities")


def _identity(plane: Plane, request: Json) -> Json:
    identity = plane.world.identities.get(request["name"])
    if identity is None:
        raise not_found(f"Workload identity {request['name']}")
    return identity


def _require_unmanaged(identity: Json) -> None:
    if identity["managedBy"]:
        raise invalid("The workload identity is linked to a service and cannot be changed.", ("name", "is managed"))


OPERATIONS: dict[str, Operation] = {
    "CreateOauth2CredentialProvider": create_provider,
    "UpdateOauth2CredentialProvider": update_provider,
    "GetOauth2CredentialProvider": get_provider,
    "DeleteOauth2CredentialProvider": delete_provider,
    "ListOauth2CredentialProviders": list_providers,
    "CreateWorkloadIdentity": create_identity,
    "UpdateWorkloadIdentity": update_identity,
    "GetWorkloadIdentity": get_identity,
    "DeleteWorkloadIdentity": delete_identity,
    "ListWorkloadIdentities": list_identities,
}

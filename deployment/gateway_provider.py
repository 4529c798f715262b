"""The OAuth2 credential providers of a target: the one in use, its successor, and what is left over.

A provider's secret is never changed in place: another provider is made, the target re-pointed, the old one deleted, so
that there is a working one at every moment. Which one counts is what the target says; nothing else is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from deployment import gateway_find as find
from deployment import names
from deployment.errors import DeployError
from deployment.gateway_form import At
from deployment.gateway_names import ProviderNames
from deployment.gateway_providers import READY_S, own, resource, used_by
from deployment.gateway_secret import ClientSecret
from deployment.gateway_token import refused
from deployment.run import Run
from deployment.steps import Change

Json = dict[str, Any]

CREATE: Final = f"{find.CONTROL}:CreateOauth2CredentialProvider"

_FAILING: Final = frozenset({"FAILED", "UPDATE_UNSUCCESSFUL", "SYNCHRONIZE_UNSUCCESSFUL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The OAuth client that the gateway is at the runtime's door."""

    discovery_url: str
    client_id: str
    scopes: tuple[str, ...]


class Provider:
    """Step, and the target's credential. `fresh`: a new one in any case, which is what a rotation is."""

    def __init__(self, run: Run, at: At, client: Client, secret: ClientSecret, *, fresh: bool = False) -> None:
        self._run, self._client, self._secret, self._fresh = run, client, secret, fresh
        self._at = at
        self._names = ProviderNames(target=at.target, gateway=at.gateway)
        self._arn: str | None = None

    def configuration(self) -> Json | None:
        """`scopes` as the config gives them: none asks for all that the client may have."""
        if self._arn is None:
            return None
        oauth = {
            "providerArn": self._arn,
            "scopes": list(self._client.scopes),
            "grantType": "CLIENT_CREDENTIALS",
        }
        return {"credentialProviderType": "OAUTH", "credentialProvider": {"oauthCredentialProvider": oauth}}

    def plan(self) -> tuple[Change, ...]:
        if used := self._usable():
            self._arn = used["credentialProviderArn"]
            return (Change(resource=resource(used["name"]), action="keep"),)
        self._arn = None
        return (Change(resource=resource(self._next()), action="create", calls=frozenset({CREATE})),)

    def apply(self) -> None:
        used = self._usable()
        if used is None:
            name = self._next()
            self._try()
            self._create(name)
            used = self._ready(name)
        self._arn = used["credentialProviderArn"]

    def plan_removal(self) -> tuple[Change, ...]:
        return ()

    def remove(self) -> None:
        pass

    def _usable(self) -> Json | None:
        """The provider in use, where nothing is wrong with it. What a run left half-made may hold another secret."""
        target = find.target(self._run, self._at.gateway, self._at.target)
        name = used_by(target)
        if self._fresh or target is None or target["status"] in _FAILING or name not in own(self._run, self._at):
            return None
        found = find.provider(self._run, name)
        return found if found and self._fits(found) else None

    def _fits(self, found: Json) -> bool:
        config: Json = (found.get("oauth2ProviderConfigOutput") or {}).get("customOauth2ProviderConfig") or {}
        discovery = (config.get("oauthDiscovery") or {}).get("discoveryUrl", self._client.discovery_url)
        same = (discovery, config.get("clientId")) == (self._client.discovery_url, self._client.client_id)
        return same and found.get("status", "READY") == "READY"

    def _next(self) -> str:
        taken = [self._names.generation(name) or 0 for name in own(self._run, self._at)]
        return self._names.name(max(taken, default=0) + 1)

    def _try(self) -> None:
        """Ask for a token, so that a wrong secret is found before anything depends on it. Raises DeployError."""
        problem = refused(self._client.discovery_url, self._client.client_id, self._client.scopes, self._secret.need())
        if problem:
            self._run.report.tell(f"warning: the client's secret could not be tried from here: {problem}")

    def _create(self, name: str) -> None:
        config = {
            "oauthDiscovery": {"discoveryUrl": self._client.discovery_url},
            "clientId": self._client.client_id,
            "clientSecret": self._secret.need(),
        }
        self._run.account.client(find.CONTROL).create_oauth2_credential_provider(
            name=name,
            credentialProviderVendor="CustomOauth2",
            oauth2ProviderConfigInput={"customOauth2ProviderConfig": config},
            tags=names.tags(self._run.config),
        )

    def _ready(self, name: str) -> Json:
        def look() -> Json | None:
            found = find.provider(self._run, name)
            if found and found.get("status") == "CREATE_FAILED":
                raise find.failed(resource(name), found)
            return found if found and found.get("status", "READY") == "READY" else None

        return self._run.waits.until(f"{resource(name)} to be READY", look, within_s=READY_S)


class NamedProvider:
    """Step, and the target's credential: a provider that somebody else made, which is used and never touched."""

    def __init__(self, run: Run, name: str, scopes: tuple[str, ...]) -> None:
        self._run, self.name, self._scopes = run, name, scopes

    def found(self) -> Json:
        """Raises DeployError."""
        found = find.provider(self._run, self.name)
        if found is None:
            raise DeployError(f"--credential-provider: there is no OAuth2 credential provider {self.name}")
        return found

    def configuration(self) -> Json:
        oauth = {
            "providerArn": self.found()["credentialProviderArn"],
            "scopes": list(self._scopes),
            "grantType": "CLIENT_CREDENTIALS",
        }
        return {"credentialProviderType": "OAUTH", "credentialProvider": {"oauthCredentialProvider": oauth}}

    def plan(self) -> tuple[Change, ...]:
        self.found()
        return (Change(resource=resource(self.name), action="keep", details=("not made by this deployment",)),)

    def apply(self) -> None:
        pass

    def plan_removal(self) -> tuple[Change, ...]:
        return ()

    def remove(self) -> None:
        pass

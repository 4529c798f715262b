"""A Cognito user pool of ours whose one client may call a gateway of ours: machine to machine, no users.

The client's secret goes from Cognito into Secrets Manager, and nowhere else.
https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-define-resource-servers.html
"""

from __future__ import annotations

import hmac
from typing import Any, Final

from deployment import faults, names
from deployment import gateway_pool_find as find
from deployment.gateway_names import GatewayNames
from deployment.run import Run
from deployment.steps import Action, Change

Json = dict[str, Any]

_SERVICE: Final = "cognito-idp"
_PUT: Final = "secretsmanager:PutSecretValue"


class Pool:
    """Step: pool, resource server, domain, client, and the secret that holds the client's."""

    def __init__(self, run: Run, named: GatewayNames) -> None:
        self._run, self._named = run, named
        self._cognito = run.account.client(_SERVICE)
        self._secrets = run.account.client("secretsmanager")

    def authorizer(self) -> Json | None:
        """The gateway's `authorizerConfiguration`; None before pool and client are there."""
        found = find.look(self._run, self._named)
        if found.pool is None or found.client is None:
            return None
        discovery = f"{find.issuer(self._run, found.pool)}/.well-known/openid-configuration"
        return {"customJWTAuthorizer": {"discoveryUrl": discovery, "allowedClients": [found.client]}}

    def facts(self) -> dict[str, str | None]:
        """What a client's configuration needs, under the names that deploy_config.json has for it. No secret."""
        found = find.look(self._run, self._named)
        return {
            "cognito_user_pool_id": found.pool,
            "cognito_client_id": found.client,
            "cognito_domain": found.domain,
            "scope": self._named.scope,
            "client_secret_arn": found.secret,
        }

    def plan(self) -> tuple[Change, ...]:
        found = find.look(self._run, self._named)
        return (
            _part("user pool", self._named.pool, found.pool, f"{_SERVICE}:CreateUserPool"),
            _part("resource server", self._named.name, found.server, f"{_SERVICE}:CreateResourceServer"),
            _part("user pool domain", self._named.domain, found.domain, f"{_SERVICE}:CreateUserPoolDomain"),
            _part("user pool client", self._named.name, found.client, f"{_SERVICE}:CreateUserPoolClient"),
            self._secret_part(found),
        )

    def apply(self) -> None:
        found = find.look(self._run, self._named)
        pool = found.pool or self._create_pool()
        if found.server is None:
            self._create_server(pool)
        if found.domain is None:
            self._cognito.create_user_pool_domain(Domain=self._named.domain, UserPoolId=pool)
        client = found.client or self._create_client(pool)
        self._keep_secret(found.secret, find.client_secret(self._run, pool, client))

    def plan_removal(self) -> tuple[Change, ...]:
        found = find.look(self._run, self._named)
        parts = (
            ("secret", self._named.secret, found.secret, "secretsmanager:DeleteSecret"),
            ("user pool", self._named.pool, found.pool, f"{_SERVICE}:DeleteUserPool"),
            ("user pool domain", self._named.domain, found.domain, f"{_SERVICE}:DeleteUserPoolDomain"),
        )
        return tuple(
            Change(resource=f"{kind} {name}", action="delete", calls=frozenset({call}))
            for kind, name, there, call in parts
            if there is not None
        )

    def remove(self) -> None:
        """The domain first, for it holds the pool; client and resource server go with the pool."""
        found = find.look(self._run, self._named)
        if found.domain is not None:
            faults.gone(self._cognito.delete_user_pool_domain, Domain=found.domain, UserPoolId=found.pool)
        if found.pool is not None:
            faults.gone(self._cognito.delete_user_pool, UserPoolId=found.pool)
        if found.secret is not None:
            faults.gone(self._secrets.delete_secret, SecretId=found.secret, ForceDeleteWithoutRecovery=True)

    def _create_pool(self) -> str:
        made = self._cognito.create_user_pool(
            PoolName=self._named.pool,
            AdminCreateUserConfig={"AllowAdminCreateUserOnly": True},
            UserPoolTags=names.tags(self._run.config),
        )
        return str(made["UserPool"]["Id"])

    def _create_server(self, pool: str) -> None:
        scope = self._named.scope.rpartition("/")[2]
        self._cognito.create_resource_server(
            UserPoolId=pool,
            Identifier=self._named.name,
            Name=self._named.name,
            Scopes=[{"ScopeName": scope, "ScopeDescription": f"Call the gateway {self._named.name}"}],
        )

    def _create_client(self, pool: str) -> str:
        made = self._cognito.create_user_pool_client(
            UserPoolId=pool,
            ClientName=self._named.name,
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=[self._named.scope],
            AllowedOAuthFlowsUserPoolClient=True,
        )
        return str(made["UserPoolClient"]["ClientId"])

    def _keep_secret(self, arn: str | None, text: str) -> None:
        if arn is None:
            self._secrets.create_secret(
                Name=self._named.secret,
                Description=f"OAuth client of the AgentCore gateway {self._named.name}",
                SecretString=text,
                Tags=[{"Key": key, "Value": value} for key, value in names.tags(self._run.config).items()],
            )
        elif not self._holds(arn, text):
            self._secrets.put_secret_value(SecretId=arn, SecretString=text)

    def _secret_part(self, found: find.Found) -> Change:
        part = _part("secret", self._named.secret, found.secret, "secretsmanager:CreateSecret")
        if found.secret is None:
            return part
        known = found.pool and found.client
        if known and self._holds(found.secret, find.client_secret(self._run, str(found.pool), str(found.client))):
            return part
        return Change(resource=part.resource, action="update", details=("its text differs",), calls=frozenset({_PUT}))

    def _holds(self, arn: str, text: str) -> bool:
        kept = faults.found(self._secrets.get_secret_value, SecretId=arn) or {}
        return hmac.compare_digest(str(kept.get("SecretString", "")).encode(), text.encode())


def _part(kind: str, name: str, there: object, call: str) -> Change:
    action: Action = "create" if there is None else "keep"
    calls = frozenset({call}) if there is None else frozenset[str]()
    return Change(resource=f"{kind} {name}", action=action, calls=calls)

"""The secret of the proxy's OAuth client: in Secrets Manager, and nowhere else."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, Final

from deployment import faults, names
from deployment.account import TAG
from deployment.errors import ConfigError, DeployError
from deployment.run import Run
from deployment.steps import Change

_NEEDED: Final = (
    "client_secret_arn: the OAuth client needs its secret: give --cognito-client-secret-file FILE once (it goes "
    "to Secrets Manager), or the ARN of a secret that exists"
)


class Secret:
    """A Step. Does nothing where the proxy is no OAuth client; `given` is the secret's text, `ask` prompts for it.

    No attribute, message or error repeats the text.
    """

    def __init__(self, run: Run, given: str | None, ask: Callable[[], str] | None) -> None:
        self._run = run
        self._given = given
        self._ask = ask
        self._name = names.secret(run.config)
        self._wanted = run.config.has_client
        self._client = run.account.client("secretsmanager")

    def value(self) -> str | None:
        """The ARN that the runtime is given; None where there is none yet, or the mode needs none."""
        if not self._wanted:
            return None
        if self._run.config.client_secret_arn:
            return self._run.config.client_secret_arn
        secret = self._found()
        return str(secret["ARN"]) if secret else None

    def plan(self) -> tuple[Change, ...]:
        if not self._wanted:
            return ()
        if arn := self._run.config.client_secret_arn:
            return (self._named(arn),)
        what = f"secret {self._name}"
        secret = self._found()
        if secret is None:
            asked: tuple[str, ...] = () if self._given else ("its text is asked for",)
            return (Change(resource=what, action="create", details=asked, calls=_calls("CreateSecret")),)
        calls, details = self._differences(secret)
        return (Change(resource=what, action="update" if calls else "keep", details=details, calls=_calls(*calls)),)

    def need(self) -> None:
        """Ask for the text now when the next `apply` will need it. Raises ConfigError when nobody can be asked."""
        if not self._wanted or self._run.config.client_secret_arn or self._given or self._found():
            return
        self._given = self._ask() if self._ask else None
        if not self._given:
            raise ConfigError([_NEEDED])

    def apply(self) -> None:
        if not self._wanted or self._run.config.client_secret_arn:
            return
        secret = self._found()
        if secret is None:
            self.need()
            self._client.create_secret(
                Name=self._name,
                Description=f"OAuth client secret of the AgentCore runtime {self._run.config.agent_name}",
                SecretString=self._given,
                Tags=self._pairs(),
            )
            return
        calls, _ = self._differences(secret)
        if "PutSecretValue" in calls:
            self._client.put_secret_value(SecretId=secret["ARN"], SecretString=self._given)
        if "TagResource" in calls:
            self._client.tag_resource(SecretId=secret["ARN"], Tags=self._pairs())

    def plan_removal(self) -> tuple[Change, ...]:
        """Also where the mode is another one by now: what an earlier deploy made is still ours."""
        if self._run.config.client_secret_arn:
            named = f"secret {self._run.config.client_secret_arn}"
            kept = Change(resource=named, action="keep", details=("was not made by this deployment",))
        secret = self._mine()
        what = f"secret {self._name}"
        ours = (Change(resource=what, action="delete", calls=_calls("DeleteSecret")),) if secret else ()
        return (*ours, kept) if self._run.config.client_secret_arn else ours

    def remove(self) -> None:
        if secret := self._mine():
            faults.gone(self._client.delete_secret, SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)

    def _named(self, arn: str) -> Change:
        if faults.found(self._client.describe_secret, SecretId=arn.partition("#")[0]) is None:
            raise ConfigError([f"client_secret_arn: there is no secret {arn}"])
        return Change(resource=f"secret {arn}", action="keep", details=("was not made by this deployment",))

    def _differences(self, secret: dict[str, Any]) -> tuple[set[str], tuple[str, ...]]:
        calls, details = set[str](), []
        if self._given and not self._holds(secret):
            calls.add("PutSecretValue")
            details.append("its text differs")
        found = _tags(secret)
        if keys := [key for key, value in names.tags(self._run.config).items() if found.get(key) != value]:
            calls.add("TagResource")
            details.append(f"tags differ: {', '.join(keys)}")
        return calls, tuple(details)

    def _holds(self, secret: dict[str, Any]) -> bool:
        answer = faults.found(self._client.get_secret_value, SecretId=secret["ARN"]) or {}
        return hmac.compare_digest(str(answer.get("SecretString", "")).encode(), (self._given or "").encode())

    def _found(self) -> dict[str, Any] | None:
        """The secret of our name. Raises DeployError when it is not ours, or is being deleted."""
        secret = faults.found(self._client.describe_secret, SecretId=self._name)
        if secret is None:
            return None
        if secret.get("DeletedDate"):
            raise DeployError(
                f"secret {self._name} is scheduled for deletion: restore it, or delete it without recovery"
            )
        if _tags(secret).get(TAG) != self._run.config.agent_name:
            raise DeployError(
                f"secret {self._name} exists and was not made by this deployment: set client_secret_arn to use it, or "
                "choose another agent_name"
            )
        return secret

    def _mine(self) -> dict[str, Any] | None:
        secret = faults.found(self._client.describe_secret, SecretId=self._name)
        own = secret is not None and _tags(secret).get(TAG) == self._run.config.agent_name
        return secret if own and secret and not secret.get("DeletedDate") else None

    def _pairs(self) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in names.tags(self._run.config).items()]


def _tags(secret: dict[str, Any]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in secret.get("Tags", [])}


def _calls(*operations: str) -> frozenset[str]:
    return frozenset(f"secretsmanager:{operation}" for operation in operations)

"""Our OAuth2 credential providers at a target: which there are, which one is in use, and the end of the others."""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import ClientError

from deployment import faults
from deployment import gateway_find as find
from deployment.errors import FailedError
from deployment.gateway_calls import unless_busy
from deployment.gateway_form import At, Credential, provider_arn
from deployment.gateway_names import ProviderNames, is_provider_name
from deployment.run import Run
from deployment.steps import Change

Json = dict[str, Any]

DELETE: Final = f"{find.CONTROL}:DeleteOauth2CredentialProvider"
READY_S: Final = 120.0


class OwnProviders:
    """Step, before the target's: takes down every provider of ours, whatever the target used last."""

    def __init__(self, run: Run, at: At) -> None:
        self._run, self._at = run, at

    def plan(self) -> tuple[Change, ...]:
        return ()

    def apply(self) -> None:
        pass

    def plan_removal(self) -> tuple[Change, ...]:
        return tuple(deletion(name) for name in own(self._run, self._at))

    def remove(self) -> None:
        for name in own(self._run, self._at):
            delete(self._run, name)


class EveryProvider:
    """Step that only removes: every provider of ours for any target, also of one that an earlier run took away."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def plan(self) -> tuple[Change, ...]:
        return ()

    def apply(self) -> None:
        pass

    def plan_removal(self) -> tuple[Change, ...]:
        return tuple(deletion(name) for name in self._names())

    def remove(self) -> None:
        for name in self._names():
            delete(self._run, name)

    def _names(self) -> list[str]:
        """Here the tag must say so, since nothing else does; where it cannot be read, the provider stays."""
        return [name for name in find.providers(self._run) if is_provider_name(name) and self._is_tagged(name)]

    def _is_tagged(self, name: str) -> bool:
        found = find.provider(self._run, name)
        try:
            return found is not None and find.ours(self._run, found["credentialProviderArn"])
        except ClientError as error:
            if faults.code(error) not in ("ValidationException", "ResourceNotFoundException"):
                raise
            return False


class Leftovers:
    """Step, after the target's: deletes providers of ours that the target no longer uses."""

    def __init__(self, run: Run, at: At, credential: Credential) -> None:
        self._run, self._at, self._credential = run, at, credential

    def plan(self) -> tuple[Change, ...]:
        kept = used_by({"credentialProviderConfigurations": [self._credential.configuration() or {}]})
        return tuple(deletion(name) for name in own(self._run, self._at) if name != kept)

    def apply(self) -> None:
        used = used_by(find.target(self._run, self._at.gateway, self._at.target))
        for name in own(self._run, self._at):
            if name != used:
                delete(self._run, name)

    def plan_removal(self) -> tuple[Change, ...]:
        return ()

    def remove(self) -> None:
        pass


def used_by(target: Json | None) -> str:
    """Name of the provider that the target uses; empty where it uses none."""
    return (provider_arn(target) or "").rpartition("/")[2] if target else ""


def own(run: Run, at: At) -> tuple[str, ...]:
    """The names of our providers for a target, oldest first."""
    named = ProviderNames(target=at.target, gateway=at.gateway)
    found = [(generation, name) for name in find.providers(run) if (generation := named.generation(name)) is not None]
    return tuple(name for _, name in sorted(found) if is_own(run, name))


def is_own(run: Run, name: str) -> bool:
    """Whether the provider, which has a name of ours, carries our tag, as far as tags can be read."""
    found = find.provider(run, name)
    return found is not None and find.not_disowned(run, found["credentialProviderArn"])


def delete(run: Run, name: str) -> None:
    """Delete a provider and wait until it is gone. Raises FailedError, WaitedError."""
    call = run.account.client(find.CONTROL).delete_oauth2_credential_provider
    unless_busy(run, f"{resource(name)} to be used no more", lambda: faults.gone(call, name=name))

    def look() -> bool | None:
        found = find.provider(run, name)
        if found and found.get("status") == "DELETE_FAILED":
            raise FailedError(f"{resource(name)} could not be deleted: {find.reasons(found)}")
        return True if found is None else None

    run.waits.until(f"{resource(name)} to be gone", look, within_s=READY_S)


def resource(name: str) -> str:
    return f"credential provider {name}"


def deletion(name: str) -> Change:
    return Change(resource=resource(name), action="delete", calls=frozenset({DELETE}))

"""A secret planted wherever credentials pass appears in no log, no exception with its causes, and no repr."""

from __future__ import annotations

import dataclasses
import gc
import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from proxy.auth import Auth, outbound
from proxy.errors import AuthError
from proxy.lease import Lease
from proxy.references import References
from proxy.settings import Settings
from proxy.sigv4 import Credentials
from tests.auth import identity_provider
from tests.auth.clocks import Clock
from tests.auth.identity_provider import Provider
from tests.auth.secrets_manager import Aws

CANARY = "CANARY"
CALLER = "Bearer CANARY-caller"
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:canary-AbC123"
UPSTREAM = "https://gw-1.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"

Misbehave = Callable[[Provider, Aws], None]


def fail_everything(provider: Provider, aws: Aws) -> None:
    provider.status, provider.answer = 400, {"error": CANARY, "error_description": CANARY}
    aws.error, aws.down = CANARY, True


def answer_garbage(provider: Provider, aws: Aws) -> None:
    provider.raw = b'{"access_token": "CANARY'
    aws.secrets = {ARN: "CANARY is not JSON"}


def ours() -> list[object]:
    """Every living object of the proxy's own classes."""
    return [item for item in gc.get_objects() if str(type(item).__module__).startswith("proxy.")]


def shown(error: BaseException) -> str:
    """All that any logger could print of it: the chain, suppressed causes included."""
    text = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    cause = error.__cause__ or error.__context__
    return text + (shown(cause) if cause else "")


MODES: dict[str, tuple[dict[str, Any], list[Misbehave]]] = {
    "iam": ({"auth_mode": "iam"}, [fail_everything]),
    "jwt, secret in Secrets Manager": (
        {"auth_mode": "jwt", "client_secret": f"{ARN}#secret"},
        [fail_everything, answer_garbage],
    ),
    "jwt, secret in a variable": (
        {"auth_mode": "jwt", "client_secret": "env:PLANTED"},
        [fail_everything, answer_garbage],
    ),
    "jwt, the sample's variable": ({"auth_mode": "jwt"}, [fail_everything, answer_garbage]),
    "api_key, in a file": ({"auth_mode": "api_key", "api_key": "file:planted"}, []),
    "api_key, in Secrets Manager": (
        {"auth_mode": "api_key", "api_key": f"{ARN}#secret"},
        [fail_everything, answer_garbage],
    ),
    "passthrough": ({"auth_mode": "passthrough"}, []),
}
"""Settings, and what keeps each from giving a credential."""


@pytest.mark.parametrize("misbehave", [None, fail_everything, answer_garbage], ids=["well", "failing", "garbage"])
@pytest.mark.parametrize(("given", "breaks"), MODES.values(), ids=MODES)
async def test_a_planted_secret_is_shown_nowhere(
    given: dict[str, Any],
    breaks: list[Misbehave],
    misbehave: Misbehave | None,
    aws: Aws,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planted").write_text("CANARY-key")
    aws.secrets = {ARN: '{"secret": "CANARY-client"}'}
    environ = {"PLANTED": "CANARY-client", "COGNITO_CLIENT_SECRET": "CANARY-client"}
    provider = Provider(client=("client", "CANARY-client"), answer={"access_token": "CANARY-token"})
    async with identity_provider.running(provider):
        if misbehave:
            misbehave(provider, aws)
        settings = Settings(
            upstream=UPSTREAM, token_url=f"{provider.url}/oauth2/token", client_id="client", audience="a", **given
        )
        clock = Clock()
        auth = outbound(settings, References(environ), environ=environ, clock=clock)
        errors, signed = await use(auth, clock)
        living = [repr(item) for item in ours()]
    assert len(living) > 1
    assert bool(errors) == (misbehave in breaks)
    assert bool(signed) != bool(errors)
    logged = [f"{record.getMessage()} {record.exc_text} {record.args}" for record in caplog.records]
    for text in [*map(shown, errors), *logged, *living, repr(settings), "".join(capfd.readouterr())]:
        assert CANARY not in text


async def use(auth: Auth, clock: Clock) -> tuple[list[BaseException], dict[str, str]]:
    """Signs, is refused, waits until nearly the end, signs again; the errors, and the last headers."""
    errors: list[BaseException] = []
    signed: dict[str, str] = {}
    for _ in range(3):
        try:
            signed = dict(await auth.sign("POST", URL(UPSTREAM), {}, b"{}", CALLER))
        except AuthError as error:
            errors.append(error)
        await auth.refused(401)
        clock.now += 3000
    await auth.close()
    return errors, signed


def test_no_value_that_holds_a_secret_shows_it_as_a_dataclass_does() -> None:
    hidden = {field.name for kind in (Credentials, Lease) for field in dataclasses.fields(kind) if not field.repr}
    assert hidden == {"access_key", "secret_key", "token", "value"}

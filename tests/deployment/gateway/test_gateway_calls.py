"""Real calls: a gateway, the proxy on a runtime behind it, and the proxy's embedded demo as the upstream."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest

from deployment.errors import DeployError, FailedError
from deployment.logs import logs
from deployment.register import register, unregister
from deployment.rotate import rotate
from proxy.client import Client
from proxy.client_proof import Nothing, Proof, Signature
from proxy.errors import ProxyError
from tests.agentcore import emulator_moto
from tests.agentcore.account import Listing
from tests.agentcore.emulator import Emulator
from tests.agentcore.runtime_plane_serving import code_in
from tests.deployment.gateway.people import (
    Caller,
    Operator,
    caller,
    cognito_of,
    gateway,
    letting_in,
    new_secret,
    operator,
)
from tests.deployment.gateway.test_register import ASKED, GRANTED
from tests.deployment.gateway.test_register_oauth import ASKED as TOKENS

PROFILE = ("shop___get_customer_profile", {"customer_id": "CUST001"})


@pytest.fixture
def emulator(moto: str) -> Iterator[Emulator]:
    """Its gateways ask the runtime itself for its tools."""
    emulator_moto.reset(moto)
    running = Emulator(moto=moto)
    running.start()
    yield running
    running.close()


def served(deployer: Emulator, listing: Listing, **config: Any) -> Operator:
    return operator(deployer, listing, code_in(deployer.environment["AWS_ENDPOINT_URL"], "shop/real.zip"), **config)


@pytest.fixture
def shop(deployer: Emulator, listing: Listing) -> Operator:
    """Its runtime takes signatures."""
    return served(deployer, listing)


@contextmanager
def calling(shop: Operator, front: str, proof: Proof) -> Iterator[Client]:
    with closing(Client(shop.emulator.world.gateways[front].url, proof)) as client:
        yield client


def signed(shop: Operator, front: str) -> Signature:
    return Signature("us-east-1", shop.emulator.world.gateways[front].url)


def test_a_signed_target_answers_calls_through_the_gateway(shop: Operator) -> None:
    front = gateway(shop)
    answer = shop.run(register, gateway=front, **GRANTED).document
    with calling(shop, front, signed(shop, front)) as client:
        assert answer["tool_count"] == len([each for each in client.tools() if each["name"].startswith("shop___")]) > 2
        assert client.call(*PROFILE)["isError"] is False
    _until(lambda: _logged(shop))
    [call] = _logged(shop)
    assert (call["tool"], call["outcome"]) == ("get_customer_profile", "completed")
    assert "redact: modify" in call["acted"]
    shop.run(unregister, gateway=front, target=None)
    assert not shop.emulator.world.gateways[front].targets


def test_without_the_permission_awss_reason_says_which_boundary_refused(shop: Operator) -> None:
    with pytest.raises(FailedError, match=r"is FAILED: .*gateway → runtime"):
        shop.run(register, gateway=gateway(shop), **ASKED)


def test_a_gateway_that_needs_a_session_is_proved_with_one(shop: Operator) -> None:
    sessions = {"mcp": {"sessionConfiguration": {"sessionTimeoutInSeconds": 900}, "supportedVersions": ["2025-06-18"]}}
    front = gateway(shop, protocolConfiguration=sessions)
    assert shop.run(register, gateway=front, **GRANTED).document["verified"] is True


def test_a_caller_sees_nothing_of_a_rotation(
    deployer: Emulator, listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = caller(deployer)
    shop = served(deployer, listing, inbound=letting_in(client))
    front = gateway(shop, authorizerType="NONE")
    monkeypatch.setenv("CLIENT_SECRET", client.secret)
    shop.run(register, gateway=front, **{**TOKENS, "grant": True})
    monkeypatch.setenv("NEXT_SECRET", new_secret(deployer, client))
    with _calls(shop, front) as answers:
        shop.run(rotate, gateway=front, target=None, client_secret="env:NEXT_SECRET")
        _forget_first_secret(deployer, client)
        seen = len(answers)
        _until(lambda: len(answers) >= seen + 3)
    assert set(answers) == {"ok"}
    assert list(deployer.world.providers) == [f"shop-{front}-g2"]


def _logged(shop: Operator) -> list[dict[str, Any]]:
    """The calls that `logs` finds; none while there is no log group yet."""
    with suppress(DeployError):
        found: list[dict[str, Any]] = shop.run(logs, minutes=60, limit=50, tool=None).document["calls"]
        return found
    return []


@contextmanager
def _calls(shop: Operator, front: str) -> Iterator[list[str]]:
    """What each call of one caller after the other came to: `ok`, or what went wrong."""
    answers: list[str] = []
    over = threading.Event()

    def run() -> None:
        with calling(shop, front, Nothing()) as client:
            while not over.is_set():
                try:
                    answers.append("error" if client.call(*PROFILE).get("isError") else "ok")
                except ProxyError as error:
                    answers.append(repr(error))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        _until(lambda: len(answers) >= 3)
        yield answers
    finally:
        over.set()
        thread.join(30)


def _forget_first_secret(emulator: Emulator, client: Caller) -> None:
    pool = client.discovery_url.split("/")[-3]
    cognito = cognito_of(emulator)
    listed = cognito.list_user_pool_client_secrets(UserPoolId=pool, ClientId=client.client_id)["ClientSecrets"]
    cognito.delete_user_pool_client_secret(
        UserPoolId=pool, ClientId=client.client_id, ClientSecretId=listed[0]["ClientSecretId"]
    )


def _until(what: Any, within_s: float = 20) -> None:
    end = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.01)

"""Names hold the patterns of botocore's model, whatever the agent is called."""

from __future__ import annotations

import re
from typing import Any

import boto3
import pytest

from deployment.errors import DeployError
from deployment.gateway_names import (
    GatewayNames,
    ProviderNames,
    gateway_id,
    gateway_name,
    is_provider_of,
    policy_name,
    target_name,
)

LONG = "a" * 48 + "-0123456789"
AGENTS = ["shop", "Shop_2", "a__b", "x_", "A" * 48, "amazon_cognito_aws", "a_" * 24]


@pytest.fixture(scope="module")
def shapes() -> Any:
    client = boto3.session.Session().client("bedrock-agentcore-control", region_name="us-east-1")
    return client.meta.service_model.shape_for


def holds(shape: Any, text: str) -> bool:
    most = shape.metadata.get("max", 10_000)
    return re.fullmatch(shape.metadata["pattern"], text) is not None and len(text) <= most


@pytest.mark.parametrize("agent", AGENTS)
def test_what_is_made_of_an_agents_name_is_a_name_for_aws(agent: str, shapes: Any) -> None:
    target, gateway = target_name(None, agent), gateway_name(None, agent)
    assert holds(shapes("TargetName"), target)
    assert holds(shapes("GatewayName"), gateway)
    names = GatewayNames(agent=agent, name=gateway, region="us-east-1", account="123456789012")
    assert re.fullmatch(r"[\w+=,.@-]{1,64}", names.role)
    assert re.fullmatch(r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?", names.domain)
    assert not re.search("aws|amazon|cognito", names.domain)
    assert re.fullmatch(r"[A-Za-z0-9/_+=.@!-]{1,512}", names.secret)
    assert re.fullmatch(r"[\w+=,.@-]{1,128}", policy_name(target, LONG))


@pytest.mark.parametrize("target", ["shop", "a" * 100, "a-" * 50])
def test_a_providers_name_fits_into_its_arn_and_is_known_again(target: str, shapes: Any) -> None:
    names = ProviderNames(target=target, gateway=LONG)
    name = names.name(12)
    assert holds(shapes("CredentialProviderName"), name)
    assert re.fullmatch(r"[a-zA-Z0-9-.]+", name)
    assert names.generation(name) == 12
    assert is_provider_of(name, LONG)


@pytest.mark.parametrize(
    "name",
    ["shop-front-0123456789-g", "shop-front-0123456789-g0", "shop-front-0123456789-g1x", "shops-front-0123456789-g1"],
)
def test_other_providers_are_not_taken_for_ours(name: str) -> None:
    assert ProviderNames(target="shop", gateway="front-0123456789").generation(name) is None


def test_providers_of_long_targets_do_not_meet() -> None:
    names = {ProviderNames(target="a" * 60 + end, gateway=LONG).name(1) for end in ("x", "y")}
    assert len(names) == 2


def test_a_gateway_of_another_name_has_other_providers() -> None:
    assert not is_provider_of("shop-front-0123456789-g1", "front-9999999999")
    assert not is_provider_of("shop-backfront-0123456789-g1", "front-0123456789-g1")


@pytest.mark.parametrize("given", ["my_shop", "-shop", "a--b", "shop!", "a" * 101])
def test_a_target_name_that_aws_would_refuse_is_refused_here(given: str, shapes: Any) -> None:
    assert not holds(shapes("TargetName"), given) or len(given) > 100
    with pytest.raises(DeployError, match="--target"):
        target_name(given, "shop")


def test_an_id_is_taken_out_of_an_arn() -> None:
    arn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/front-0123456789"
    assert gateway_id(arn, region="us-east-1", account="123456789012") == "front-0123456789"
    assert gateway_id("front-0123456789", region="us-east-1") == "front-0123456789"
    with pytest.raises(DeployError, match="no id of a gateway"):
        gateway_id("https://front-0123456789.gateway.example/mcp", region="us-east-1")

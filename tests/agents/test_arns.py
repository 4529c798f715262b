"""From the ARN of a Runtime to the URL it is called at."""

from __future__ import annotations

import re

import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from proxy.arns import ENDPOINT_VARIABLE, SUFFIXES, aws_invocation_url, invocation_url, region_of
from proxy.errors import ConfigError

ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/policy_proxy-AbCdEf1234"
PATH = "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A123456789012%3Aruntime%2Fpolicy_proxy-AbCdEf1234"

REGIONS = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-eusc": "eusc-de-east-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-us-gov": "us-gov-west-1",
}


@pytest.fixture(autouse=True)
def _at_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENDPOINT_VARIABLE, raising=False)


def botocores_url(arn: str, qualifier: str, endpoint: str | None = None) -> str:
    """The URL that botocore itself sends InvokeAgentRuntime to."""
    session = botocore.session.Session()
    session._credentials = Credentials("AKIDEXAMPLE", "secret")
    region = arn.split(":")[3]
    config = Config(ignore_configured_endpoint_urls=True)
    client = session.create_client("bedrock-agentcore", region, endpoint_url=endpoint, config=config)
    sent: list[AWSRequest] = []

    def stop(request: AWSRequest, **_: object) -> None:
        sent.append(request)
        raise InterruptedError

    client.meta.events.register("before-send.bedrock-agentcore.InvokeAgentRuntime", stop)
    with pytest.raises(InterruptedError):
        client.invoke_agent_runtime(agentRuntimeArn=arn, qualifier=qualifier, payload=b"{}")
    return str(sent[0].url)


def test_the_arn_is_one_encoded_segment_of_the_path() -> None:
    host = "https://bedrock-agentcore.us-east-1.amazonaws.com"
    assert invocation_url(ARN) == f"{host}{PATH}/invocations?qualifier=DEFAULT"
    assert invocation_url(ARN, "prod") == f"{host}{PATH}/invocations?qualifier=prod"


@pytest.mark.parametrize("partition", REGIONS)
def test_the_url_is_the_one_that_the_sdk_calls(partition: str) -> None:
    arn = ARN.replace("arn:aws:", f"arn:{partition}:").replace("us-east-1", REGIONS[partition])
    assert aws_invocation_url(arn, "prod") == botocores_url(arn, "prod")


def test_every_partition_that_the_sdk_knows_is_known() -> None:
    known = botocore.session.Session().get_data("partitions")["partitions"]
    assert {each["id"]: each["outputs"]["dnsSuffix"] for each in known} == dict(SUFFIXES)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "http://127.0.0.1:4566/", "https://vpce.example/base"])
def test_the_sdks_variable_moves_the_call_and_not_the_gateways_target(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT_VARIABLE, endpoint)
    assert invocation_url(ARN) == botocores_url(ARN, "DEFAULT", endpoint)
    assert invocation_url(ARN).startswith(endpoint)
    assert aws_invocation_url(ARN).startswith("https://bedrock-agentcore.us-east-1.amazonaws.com/")


@pytest.mark.parametrize(
    "endpoint", ["127.0.0.1:4566", "ftp://host", "http://", "http://[", "http://u:p@h", "http://h?q"]
)
def test_a_variable_that_is_no_url_is_named(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT_VARIABLE, endpoint)
    with pytest.raises(ConfigError, match=ENDPOINT_VARIABLE):
        invocation_url(ARN)


def test_the_region_is_the_arns() -> None:
    assert region_of(ARN.replace("us-east-1", "ap-southeast-2")) == "ap-southeast-2"


@pytest.mark.parametrize(
    ("arn", "told"),
    [
        ("", "six parts"),
        ("policy_proxy-AbCdEf1234", "six parts"),
        (ARN + ":1", "six parts"),
        (ARN.replace("arn:aws:", "arn:azure:"), "a partition: aws, aws-cn"),
        (ARN.replace("bedrock-agentcore", "bedrock"), "service bedrock-agentcore"),
        (ARN.replace("us-east-1", ""), "a region"),
        (ARN.replace("us-east-1", "us-east-1.evil.example"), "a region"),
        (ARN.replace("us-east-1", "us-east-\u0661"), "a region"),
        (ARN.replace("123456789012", "12345678901"), "12 digits"),
        (ARN.replace("runtime/", "gateway/"), "runtime/NAME-ID"),
        (ARN.replace("AbCdEf1234", "AbC"), "runtime/NAME-ID"),
        (ARN + "\n", "runtime/NAME-ID"),
        (ARN + "/runtime-endpoint/prod", "NAME as the qualifier"),
    ],
)
def test_what_is_no_runtimes_arn_is_refused_by_its_wrong_part(arn: str, told: str) -> None:
    for use in (invocation_url, aws_invocation_url, region_of):
        with pytest.raises(ConfigError, match=told) as caught:
            use(arn)
        assert not arn or arn not in str(caught.value)


@pytest.mark.parametrize("qualifier", ["", "1", "a b", "a&b=c", "a/b", "x" * 49])
def test_a_qualifier_that_is_no_endpoints_name_is_refused(qualifier: str) -> None:
    with pytest.raises(ConfigError, match="qualifier"):
        invocation_url(ARN, qualifier)


@pytest.mark.parametrize(
    "name", ["a-0123456789", "A_b9-abcdefghij", "n" * 48 + "-ABCDEFGHIJ", "n" * 49 + "-ABCDEFGHIJ", "9a-0123456789"]
)
def test_a_runtimes_arn_is_what_the_services_model_says(name: str) -> None:
    model = botocore.session.Session().get_service_model("bedrock-agentcore-control")
    pattern = re.compile(model.shape_for("AgentRuntimeArn").metadata["pattern"])
    arn = f"arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/{name}"
    if pattern.fullmatch(arn):
        assert region_of(arn) == "us-east-1"
    else:
        with pytest.raises(ConfigError):
            region_of(arn)

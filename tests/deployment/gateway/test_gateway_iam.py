"""What IAM must say for gateways, word for word."""

from __future__ import annotations

from deployment.gateway_iam import OAuth, invoke, provider_arns, tokens, trust
from deployment.iam import Place

HERE = Place(partition="aws", region="us-east-1", account="123456789012")
CHINA = Place(partition="aws-cn", region="cn-north-1", account="123456789012")
RUNTIME = "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/shop-0123456789"
SECRETS = "arn:aws:secretsmanager:us-east-1:123456789012:secret"
IDENTITIES = "arn:aws:bedrock-agentcore:us-east-1:123456789012:workload-identity-directory/default"
IDENTITY = f"{IDENTITIES}/workload-identity/front-0123456789"


def test_only_agentcore_may_assume_a_gateways_role_and_only_for_that_gateway() -> None:
    assert trust(HERE, "Front") == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "bedrock-agentcore.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": "123456789012"},
                    "ArnLike": {"aws:SourceArn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/front-*"},
                },
            }
        ],
    }


def test_signed_calls_need_the_runtime_and_its_endpoints() -> None:
    assert invoke(RUNTIME) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "InvokeProxy",
                "Effect": "Allow",
                "Action": ["bedrock-agentcore:InvokeAgentRuntime"],
                "Resource": [RUNTIME, f"{RUNTIME}/runtime-endpoint/*"],
            }
        ],
    }


def test_calls_with_tokens_need_the_gateways_identity_the_provider_and_its_secret() -> None:
    provider, secret = provider_arns("shop-front-0123456789-g", HERE)
    vault = "arn:aws:bedrock-agentcore:us-east-1:123456789012:token-vault/default"
    assert tokens(OAuth(identity=IDENTITY, providers=(provider,), secrets=(secret,)), HERE) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "WorkloadToken",
                "Effect": "Allow",
                "Action": [
                    "bedrock-agentcore:GetWorkloadAccessToken",
                    "bedrock-agentcore:GetWorkloadAccessTokenForJWT",
                ],
                "Resource": [IDENTITIES, IDENTITY],
            },
            {
                "Sid": "ProviderToken",
                "Effect": "Allow",
                "Action": ["bedrock-agentcore:GetResourceOauth2Token"],
                "Resource": [
                    vault,
                    f"{vault}/oauth2credentialprovider/shop-front-0123456789-g*",
                    IDENTITIES,
                    IDENTITY,
                ],
            },
            {
                "Sid": "ProviderSecret",
                "Effect": "Allow",
                "Action": ["secretsmanager:GetSecretValue"],
                "Resource": [f"{SECRETS}:bedrock-agentcore-identity!default/oauth2/shop-front-0123456789-g*"],
            },
        ],
    }


def test_arns_are_of_the_partition_and_region_that_is_deployed_to() -> None:
    provider, secret = provider_arns("x", CHINA)
    assert provider.startswith("arn:aws-cn:bedrock-agentcore:cn-north-1:")
    assert secret.startswith("arn:aws-cn:secretsmanager:cn-north-1:")
    assert "arn:aws-cn:bedrock-agentcore:cn-north-1:" in str(trust(CHINA, "front"))

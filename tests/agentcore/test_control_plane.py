"""The control plane as a deployer meets it: how resources settle, what stands in each other's way, what goes wrong.

boto3 reads every answer. Nothing waits: each look at a resource brings it nearer to where it settles.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.agentcore.account import (
    ARN,
    CUSTOM,
    ENCODED,
    IAM,
    JWT,
    Aws,
    Listing,
    boto_client,
    code,
    code_of,
    refused,
    settled,
)
from tests.agentcore.control import OPERATIONS
from tests.agentcore.model import CONTROL, model
from tests.agentcore.world import ACCOUNT, REGION, Json


def test_every_operation_is_one_of_the_model() -> None:
    assert set(model(CONTROL).service.operation_names) >= set(OPERATIONS)


@pytest.mark.parametrize(
    ("polls", "seen"), [(0, ["READY"]), (1, ["READY"]), (2, ["CREATING", "READY"]), (4, ["CREATING"] * 3 + ["READY"])]
)
def test_a_runtime_becomes_ready_after_the_polls_that_were_asked_for(aws: Aws, polls: int, seen: list[str]) -> None:
    aws.faults.polls_to_ready = polls
    made = aws.runtime()
    assert (made["status"], made["agentRuntimeVersion"]) == ("CREATING", "1")
    assert made["agentRuntimeArn"] == f"{ARN}:runtime/{made['agentRuntimeId']}"
    assert aws.runtime_status(made["agentRuntimeId"]) == seen


def test_a_runtime_is_answered_with_the_defaults_that_aws_fills_in(aws: Aws) -> None:
    kept = aws.control.get_agent_runtime(agentRuntimeId=aws.ready_runtime())
    assert kept["lifecycleConfiguration"] == {"idleRuntimeSessionTimeout": 900, "maxLifetime": 28800}
    assert kept["networkConfiguration"] == {"networkMode": "PUBLIC"}
    assert kept["protocolConfiguration"] == {"serverProtocol": "HTTP"}
    assert {"description", "environmentVariables", "authorizerConfiguration", "failureReason"}.isdisjoint(kept)


def test_an_update_is_a_full_put_and_loses_what_it_leaves_out(aws: Aws) -> None:
    runtime = aws.ready_runtime(description="Shop", environmentVariables={"A": "1"})
    answer = aws.update(runtime, environmentVariables={"B": "2"})
    assert (answer["status"], answer["agentRuntimeVersion"]) == ("UPDATING", "2")
    assert aws.runtime_status(runtime) == ["UPDATING", "READY"]
    newest = aws.control.get_agent_runtime(agentRuntimeId=runtime)
    assert (newest["environmentVariables"], newest.get("description")) == ({"B": "2"}, None)
    first = aws.control.get_agent_runtime(agentRuntimeId=runtime, agentRuntimeVersion="1")
    assert (first["environmentVariables"], first["description"]) == ({"A": "1"}, "Shop")
    listed = aws.control.list_agent_runtime_versions(agentRuntimeId=runtime)["agentRuntimes"]
    assert [each["agentRuntimeVersion"] for each in listed] == ["2", "1"]


def test_mmdsv2_is_set_by_an_update_alone_and_lost_by_the_next_that_leaves_it_out(aws: Aws) -> None:
    runtime, required = aws.ready_runtime(), {"requireMMDSV2": True}

    def flag() -> Any:
        aws.runtime_status(runtime)
        return aws.control.get_agent_runtime(agentRuntimeId=runtime).get("metadataConfiguration")

    assert (flag(), aws.world.runtimes[runtime].requires_mmdsv2) == (None, False)
    aws.update(runtime, metadataConfiguration=required)
    assert (flag(), aws.world.runtimes[runtime].requires_mmdsv2) == (required, True)
    aws.update(runtime)
    assert (flag(), aws.world.runtimes[runtime].requires_mmdsv2) == (None, False)


def test_a_platform_that_sets_mmdsv2_by_itself_says_so_on_get(aws: Aws) -> None:
    aws.faults.creates_with_mmdsv2 = True
    kept = aws.control.get_agent_runtime(agentRuntimeId=aws.ready_runtime())
    assert kept["metadataConfiguration"] == {"requireMMDSV2": True}


@pytest.mark.parametrize("state", ["CREATING", "UPDATING", "DELETING"])
def test_nothing_changes_while_a_runtime_is_not_settled(aws: Aws, state: str) -> None:
    runtime = aws.runtime()["agentRuntimeId"] if state == "CREATING" else aws.ready_runtime()
    aws.faults.polls_to_ready = 9
    if state == "UPDATING":
        aws.update(runtime)
    if state == "DELETING":
        aws.control.delete_agent_runtime(agentRuntimeId=runtime)
    answer = refused("ConflictException", aws.update, runtime)
    assert state in answer["Error"]["Message"]
    refused("ConflictException", aws.control.delete_agent_runtime, agentRuntimeId=runtime)
    refused("ConflictException", aws.control.create_agent_runtime_endpoint, agentRuntimeId=runtime, name="prod")
    refused("ConflictException", aws.runtime)


def test_a_name_is_free_again_when_its_runtime_is_gone_even_for_who_only_tries_again(aws: Aws) -> None:
    runtime = aws.ready_runtime()
    assert aws.control.delete_agent_runtime(agentRuntimeId=runtime)["status"] == "DELETING"
    refused("ConflictException", aws.runtime)
    again = aws.runtime()["agentRuntimeId"]
    assert again != runtime
    refused("ResourceNotFoundException", aws.control.get_agent_runtime, agentRuntimeId=runtime)
    assert runtime not in aws.world.identities
    assert aws.world.identities[again]["managedBy"] == f"{ARN}:runtime/{again}"


def test_a_creation_that_fails_says_why_and_leaves_only_deletion(aws: Aws) -> None:
    aws.faults.create_failed["shop"] = "The image is for another architecture."
    made = aws.runtime()["agentRuntimeId"]
    early = aws.control.get_agent_runtime(agentRuntimeId=made)
    assert (early["status"], early.get("failureReason")) == ("CREATING", None)
    late = aws.control.get_agent_runtime(agentRuntimeId=made)
    assert (late["status"], late["failureReason"]) == ("CREATE_FAILED", "The image is for another architecture.")
    assert aws.endpoint_status(made, "DEFAULT")[-1] == "CREATE_FAILED"
    refused("ConflictException", aws.update, made)
    aws.faults.create_failed.clear()
    aws.control.delete_agent_runtime(agentRuntimeId=made)
    assert aws.runtime_status(made) == ["DELETING", "gone"]
    assert aws.ready_runtime()


def test_an_update_that_fails_leaves_the_old_version_live_and_can_be_tried_again(aws: Aws) -> None:
    runtime = aws.ready_runtime()
    assert aws.endpoint_status(runtime, "DEFAULT")[-1] == "READY"
    aws.faults.update_failed["shop"] = "No capacity."
    aws.update(runtime)
    assert aws.runtime_status(runtime)[-1] == "UPDATE_FAILED"
    assert aws.endpoint_status(runtime, "DEFAULT")[-1] == "UPDATE_FAILED"
    default = aws.control.get_agent_runtime_endpoint(agentRuntimeId=runtime, endpointName="DEFAULT")
    assert (default["liveVersion"], default["targetVersion"], default["failureReason"]) == ("1", "2", "No capacity.")
    aws.faults.update_failed.clear()
    assert aws.update(runtime)["agentRuntimeVersion"] == "3"
    assert aws.runtime_status(runtime)[-1] == "READY"


def test_default_follows_the_newest_version_and_named_endpoints_move_by_update_alone(aws: Aws) -> None:
    runtime = aws.ready_runtime()
    made = aws.control.create_agent_runtime_endpoint(agentRuntimeId=runtime, name="prod", description="Live")
    assert (made["status"], made["targetVersion"]) == ("CREATING", "1")
    assert aws.endpoint_status(runtime, "prod") == ["CREATING", "READY"]
    aws.update(runtime)
    assert aws.runtime_status(runtime)[-1] == "READY"
    assert aws.endpoint_status(runtime, "DEFAULT")[-1] == "READY"

    def live() -> Json:
        listed = aws.control.list_agent_runtime_endpoints(agentRuntimeId=runtime)["runtimeEndpoints"]
        return {each["name"]: each["liveVersion"] for each in listed}

    assert live() == {"DEFAULT": "2", "prod": "1"}
    moved = aws.control.update_agent_runtime_endpoint(
        agentRuntimeId=runtime, endpointName="prod", agentRuntimeVersion="2"
    )
    assert (moved["status"], moved["liveVersion"], moved["targetVersion"]) == ("UPDATING", "1", "2")
    assert aws.endpoint_status(runtime, "prod") == ["UPDATING", "READY"]
    assert live() == {"DEFAULT": "2", "prod": "2"}
    assert aws.world.runtimes[runtime].version("prod") is aws.world.runtimes[runtime].versions[1]


def test_default_serves_the_old_version_until_the_new_one_is_ready(aws: Aws) -> None:
    runtime = aws.ready_runtime()
    assert aws.endpoint_status(runtime, "DEFAULT")[-1] == "READY"
    aws.update(runtime)
    early = aws.control.get_agent_runtime_endpoint(agentRuntimeId=runtime, endpointName="DEFAULT")
    assert (early["status"], early["liveVersion"], early["targetVersion"]) == ("UPDATING", "1", "2")
    assert aws.endpoint_status(runtime, "DEFAULT")[-1] == "READY"


def test_the_rules_of_endpoints(aws: Aws) -> None:
    runtime = aws.ready_runtime()
    create = aws.control.create_agent_runtime_endpoint
    change = {"agentRuntimeId": runtime, "endpointName": "DEFAULT"}
    refused("ConflictException", aws.control.update_agent_runtime_endpoint, **change)
    answer = refused("ConflictException", aws.control.delete_agent_runtime_endpoint, **change)
    assert "removed when you delete the agent" in answer["Error"]["Message"]
    refused("ConflictException", create, agentRuntimeId=runtime, name="DEFAULT")
    refused("ResourceNotFoundException", create, agentRuntimeId=runtime, name="prod", agentRuntimeVersion="2")
    for number in range(10):
        create(agentRuntimeId=runtime, name=f"e{number}")
    answer = refused("ServiceQuotaExceededException", create, agentRuntimeId=runtime, name="one_more")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 402
    absent = {"agentRuntimeId": runtime, "endpointName": "absent"}
    refused("ResourceNotFoundException", aws.control.get_agent_runtime_endpoint, **absent)


def test_a_runtime_with_named_endpoints_is_not_deleted(aws: Aws) -> None:
    runtime = aws.ready_runtime()
    aws.control.create_agent_runtime_endpoint(agentRuntimeId=runtime, name="prod")
    assert aws.endpoint_status(runtime, "prod")[-1] == "READY"
    answer = refused("ConflictException", aws.control.delete_agent_runtime, agentRuntimeId=runtime)
    assert "endpoints that must be deleted first" in answer["Error"]["Message"]
    aws.control.delete_agent_runtime_endpoint(agentRuntimeId=runtime, endpointName="prod")
    refused("ConflictException", aws.control.delete_agent_runtime, agentRuntimeId=runtime)
    assert aws.endpoint_status(runtime, "prod") == ["gone"]
    aws.control.delete_agent_runtime(agentRuntimeId=runtime)
    assert aws.runtime_status(runtime) == ["DELETING", "gone"]


def test_one_version_is_deleted_unless_an_endpoint_uses_it(aws: Aws) -> None:
    runtime = aws.ready_runtime()
    aws.update(runtime)
    assert aws.runtime_status(runtime)[-1] == "READY"
    one = {"agentRuntimeId": runtime, "agentRuntimeVersion": "1"}
    refused("ConflictException", aws.control.delete_agent_runtime, **one)
    assert aws.endpoint_status(runtime, "DEFAULT")[-1] == "READY"
    assert aws.control.delete_agent_runtime(**one)["status"] == "READY"
    refused("ResourceNotFoundException", aws.control.get_agent_runtime, **one)


def test_a_list_comes_in_pages_even_for_who_does_not_ask_for_them(aws: Aws) -> None:
    names = [f"shop{number}" for number in range(23)]
    for name in names:
        aws.runtime(name)
    first = aws.control.list_agent_runtimes()
    assert (len(first["agentRuntimes"]), "nextToken" in first) == (10, True)
    every = aws.control.get_paginator("list_agent_runtimes").paginate(PaginationConfig={"PageSize": 7})
    assert [each["agentRuntimeName"] for page in every for each in page["agentRuntimes"]] == names
    refused("ValidationException", aws.control.list_agent_runtimes, nextToken="bm9uZQ==")
    refused("ValidationException", aws.control.list_gateways, nextToken=first["nextToken"])


def test_a_client_token_that_comes_again_makes_nothing_new(aws: Aws) -> None:
    token = "t" * 40
    first = aws.runtime(clientToken=token)
    assert aws.runtime(clientToken=token)["agentRuntimeId"] == first["agentRuntimeId"]
    answer = refused("ValidationException", aws.runtime, clientToken=token, description="another")
    assert answer["reason"] == "IdempotentParameterMismatchException"
    assert len(aws.world.runtimes) == 1


def test_a_client_token_of_a_runtime_that_is_gone_makes_a_new_one(aws: Aws) -> None:
    first = aws.ready_runtime(clientToken="t" * 40)
    aws.control.delete_agent_runtime(agentRuntimeId=first)
    assert aws.runtime_status(first)[-1] == "gone"
    assert aws.runtime(clientToken="t" * 40)["agentRuntimeId"] != first


def test_a_throttled_call_succeeds_when_boto3_has_tried_often_enough(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    patient = boto_client(CONTROL, aws.emulator.environment, attempts=4)
    call = f"{CONTROL}:ListAgentRuntimes"
    aws.faults.throttled[call] = 3
    assert patient.list_agent_runtimes()["agentRuntimes"] == []
    assert aws.world.calls.count(call) == 4
    aws.faults.throttled[call] = 4
    answer = refused("ThrottlingException", patient.list_agent_runtimes)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_a_lost_answer_is_made_up_for_by_the_client_token_of_the_second_try(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    aws.faults.lost[f"{CONTROL}:CreateAgentRuntime"] = 1
    aws.control = boto_client(CONTROL, aws.emulator.environment, attempts=2)
    made = aws.runtime()
    assert made["ResponseMetadata"]["RetryAttempts"] == 1
    assert list(aws.world.runtimes) == [made["agentRuntimeId"]]


def test_conflicts_and_roles_that_are_not_ready_yet_pass_when_tried_again(aws: Aws) -> None:
    aws.faults.conflicts[f"{CONTROL}:CreateAgentRuntime"] = 1
    aws.faults.unassumable["execution"] = 2
    refused("ConflictException", aws.runtime)
    for _ in range(2):
        answer = refused("ValidationException", aws.runtime)
        assert answer["Error"]["Message"].startswith(f"Role validation failed for '{aws.role}'")
    assert aws.runtime()["status"] == "CREATING"


def test_a_gateway_goes_through_its_life(aws: Aws) -> None:
    made = aws.gateway("Shop-Gate", protocolConfiguration={"mcp": {"searchType": "SEMANTIC"}})
    gateway = made["gatewayId"]
    assert gateway.startswith("shop-gate-")
    assert made["gatewayUrl"] == aws.world.gateways[gateway].url
    assert made["gatewayUrl"].startswith("http://127.0.0.1:")
    assert settled(lambda: aws.control.get_gateway(gatewayIdentifier=gateway)["status"]) == ["CREATING", "READY"]
    refused("ConflictException", aws.gateway, "Shop-Gate")
    asked = {"gatewayIdentifier": gateway, "roleArn": aws.role, "authorizerType": "CUSTOM_JWT"}
    jwt = {"authorizerConfiguration": {"customJWTAuthorizer": JWT}}
    refused("ValidationException", aws.control.update_gateway, name="other", **asked, **jwt)
    changed = aws.control.update_gateway(name="Shop-Gate", **asked, **jwt)
    assert (changed["status"], changed["authorizerType"]) == ("UPDATING", "CUSTOM_JWT")
    assert "protocolConfiguration" not in changed
    refused("ConflictException", aws.control.delete_gateway, gatewayIdentifier=gateway)
    assert settled(lambda: aws.control.get_gateway(gatewayIdentifier=gateway)["status"])[-1] == "READY"
    assert [each["gatewayId"] for each in aws.control.list_gateways()["items"]] == [gateway]
    aws.control.delete_gateway(gatewayIdentifier=gateway)
    assert settled(lambda: aws.control.get_gateway(gatewayIdentifier=gateway)["status"]) == ["DELETING", "gone"]
    assert aws.world.identities == {}


def test_a_gateway_that_fails_says_why(aws: Aws) -> None:
    aws.faults.create_failed["gate"] = "No capacity."
    gateway = aws.gateway()["gatewayId"]
    assert settled(lambda: aws.control.get_gateway(gatewayIdentifier=gateway)["status"])[-1] == "FAILED"
    assert aws.control.get_gateway(gatewayIdentifier=gateway)["statusReasons"] == ["No capacity."]


def test_a_gateway_with_targets_is_not_deleted_not_even_with_one_that_is_being_deleted(aws: Aws) -> None:
    gateway = aws.ready_gateway()
    target = aws.target(gateway)["targetId"]
    assert aws.target_status(gateway, target)[-1] == "READY"
    answer = refused("ValidationException", aws.control.delete_gateway, gatewayIdentifier=gateway)
    assert "Delete all targets before deleting the gateway" in answer["Error"]["Message"]
    aws.control.delete_gateway_target(gatewayIdentifier=gateway, targetId=target)
    refused("ValidationException", aws.control.delete_gateway, gatewayIdentifier=gateway)
    assert aws.target_status(gateway, target) == ["gone"]
    assert aws.control.delete_gateway(gatewayIdentifier=gateway)["status"] == "DELETING"


def test_a_targets_tools_are_listed_at_creation_at_update_and_when_synchronized(aws: Aws, listing: Listing) -> None:
    gateway = aws.ready_gateway()
    target = aws.target(gateway)["targetId"]
    assert aws.target_status(gateway, target)[-1] == "READY"
    held = aws.world.gateways[gateway].targets[target]
    assert [tool["name"] for tool in held.tools] == ["quote"]
    listing.tools = [{"name": "order"}]
    assert [tool["name"] for tool in held.tools] == ["quote"]
    one = {"gatewayIdentifier": gateway, "targetIdList": [target]}
    (answer,) = aws.control.synchronize_gateway_targets(**one)["targets"]
    assert (answer["targetId"], answer["status"]) == (target, "SYNCHRONIZING")
    refused("ConflictException", aws.control.synchronize_gateway_targets, **one)
    assert aws.target_status(gateway, target)[-1] == "READY"
    assert [tool["name"] for tool in held.tools] == ["order"]
    after = aws.control.get_gateway_target(gatewayIdentifier=gateway, targetId=target)
    assert after["lastSynchronizedAt"] >= after["createdAt"]
    listing.tools = [{"name": "pay"}]
    configuration = {"mcp": {"mcpServer": {"endpoint": ENCODED}}}
    one = {"gatewayIdentifier": gateway, "targetId": target, "credentialProviderConfigurations": [IAM]}
    changed = aws.control.update_gateway_target(**one, targetConfiguration=configuration)
    assert (changed["status"], changed["name"]) == ("UPDATING", "shop")
    assert aws.target_status(gateway, target)[-1] == "READY"
    assert [tool["name"] for tool in held.tools] == ["pay"]


def test_a_target_is_not_ready_before_its_tools_are_listed(aws: Aws, listing: Listing) -> None:
    gateway = aws.ready_gateway()
    listing.held.clear()
    target = aws.target(gateway)["targetId"]
    one = {"gatewayIdentifier": gateway, "targetId": target}
    assert [aws.control.get_gateway_target(**one)["status"] for _ in range(5)] == ["CREATING"] * 5
    listing.held.set()
    assert aws.target_status(gateway, target)[-1] == "READY"


@pytest.mark.parametrize(("step", "status"), [("create", "FAILED"), ("synchronize", "SYNCHRONIZE_UNSUCCESSFUL")])
def test_a_target_whose_tools_cannot_be_listed_says_why(aws: Aws, listing: Listing, step: str, status: str) -> None:
    gateway = aws.ready_gateway()
    if step == "create":
        listing.problem = "401 from the runtime"
    target = aws.target(gateway)["targetId"]
    seen = aws.target_status(gateway, target)
    one = {"gatewayIdentifier": gateway, "targetIdList": [target]}
    if step == "synchronize":
        listing.problem = "401 from the runtime"
        aws.control.synchronize_gateway_targets(**one)
        seen = aws.target_status(gateway, target)
    assert seen[-1] == status
    (reason,) = aws.control.get_gateway_target(gatewayIdentifier=gateway, targetId=target)["statusReasons"]
    assert reason.endswith("Error - 401 from the runtime")
    if step == "synchronize":
        listing.problem = None
        aws.control.synchronize_gateway_targets(**one)
        assert aws.target_status(gateway, target)[-1] == "READY"
        assert "statusReasons" not in aws.control.get_gateway_target(gatewayIdentifier=gateway, targetId=target)


def test_targets_without_dynamic_tools_are_not_synchronized(aws: Aws) -> None:
    gateway = aws.ready_gateway()
    tools = [{"name": "quote", "description": "Q", "inputSchema": {"type": "object"}}]
    function = {"lambdaArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop", "toolSchema": {"inlinePayload": tools}}
    lambda_ = aws.control.create_gateway_target(
        gatewayIdentifier=gateway,
        name="lambda",
        targetConfiguration={"mcp": {"lambda": function}},
        credentialProviderConfigurations=[{"credentialProviderType": "GATEWAY_IAM_ROLE"}],
    )["targetId"]
    fixed = aws.target(gateway, "fixed", mcpToolSchema={"inlinePayload": json.dumps({"tools": tools})})["targetId"]
    for target in (lambda_, fixed):
        assert aws.target_status(gateway, target)[-1] == "READY"
        assert [tool["name"] for tool in aws.world.gateways[gateway].targets[target].tools] == ["quote"]
        one = {"gatewayIdentifier": gateway, "targetIdList": [target]}
        refused("ValidationException", aws.control.synchronize_gateway_targets, **one)


def test_a_targets_name_is_its_own_within_its_gateway(aws: Aws) -> None:
    gateway, other = aws.ready_gateway(), aws.ready_gateway("other")
    aws.target(gateway)
    refused("ConflictException", aws.target, gateway)
    assert aws.target(other)["name"] == "shop"
    absent = {"gatewayIdentifier": gateway, "targetId": "A" * 10}
    refused("ResourceNotFoundException", aws.control.get_gateway_target, **absent)
    refused("ResourceNotFoundException", aws.target, "absent-0123456789")


def test_a_providers_secret_is_kept_in_secrets_manager_and_answered_nowhere(aws: Aws) -> None:
    made = aws.provider()
    read = aws.control.get_oauth2_credential_provider(name="upstream")
    listed = aws.control.list_oauth2_credential_providers()
    assert "CANARY" not in json.dumps([made, read, listed, aws.world.providers["upstream"].request], default=str)
    assert "CANARY" not in repr(aws.world)
    assert (read["status"], read["clientSecretSource"]) == ("READY", "MANAGED")
    assert read["oauth2ProviderConfigOutput"]["customOauth2ProviderConfig"]["clientId"] == "client"
    assert read["credentialProviderArn"] == f"{ARN}:token-vault/default/oauth2credentialprovider/upstream"
    secrets = boto_client("secretsmanager", aws.emulator.environment)
    kept = secrets.get_secret_value(SecretId=made["clientSecretArn"]["secretArn"])
    assert kept["Name"].startswith("bedrock-agentcore-identity!default/oauth2/")
    assert json.loads(kept["SecretString"]) == {"client_secret": "s3cret-CANARY"}
    aws.control.delete_oauth2_credential_provider(name="upstream")
    assert secrets.list_secrets()["SecretList"] == []
    refused("ResourceNotFoundException", aws.control.get_oauth2_credential_provider, name="upstream")


def test_a_provider_is_changed_in_place_with_its_secret(aws: Aws) -> None:
    made = aws.provider()
    refused("ConflictException", aws.provider)
    settings = {"customOauth2ProviderConfig": {**CUSTOM, "clientSecret": "next"}}
    asked = {"name": "upstream", "credentialProviderVendor": "CustomOauth2", "oauth2ProviderConfigInput": settings}
    changed = aws.control.update_oauth2_credential_provider(**asked)
    assert changed["clientSecretArn"] == made["clientSecretArn"]
    assert aws.world.providers["upstream"].client_secret == "next"
    secrets = boto_client("secretsmanager", aws.emulator.environment)
    kept = secrets.get_secret_value(SecretId=made["clientSecretArn"]["secretArn"])["SecretString"]
    assert json.loads(kept) == {"client_secret": "next"}


def test_a_provider_may_leave_its_secret_where_it_is(aws: Aws) -> None:
    secrets = boto_client("secretsmanager", aws.emulator.environment)
    own = secrets.create_secret(Name="own", SecretString=json.dumps({"key": "outside"}))["ARN"]
    external = {"clientSecretSource": "EXTERNAL", "clientSecretConfig": {"secretId": own, "jsonKey": "key"}}
    settings = {name: value for name, value in CUSTOM.items() if name != "clientSecret"}

    def provider(**more: Any) -> Json:
        made: Json = aws.control.create_oauth2_credential_provider(
            name="outside",
            credentialProviderVendor="CustomOauth2",
            oauth2ProviderConfigInput={"customOauth2ProviderConfig": {**settings, **more}},
        )
        return made

    refused("ValidationException", provider)
    absent = {"secretId": own, "jsonKey": "absent"}
    refused("ValidationException", provider, clientSecretSource="EXTERNAL", clientSecretConfig=absent)
    made = provider(**external)
    assert (made["clientSecretArn"]["secretArn"], made["clientSecretJsonKey"]) == (own, "key")
    assert aws.world.providers["outside"].client_secret == "outside"
    aws.control.delete_oauth2_credential_provider(name="outside")
    assert [each["ARN"] for each in secrets.list_secrets()["SecretList"]] == [own]


def test_a_provider_that_a_target_uses_is_not_deleted(aws: Aws) -> None:
    gateway = aws.ready_gateway()
    settings = {"providerArn": aws.provider()["credentialProviderArn"], "scopes": ["a/b"]}
    oauth = {"credentialProviderType": "OAUTH", "credentialProvider": {"oauthCredentialProvider": settings}}
    target = aws.target(gateway, credential=oauth)["targetId"]
    assert aws.target_status(gateway, target)[-1] == "READY"
    answer = refused("ConflictException", aws.control.delete_oauth2_credential_provider, name="upstream")
    assert "shop" in answer["Error"]["Message"]
    aws.control.delete_gateway_target(gatewayIdentifier=gateway, targetId=target)
    aws.control.delete_oauth2_credential_provider(name="upstream")


def test_workload_identities_are_made_and_deleted_but_for_those_of_the_platform(aws: Aws) -> None:
    made = aws.control.create_workload_identity(name="agent")
    assert made["workloadIdentityArn"] == f"{ARN}:workload-identity-directory/default/workload-identity/agent"
    refused("ConflictException", aws.control.create_workload_identity, name="agent")
    urls = ["https://app.example/back"]
    aws.control.update_workload_identity(name="agent", allowedResourceOauth2ReturnUrls=urls)
    assert aws.control.get_workload_identity(name="agent")["allowedResourceOauth2ReturnUrls"] == urls
    runtime = aws.ready_runtime()
    listed = aws.control.list_workload_identities()["workloadIdentities"]
    assert [each["name"] for each in listed] == ["agent", runtime]
    refused("ValidationException", aws.control.delete_workload_identity, name=runtime)
    aws.control.delete_workload_identity(name="agent")
    refused("ResourceNotFoundException", aws.control.get_workload_identity, name="agent")


def test_everything_that_can_be_tagged_is_tagged_by_its_arn(aws: Aws) -> None:
    runtime = aws.ready_runtime(tags={"first": "1"})
    endpoint = aws.control.create_agent_runtime_endpoint(agentRuntimeId=runtime, name="prod", tags={"first": "1"})
    asked = {"name": "tagged", "tags": {"first": "1"}}
    settings = {"customOauth2ProviderConfig": CUSTOM}
    provider = {"credentialProviderVendor": "CustomOauth2", "oauth2ProviderConfigInput": settings}
    for arn in (
        f"{ARN}:runtime/{runtime}",
        endpoint["agentRuntimeEndpointArn"],
        aws.gateway(tags={"first": "1"})["gatewayArn"],
        aws.control.create_oauth2_credential_provider(**asked, **provider)["credentialProviderArn"],
        aws.control.create_workload_identity(**asked)["workloadIdentityArn"],
    ):
        aws.control.tag_resource(resourceArn=arn, tags={"first": "2", "second": "x"})
        aws.control.untag_resource(resourceArn=arn, tagKeys=["first", "absent"])
        assert aws.control.list_tags_for_resource(resourceArn=arn)["tags"] == {"second": "x"}
        refused("ValidationException", aws.control.tag_resource, resourceArn=arn, tags={"aws:x": "y"})
        many = {f"k{number}": "v" for number in range(50)}
        refused("ServiceQuotaExceededException", aws.control.tag_resource, resourceArn=arn, tags=many)
    absent = f"{ARN}:gateway/absent-0123456789"
    refused("ResourceNotFoundException", aws.control.list_tags_for_resource, resourceArn=absent)


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "InvalidSignatureException", "does not match"),
        ({"AWS_ACCESS_KEY_ID": "AKIDWRONG"}, "UnrecognizedClientException", "invalid"),
    ],
)
def test_a_wrong_signature_is_refused_with_the_boundary_that_it_happened_at(
    aws: Aws, changes: dict[str, str], kind: str, said: str
) -> None:
    stranger = boto_client(CONTROL, {**aws.emulator.environment, **changes})
    answer = refused(kind, stranger.list_agent_runtimes)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert answer["Error"]["Message"].startswith("deployer → control plane: ")
    assert said in answer["Error"]["Message"]
    assert aws.world.calls == []


@pytest.mark.parametrize("part", ["body", "path", "header", "absent"])
def test_a_request_that_was_changed_on_its_way_is_refused(aws: Aws, part: str) -> None:
    def change(request: Any, **_: object) -> None:
        if part == "body":
            request.body = request.body.replace(b"shop", b"shpo")
        if part == "path":
            request.url = f"{request.url}?x=1"
        if part == "header":
            request.headers["X-Amz-Date"] = "20260101T000000Z"
        if part == "absent":
            del request.headers["Authorization"]

    aws.control.meta.events.register("before-send.*", change)
    with pytest.raises(ClientError) as caught:
        aws.runtime()
    expected = "MissingAuthenticationTokenException" if part == "absent" else "InvalidSignatureException"
    assert code_of(caught.value) == expected
    assert aws.world.runtimes == {}


def test_the_artifact_must_be_there_at_every_update_too(aws: Aws) -> None:
    runtime = aws.ready_runtime()
    refused("ValidationException", aws.update, runtime, agentRuntimeArtifact=code("shop/absent.zip"))
    assert len(aws.world.runtimes[runtime].versions) == 1

"""A deployer that is killed after any of its calls, or stopped by Ctrl-C: the next run carries on from there."""

from __future__ import annotations

import signal

import pytest

from tests.agentcore.emulator import Emulator
from tests.deployment.artifact import SmallArtifact
from tests.deployment.mortal import Fate, KilledError
from tests.deployment.people import Person

UP = [
    "iam:CreateRole",
    "iam:PutRolePolicy",
    "s3:CreateBucket",
    "s3:PutObject",
    "secretsmanager:CreateSecret",
    "bedrock-agentcore-control:CreateAgentRuntime",
    "bedrock-agentcore-control:UpdateAgentRuntime",
    "bedrock-agentcore-control:CreateAgentRuntimeEndpoint",
]
DOWN = [
    "bedrock-agentcore-control:DeleteAgentRuntimeEndpoint",
    "bedrock-agentcore-control:DeleteAgentRuntime",
    "secretsmanager:DeleteSecret",
    "s3:DeleteObject",
    "s3:DeleteBucket",
    "iam:DeleteRolePolicy",
    "iam:DeleteRole",
]
SECRET = ("--cognito-client-secret", "CANARY")


@pytest.fixture
def fate(monkeypatch: pytest.MonkeyPatch) -> Fate:
    return Fate(monkeypatch)


@pytest.fixture
def everything(person: Person, fate: Fate) -> Person:
    """Somebody whose config asks for one of each resource."""
    person.config |= {"auth_mode": "jwt", "cognito_client_id": "client", "token_url": "https://id.example/token"}
    person.config |= {"endpoint": "prod", "tags": {"team": "a"}}
    return person


def test_these_are_all_the_calls_that_change_something(everything: Person, fate: Fate, deployer: Emulator) -> None:
    plan = everything.run("plan", *SECRET).document["changes"]
    assert fate.made == []
    everything.run("deploy", *SECRET)
    assert fate.made == UP
    assert set(fate.made) <= {call for change in plan for call in change["calls"]}
    everything.run("destroy", "--yes")
    assert fate.made == UP + DOWN


@pytest.mark.parametrize("after", range(1, len(UP) + 1))
def test_a_deploy_that_was_killed_is_carried_on(everything: Person, fate: Fate, deployer: Emulator, after: int) -> None:
    fate.after = after
    with pytest.raises(KilledError):
        everything.run("deploy", *SECRET)
    everything.run("deploy", *SECRET)
    assert sorted(fate.made) == sorted(UP)
    (runtime,) = deployer.world.runtimes.values()
    assert (runtime.status, set(runtime.endpoints), runtime.requires_mmdsv2) == ("READY", {"DEFAULT", "prod"}, True)
    assert everything.run("deploy", *SECRET).document["changed"] == []


@pytest.mark.parametrize("after", range(1, len(DOWN) + 1))
def test_a_destroy_that_was_killed_is_carried_on(
    everything: Person, fate: Fate, deployer: Emulator, after: int
) -> None:
    everything.run("deploy", *SECRET)
    fate.made.clear()
    fate.after = after
    with pytest.raises(KilledError):
        everything.run("destroy", "--yes")
    everything.run("destroy", "--yes")
    assert set(fate.made) == set(DOWN)
    assert deployer.left_over("shop") == []


@pytest.mark.parametrize("after", range(1, len(UP) + 1))
def test_what_is_left_of_a_killed_deploy_can_be_destroyed(
    everything: Person, fate: Fate, deployer: Emulator, after: int
) -> None:
    fate.after = after
    with pytest.raises(KilledError):
        everything.run("deploy", *SECRET)
    everything.run("destroy", "--yes")
    assert deployer.left_over("shop") == []


def test_ctrl_c_ends_with_one_sentence_of_what_is_known(everything: Person, fate: Fate, deployer: Emulator) -> None:
    fate.after, fate.end = 6, lambda: signal.raise_signal(signal.SIGINT)
    outcome = everything.run("deploy", *SECRET, code=130)
    assert outcome.document["error"] == (
        "interrupted at runtime shop, which may be half done; before it: iam role shop-execution, "
        "artifact shop/a7937b64.zip, secret mcp-policy-proxy/shop/outbound; run the same verb again to carry on"
    )
    everything.run("deploy", *SECRET)
    assert sorted(fate.made) == sorted(UP)


def test_ctrl_c_while_it_destroys_is_told_as_well(everything: Person, fate: Fate, deployer: Emulator) -> None:
    everything.run("deploy", *SECRET)
    fate.made.clear()
    fate.after, fate.end = 3, lambda: signal.raise_signal(signal.SIGINT)
    outcome = everything.run("destroy", "--yes", code=130)
    assert "run the same verb again to carry on" in outcome.document["error"]
    everything.run("destroy", "--yes")
    assert deployer.left_over("shop") == []


def test_ctrl_c_outside_of_any_step_says_that_aws_goes_on(everything: Person, fate: Fate, deployer: Emulator) -> None:
    everything.run("deploy", *SECRET)
    (runtime,) = deployer.world.runtimes.values()
    runtime.versions *= 2
    runtime.version_times *= 2
    fate.made.clear()
    fate.after, fate.end = 1, lambda: signal.raise_signal(signal.SIGINT)
    outcome = everything.run("promote", code=130)
    assert "what AWS was asked to do goes on there" in outcome.document["error"]
    assert everything.run("promote").document["version"] == runtime.endpoints["prod"].live_version


def test_ctrl_c_while_it_plans_says_that_nothing_was_changed(
    everything: Person, small: type[SmallArtifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small, "plan", lambda _: signal.raise_signal(signal.SIGINT))
    error = everything.run("deploy", *SECRET, code=130).document["error"]
    assert error == "interrupted while planning: nothing was changed"

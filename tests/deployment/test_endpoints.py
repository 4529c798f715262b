"""Named endpoints: made once, and moved by nobody but `promote` and `rollback`."""

from __future__ import annotations

import pytest

from tests.agentcore.emulator import Emulator
from tests.agentcore.world import Runtime
from tests.deployment.artifact import SmallArtifact
from tests.deployment.people import Person


@pytest.fixture
def staged(person: Person, deployer: Emulator) -> Person:
    """Three versions; the endpoint `prod` has the first of them."""
    deployer.world.faults.creates_with_mmdsv2 = True
    person.config["endpoint"] = "prod"
    person.run("deploy")
    found = runtime(deployer)
    found.versions *= 3
    found.version_times *= 3
    found.endpoints["DEFAULT"].live_version = found.endpoints["DEFAULT"].target_version = "3"
    return person


def runtime(emulator: Emulator) -> Runtime:
    (found,) = emulator.world.runtimes.values()
    return found


def live(emulator: Emulator, name: str = "prod") -> str:
    return runtime(emulator).endpoints[name].live_version


def test_an_endpoint_is_made_with_the_newest_version_and_stays_there(staged: Person, deployer: Emulator) -> None:
    assert (live(deployer), live(deployer, "DEFAULT")) == ("1", "3")
    changes = staged.run("plan").document["changes"]
    assert [each["details"] for each in changes if each["resource"] == "endpoint prod"] == [
        ["stays at version 1: `promote` moves it"]
    ]


def test_promote_moves_it_to_the_newest_or_to_a_given_version(staged: Person, deployer: Emulator) -> None:
    outcome = staged.run("promote").document
    assert outcome == {"endpoint": "prod", "version": "3", "before": "1", "moved": True}
    assert staged.run("promote").document["moved"] is False
    assert staged.run("promote", "--version", "2").document["version"] == "2"
    assert live(deployer) == "2"


def test_rollback_goes_back_one_version_at_a_time(staged: Person, deployer: Emulator) -> None:
    staged.run("promote")
    assert staged.run("rollback").document["version"] == "2"
    assert staged.run("rollback").document["version"] == "1"
    assert "there is none before it" in staged.run("rollback", code=1).document["error"]
    assert live(deployer) == "1"


def test_there_and_back_again_is_done_each_time(staged: Person, deployer: Emulator) -> None:
    for version in ("3", "2", "3", "2"):
        staged.run("promote", "--version", version)
        assert live(deployer) == version


def test_rollback_skips_a_version_that_was_deleted(staged: Person, deployer: Emulator) -> None:
    staged.run("promote")
    runtime(deployer).removed_versions.add("2")
    assert staged.run("rollback").document["version"] == "1"


def test_a_version_that_failed_is_not_promoted_and_rollback_still_works(
    staged: Person, deployer: Emulator, small: type[SmallArtifact]
) -> None:
    staged.run("promote")
    small.body = b"4"
    deployer.world.faults.update_failed["shop"] = "no"
    staged.run("deploy", code=1)
    assert "no version 4 that can be used" in staged.run("promote", code=1).document["error"]
    assert staged.run("rollback").document["version"] == "2"


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (("--endpoint", "DEFAULT"), 2, "DEFAULT follows the newest version"),
        (("--endpoint", "beta"), 1, "has no endpoint beta"),
        (("--version", "9"), 1, "no version 9"),
    ],
)
def test_what_cannot_be_promoted_is_said(
    person: Person, deployer: Emulator, flags: tuple[str, ...], code: int, said: str
) -> None:
    person.config["endpoint"] = "prod"
    person.run("deploy")
    document = person.run("promote", *flags, code=code).document
    assert said in "\n".join([document["error"], *document["findings"]])


def test_promote_wants_a_runtime_and_an_endpoint(person: Person, deployer: Emulator) -> None:
    assert "deploy it first" in person.run("promote", code=1).document["error"]
    person.run("deploy")
    assert "which endpoint" in person.run("promote", code=2).document["findings"][0]


def test_a_move_waits_while_another_is_under_way(staged: Person, deployer: Emulator) -> None:
    deployer.world.faults.conflicts["bedrock-agentcore-control:UpdateAgentRuntimeEndpoint"] = 2
    staged.run("promote")
    assert live(deployer) == "3"

"""The comparison itself: what counts as lost, and what a line of expected.yml does."""

from pathlib import Path

import pytest

from .comparison import Allowed, Loss, allowed, losses, stale, unexpected
from .suite import Key, Verdict, Verdicts, read, scenario_of

KEY = Key(scenario="ping", check="ping", name="Ping", occurrence=0)
LINE = Allowed(scenario="ping", check="ping", spec_version="2026-07-28", reason="why")


def said(status: str | None) -> Verdicts:
    return {} if status is None else {KEY: Verdict(status=status, message="")}


@pytest.mark.parametrize(
    ("direct", "proxied", "lost"),
    [
        ("SUCCESS", "SUCCESS", False),
        ("SUCCESS", "FAILURE", True),
        ("SUCCESS", "WARNING", True),
        ("SUCCESS", "SKIPPED", True),
        ("SUCCESS", None, True),
        ("FAILURE", "FAILURE", False),
        ("FAILURE", "SUCCESS", False),
        ("FAILURE", None, False),
        ("WARNING", "FAILURE", True),
        (None, "FAILURE", True),
        (None, "SUCCESS", False),
    ],
)
def test_a_check_is_lost_when_it_comes_out_worse_proxied(direct: str | None, proxied: str | None, lost: bool) -> None:
    assert bool(losses(said(direct), said(proxied))) is lost


def test_a_loss_is_allowed_only_by_its_own_line() -> None:
    loss = Loss(key=KEY, direct=Verdict(status="SUCCESS", message=""), proxied=None)
    other = Allowed(scenario="ping", check="pong", spec_version="2026-07-28", reason="why")

    assert unexpected([loss], [LINE]) == []
    assert unexpected([loss], [other]) == [loss]


def test_a_line_without_a_loss_is_stale() -> None:
    assert stale([], [LINE]) == [LINE]


def test_a_line_counts_for_its_own_version(tmp_path: Path) -> None:
    path = tmp_path / "expected.yml"
    path.write_text("server: [{scenario: ping, check: ping, spec_version: 2026-07-28, reason: why}]")

    assert allowed("server", "2026-07-28", path) == [LINE]
    assert allowed("server", "2025-11-25", path) == []


def test_a_line_for_an_unknown_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "expected.yml"
    path.write_text("server: [{scenario: ping, check: ping, spec_version: 2026-07-29, reason: why}]")

    with pytest.raises(ValueError, match="2026-07-29"):
        allowed("server", "2026-07-28", path)


def test_a_line_without_a_reason_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "expected.yml"
    path.write_text("server: [{scenario: ping, check: ping, spec_version: 2026-07-28}]")

    with pytest.raises(TypeError, match="reason"):
        allowed("server", "2026-07-28", path)


def test_a_check_id_that_repeats_is_counted(tmp_path: Path) -> None:
    folder = tmp_path / "server-ping-2026-07-28T10-00-00-000Z"
    folder.mkdir()
    (folder / "checks.json").write_text(
        '[{"id": "ping", "name": "Ping", "status": "SUCCESS"},'
        ' {"id": "ping", "name": "Ping", "status": "FAILURE", "errorMessage": "no"}]'
    )

    verdicts = read([folder / "checks.json"], tmp_path)

    assert [(key.scenario, key.occurrence, v.status, v.message) for key, v in verdicts.items()] == [
        ("ping", 0, "SUCCESS", ""),
        ("ping", 1, "FAILURE", "no"),
    ]


@pytest.mark.parametrize(
    ("folder", "scenario"),
    [
        ("server-server-initialize-2026-11-20T12-43-32-182Z", "server-initialize"),
        ("elicitation-sep1034-client-defaults-2026-11-20T12-43-32-182Z", "elicitation-sep1034-client-defaults"),
        ("auth/metadata-var1-2026-11-20T12-43-32-182Z", "auth/metadata-var1"),
    ],
)
def test_a_result_folder_names_its_scenario(folder: str, scenario: str) -> None:
    assert scenario_of(folder) == scenario

"""Building: the same bytes from the same inputs, nothing done twice, and clear ends."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployment import bundle, bundle_lock, bundle_parts, bundle_zip
from deployment.bundle_contents import Inputs, cache, gathered
from deployment.bundle_strip import Needs
from deployment.bundle_target import interpreter, target
from deployment.bundle_wheels import complaints, wheels
from deployment.errors import ConfigError, DeployError
from tests.deployment.built import KEPT, PYTHON, ROOT, alone, built, project, reachable, users, wheel

pytestmark = pytest.mark.interop

FEW = ("idna", "click", "pyyaml", "jmespath")
LEAST = Needs(presidio=False, botocore_data=False, phone_data=False)


@pytest.fixture(autouse=True)
def emptied(tmp_path: Path) -> Iterator[None]:
    """Archives are large: none stays."""
    yield
    for kind in ("bundles", "trees"):
        shutil.rmtree(tmp_path / ".build" / kind, ignore_errors=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_compiled_is_the_same_wherever_and_in_whatever_order(tmp_path: Path) -> None:
    locked, place = bundle_lock.read(ROOT / "requirements.lock"), target("aarch64", PYTHON)
    with alone(), reachable():
        found = wheels([locked[name] for name in FEW], place, KEPT / "wheels", tell=print)
    made = []
    for name, order in (("one", found), ("another/deeper", found[::-1])):
        parts = bundle_parts.of_wheels(
            [(each, True) for each in order], LEAST, place.interpreter, tmp_path / name, lambda _: None
        )
        made.append({part.name: contents(part.folder) for part in parts})
    assert made[0] == made[1]
    assert sum(path.endswith(".pyc") for files in made[0].values() for path in files) > 50


def test_archives_of_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("b.py", "a.gz", "c.so")}
    for number, file in enumerate(files.values()):
        file.write_bytes(b"x" * 1000)
        os.utime(file, (number, number))
        file.chmod(0o600)
    bundle_zip.write(tmp_path / "1.zip", files)
    for file in files.values():
        os.utime(file)
    bundle_zip.write(tmp_path / "2.zip", dict(reversed(files.items())))
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    bundle_zip.write(tmp_path / "3.zip", {"main.py": b"y"}, tmp_path / "1.zip")
    with zipfile.ZipFile(tmp_path / "3.zip") as archive:
        assert archive.namelist() == ["a.gz", "b.py", "c.so", "main.py"]
        assert archive.testzip() is None
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert [entry.external_attr >> 16 & 0o777 for entry in archive.infolist()] == [0o644, 0o644, 0o755, 0o644]
    assert not list(tmp_path.glob("making-*"))


def test_a_second_build_needs_no_network_and_hardly_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = users(tmp_path)
    first = built(tmp_path, "aarch64", **theirs)
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    told: list[str] = []
    with alone():
        began = time.monotonic()
        second = bundle.build(folder=tmp_path, platform="aarch64", python=PYTHON, tell=told.append, **theirs)
        took = time.monotonic() - began
    assert second == first
    assert told == []
    assert took < 5


def test_a_changed_policy_changes_the_archive_and_compiles_nothing_else(tmp_path: Path) -> None:
    theirs = users(tmp_path)
    first = built(tmp_path, "aarch64", **theirs)
    (tmp_path / "shouting.py").write_text((tmp_path / "shouting.py").read_text() + f"\nMADE = {str(tmp_path)!r}\n")
    told: list[str] = []
    with alone():
        second = bundle.build(folder=tmp_path, platform="aarch64", python=PYTHON, tell=told.append, **theirs)
    assert second.sha256 != first.sha256
    assert [line.partition(" ")[0] for line in told] == ["putting"]


def test_a_wheel_that_was_built_again_under_its_name_is_taken_anew(tmp_path: Path) -> None:
    theirs = users(tmp_path)
    built(tmp_path, "aarch64", **theirs)
    wheel(tmp_path / "wheels", "loud", "1.2", {"loud/__init__.py": f"MADE = {str(tmp_path)!r}\n"})
    with zipfile.ZipFile(built(tmp_path, "aarch64", **theirs).path) as archive:
        assert str(tmp_path) in archive.read("lib/loud/__init__.py").decode()


def test_the_archive_holds_the_tree_that_is_checked(tmp_path: Path) -> None:
    theirs = users(tmp_path)
    archive, archive_for_aws = (built(tmp_path, platform, **theirs) for platform in ("host", "aarch64"))
    with alone():
        tree = bundle.tree(Inputs(folder=tmp_path, python=PYTHON, **theirs), "host")
        assert bundle.twin(archive_for_aws.path, tmp_path) == tree
    with zipfile.ZipFile(archive.path) as opened:
        inside = {name: hashlib.sha256(opened.read(name)).digest() for name in opened.namelist()}
    assert {name: hashlib.sha256(text).digest() for name, text in contents(tree).items()} == inside
    assert tree.stat().st_mode & 0o777 == 0o755


def test_a_source_that_this_python_cannot_compile_is_named(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text("def broken(:\n")
    with pytest.raises(ConfigError, match=rf"include: Python {PYTHON}\.\d+ cannot compile it: rules\.py.*SyntaxError"):
        bundle_parts.of_sources("include", {"rules.py": tmp_path / "rules.py"}, interpreter(PYTHON), tmp_path / "parts")
    assert not list((tmp_path / "parts").iterdir())


def test_a_dependency_called_as_one_of_our_packages_is_refused(tmp_path: Path) -> None:
    theirs = users(project(tmp_path))
    wheel(tmp_path / "wheels", "shadow", "1.0", {"proxy/__init__.py": "", "shadow.py": ""})
    theirs["requirements"].write_text("--no-index\n--find-links wheels\nloud\nshadow\n")
    with alone(), reachable(), pytest.raises(ConfigError, match=r"shadow 1\.0 brings a package called proxy"):
        bundle.build(folder=tmp_path, platform="aarch64", python=PYTHON, **theirs)


@pytest.mark.parametrize(("limit", "said"), [("ZIPPED", "zipped"), ("UNPACKED", "unpacked")])
def test_what_agentcore_would_not_take_is_refused_with_what_is_heavy(
    limit: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = users(tmp_path)
    built(tmp_path, "aarch64", **theirs)
    monkeypatch.setattr(bundle_zip, limit, 10**6)
    with (
        alone(),
        pytest.raises(ConfigError, match=rf"MB {said}, and AgentCore takes 1\.0 MB; the heaviest: \w+ [\d.]+ MB"),
    ):
        bundle.build(folder=tmp_path, platform="aarch64", python=PYTHON, **theirs)


def test_a_wheel_with_another_content_than_the_lock_says_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin, place = bundle_lock.read(ROOT / "requirements.lock")["idna"], target("aarch64", PYTHON)
    wheel(tmp_path, "idna", pin.version, {"idna.py": "evil = True\n"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(DeployError, match="pip cannot download the wheels for aarch64"):
        wheels([pin], place, tmp_path, tell=print)


def test_pips_own_words_come_without_addresses() -> None:
    said = (
        "Looking in indexes: https://name:hush@pip.example/simple\n"
        "ERROR: Could not fetch https://name:hush@pip.example/simple/idna/\n"
        "ERROR: No matching distribution found for idna==3\n"
    )
    done = subprocess.CompletedProcess(args=[], returncode=1, stdout="", stderr=said)
    assert complaints(done) == "Could not fetch (address); No matching distribution found for idna==3"


def test_what_no_build_has_used_for_long_is_swept_and_wheels_stay(tmp_path: Path) -> None:
    kept = tmp_path / ".build"
    for number, name in enumerate(["parts/old", "wheels/w.whl", *(f"bundles/{each}.zip" for each in "abcdef")]):
        (kept / name).parent.mkdir(parents=True, exist_ok=True)
        (kept / name).write_text("")
        os.utime(kept / name, (number, number))
    (kept / "parts" / "new").write_text("")
    bundle._swept(kept)
    assert sorted(path.name for path in kept.rglob("*") if path.is_file()) == [
        *(f"{each}.zip" for each in "cdef"),
        "new",
        "w.whl",
    ]


def test_git_looks_past_what_a_build_keeps(tmp_path: Path) -> None:
    assert (cache(tmp_path) / ".gitignore").read_text() == "*\n"


def test_the_builder_reads_the_same_inputs_the_same_way_twice(tmp_path: Path) -> None:
    inputs = Inputs(folder=tmp_path, python=PYTHON, **users(project(tmp_path)))
    with alone(), reachable():
        one, other = gathered(inputs, "aarch64"), gathered(inputs, "host")
    assert one.inputs == other.inputs
    assert one.key != other.key

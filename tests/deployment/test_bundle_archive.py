"""The artifact for AgentCore, file by file."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import stat
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path, PurePosixPath

import pytest

from deployment.bundle import Bundle
from deployment.bundle_lock import canonical
from deployment.bundle_target import Target, requirements, tags, target, utils
from tests.deployment.built import KEPT, PYTHON, built, with_presidio

pytestmark = pytest.mark.interop

AARCH64 = 183
"""e_machine of ELF for aarch64."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Emptied afterwards: archives are large."""
    made = tmp_path_factory.mktemp("project")
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def whole(folder: Path) -> Bundle:
    """With a chain that asks for Presidio, so with everything."""
    return built(folder, "aarch64", **with_presidio(folder))


@pytest.fixture(scope="module")
def small(folder: Path) -> Bundle:
    """With the default chain."""
    return built(folder, "aarch64")


@pytest.fixture(scope="module", params=["whole", "small"])
def made(request: pytest.FixtureRequest) -> Bundle:
    found: Bundle = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def archive(made: Bundle) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(made.path) as opened:
        yield opened


@pytest.fixture(scope="module")
def place() -> Target:
    return target("aarch64", PYTHON)


def distributions(archive: zipfile.ZipFile) -> dict[str, str]:
    """Canonical name → dist-info folder."""
    found = {PurePosixPath(name).parts[1] for name in archive.namelist() if ".dist-info/" in name}
    return {canonical(folder.partition("-")[0]): folder for folder in found}


def test_the_entry_stands_at_the_root_and_nothing_else_of_ours_but_the_licence(archive: zipfile.ZipFile) -> None:
    root = {name for name in archive.namelist() if "/" not in name}
    assert root - {"policies.toml", "recognizers.yaml"} == {"main.py", "LICENSE", "bundle.json"}


def test_every_shared_object_is_for_aarch64(archive: zipfile.ZipFile) -> None:
    heads = {name: archive.read(name)[:20] for name in archive.namelist() if ".so" in PurePosixPath(name).name}
    assert len(heads) > 20
    assert {head[:5] for head in heads.values()} == {b"\x7fELF\x02"}
    assert {int.from_bytes(head[18:20], "little") for head in heads.values()} == {AARCH64}
    assert not [name for name in archive.namelist() if name.endswith((".exe", ".dll", ".dylib", ".pyd"))]


def test_every_distribution_was_made_for_aarch64_or_for_every_platform(archive: zipfile.ZipFile, place: Target) -> None:
    assert len(distributions(archive)) > 80
    for folder in distributions(archive).values():
        told = Parser().parsestr(archive.read(f"lib/{folder}/WHEEL").decode())
        fits = {tag for line in told.get_all("Tag", []) for tag in tags.parse_tag(line)}
        assert fits & set(place.ranks), folder
        assert not [tag for tag in fits if "x86_64" in tag.platform], folder


def test_every_file_may_be_read_and_no_other_mode_or_time_is_in_it(archive: zipfile.ZipFile) -> None:
    for entry in archive.infolist():
        mode = entry.external_attr >> 16
        wanted = 0o755 if ".so" in PurePosixPath(entry.filename).name else 0o644
        assert stat.S_ISREG(mode), entry.filename
        assert stat.S_IMODE(mode) == wanted, entry.filename
        assert entry.date_time == (1980, 1, 1, 0, 0, 0), entry.filename
        assert entry.create_system == 3, entry.filename
        assert not entry.filename.startswith("/"), entry.filename
        assert ".." not in entry.filename.split("/"), entry.filename
    assert len(set(archive.namelist())) == len(archive.namelist())


def test_every_source_is_compiled_for_the_named_python_and_believed_unchecked(archive: zipfile.ZipFile) -> None:
    names, tag = set(archive.namelist()), f"cpython-{PYTHON.replace('.', '')}"
    compiled = {name for name in names if name.endswith(".pyc")}
    for name in compiled:
        head = archive.open(name).read(16)
        assert head[:4] == importlib.util.MAGIC_NUMBER, name
        assert int.from_bytes(head[4:8], "little") == 0b01, name  # PEP 552: by hash, not checked
        source = name.replace("__pycache__/", "").replace(f".{tag}.pyc", ".py")
        assert head[8:16] == importlib.util.source_hash(archive.read(source)), name
    sources = {name for name in names if name.startswith("lib/") and name.endswith(".py")}
    lacking = {
        name
        for name in sources
        if str(PurePosixPath(name).parent / "__pycache__" / f"{_stem(name)}.{tag}.pyc") not in names
    }
    assert not {name for name in lacking if name.startswith(("lib/proxy/", "lib/policies/"))}
    assert len(lacking) <= 5, sorted(lacking)  # templates with a name of a source


def _stem(name: str) -> str:
    return PurePosixPath(name).name.removesuffix(".py")


def test_no_test_cache_installer_or_source_of_a_compiler_is_in_it(archive: zipfile.ZipFile) -> None:
    for name in archive.namelist():
        parts = name.split("/")
        assert not {"tests", "test", "benchmarks", ".git", "node_modules"} & set(parts[:-1]), name
        assert not parts[-1].endswith((".pyi", ".pyx", ".cpp", ".exe", ".pth", ".whl", ".env", ".key")), name
        assert parts[-1] not in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"), name
        assert parts[:2] not in (["lib", "bin"], ["lib", "deployment"], ["lib", "tests"]), name


def test_neither_the_deployer_nor_development_packages_are_in_it(archive: zipfile.ZipFile) -> None:
    never = {
        "boto3",
        "s3transfer",
        "pip",
        "setuptools",
        "wheel",
        "pytest",
        "mypy",
        "ruff",
        "moto",
        "aiohttp",
        "hypothesis",
    }
    assert not never & set(distributions(archive))
    tops = {name.split("/")[1] for name in archive.namelist() if name.startswith("lib/")}
    assert not never & {canonical(top) for top in tops}
    assert "botocore" in tops


def test_presidio_and_what_only_it_needs_ships_where_the_chain_asks_for_it_and_not_by_default(
    whole: Bundle, small: Bundle
) -> None:
    only = {"presidio-analyzer", "spacy", "thinc", "numpy", "phonenumbers", "blis"}
    with zipfile.ZipFile(whole.path) as archive:
        assert only <= set(distributions(archive))
    with zipfile.ZipFile(small.path) as archive:
        assert not only & set(distributions(archive))


def test_every_requirement_of_every_distribution_is_met_inside(archive: zipfile.ZipFile, place: Target) -> None:
    found = distributions(archive)
    versions = {name: folder.removesuffix(".dist-info").rpartition("-")[2] for name, folder in found.items()}
    missing = []
    for name, folder in found.items():
        told = Parser().parsestr(archive.read(f"lib/{folder}/METADATA").decode())
        for line in told.get_all("Requires-Dist", []):
            need = requirements.Requirement(line)
            wanted = canonical(need.name)
            if wanted == "setuptools" or not place.holds(need.marker):
                continue
            if wanted not in versions or not need.specifier.contains(versions[wanted], prereleases=True):
                missing.append(f"{name} needs {line}")
    assert missing == []


def test_every_licence_of_every_distribution_stays(archive: zipfile.ZipFile, place: Target) -> None:
    shipped, licence = set(archive.namelist()), re.compile(r"(?i)(licen[cs]e|copying|notice)")
    for folder in distributions(archive).values():
        name, version = folder.removesuffix(".dist-info").split("-")
        wheels = [
            path
            for path in (KEPT / "wheels").glob(f"{name.replace('_', '?')}-{version}-*.whl")
            if utils.parse_wheel_filename(path.name)[3] & set(place.ranks)
        ]
        assert wheels, folder
        with zipfile.ZipFile(wheels[0]) as wheel:
            theirs = [n for n in wheel.namelist() if ".dist-info/" in n and licence.match(n.rpartition("/")[2])]
        assert {f"lib/{each}" for each in theirs} <= shipped, folder


def test_it_stays_within_the_sizes_that_were_promised(whole: Bundle, small: Bundle) -> None:
    assert whole.size < 125e6
    assert whole.unpacked < 400e6
    assert small.size < 60e6
    with zipfile.ZipFile(small.path) as archive:
        assert small.unpacked == sum(entry.file_size for entry in archive.infolist())


def test_only_the_services_that_are_called_have_their_models_inside(archive: zipfile.ZipFile) -> None:
    data = [name.split("/") for name in archive.namelist() if name.startswith("lib/botocore/data/")]
    services = {parts[3] for parts in data if len(parts) > 4}
    assert {"bedrock-agentcore", "secretsmanager", "sts", "kms", "cognito-idp"} <= services
    assert not {"s3", "ec2", "iam"} & services
    assert {parts[3] for parts in data if len(parts) == 4} >= {"endpoints.json", "partitions.json", "_retry.json"}


def test_the_key_is_the_hash_of_the_bytes(made: Bundle) -> None:
    assert hashlib.sha256(Path(made.path).read_bytes()).hexdigest() == made.sha256

"""Secrets by reference: files, variables, Secrets Manager; and what an error may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy import references
from proxy.references import References
from tests.auth.secrets_manager import Aws

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/client-AbC123"


@pytest.mark.parametrize(
    ("content", "secret"),
    [(b"s3cret", "s3cret"), (b"s3cret\n", "s3cret"), (b"s3cret\r\n", "s3cret"), (b"a\n\n", "a\n"), (b" a ", " a ")],
)
async def test_a_file_gives_its_text_without_one_line_end(tmp_path: Path, content: bytes, secret: str) -> None:
    (tmp_path / "secret").write_bytes(content)
    assert await References().get(f"file:{tmp_path}/secret") == secret


async def test_a_variable_gives_its_value() -> None:
    assert await References({"TOKEN": "s3cret\n"}).get("env:TOKEN") == "s3cret"


async def test_a_rotated_secret_is_found(tmp_path: Path) -> None:
    file, found = tmp_path / "secret", References()
    for value in ("old", "new"):
        file.write_text(value)
        assert await found.get(f"file:{file}") == value


@pytest.mark.parametrize(
    "value", ["CANARY", "env:", "env:CAN ARY", "file:", "arn:aws:s3:::CANARY", "Env:CANARY", ARN + "#", "", "env:A\nB"]
)
async def test_a_value_that_is_no_reference_is_not_repeated(value: str) -> None:
    with pytest.raises(LookupError, match=r"file:PATH, env:NAME, or arn:aws:secretsmanager") as raised:
        await References({}).get(value)
    assert "CANARY" not in str(raised.value)


async def test_what_a_reference_does_not_give_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff")
    (tmp_path / "large").write_bytes(b"x" * (2**20 + 1))
    found = References({"EMPTY": ""})
    for reference, problem in {
        "env:MISSING": "env:MISSING: the environment has no variable",
        "env:EMPTY": "env:EMPTY: is empty",
        f"file:{tmp_path}/none": "No such file",
        f"file:{tmp_path}": "Is a directory",
        f"file:{tmp_path}/empty": "is empty",
        f"file:{tmp_path}/binary": "is not UTF-8",
        f"file:{tmp_path}/large": "is larger than",
    }.items():
        with pytest.raises(LookupError, match=problem) as raised:
            await found.get(reference)
        assert str(raised.value).startswith(reference)


async def test_secrets_manager_gives_text_bytes_and_a_key_of_json(aws: Aws) -> None:
    aws.secrets = {ARN: '{"id": "x", "secret": "s3cret", "n": 1}', ARN + "b": b"bytes\n"}
    assert await References().get(ARN) == aws.secrets[ARN]
    assert await References().get(f"{ARN}#secret") == "s3cret"
    assert await References().get(ARN + "b") == "bytes"


@pytest.mark.parametrize(
    ("error", "reference", "problem"),
    [
        ("AccessDeniedException", ARN, "answered AccessDeniedException; does the role have secretsmanager:GetSecretV"),
        ("CANARY: not a code", ARN, "answered an error"),
        (None, ARN + "x", "answered ResourceNotFoundException"),
        (None, ARN + "#secret", "the secret has no string under 'secret'"),
        (None, ARN + "#number", "the secret has no string under 'number'"),
        (None, ARN + "t#key", "the secret is not JSON"),
        (None, ARN + "b", "is not UTF-8"),
    ],
)
async def test_what_secrets_manager_does_not_give_is_named(
    aws: Aws, error: str | None, reference: str, problem: str
) -> None:
    aws.error = error
    aws.secrets = {ARN: '{"other": "CANARY", "number": 7}', ARN + "t": "CANARY", ARN + "b": b"\xffCANARY"}
    with pytest.raises(LookupError, match=problem) as raised:
        await References().get(reference)
    assert str(raised.value).startswith(reference)
    assert "CANARY" not in str(raised.value)


async def test_secrets_manager_without_credentials_or_in_time_is_named(
    aws: Aws, bare: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.secrets, aws.slow_s = {ARN: "s3cret"}, 0.3
    with monkeypatch.context() as patch:
        patch.setattr(references, "_READ_S", 0.05)
        with pytest.raises(LookupError, match=r"did not answer within 0\.05 s"):
            await References().get(ARN)
    bare.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    with pytest.raises(LookupError, match=r"could not be asked \(NoCredentialsError\)"):
        await References().get(ARN)

"""Secrets by reference: `file:PATH`, `env:NAME`, or a Secrets Manager ARN (`…#KEY` for a key of the secret's JSON).

A secret is read each time it is asked for, so that a rotated one is found: whoever needs it often keeps it.
No message here holds a value, nor text that might be one.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from policies.policy import SecretError

FORMS: Final = "file:PATH, env:NAME, or arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME (then #KEY for a key of JSON)"

_ENV: Final = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
_FILE: Final = re.compile(r"file:([^\0\n]+)")
_ARN: Final = re.compile(r"(arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):\d{12}:secret:[\w/+=.@!-]+)(?:#(.+))?", re.ASCII)

CODES: Final = frozenset(
    {
        "AccessDeniedException",
        "DecryptionFailure",
        "ExpiredTokenException",
        "InternalServiceError",
        "InvalidParameterException",
        "InvalidRequestException",
        "InvalidSignatureException",
        "ResourceNotFoundException",
        "ThrottlingException",
        "UnrecognizedClientException",
    }
)
"""The only words of Secrets Manager that an error repeats."""

_MOST: Final = 1024 * 1024
"""Bytes read from a file at most."""

_READ_S: Final = 10.0


def unusable(reference: str) -> str | None:
    """Why `reference` is none, without repeating it; None where its form is right."""
    if any(form.fullmatch(reference) for form in (_ENV, _FILE, _ARN)):
        return None
    return f"is not a reference to a secret (it may be the secret itself); give {FORMS}"


class References:
    """Reads secrets. Implements `policies.policy.Secrets`."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    async def get(self, reference: str) -> str:
        """The secret's text, without one trailing line end.

        Raises SecretError that names the reference and says what to do.
        """
        if problem := unusable(reference):
            raise SecretError(f"the value given {problem}")
        text = await self._read(reference)
        text = text.removesuffix("\n").removesuffix("\r")
        if not text:
            raise SecretError(f"{reference}: is empty")
        return text

    async def _read(self, reference: str) -> str:
        if env := _ENV.fullmatch(reference):
            return self._variable(env[1])
        if file := _FILE.fullmatch(reference):
            return await asyncio.to_thread(_file, file[1])
        arn = _ARN.fullmatch(reference)
        assert arn is not None
        return _chosen(await _secret(arn[1], arn[2]), arn[3], reference)

    def _variable(self, name: str) -> str:
        if name not in self._environ:
            raise SecretError(f"env:{name}: the environment has no variable of this name")
        return self._environ[name]


def _file(path: str) -> str:
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(_MOST + 1)
    except OSError as error:
        raise SecretError(f"file:{path}: {error.strerror or type(error).__name__}") from None
    if len(data) > _MOST:
        raise SecretError(f"file:{path}: is larger than {_MOST} bytes")
    return _text(data, f"file:{path}")


def _text(data: bytes, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise SecretError(f"{where}: is not UTF-8 text") from None


async def _secret(arn: str, region: str) -> str:
    try:
        async with asyncio.timeout(_READ_S):
            return await asyncio.to_thread(_ask, arn, region)
    except TimeoutError:
        raise SecretError(f"{arn}: Secrets Manager did not answer within {_READ_S:g} s") from None


def _ask(arn: str, region: str) -> str:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    from proxy.aws import session

    config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
    try:
        with closing(session().create_client("secretsmanager", region_name=region, config=config)) as client:
            answer = client.get_secret_value(SecretId=arn)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        name = code if code in CODES else "an error"
        raise SecretError(
            f"{arn}: Secrets Manager answered {name}; does the role have secretsmanager:GetSecretValue on it?"
        ) from None
    except BotoCoreError as error:
        raise SecretError(f"{arn}: Secrets Manager could not be asked ({type(error).__name__})") from None
    text = answer.get("SecretString")
    return text if isinstance(text, str) else _text(answer.get("SecretBinary", b""), arn)


def _chosen(text: str, key: str | None, reference: str) -> str:
    """`text`, or the string that its JSON object holds under `key`."""
    if key is None:
        return text
    try:
        found = json.loads(text)
    except ValueError:
        raise SecretError(f"{reference}: the secret is not JSON, so #{key} selects nothing") from None
    value = found.get(key) if isinstance(found, dict) else None
    if not isinstance(value, str):
        raise SecretError(f"{reference}: the secret has no string under {key!r}")
    return value

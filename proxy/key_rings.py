"""Key rings by reference, for policies that seal, sign or hash.

    file:PATH, env:NAME, a Secrets Manager ARN (then #KEY)   a ring: text, or JSON
    kms:KEY_ARN#REFERENCE                                    the same, each key encrypted under that KMS key
    ephemeral:                                               a random key of this process, for the demo alone

A ring's text has one key a line, the newest first: `NAME BASE64`, or the base64 alone; `#` begins a comment. Its JSON
is an array of such lines, or an object that has it under `keys`. A key has 32 or 64 bytes. The name is for people;
tokens carry an id that is derived from the key. Under KMS the base64 is a data key's ciphertext, the CiphertextBlob of
`aws kms generate-data-key-without-plaintext --number-of-bytes 64`.

A ring is read each time it is asked for; a ciphertext that was there the last time is not decrypted again.
No message here holds a key, a name from the ring, or text that might be one.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import os
import re
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final

from policies.policy import SecretError, Secrets
from proxy.references import unusable

EPHEMERAL: Final = "ephemeral:"
FORMS: Final = f"kms:KEY_ARN#REFERENCE, {EPHEMERAL} (for the demo), or a reference to a secret"
SIZES: Final = (32, 64)
"""Bytes that a key may have."""

_KMS: Final = re.compile(
    r"kms:(arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:(?:key|alias)/[\w/-]{1,256})#([^#\0\n]+(?:#[^\0\n]+)?)", re.ASCII
)
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_URLSAFE: Final = str.maketrans("-_", "+/")
_MOST: Final = 32
"""Keys of a ring. Those that only old tokens need go when these have expired."""
_WAIT_S: Final = 10.0

CODES: Final = frozenset(
    {
        "AccessDeniedException",
        "DependencyTimeoutException",
        "DisabledException",
        "ExpiredTokenException",
        "IncorrectKeyException",
        "InvalidCiphertextException",
        "InvalidKeyUsageException",
        "InvalidSignatureException",
        "KMSInternalException",
        "KMSInvalidStateException",
        "KeyUnavailableException",
        "NotFoundException",
        "ThrottlingException",
        "UnrecognizedClientException",
    }
)
"""The only words of KMS that an error repeats."""

_log = logging.getLogger(__name__)


class KeyRings:
    """Implements `policies.policy.Keys` over `secrets`. With `local`, strangers cannot reach this process."""

    def __init__(self, secrets: Secrets, *, local: bool = False) -> None:
        self._secrets = secrets
        self._local = local
        self._ephemeral: tuple[bytes, ...] = ()
        self._decrypted: dict[str, dict[bytes, bytes]] = {}

    async def ring(self, reference: str) -> Sequence[bytes]:
        """The keys, newest first. Raises SecretError that names the reference and says what to do."""
        if reference == EPHEMERAL:
            return self._random()
        if problem := unusable_ring(reference):
            raise SecretError(f"the key ring given {problem}")
        kms = _KMS.fullmatch(reference)
        found = parsed(await self._secrets.get(kms[3] if kms else reference), reference)
        keys = await self._plain(reference, kms[1], kms[2], found) if kms else found
        for number, key in enumerate(keys, 1):
            if len(key) not in SIZES:
                raise SecretError(f"{reference}: key {number} has {len(key)} bytes; a key has 32 or 64")
        return keys

    def _random(self) -> tuple[bytes, ...]:
        if not self._local:
            raise SecretError(f"{EPHEMERAL} is for a proxy on loopback; no other replica could open anything")
        if not self._ephemeral:
            self._ephemeral = (os.urandom(64),)
            _log.warning("%s a random key: what it seals opens in this process alone, and never after it", EPHEMERAL)
        return self._ephemeral

    async def _plain(self, reference: str, key_arn: str, region: str, blobs: Sequence[bytes]) -> Sequence[bytes]:
        known = self._decrypted.get(reference, {})
        new = [blob for blob in blobs if blob not in known]
        fresh = await _decrypted(reference, key_arn, region, new) if new else {}
        self._decrypted[reference] = {blob: (known | fresh)[blob] for blob in blobs}
        return tuple(self._decrypted[reference][blob] for blob in blobs)


def unusable_ring(reference: str) -> str | None:
    """Why `reference` is none to a key ring, without repeating it; None where its form is right."""
    if reference == EPHEMERAL:
        return None
    kms = _KMS.fullmatch(reference)
    if reference.startswith("kms:") and not kms:
        return "is not a reference: kms: wants the ARN of a KMS key, # and the reference to its encrypted data keys"
    if unusable(kms[3] if kms else reference) is None:
        return None
    return f"is not a reference to a key ring (it may be a key itself); give {FORMS}"


def new_line(name: str, size: int = 64) -> str:
    """A line with a new key, to put first in a ring. Raises ValueError for a name that no ring can have."""
    if not _NAME.fullmatch(name):
        raise ValueError("the name of a key has at most 64 letters, digits, dots, _ and -")
    return f"{name} {base64.b64encode(os.urandom(size)).decode()}"


def parsed(text: str, reference: str) -> tuple[bytes, ...]:
    """The keys of a ring's text or JSON, in its order. Raises SecretError."""
    keys = tuple(_key(line, f"{reference}: {where}") for where, line in _lines(text, reference))
    if not keys:
        raise SecretError(f"{reference}: the ring has no key")
    if len(keys) > _MOST:
        raise SecretError(f"{reference}: the ring has {len(keys)} keys; {_MOST} are the most")
    if len(set(keys)) != len(keys):
        raise SecretError(f"{reference}: the ring has the same key twice")
    return keys


def _lines(text: str, reference: str) -> list[tuple[str, str]]:
    """Where each line with a key stands, and the line."""
    if text.lstrip()[:1] not in ("{", "["):
        numbered = ((number, line.partition("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1))
        return [(f"line {number}", line) for number, line in numbered if line]
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise SecretError(f"{reference}: begins like JSON, and is none") from None
    listed = found.get("keys") if isinstance(found, dict) else found
    if not isinstance(listed, list) or not all(isinstance(line, str) for line in listed):
        raise SecretError(f"{reference}: its JSON must be an array of texts, or an object that has it under `keys`")
    return [(f"key {number}", line.strip()) for number, line in enumerate(listed, 1)]


def _key(line: str, where: str) -> bytes:
    words = line.split()
    if len(words) > 2 or not words or (len(words) == 2 and not _NAME.fullmatch(words[0])):
        raise SecretError(f"{where} is not `NAME BASE64`")
    try:
        return base64.b64decode(words[-1].translate(_URLSAFE), validate=True)
    except (binascii.Error, ValueError):
        raise SecretError(f"{where} is not base64") from None


async def _decrypted(reference: str, key_arn: str, region: str, blobs: Sequence[bytes]) -> dict[bytes, bytes]:
    try:
        async with asyncio.timeout(_WAIT_S):
            return await asyncio.to_thread(_ask, reference, key_arn, region, blobs)
    except TimeoutError:
        raise SecretError(f"{reference}: KMS did not answer within {_WAIT_S:g} s") from None


def _ask(reference: str, key_arn: str, region: str, blobs: Sequence[bytes]) -> dict[bytes, bytes]:
    """Decrypt with `KeyId`: a ciphertext under any other key is refused, whatever the role may use."""
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    from proxy.aws import session

    config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
    try:
        with closing(session().create_client("kms", region_name=region, config=config)) as client:
            return {blob: client.decrypt(CiphertextBlob=blob, KeyId=key_arn)["Plaintext"] for blob in blobs}
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        name = code if code in CODES else "an error"
        raise SecretError(f"{reference}: KMS answered {name}; does the role have kms:Decrypt on the key?") from None
    except BotoCoreError as error:
        raise SecretError(f"{reference}: KMS could not be asked ({type(error).__name__})") from None

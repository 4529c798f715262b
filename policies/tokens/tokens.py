"""Makes tokens and opens them: values sealed with AES-SIV (RFC 5297), nothing kept.

AES-SIV is deterministic: the same value from the same tool gives the same token within one scope, entity, newest key
and expiry, so the model can join by it, and whoever reads tokens learns which values are equal; the length shows in
steps of 8 bytes, together with that of the tool's name. Nothing else shows. A nonce that repeats cannot break it, for
there is none.

The scope is associated data, not a key of its own: both keep scopes apart equally well, but a key per scope would cost
a derivation per caller (20 µs where sealing takes 1) or a cache that grows with them. The 64 bytes that AES-256-SIV
asks for are derived from the ring's key by HKDF (RFC 5869), which also keeps these tokens apart from anything else
that the same ring is used for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from policies.tokens.errors import (
    DamagedTokenError,
    ExpiredTokenError,
    UnknownKeyError,
    UnsealableError,
    WrongScopeError,
)
from policies.tokens.layout import LATEST_HOUR, MARK, Parts, parsed, written

MAX_VALUE: Final = 4096
"""Bytes of a value at most: what is longer is no value to be handed on by hand."""
MAX_TOOL: Final = 1024

_STEP: Final = 8
_PADDING: Final = _STEP - 1
_NUMBER: Final = 8
_HOUR: Final = 3600
_ENTITY: Final = re.compile(r"[A-Z][A-Z0-9_]{0,59}")
_STRAY: Final = re.compile(r"[^A-Z0-9]+")
_TOKEN: Final = re.compile(rf"<([A-Za-z][A-Za-z0-9_]{{0,59}}):{MARK}([A-Za-z0-9]{{1,9000}})>", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a token held. `is_number`: the value is the text of a JSON number."""

    value: str = field(repr=False)
    entity: str
    tool: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the ring, ready to use. Its `id` (3 bytes) is derived from it, and stands in each token."""

    id: bytes
    cipher: AESSIV = field(repr=False)

    @classmethod
    def of(cls, key: bytes) -> Key:
        """Raises ValueError for a key that is not of 32 or 64 bytes."""
        if len(key) not in (32, 64):
            raise ValueError("a key of the ring must have 32 or 64 bytes")
        return cls(key_id(key), AESSIV(_derived(key, b"mcp-policy-proxy token v1: AES-256-SIV", 64)))


def key_id(key: bytes) -> bytes:
    """The 3 bytes that name a key in tokens; they tell nothing else about it."""
    return _derived(key, b"mcp-policy-proxy token v1: key id", 3)


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys, the newest first: it seals, any of them opens."""

    newest: Key
    by_id: Mapping[bytes, Key]

    @property
    def ids(self) -> tuple[bytes, ...]:
        """Newest first."""
        return tuple(self.by_id)

    @classmethod
    def of(cls, keys: Sequence[bytes]) -> Keyring:
        """Raises ValueError: no key, one of a wrong size, or two that cannot be told apart (the same key twice)."""
        if not keys:
            raise ValueError("the ring is empty")
        made = [Key.of(key) for key in keys]
        by_id = {key.id: key for key in made}
        if len(by_id) != len(made):
            raise ValueError("two keys of the ring have the same id: one of them is there twice, or make another")
        return cls(made[0], by_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """Tokens open for `hours`, and until the end of the `grain` (hours) in which those are over.

    The end is rounded up, so that tokens of the same value stay equal for as long as a grain.
    """

    hours: int
    grain: int = 24

    def ends(self, now: float) -> int:
        """The hour since the epoch from which on a token that is made `now` (seconds since the epoch) is closed."""
        exact = -(-int(now) // _HOUR) + self.hours
        return min(-(-exact // self.grain) * self.grain, LATEST_HOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """`keyring` gives the ring as it is now, `now` the seconds since the epoch. Without a `lifetime` none expires."""

    keyring: Callable[[], Keyring]
    now: Callable[[], float]
    lifetime: Lifetime | None = None

    def make(self, value: str, entity: str, scope: str, tool: str, *, is_number: bool = False) -> str:
        """The token of a value that `tool` gave. Raises UnsealableError.

        `is_number` says that the value is the text of a JSON number, which then comes back as that number.
        """
        key, name = self.keyring().newest, label(entity)
        expiry = self.lifetime.ends(self.now()) if self.lifetime else 0
        parts = Parts(entity=name, key_id=key.id, expiry=expiry, sealed=b"")
        sealed = key.cipher.encrypt(_plain(value, tool, is_number), _associated(parts, scope))
        return written(Parts(entity=name, key_id=key.id, expiry=expiry, sealed=sealed))

    def open(self, token: str, scope: str) -> Opened:
        """What the token holds. It has to be the whole text, as it was made, in whatever case. Raises TokenError."""
        found = _TOKEN.fullmatch(token)
        if not found:
            raise DamagedTokenError
        return self.open_parts(parsed(found[1], found[2]), scope)

    def open_parts(self, parts: Parts, scope: str) -> Opened:
        """What a token holds that was taken apart. Raises TokenError."""
        key = self.keyring().by_id.get(parts.key_id)
        if key is None:
            raise UnknownKeyError
        try:
            plain = key.cipher.decrypt(parts.sealed, _associated(parts, scope))
        except InvalidTag:
            raise WrongScopeError from None
        if parts.expiry and self.now() >= parts.expiry * _HOUR:
            raise ExpiredTokenError
        head, (tool, _, value) = plain[0], plain[1:].partition(b"\0")
        text = value[: len(value) - (head & _PADDING)].decode()
        return Opened(value=text, entity=parts.entity, tool=tool.decode(), is_number=bool(head & _NUMBER))


@lru_cache(maxsize=1024)
def label(entity: str) -> str:
    """The entity as it stands in a token: upper case, words joined by `_`. Raises UnsealableError if none is left."""
    name = entity if _ENTITY.fullmatch(entity) else _STRAY.sub("_", entity.upper()).strip("_")
    if not _ENTITY.fullmatch(name):
        raise UnsealableError("the name of an entity must begin with a letter, and have at most 60 characters")
    return name


def _plain(value: str, tool: str, is_number: bool) -> bytes:
    try:
        data, source = value.encode(), tool.encode()
    except UnicodeEncodeError:
        raise UnsealableError("no Unicode text") from None
    if len(data) > MAX_VALUE or len(source) > MAX_TOOL:
        raise UnsealableError("too long")
    if b"\0" in source:
        raise UnsealableError("the name of a tool with NUL in it")
    padding = -len(data) % _STEP
    return bytes([padding | (_NUMBER if is_number else 0)]) + source + b"\0" + data + bytes(padding)


def _associated(parts: Parts, scope: str) -> list[bytes]:
    """A vector of texts, which RFC 5297 (S2V) tells apart from any other vector, however they are cut."""
    return [MARK.encode(), parts.clear, parts.entity.encode(), scope.encode()]


def _derived(key: bytes, info: bytes, size: int) -> bytes:
    return HKDF(SHA512(), size, salt=None, info=info).derive(key)

"""Credentials that no single issuer has a shape for: private keys, signed tokens, URLs, headers."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from typing import Final

from policies.detect.rule import Late
from policies.secrets.entropy import entropy
from policies.secrets.kind import Kind, token
from policies.secrets.values import stands_in

_HTTP: Final = "RFC 9110 section 11.6.2"
_SHORTEST_KEY: Final = 40
_BITS: Final = 3.0


def _is_block(text: str) -> bool:
    """Whether there is something between the lines of a block: 32 bytes of a key at least."""
    body = text.partition("KEY")[2].strip("- BLOCK").partition("-----")[0]
    return len(body) >= _SHORTEST_KEY and len(set(body)) > 12


def _is_jwt(text: str) -> bool:
    """Whether the header says JSON with an algorithm (RFC 7515, section 4.1)."""
    header = _decoded(text.partition(".")[0])
    return header.startswith(b"{") and (b'"alg"' in header or b'"enc"' in header or b'"typ"' in header)


def _is_basic(text: str) -> bool:
    """Whether it is a user's name, a colon and a password in base64 (RFC 7617)."""
    user, colon, password = _decoded(text).partition(b":")
    return bool(colon and password) and (user + password).isascii() and (user + password).decode().isprintable()


def _decoded(text: str) -> bytes:
    bare = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        return b""


def _is_password(text: str) -> bool:
    return not stands_in(text) and text.lower() not in {"pass", "user", "username", "pw", "port"}


def _is_credential(text: str) -> bool:
    """Whether it is random, as no word behind `Bearer` in a sentence is."""
    return not stands_in(text) and not text.isalpha() and entropy(text[:256]) >= _BITS


GENERIC: Final[Sequence[Kind]] = (
    Kind(
        name="private-key",
        keywords=("-----begin ", "---- begin "),
        pattern=Late(
            r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:[^-]++|-(?!----))*+"
            r"(?:-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
            r"|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----(?:[^-]++|-(?!---))*+"
            r"(?:---- END SSH2 ENCRYPTED PRIVATE KEY ----)?"
        ),
        source="RFC 7468 section 10, RFC 9580 section 6.2",
        check=_is_block,
    ),
    Kind(
        name="putty-private-key",
        keywords=("putty-user-key-file-",),
        pattern=Late(
            r"PuTTY-User-Key-File-[23]: [^\r\n]{1,80}(?:\r?\n[A-Z][A-Za-z0-9-]{2,30}: [^\r\n]{0,200}){0,12}"
            r"(?:\r?\n[A-Za-z0-9+/=]{1,64}){1,200}(?:\r?\n(?:Key|Argon|Private)[A-Za-z0-9-]{1,30}: [^\r\n]{0,200}){0,6}"
            r"(?:\r?\n[A-Za-z0-9+/=]{1,64}){1,400}"
        ),
        source="PuTTY documentation, appendix C",
    ),
    token(
        "age-key",
        "age-secret-key-1",
        r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
        "C2SP, the age file encryption format",
    ),
    Kind(
        name="jwt",
        keywords=("eyj",),
        pattern=Late(
            r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{16,}+"
            r"(?:\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+)?(?![A-Za-z0-9_.-][A-Za-z0-9])"
        ),
        source="RFC 7519",
        check=_is_jwt,
    ),
    Kind(
        name="url-password",
        keywords=("://",),
        pattern=Late(r"(?<=[A-Za-z0-9])://[^\s/?#@:\"'<>\[\]]{0,128}+:(?P<secret>[^\s/?#\"'<>]{1,256})@(?=[^\s@])"),
        source="RFC 3986 section 3.2.1",
        check=_is_password,
    ),
    Kind(
        name="bearer-token",
        keywords=("bearer ", "bearer%20"),
        pattern=Late(r"(?<![A-Za-z0-9])(?i:bearer)(?: {1,3}|%20)(?P<secret>[A-Za-z0-9._~+/-]{12,}+={0,3})"),
        source="RFC 6750 section 2.1",
        why="entropy",
        confidence=0.9,
        check=_is_credential,
    ),
    Kind(
        name="basic-credentials",
        keywords=("basic ",),
        pattern=Late(r"(?<![A-Za-z0-9])(?i:basic) {1,3}(?P<secret>[A-Za-z0-9+/]{6,}+={0,2})(?![A-Za-z0-9+/_-])"),
        source="RFC 7617 section 2",
        check=_is_basic,
    ),
    Kind(
        name="authorization-header",
        keywords=("authorization:", 'authorization":', "authorization=", "authorization\\", "authorization'"),
        pattern=Late(
            r"(?i:authorization)[\"'\\]{0,4}[:=] {0,3}[\"'\\]{0,4}(?:[A-Za-z][A-Za-z0-9-]{1,20} {1,3})?"
            r"(?P<secret>[A-Za-z0-9._~+/:-]{12,}+={0,3})"
        ),
        source=_HTTP,
        why="entropy",
        confidence=0.85,
        check=_is_credential,
    ),
    Kind(
        name="aws-signature",
        keywords=("signature=",),
        pattern=Late(r"(?i:x-amz-)?Signature=(?P<secret>[a-f0-9]{64})(?![A-Za-z0-9])"),
        source="AWS IAM User Guide, Signature Version 4",
    ),
)

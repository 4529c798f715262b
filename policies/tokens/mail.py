"""A token in the form of an e-mail address, for where a schema asks for one: `email_address.k1…@token.invalid`.

The domain belongs to nobody and never will (RFC 2606). Before tokens are opened the form is written back.
"""

from __future__ import annotations

import re
from typing import Final

from policies.tokens.layout import MARK

_DOMAIN: Final = "@token.invalid"
_TOKEN: Final = re.compile(rf"<([A-Za-z][A-Za-z0-9_]{{0,59}}):({MARK}[0-9A-Za-z]{{24,}}+)>")
_MAIL: Final = re.compile(
    rf"(?<![\w.+-])([A-Za-z][A-Za-z0-9_]{{0,59}})\.({MARK}[0-9A-Za-z]{{24,9000}}+)@token\.invalid(?![\w-])",
    re.IGNORECASE,
)


def as_mail(token: str) -> str | None:
    """The token as an address; None for what is no whole token."""
    found = _TOKEN.fullmatch(token)
    return f"{found[1]}.{found[2]}{_DOMAIN}".lower() if found else None


def from_mail(text: str) -> str:
    """The text with its tokens in the usual form; the same object where none is an address."""
    return _MAIL.sub(r"<\1:\2>", text) if _DOMAIN in text.lower() else text


def is_mail(address: str) -> bool:
    """Whether an address is a token."""
    return _MAIL.fullmatch(address) is not None

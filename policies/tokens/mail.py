"""A token in the form of an e-mail address, for where a schema asks for one: `email_address@k1….….token.example.com`.

The domain belongs to nobody and never will (RFC 2606, RFC 6761), and yet passes for one: `.invalid` does not, with
clients that look. Labels and the whole are no longer than DNS and SMTP have them. Before tokens are opened the form is
written back.
"""

from __future__ import annotations

import re
from typing import Final

from policies.tokens.errors import DamagedTokenError
from policies.tokens.layout import MARK, parsed

_DOMAIN: Final = ".token.example.com"
_LABEL: Final = 60
_LONGEST: Final = 254
"""Characters of an address (RFC 5321 section 4.5.3.1.3)."""
_TOKEN: Final = re.compile(rf"<([A-Za-z][A-Za-z0-9_]{{0,59}}):({MARK}[0-9A-Za-z]{{24,}}+)>")
_MAIL: Final = re.compile(
    rf"(?<![\w.+-])([A-Za-z][A-Za-z0-9_]{{0,59}})@({MARK}[0-9A-Za-z]{{10,{_LABEL}}}+(?:\.[0-9A-Za-z]{{1,{_LABEL}}}+){{0,4}}?)"
    r"\.token\.example\.com(?![\w-])",
    re.IGNORECASE,
)


def as_mail(token: str) -> str | None:
    """The token as an address; None for what is no whole token, and for one that is too long."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    labels = ".".join(found[2][at : at + _LABEL] for at in range(0, len(found[2]), _LABEL))
    mail = f"{found[1]}@{labels}{_DOMAIN}".lower()
    return mail if len(mail) <= _LONGEST else None


def from_mail(text: str) -> str:
    """The text with its tokens in the usual form; the same object where none is an address."""
    return _MAIL.sub(_written, text) if _DOMAIN in text.lower() else text


def is_mail(address: str) -> bool:
    """Whether an address is a token, and a whole one."""
    found = _MAIL.fullmatch(address)
    if found is None:
        return False
    try:
        parsed(found[1], found[2].replace(".", "")[len(MARK) :])
    except DamagedTokenError:
        return False
    return True


def _written(found: re.Match[str]) -> str:
    return f"<{found[1]}:{found[2].replace('.', '')}>"

"""Why a token is not opened.

TokenError
├── DamagedTokenError      token_damaged       altered, cut, or never whole: its check characters do not fit
├── UnknownKeyError        token_unknown_key   sealed with a key that the ring does not hold (any more)
├── WrongScopeError        token_wrong_scope   of another caller or tenant, or made up by somebody without a key
├── ExpiredTokenError      token_expired       its time is over
├── TokenNotAllowedError   token_not_allowed   no flow leads from where the value came from to where it would go
└── NoScopeError           token_no_scope      nobody is verified, so there is no scope to make or open one in

UnsealableError            token_unsealable    a value that no token can carry (it is no TokenError: nothing was opened)

The reasons are public. No message holds a value, a token, or anything of a caller.
"""

from __future__ import annotations

from typing import ClassVar


class TokenError(ValueError):
    """A token that stays closed. `reason` is what a `Deny` says."""

    reason: ClassVar[str] = "token_damaged"
    says: ClassVar[str] = "the token is damaged"

    def __init__(self) -> None:
        super().__init__(self.says)


class DamagedTokenError(TokenError):
    """Altered, cut, or never whole."""

    says = "the token was altered or cut"


class UnknownKeyError(TokenError):
    """No key of the ring sealed it."""

    reason = "token_unknown_key"
    says = "the token was sealed with a key that is not in the ring"


class WrongScopeError(TokenError):
    """Whole, and of a key that is known, and yet not sealed in this scope."""

    reason = "token_wrong_scope"
    says = "the token was not made in this scope"


class ExpiredTokenError(TokenError):
    """Sound, and too old."""

    reason = "token_expired"
    says = "the token has expired"


class TokenNotAllowedError(TokenError):
    """Sound, and not for this tool."""

    reason = "token_not_allowed"
    says = "no flow allows the token here"


class NoScopeError(TokenError):
    """The scope asks for a verified identity, and there is none."""

    reason = "token_no_scope"
    says = "the scope of tokens asks for a verified identity, and there is none"


class UnsealableError(ValueError):
    """The value is too long, or is no Unicode text; or the name of its tool is none."""

    reason: ClassVar[str] = "token_unsealable"

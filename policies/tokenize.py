"""`tokenize`: the model sees tokens in the place of personal data, and the named tools get the real values.

It is `redact` with the action `tokenize` for all its entities, and with the keys of the table `tokens` as its own.
List it after `redact` and `secrets`, nearer the upstream: it takes its entities before they look, and opens tokens
after them.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import model_validator

from policies.detect.config import DetectConfig
from policies.policy import PolicyConfig, Services
from policies.redact import Redact, RedactConfig
from policies.tokens.config import TokensConfig

__all__ = ["Tokenize", "TokenizeConfig"]


class TokenizeConfig(DetectConfig, TokensConfig):
    """The keys of `redact` that say what is looked for and where, and those of its table `tokens`."""

    @model_validator(mode="after")
    def _opens(self) -> TokenizeConfig:
        if self.arguments:
            raise ValueError("arguments = true would take out again what is opened: list a redact for arguments")
        return self


class Tokenize(Redact):
    """Denies as `redact` does."""

    Config: ClassVar[type[PolicyConfig]] = TokenizeConfig

    def __init__(self, config: PolicyConfig, services: Services) -> None:
        given = config.model_dump(by_alias=True, exclude_unset=True)
        tokens = {name: given.pop(name) for name in TokensConfig.model_fields if name in given}
        super().__init__(RedactConfig(action="tokenize", tokens=TokensConfig.model_validate(tokens), **given), services)

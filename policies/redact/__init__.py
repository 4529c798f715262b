"""`redact`: takes personal data out of results, by rules with their checks, by what keys' names say, and by Presidio.

It covers content and structured content of results, text inside text (JSON, tables, base64), errors, notices, prompts,
resources and tools' descriptions; calls (arguments and inputs) only where `arguments = true`. Which tools it covers is
the chain's `tools` globs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

from pydantic import field_validator, model_validator

from policies.detect.config import DetectConfig, named
from policies.detect.detecting import Detecting
from policies.detect.entities import ENTITIES, OPTIONAL
from policies.model import ALLOW, Call, Caller, Tool
from policies.policy import CallDecision, PolicyConfig, SecretError, Services, ToolDecision

if TYPE_CHECKING:
    from policies.detect.work import Worker

__all__ = ["Redact", "RedactConfig"]

_Action: TypeAlias = Literal["replace", "mask", "remove", "hash", "tokenize", "deny"]
_SHORTEST_KEY: Final = 16
"""Characters: what is shorter can be tried out."""


class RedactConfig(DetectConfig):
    """`action` is done with every entity that `actions` does not name; `hash_key` is a reference to a secret."""

    action: _Action = "replace"
    actions: Mapping[str, _Action] = {}
    hash_key: str | None = None

    @field_validator("actions")
    @classmethod
    def _entities_known(cls, actions: Mapping[str, _Action]) -> Mapping[str, _Action]:
        named("entity", tuple(actions), (*ENTITIES, *OPTIONAL))
        return actions

    @model_validator(mode="after")
    def _with_key(self) -> RedactConfig:
        if "hash" in self.used and not self.hash_key:
            raise ValueError("the action hash needs hash_key, a reference such as file:PATH or a secret's ARN")
        return self

    @property
    def used(self) -> frozenset[str]:
        """The actions that can happen."""
        return frozenset(self.actions.get(entity, self.action) for entity in self.entities)


class Redact(Detecting):
    """Denies with `too_large_to_redact` over a cap or over time, `not_redactable` when no valid result is left,
    `contains_personal_data` for an entity whose action is `deny`, and `blob_not_allowed`.
    """

    Config: ClassVar[type[PolicyConfig]] = RedactConfig
    config: RedactConfig

    def __init__(self, config: PolicyConfig, services: Services) -> None:
        super().__init__(config, services)
        self._hash_key = b""

    async def open(self) -> None:
        """Raises SecretError when the key for `hash` cannot be had or is too short to be one."""
        if self.config.hash_key:
            key = (await self.services.secrets.get(self.config.hash_key)).strip()
            if len(key) < _SHORTEST_KEY:
                raise SecretError(f"the secret {self.config.hash_key} is no key: it is shorter than 16 characters")
            self._hash_key = key.encode()
        await super().open()

    @property
    def _most_bytes(self) -> int:
        return self.config.max_bytes

    def _load(self) -> Worker:
        from policies.detect.actions import Actions
        from policies.detect.catalog import engine
        from policies.detect.work import Limits, Worker

        config = self.config
        return Worker(
            engine(config.entities, config.locales, config.threshold),
            Actions(default=config.action, by_entity=config.actions, key=self._hash_key),
            Limits(max_text=config.max_text, max_seconds=config.max_seconds),
            tuple(config.blobs.items()),
        )

    def on_tool(self, tool: Tool, caller: Caller) -> ToolDecision | Awaitable[ToolDecision]:
        return super().on_tool(tool, caller) if self.config.tool_texts else ALLOW

    def on_call(self, call: Call) -> CallDecision | Awaitable[CallDecision]:
        if not self.config.arguments:
            return ALLOW
        return self._decide(call.params, call.with_params, self._of_call(call))

"""`redact`: takes personal data out of results, by rules with their checks, by what keys' names say, and by Presidio.

It covers content and structured content of results, text inside text (JSON, tables, base64), errors, notices, prompts,
resources and tools' descriptions; calls (arguments and inputs) only where `arguments = true`. Which tools it covers is
the chain's `tools` globs. With the action `tokenize` it puts tokens in the values' place, and opens them in calls.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

from pydantic import model_validator

from policies.detect.config import DetectConfig, named
from policies.detect.detecting import Detecting
from policies.detect.entities import ENTITIES, OPTIONAL
from policies.detect.wanted import Wanted
from policies.finding import PolicyConfigError, SaidError
from policies.model import ALLOW, Call, Caller, JsonObject, Result, Tool
from policies.policy import CallDecision, PolicyConfig, SecretError, Services, ToolDecision
from policies.presidio.config import PresidioConfig
from policies.tokens.config import TokensConfig
from policies.tokens.scopes import OF_A_CALLER

if TYPE_CHECKING:
    from policies.detect.work import Worker
    from policies.tokens.sealing import Sealing

__all__ = ["Redact", "RedactConfig"]

_Action: TypeAlias = Literal["replace", "mask", "remove", "hash", "tokenize", "deny"]
_SHORTEST_KEY: Final = 16
"""Characters: what is shorter can be tried out."""


class RedactConfig(DetectConfig):
    """`action` is done with every entity that `actions` does not name.

    `hash_key` is a reference to a secret (`file:PATH`, a Secrets Manager ARN), for the action `hash`; `tokens` says how
    tokens are made and where they open, for the action `tokenize`; `presidio`, what Presidio looks for besides.
    """

    action: _Action = "replace"
    actions: Mapping[str, _Action] = {}
    hash_key: str | None = None
    tokens: TokensConfig | None = None
    presidio: PresidioConfig = PresidioConfig()

    @model_validator(mode="after")
    def _complete(self) -> RedactConfig:
        named("entity", tuple(self.actions), (*ENTITIES, *OPTIONAL, *self.presidio.entities))
        known = (*ENTITIES, *OPTIONAL, *self.presidio.entities)
        for flow in self.tokens.flows if self.tokens else ():
            named("entity", tuple(glob for glob in flow.entities if not _any_of(known, glob)), known)
        if "hash" in self.used and not self.hash_key:
            raise SaidError("the action hash needs hash_key, a reference such as file:PATH or a secret's ARN")
        if "tokenize" in self.used and not self.tokens:
            raise SaidError("the action tokenize needs a table tokens, with keys and flows")
        if self.arguments and self.tokens:
            raise SaidError(
                "arguments = true would take out again what tokens opens: list a second redact for arguments"
            )
        return self

    @property
    def used(self) -> frozenset[str]:
        """The actions that can happen."""
        return frozenset((self.action, *self.actions.values()))


class Redact(Detecting):
    """Denies with `too_large_to_redact` over a cap or over time, `not_redactable` when no valid result is left,
    `contains_personal_data` for an entity whose action is `deny`, `blob_not_allowed`, and the reasons of
    `policies.tokens.errors` for tokens that do not open.
    """

    Config: ClassVar[type[PolicyConfig]] = RedactConfig
    config: RedactConfig

    def __init__(self, config: PolicyConfig, services: Services) -> None:
        super().__init__(config, services)
        self._hash_key = b""
        self._sealing: Sealing | None = None
        self.per_caller = self.config.tokens is not None and self.config.tokens.scope in OF_A_CALLER

    def notes(self) -> Sequence[str]:
        """What the flows leave open, and that keys are ephemeral."""
        tokens = self.config.tokens
        if tokens is None:
            return ()
        from policies.tokens.flows import notes

        ephemeral = ["a key of this process alone: its tokens end with it"] if tokens.keys == "ephemeral:" else []
        return (*ephemeral, *notes(tokens.flows))

    async def open(self) -> None:
        """Raises SecretError when a key cannot be had or is too short to be one, PolicyConfigError for what of Presidio
        is not there.
        """
        _must_be_there(self.config.presidio, self.services)
        if self.config.hash_key:
            self._hash_key = await _key(self.services, self.config.hash_key)
        if self.config.tokens:
            from policies.tokens.sealing import Sealing

            self._sealing = Sealing(self.config.tokens, self.services)
            await self._sealing.open()
        await super().open()

    async def close(self) -> None:
        await super().close()
        if self._sealing:
            await self._sealing.close()

    @property
    def _most_bytes(self) -> int:
        return self.config.max_bytes

    def _plain(self, body: JsonObject) -> bool:
        return super()._plain(body) and not self._is_read

    def _plain_text(self, text: str) -> bool:
        return super()._plain_text(text) and not self._is_read

    @cached_property
    def _is_read(self) -> bool:
        """Whether Presidio finds what our rules do not: names that a model reads, what users' recognizers know."""
        from policies.presidio.installed import models

        config = self.config.presidio
        return bool(config.recognizers or config.files) or (
            find_spec("presidio_analyzer") is not None and bool(models(config))
        )

    def _load(self) -> Worker:
        from policies.detect.actions import Actions
        from policies.detect.catalog import engine
        from policies.detect.work import Limits, Worker
        from policies.presidio.late import LatePresidio

        config = self.config
        late = LatePresidio(config.presidio, self.services.folder)
        others = (late,) if late.in_use else ()
        return Worker(
            engine(config.entities, config.locales, config.threshold, others),
            Actions(default=config.action, by_entity=config.actions, key=self._hash_key),
            Limits(max_text=config.max_text, max_seconds=config.max_seconds),
            tuple(config.blobs.items()),
            late=late if others else None,
        )

    def on_tool(self, tool: Tool, caller: Caller) -> ToolDecision | Awaitable[ToolDecision]:
        return super().on_tool(tool, caller) if self.config.tool_texts else ALLOW

    def on_call(self, call: Call) -> CallDecision | Awaitable[CallDecision]:
        if self._sealing:
            return self._sealing.on_call(call)
        if not self.config.arguments:
            return ALLOW
        return self._decide(call.params, call.with_params, self._of_call(call))

    def _of_result(self, call: Call, result: Result) -> Wanted:
        wanted = super()._of_result(call, result)
        return replace(wanted, seal=self._sealing.seal(call)) if self._sealing else wanted


def _any_of(entities: Sequence[str], glob: str) -> bool:
    return any(fnmatchcase(entity, glob) for entity in entities)


async def _key(services: Services, reference: str) -> bytes:
    key = (await services.secrets.get(reference)).strip()
    if len(key) < _SHORTEST_KEY:
        raise SecretError(f"the secret {reference} is no key: it is shorter than 16 characters")
    return key.encode()


def _must_be_there(config: PresidioConfig, services: Services) -> None:
    if config == PresidioConfig():
        return  # what is installed is used, and nothing is missed
    from policies.presidio.problems import problems

    found = problems(config, services.folder)
    if found:
        raise PolicyConfigError([f"presidio: {each}" for each in found])

"""The extension point and its manual: subclass `Policy`, override the hooks you need, name the class in policies.toml.

Order. Policies are listed nearest the client first. Calls run down the list, results run back up it. A `Respond` or
`Deny` of policy k ends the way up; its result passes `on_result` of the policies before k.

Guarantees. A hook that raises, waits longer than `timeout_ms`, or returns something that is not one of its decisions
denies the exchange with reason `policy_error`; the log names the policy and the exception's type, nothing else. After
a `Modify` the arguments are validated against the tool's input schema again, and the result against its output schema.

Hooks may be `async def`, or plain `def` where nothing is awaited (cheaper: no task is needed to watch a clock).
Values handed to a hook must not be mutated; return `Modify` with a copy. A hook must not block the event loop: a
blocked loop ends the process.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict

from policies.model import ALLOW, Allow, Call, Caller, Deny, Exchange, Modify, Respond, Result, Tool

ToolDecision: TypeAlias = Allow | Modify | Deny
CallDecision: TypeAlias = Allow | Modify | Deny | Respond
ResultDecision: TypeAlias = Allow | Modify | Deny


_T = TypeVar("_T")


class PolicyConfig(BaseModel):
    """Base of every policy's `config` table: unknown keys are an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretError(LookupError):
    """A secret or a key ring that cannot be had. The message names the reference and never holds a value."""


class Secrets(Protocol):
    """Reads a secret by reference: `file:PATH`, `env:NAME` or a Secrets Manager ARN."""

    async def get(self, reference: str) -> str:
        """The secret's text. Raises SecretError naming the reference, never the value."""
        ...


class Keys(Protocol):
    """Reads a key ring by reference: newest first, the newest encrypts, any decrypts."""

    async def ring(self, reference: str) -> Sequence[bytes]: ...


class Store(Protocol):
    """A bounded store of this process: what it forgets must not matter to correctness."""

    def get(self, key: str) -> object | None: ...

    def put(self, key: str, value: object, ttl_s: float) -> None: ...


class Sinks(Protocol):
    """Where records go."""

    def write(self, line: str) -> None:
        """Write one line of JSON to standard output (standard error when the proxy speaks MCP on stdout)."""
        ...


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...


class Behind(Protocol):
    """What takes long to get ready, such as an import of a second: done in a thread, one piece after another."""

    def start(self, work: Callable[[], _T]) -> Future[_T]:
        """Call `work` when its turn comes. A hook that needs what it gives waits for the future, or denies."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the proxy lends a policy. Every field is a protocol declared here and implemented in `proxy/`."""

    secrets: Secrets
    keys: Keys
    store: Store
    sinks: Sinks
    clock: Clock
    behind: Behind
    folder: Path = Path()
    """Where the files that a config names are looked for: the policy file's folder, or the working directory."""


class Policy:
    """Base of every policy; every hook has a default that changes nothing, and costs nothing when not overridden.

    `timeout_ms` is how long a hook may wait where the config does not say. `per_caller = True` says that the decision
    depends on the verified caller: `check` and `serve` refuse such a policy where no verified caller can exist.
    """

    Config: ClassVar[type[PolicyConfig]] = PolicyConfig
    timeout_ms: ClassVar[float] = 1000.0
    per_caller: bool = False

    def __init__(self, config: PolicyConfig, services: Services) -> None:
        self.config = config
        self.services = services

    def notes(self) -> Sequence[str]:
        """What `check` and the start tell an operator of this configuration: its exceptions, what it lacks."""
        return ()

    async def open(self) -> None:
        """Once per process, before the first call. An exception here keeps the proxy from starting."""

    async def close(self) -> None:
        """Once per process, after the last call."""

    def on_tool(self, tool: Tool, caller: Caller) -> ToolDecision | Awaitable[ToolDecision]:
        """For each tool of a list, and for the tool of a call. `Deny` hides it from lists and from calls."""
        return ALLOW

    def on_call(self, call: Call) -> CallDecision | Awaitable[CallDecision]:
        """For each call on its way to the upstream, whatever its method."""
        return ALLOW

    def on_result(self, call: Call, result: Result) -> ResultDecision | Awaitable[ResultDecision]:
        """For each result, JSON-RPC error (`result.error`) and notification (`result.notice`) on its way back."""
        return ALLOW

    def on_done(self, exchange: Exchange) -> Awaitable[None] | None:
        """Exactly once per exchange, whatever happened to it, before the answer's last byte leaves.

        If it waits, write it as `async def`: then it is finished even when the client goes away meanwhile.
        """
        return None

"""Tokens for one configuration: made in results, opened in calls, by the ring as it is now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from policies.jsontext import dumps
from policies.model import ALLOW, Allow, Call, Deny, Modify
from policies.policy import CallDecision, Services
from policies.tokens.config import TokensConfig
from policies.tokens.errors import NoScopeError
from policies.tokens.opening import Opening, asks_for_newer_keys, may_hold_tokens
from policies.tokens.ring import LiveRing
from policies.tokens.scopes import scope_of
from policies.tokens.tokens import Lifetime, Tokens

_INLINE_BYTES: Final = 16 << 10
"""Up to here a call's tokens are opened on the event loop: a hundredth of a second at worst."""
_THREADS: Final = 2


class Sealing:
    """Opened once, before the first call; `close` ends what it still reads."""

    def __init__(self, config: TokensConfig, services: Services) -> None:
        self._config = config
        self._ring = LiveRing(services.keys, config.keys, services.clock)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="tokens")
        lifetime = Lifetime(hours=config.expires_hours) if config.expires_hours else None
        self._tokens = Tokens(keyring=self._ring, now=services.clock.now, lifetime=lifetime)
        self._opening = Opening(tokens=self._tokens, flows=config.flows, monotonic=services.clock.monotonic)

    async def open(self) -> None:
        """Raises SecretError."""
        await self._ring.open()

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._ring.close()

    def seal(self, call: Call) -> Callable[[str, str, bool], str]:
        """Makes tokens of values in the call's result. The function raises NoScopeError and UnsealableError."""
        self._ring.keep_fresh()
        source = call.name if call.method == "tools/call" else ""

        def sealed(value: str, entity: str, number: bool) -> str:
            return self._tokens.make(value, entity, self._scope(call), source, is_number=number)

        return sealed

    def on_call(self, call: Call) -> CallDecision | Awaitable[CallDecision]:
        """The call with its tokens opened, or why not."""
        raw = dumps(call.params)
        if not may_hold_tokens(raw.decode()):
            return ALLOW
        self._ring.keep_fresh()
        try:
            scope = self._scope(call)
        except NoScopeError as error:
            return Deny(error.reason)
        if len(raw) > _INLINE_BYTES:
            return self._elsewhere(call, scope)
        decision = self._opening.call(call, scope)
        return self._again(call, scope, decision) if asks_for_newer_keys(decision) else decision

    async def _elsewhere(self, call: Call, scope: str) -> CallDecision:
        decision = await self._in_thread(call, scope)
        if asks_for_newer_keys(decision) and await self._ring.renewed():
            return await self._in_thread(call, scope)
        return decision

    async def _in_thread(self, call: Call, scope: str) -> Allow | Modify | Deny:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._opening.call, call, scope)

    def _scope(self, call: Call) -> str:
        return scope_of(self._config.scope, call.caller, self._config.claim)

    async def _again(self, call: Call, scope: str, decision: Allow | Modify | Deny) -> CallDecision:
        return self._opening.call(call, scope) if await self._ring.renewed() else decision

"""Reading the answer to one POST: JSON, an error status with JSON in it, or a stream of events, resumed if it broke."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from policies.model import Json, JsonObject
from proxy.bodies import plain, whole
from proxy.http1_errors import HttpError
from proxy.http1_response import Response
from proxy.http_faults import fault, status_fault
from proxy.sse import Events, EventSizeError
from proxy.wire import ForeignError, Outgoing, Reply, WireError, is_answer, parse

REFUSAL_BYTES: Final = 2**20
"""Most that is read of an answer whose status is an error."""
_RESUMES: Final = 3
"""Resumed streams in a row that bring nothing new."""
RESUMES_IN_ALL: Final = 1_000
_RESUME_S: Final = 0.5
_RESUME_MAX_S: Final = 10.0
_RESUME_MIN_S: Final = 0.1
"""Least wait before the first resume, twice that before the second and so on up to 1 s, whatever the stream says."""
_TURN: Final = 32
"""Messages after which the event loop gets a turn: one read may hold thousands."""

Resume = Callable[[Outgoing, str], Awaitable[Response]]
Refuse = Callable[[Mapping[str, Json], Outgoing], None]


class Answers:
    """`resume` opens the rest of a stream after an event id, at most `resumes` times for one answer.

    `refuse` answers a request of the upstream's own.
    """

    def __init__(self, *, cap: int, depth: int, resume: Resume, refuse: Refuse, resumes: int = RESUMES_IN_ALL) -> None:
        self._cap = cap
        self._resumes = resumes
        self._depth = depth
        self._resume = resume
        self._refuse = refuse

    async def read(self, response: Response, out: Outgoing) -> Reply:
        """Raises WireError, or an exception of the HTTP client's."""
        status, kind = response.status, response.content_type
        session = response.header("mcp-session-id")
        if status >= 300:
            return Reply(await self._refusal(response, out), status, session)
        if kind == "application/json" or kind.endswith("+json"):
            message = parse(await whole(response, self._cap), self._depth)
        elif kind == "text/event-stream":
            message = await self._stream(response, out)
        else:
            raise WireError("malformed", "the upstream answered neither JSON nor an event stream", status=status)
        answer = await self._found(message, out)
        if answer is None:
            raise WireError("malformed", "the upstream's JSON holds no answer", status=status)
        return Reply(answer, status, session)

    async def _refusal(self, response: Response, out: Outgoing) -> JsonObject:
        failed = status_fault(response)
        if response.status < 400 or response.status in (401, 429, 508) or response.content_type != "application/json":
            raise failed
        try:
            message = parse(await whole(response, REFUSAL_BYTES), self._depth)
            if is_answer(message, out.id, any_id=True) and "error" in message:
                found: JsonObject = message
                return found
        except ForeignError:
            response.distrust()
        except WireError:
            pass
        raise failed

    async def _found(self, message: Json, out: Outgoing) -> JsonObject | None:
        """The answer in a message (or in a batch, which 2025-03-26 allows); everything before it is heard."""
        for number, item in enumerate(message if isinstance(message, list) else (message,), 1):
            if is_answer(item, out.id):
                found: JsonObject = item
                return found
            await self._heard(item, out)
            if number % _TURN == 0:
                await asyncio.sleep(0)
        return None

    async def _heard(self, message: Mapping[str, Json], out: Outgoing) -> None:
        if "id" in message:
            if not out.modern:
                self._refuse(message, out)
        elif out.hear is not None:
            params = message.get("params")
            await out.hear(str(message["method"]), params if isinstance(params, Mapping) else {})

    async def _stream(self, response: Response, out: Outgoing) -> JsonObject:
        events = Events(self._cap)
        answer = await self._events(response, events, out)
        idle = resumes = 0
        while answer is None:
            if out.modern or events.last_id is None or idle >= _RESUMES or resumes >= self._resumes:
                raise WireError("closed", "the upstream's stream ended without an answer", again="repeatable")
            resumes += 1
            pause = _pause(events.retry_ms, resumes)
            if out.deadline is not None and asyncio.get_running_loop().time() + pause >= out.deadline:
                raise WireError("timeout", "the upstream did not answer in time")
            await asyncio.sleep(pause)
            seen = events.seen
            answer = await self._resumed(events, out)
            idle = 0 if events.seen > seen else idle + 1
        return answer

    async def _resumed(self, events: Events, out: Outgoing) -> JsonObject | None:
        try:
            response = await self._resume(out, events.last_id or "")
        except WireError as failed:
            if failed.kind in ("timeout", "auth"):
                raise
            return None
        events.restart()
        try:
            return await self._events(response, events, out)
        finally:
            response.close()

    async def _events(self, response: Response, events: Events, out: Outgoing) -> JsonObject | None:
        """The answer, or None when the stream ended, or broke where it can be resumed."""
        try:
            async for piece in plain(response):
                for number, event in enumerate(events.feed(piece), 1):
                    answer = await self._found(parse(event.data, self._depth), out)
                    if answer is not None:
                        return answer
                    if number % _TURN == 0:
                        await asyncio.sleep(0)
        except EventSizeError:
            text = f"an event of the upstream, or what comes before it, is larger than {self._cap} bytes"
            raise WireError("too_large", f"{text} (MCP_PROXY_BOUNDS__ANSWER_BYTES)") from None
        except HttpError as error:
            failed = fault(error)
            if failed.kind != "closed" or out.modern or events.last_id is None:
                raise failed from None
        return None


def _pause(retry_ms: int | None, resumes: int) -> float:
    """Seconds before a resume: what the stream asks for, within bounds."""
    asked = _RESUME_S if retry_ms is None else min(retry_ms / 1000, _RESUME_MAX_S)
    return max(asked, min(_RESUME_MIN_S * resumes, 1.0))

"""The upstream of the differential test: answers by script, and remembers every request as it stood on the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from proxy.stream import ARMED_S
from tests.mcp_wire import MODERN
from tests.rich_upstream import TOOLS, VENDOR, RichUpstream, tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """How a tool answers: notifications (JSON text), then a result or an error (JSON text), or bytes as they are.

    `pause_s` passes before the answer, after the notifications before it.
    """

    result: str = ""
    error: str = ""
    before: Sequence[str] = ()
    after: Sequence[str] = ()
    whole: bytes | None = None
    status: int = 200
    pause_s: float = 0


LATE_S: Final = ARMED_S + 0.1
"""By then the lane watches for its caller."""


def _deep(levels: int) -> Script:
    return Script(result='{"content":[],"structuredContent":{"d":' + "[" * levels + "]" * levels + "}}")


def _notified(method: str, params: str) -> str:
    return f'{{"jsonrpc":"2.0","method":"notifications/{method}","params":{params}}}'


_LOG = _notified("message", '{"level":"info","data":{"n":1180591620717411303425,"s":"a\u2028b\u0085c"}}')
_QUIET = _notified("message", '{"level":"info","data":"quiet"}')
_MAIL = _notified("message", '{"level":"info","data":"ask jane.roe@example.com"}')
_PROGRESS = _notified("progress", '{"progressToken":"TOKEN","progress":1,"total":2.5,"message":"m","x-v":{"a":[]}}')
_VENDOR = _notified("vendor/odd", '{"a":1}')
_CHANGED = _notified("tools/list_changed", "{}")
_BARE = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'
_DONE = '{"content":[{"type":"text","text":"done"}]}'

SCRIPTS: dict[str, Script] = {
    "hidden": Script(result=_DONE),
    "retitled": Script(result=_DONE),
    "denied": Script(result=_DONE),
    "denied_late": Script(result=_DONE),
    "responded": Script(result=_DONE),
    "exploding": Script(result=_DONE),
    "rewritten": Script(result=_DONE),
    "replaced": Script(result=_DONE),
    "unwritable": Script(result=_DONE),
    "annotated": Script(result=_DONE),
    "misannotated": Script(result=_DONE),
    "strict": Script(result='{"content":[{"type":"text","text":"{\\"n\\":\\"x\\"}"}],"structuredContent":{"n":"x"}}'),
    "personal": Script(
        result='{"content":[{"type":"text","text":"{\\"mail\\":\\"jane.roe@example.com\\",\\"n\\":1.0}"}],'
        '"structuredContent":{"mail":"jane.roe@example.com","n":1.0},"_meta":{"a.b/c":"jane.roe@example.com"}}'
    ),
    "numbers": Script(
        result='{"content":[],"structuredContent":{"a":0.12345678901234567890123,"b":1e2,"c":1.0,"d":1.50,'
        '"e":-0.0,"f":1E+5,"g":123456789012345678,"h":1180591620717411303425,"i":1e-7,"j":5e-324,"k":0.1,'
        '"l":100000000000000000000.0,"m":1e22}}'
    ),
    "lines": Script(result='{"content":[{"type":"text","text":"a\u2028b\u2029c\u0085d\\u2028e\\r\\nf\\u0000"}]}'),
    "twice": Script(result='{"content":[{"type":"text","text":"first"}],"content":[{"type":"text","text":"second"}]}'),
    "surrogate": Script(result='{"content":[{"type":"text","text":"\\ud800"}]}'),
    "pair": Script(result='{"content":[{"type":"text","text":"\\ud83d\\ude00"}]}'),
    "empty_key": Script(result='{"content":[],"structuredContent":{"":{"":1},"\\u0000":2}}'),
    "false": Script(result='{"content":[],"structuredContent":false}'),
    "zero": Script(result='{"content":[],"structuredContent":0}'),
    "bare": Script(result="{}"),
    "null_result": Script(result="null"),
    "list_result": Script(result="[1]"),
    "null_members": Script(result='{"content":null,"isError":null,"_meta":null,"structuredContent":{"a":null}}'),
    "wrong_members": Script(result='{"content":"x","isError":"yes","_meta":[1]}'),
    "vendor_type": Script(result='{"resultType":"vendor","content":[]}'),
    "answers_id": Script(result='{"content":[],"id":5,"jsonrpc":"1.0","error":{"code":1},"method":"x"}'),
    **{f"deep_{levels}": _deep(levels) for levels in (190, 195, 196, 197, 198, 199, 205, 300)},
    "error_null": Script(error='{"code":-32001,"message":"m","data":null}'),
    "error_bare": Script(error='{"code":-32001,"message":"m"}'),
    "error_more": Script(error='{"code":7,"message":"m","data":[1.0,{"n":1180591620717411303425}],"x-vendor":1}'),
    "error_zero": Script(error='{"code":0,"message":"","data":0}'),
    "error_false": Script(error='{"code":1,"message":"m","data":false}'),
    "error_params": Script(error='{"code":-32602,"message":"bad n","data":"n"}', status=400),
    "error_method": Script(error='{"code":-32601,"message":"none","data":"tools/call"}', status=404),
    "error_header": Script(error='{"code":-32020,"message":"header"}', status=400),
    "error_capability": Script(error='{"code":-32021,"message":"need","data":{"required":{}}}', status=400),
    "error_internal": Script(error='{"code":-32603,"message":"oops","data":"x"}'),
    "error_parse": Script(error='{"code":-32700,"message":"p"}', status=400),
    "error_float": Script(error='{"code":1.5,"message":"m"}'),
    "error_text": Script(error='{"code":"x","message":7,"data":"d"}'),
    "error_empty": Script(error="{}"),
    "error_mail": Script(error='{"code":3,"message":"ask jane.roe@example.com","data":{"m":"jane.roe@example.com"}}'),
    "error_lines": Script(error='{"code":3,"message":"a\u2028b","data":"c\u0085d"}'),
    "error_large": Script(error='{"code":1180591620717411303425,"message":"m"}'),
    "told": Script(result=_DONE, before=(_LOG, _PROGRESS, _VENDOR, _QUIET, _MAIL, _CHANGED, _BARE)),
    "told_lines": Script(result='{"content":[{"type":"text","text":"a\u2028b\u0085c"}]}', before=(_LOG,)),
    "told_then_error": Script(error='{"code":5,"message":"m","data":{"a":1}}', before=(_LOG, _PROGRESS)),
    "told_then_refused": Script(error='{"code":-32602,"message":"m"}', before=(_LOG,)),
    "told_after": Script(result=_DONE, before=(_PROGRESS,), after=(_LOG,)),
    "told_after_error": Script(error='{"code":5,"message":"m"}', after=(_LOG,)),
    "told_numbers": Script(
        result=_DONE,
        before=(_notified("message", '{"level":"info","data":[1.0,1e2,0.12345678901234567890123,-0.0]}'),),
    ),
    "told_then_unwritable": Script(result=_DONE, before=(_LOG,)),
    "told_then_broken": Script(whole=b"", before=(_LOG,)),
    "late": Script(result=_DONE, pause_s=LATE_S),
    "late_error": Script(error='{"code":5,"message":"m"}', pause_s=LATE_S),
    "told_late": Script(result=_DONE, before=(_LOG, _PROGRESS), pause_s=LATE_S),
    "told_after_late": Script(result=_DONE, after=(_LOG,), pause_s=LATE_S),
    "status_500": Script(whole=b"<html>no</html>", status=500),
    "status_401": Script(whole=b"", status=401),
    "status_404": Script(whole=b"", status=404),
    "status_429": Script(whole=b"", status=429),
    "garbage": Script(whole=b"{"),
    "nothing": Script(whole=b""),
    "foreign": Script(whole=b'{"jsonrpc":"2.0","id":"somebody","result":{}}'),
    "both": Script(whole=b'{"jsonrpc":"2.0","id":"ID","result":{},"error":{"code":1,"message":"m"}}'),
}

_HEADED = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "where": {"type": "object", "properties": {"zone": {"type": "boolean", "x-mcp-header": "Zone"}}},
        "plain": {"type": "string"},
    },
}
_MISHEADED = {"type": "object", "properties": {"a": {"type": "number", "x-mcp-header": "A"}}}
_STRICT = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
_MORE: dict[str, dict[str, Any]] = {
    "annotated": {"inputSchema": _HEADED},
    "misannotated": {"inputSchema": _MISHEADED},
    "strict": {"inputSchema": _STRICT, "outputSchema": _STRICT, **VENDOR},
    "rewritten": {"inputSchema": {"type": "object", "properties": {"added": {"type": "integer"}}}},
    "numbers": {"annotations": {"readOnlyHint": True}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came: the body is text, so that a number can be compared as it was written."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class ScriptedUpstream(RichUpstream):
    """A rich upstream with the scripted tools beside its own. `asked` holds every message, oldest first."""

    tools: list[Any] = field(default_factory=lambda: [*TOOLS, *(tool(name, **_MORE.get(name, {})) for name in SCRIPTS)])
    page_size: int = 40
    asked: list[Asked] = field(default_factory=list)

    async def _post(self, http: web.Request) -> web.StreamResponse:
        self._note(http, (await http.read()).decode())
        return await super()._post(http)

    def _note(self, http: web.Request, body: str) -> None:
        headers = {name.lower(): value for name, value in http.headers.items()}
        self.asked.append(Asked(method=http.method, path=http.path_qs, headers=headers, body=body))

    async def _call(self, http: web.Request, body: Any, params: Any) -> web.StreamResponse:
        script = SCRIPTS.get(params["name"])
        if script is None:
            return await super()._call(http, body, params)
        if script.before or script.after:
            return await self._told(http, script, body, params)
        await asyncio.sleep(script.pause_s)
        text = _answer(script, body["id"], self.era)
        return web.Response(body=text, status=script.status, content_type="application/json")

    async def _told(self, http: web.Request, script: Script, body: Any, params: Any) -> web.StreamResponse:
        token = json.dumps((params.get("_meta") or {}).get("progressToken", "none"))
        stream = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await stream.prepare(http)
        for message in script.before:
            await stream.write(_event(message.replace('"TOKEN"', token).encode()))
        await asyncio.sleep(script.pause_s)
        for frame in (_answer(script, body["id"], self.era), *(message.encode() for message in script.after)):
            await stream.write(_event(frame) if frame else b"")
        await stream.write_eof()
        return stream

    def _page(self, params: Any) -> Any:
        if params.get("cursor") not in (None, "", *map(str, range(1000))):
            raise web.HTTPBadRequest(text="no such cursor")
        return super()._page(params)


def _event(frame: bytes) -> bytes:
    return b"event: message\r\ndata: %b\r\n\r\n" % frame


def _answer(script: Script, request_id: object, era: str) -> bytes:
    own = json.dumps(request_id)
    if script.whole is not None:
        return script.whole.replace(b'"ID"', own.encode())
    if script.error:
        return f'{{"jsonrpc":"2.0","id":{own},"error":{script.error}}}'.encode()
    result = script.result
    if era == MODERN and result.startswith("{") and '"resultType"' not in result:
        result = '{"resultType":"complete"' + ("," if len(result) > 2 else "") + result[1:]
    return f'{{"jsonrpc":"2.0","id":{own},"result":{result}}}'.encode()

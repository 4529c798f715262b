"""Requests whose body is odd JSON, or none."""

from __future__ import annotations

import json
from typing import Final

from tests.differential.case import Case, case
from tests.mcp_wire import ENVELOPE, MODERN


def bodies() -> list[Case]:
    """Bodies that are odd JSON, or none."""
    return [item for name, raw in _BODIES.items() for item in _of_both_eras(name, raw)]


def _of_both_eras(name: str, raw: bytes) -> list[Case]:
    meta = json.dumps({"_meta": ENVELOPE})[1:-1].encode()
    modern = raw.replace(b'"params":{', b'"params":{' + meta + b",", 1)
    return [case(f"body: {name}", raw=raw), case(f"body: {name}", era=MODERN, raw=modern)]


def _call(arguments: str) -> bytes:
    text = '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":' + arguments + "}}"
    return text.encode("utf-8", "surrogatepass")


_PLAIN: Final = _call('{"a":1}')
_BODIES: Final[dict[str, bytes]] = {
    "nothing": b"",
    "spaces": b"  ",
    "spaces around": b" \r\n\t" + _PLAIN + b"\n\n",
    "null": b"null",
    "number": b"7",
    "text": b'"x"',
    "true": b"true",
    "empty object": b"{}",
    "empty batch": b"[]",
    "batch": b"[" + _PLAIN + b"," + _PLAIN + b"]",
    "two messages": _PLAIN + b"\n" + _PLAIN,
    "unfinished": _PLAIN[:-1],
    "trailing comma": _PLAIN[:-1] + b",}",
    "single quotes": _PLAIN.replace(b'"', b"'"),
    "comment": _PLAIN + b"// x",
    "byte order mark": b"\xef\xbb\xbf" + _PLAIN,
    "UTF-16": _PLAIN.decode().encode("utf-16"),
    "UTF-16 without a mark": _PLAIN.decode().encode("utf-16-le"),
    "UTF-32": _PLAIN.decode().encode("utf-32"),
    "Latin-1": _call('{"a":"é"}').decode().encode("latin-1"),
    "invalid UTF-8": _call('{"a":"X"}').replace(b"X", b"\xff\xfe"),
    "overlong UTF-8": _call('{"a":"X"}').replace(b"X", b"\xc0\xaf"),
    "encoded surrogate": _call('{"a":"\ud800"}'),
    "control character": _call('{"a":"\x01"}'),
    "NUL after": _PLAIN + b"\x00",
    "key twice": _call('{"a":1,"a":2}'),
    "method twice": _PLAIN.replace(b'"method"', b'"method":"tools/list","method"'),
    "method twice, other last": _PLAIN.replace(b'"params"', b'"method":"tools/list","params"'),
    "name twice": _PLAIN.replace(b'"name"', b'"name":"rich","name"'),
    "name twice, other last": _PLAIN.replace(b'"arguments"', b'"name":"rich","arguments"'),
    "id twice": _PLAIN.replace(b'"id":7', b'"id":7,"id":8'),
    "params twice": _PLAIN[:-1] + b',"params":{"name":"rich"}}',
    "escaped key": _PLAIN.replace(b'"method"', b'"m\\u0065thod"'),
    "escaped name": _PLAIN.replace(b'"echo"', b'"\\u0065cho"'),
    "NaN": _call('{"a":NaN}'),
    "Infinity": _call('{"a":[Infinity,-Infinity]}'),
    "1e400": _call('{"a":1e400}'),
    "1e308": _call('{"a":1e308}'),
    "70 bits": _call(f'{{"a":{2**70 + 1},"b":-{2**70}}}'),
    "64 bits": _call(f'{{"a":{2**64 - 1},"b":-{2**63},"c":{2**63}}}'),
    "4000 digits": _call('{"a":' + "9" * 4000 + "}"),
    "5000 digits": _call('{"a":' + "9" * 5000 + "}"),
    "long decimal": _call('{"a":0.12345678901234567890123}'),
    "long decimal that a double keeps": _call('{"a":0.1000000000000000000000}'),
    "whole decimals": _call('{"a":1.0,"b":1.50,"c":-0.0,"d":1e2,"e":1E-7,"f":-0,"g":100000000000000000000.0}'),
    "leading zero": _call('{"a":01}'),
    "plus": _call('{"a":+1}'),
    "point": _call('{"a":1.}'),
    "hexadecimal": _call('{"a":0x1}'),
    "lone surrogate": _call('{"a":"\\ud800"}'),
    "lone surrogate in a key": _call('{"\\udfff":1}'),
    "surrogates in the wrong order": _call('{"a":"\\udc00\\ud800"}'),
    "pair": _call('{"a":"\\ud83d\\ude00"}'),
    "lone surrogate in the id": _PLAIN.replace(b"7", b'"\\ud800"'),
    "line separators": _call('{"a":"\u2028\u2029\u0085","\u2028":1}'),
    "line separators in the id": _PLAIN.replace(b"7", '"\u2028"'.encode()),
    "NUL in a text": _call('{"a":"\\u0000","\\u0000":""}'),
    "empty key": _call('{"":{"":1}}'),
    "__proto__": _call('{"__proto__":{"a":1},"constructor":1}'),
    "whole number with an exponent as id": _PLAIN.replace(b"7", b"7e0"),
    "minus zero as id": _PLAIN.replace(b"7", b"-0"),
    **{
        f"depth {depth}": _call('{"a":' + "[" * (depth - 3) + "]" * (depth - 3) + "}") for depth in (199, 200, 201, 250)
    },
    "depth 5000": _call('{"a":' + "[" * 5000 + "]" * 5000 + "}"),
    "brackets in a text": _call('{"a":"' + "[" * 500 + '"}'),
    "1 MiB": _call('{"a":"' + "x" * 2**20 + '"}'),
    "personal": _call('{"a":"write to jane.roe@example.com"}'),
    "invisible": _call('{"a":"a\u200bb\u202ec\ufeff","b":"\U000e0041"}'),
}

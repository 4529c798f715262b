"""What a request looks like on the wire, in both eras, and what comes back through notifications."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from policies import jsontext
from proxy.connect import connect
from proxy.errors import METHOD_NOT_FOUND, ConfigError, RpcError, UpstreamError
from proxy.settings import Settings
from proxy.upstream import Origin
from tests.upstream.conftest import Token
from tests.upstream.fake import HANDSHAKE, MODERN, Fake, Seen, handshake, hang, modern

P = "io.modelcontextprotocol/"
NOW = Origin(version=MODERN)
OLD = Origin(version=HANDSHAKE)
CALL: dict[str, Any] = {"name": "echo", "arguments": {"text": "x"}}


async def heard_by(notices: list[tuple[str, Any]]) -> Any:
    async def notify(method: str, params: Any) -> None:
        notices.append((method, params))

    return notify


async def test_a_modern_upstream_is_found_by_one_discover_and_remembered(to: Any) -> None:
    async with Fake(modern()) as fake:
        upstream = await to(fake.url)
        hellos = await asyncio.gather(*(upstream.hello() for _ in range(10)))
        assert {id(hello) for hello in hellos} == {id(upstream.known())}
        assert fake.methods() == ["server/discover"]
        hello = hellos[0]
        assert (hello.era, hello.version, hello.sessions) == ("modern", MODERN, False)
        assert (hello.server_info["name"], hello.instructions) == ("fake", None)
        probe = fake.seen[0]
        assert probe.headers["mcp-protocol-version"] == MODERN
        assert probe.headers["mcp-method"] == "server/discover"
        assert set(probe.params["_meta"]) == {P + "protocolVersion", P + "clientInfo", P + "clientCapabilities"}


@pytest.mark.parametrize("refusal", ["-32601", "-32602", "400", "404", "405", "406", "no versions"])
async def test_a_handshake_upstream_is_found_by_initialize(to: Any, refusal: str) -> None:
    async def refuse(seen: Seen) -> None:
        if refusal == "no versions":
            return await seen.result({"supportedVersions": [HANDSHAKE]})
        if refusal.startswith("-"):
            return await seen.error(int(refusal), 400)
        return await seen.out.body(b"", int(refusal), "text/plain")

    async with Fake(handshake(server_discover=refuse)) as fake:
        hello = await (await to(fake.url)).hello()
        assert (hello.era, hello.version, hello.instructions) == ("handshake", HANDSHAKE, "be kind")
        assert fake.methods() == ["server/discover", "initialize", "notifications/initialized"]
        first = fake.asked("initialize")[0]
        assert first.params["protocolVersion"] == HANDSHAKE
        assert first.params["capabilities"] == {}
        assert "mcp-protocol-version" not in first.headers
        assert fake.seen[2].headers["mcp-protocol-version"] == HANDSHAKE


async def test_the_version_that_comes_back_is_accepted_and_used(to: Any) -> None:
    async def older(seen: Seen) -> None:
        if seen.method == "initialize":
            return await seen.result({"protocolVersion": "2025-03-26", "capabilities": {}, "serverInfo": {}})
        return await handshake()(seen)

    async with Fake(older) as fake:
        upstream = await to(fake.url)
        await upstream.request("tools/list", {}, OLD)
        assert upstream.known().version == "2025-03-26"
        assert {seen.headers["mcp-protocol-version"] for seen in fake.seen[2:]} == {"2025-03-26"}


async def test_an_upstream_that_names_the_modern_version_is_asked_once_more(to: Any) -> None:
    async def later(seen: Seen) -> None:
        if len(fake.seen) == 1:
            return await seen.error(-32022, 400, {"supported": [MODERN], "requested": "x"})
        return await modern()(seen)

    async with Fake(later) as fake:
        assert (await (await to(fake.url)).hello()).era == "modern"
        assert fake.methods() == ["server/discover", "server/discover"]


async def test_a_busy_upstream_is_not_taken_for_a_handshake_one(to: Any) -> None:
    async def busy(seen: Seen) -> None:
        await seen.error(-32003)

    async with Fake(busy) as fake:
        with pytest.raises(RpcError) as caught:
            await (await to(fake.url)).hello()
        assert caught.value.code == -32003
        assert set(fake.methods()) == {"server/discover"}


async def test_requests_carry_our_ids_headers_and_tokens_and_nothing_of_the_caller(to: Any) -> None:
    async with Fake(modern()) as fake:
        upstream = await to(fake.url)
        origin = Origin(
            version=MODERN, headers={"traceparent": "00-a-b-01", "ACCEPT": "x", "Host": "evil", "x-own": "1"}
        )
        for _ in range(2):
            await upstream.request("tools/call", CALL, origin, progress_token="caller", notify=await heard_by([]))
        one, two = fake.asked("tools/call")
        assert one.message["id"] != two.message["id"]
        assert one.params["_meta"]["progressToken"] == one.message["id"]
        assert one.headers.pop("user-agent").startswith("mcp-policy-proxy/")
        assert one.headers.pop("content-length") == str(len(one.body))
        assert one.headers == {
            "host": f"127.0.0.1:{fake.port}",
            "accept": "application/json, text/event-stream",
            "accept-encoding": "identity",
            "content-type": "application/json",
            "mcp-protocol-version": MODERN,
            "mcp-method": "tools/call",
            "mcp-name": "echo",
            "authorization": "token-0",
            "traceparent": "00-a-b-01",
            "x-own": "1",
        }
        assert one.connection == two.connection


async def test_no_token_is_sent_for_a_caller_that_gave_none(to: Any) -> None:
    async with Fake(handshake()) as fake:
        await (await to(fake.url)).request("tools/call", CALL, OLD)
        assert fake.asked("tools/call")[0].params == CALL
        assert "mcp-name" not in fake.asked("tools/call")[0].headers


def encoded(text: str) -> str:
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


async def test_names_and_annotated_arguments_are_mirrored_from_the_body_sent(to: Any) -> None:
    schema = {
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "where": {"type": "object", "properties": {"zone": {"type": "integer", "x-mcp-header": "Zone"}}},
            "dry": {"type": "boolean", "x-mcp-header": "Dry"},
            "gone": {"type": "string", "x-mcp-header": "Gone"},
            "ratio": {"type": "number", "x-mcp-header": "Ratio"},
            "bad": {"type": "string", "x-mcp-header": "not a token"},
            "items": {"type": "array", "items": {"type": "string", "x-mcp-header": "Item"}},
        }
    }
    arguments = {
        "region": "köln\r\nx: y",
        "where": {"zone": 10**20},
        "dry": False,
        "ratio": 1.5,
        "bad": "b",
        "gone": None,
    }
    async with Fake(modern()) as fake:
        upstream = await to(fake.url)
        definition = {"name": "tööl", "inputSchema": schema}
        await upstream.request("tools/call", {"name": "tööl", "arguments": arguments}, NOW, definition=definition)
        sent = {name: value for name, value in fake.seen[-1].headers.items() if name.startswith("mcp-")}
    assert sent == {
        "mcp-protocol-version": MODERN,
        "mcp-method": "tools/call",
        "mcp-name": encoded("tööl"),
        "mcp-param-region": encoded("köln\r\nx: y"),
        "mcp-param-zone": str(10**20),
        "mcp-param-dry": "false",
    }


@pytest.mark.parametrize("era", [modern, handshake])
async def test_our_own_discovery_brings_its_own_envelope(to: Any, era: Any) -> None:
    async with Fake(era()) as fake:
        pages = await (await to(fake.url)).pages("tools/list", Origin(version=MODERN, own=True))
        assert pages[0]["ttlMs"] == (5 if era is modern else 0)
        meta = fake.asked("tools/list")[0].params.get("_meta", {})
        assert set(meta) == (
            {P + "protocolVersion", P + "clientInfo", P + "clientCapabilities"} if era is modern else set()
        )


async def test_numbers_and_unknown_fields_pass_unharmed_both_ways(to: Any) -> None:
    text = '{"a":1234567890123456789012345,"b":0.12345678901234567890123456789,"d":[null,{"x-y":"\\u2028"}]}'

    async def echo(seen: Seen) -> None:
        raw = seen.body.split(b'"arguments":')[1].split(b',"_meta"')[0].removesuffix(b"}}")
        await seen.out.body(b'{"jsonrpc":"2.0","id":%d,"result":%s}' % (seen.message["id"], raw))

    exact = jsontext.loads(text)
    async with Fake(handshake(tools_call=echo)) as fake:
        found = await (await to(fake.url)).request("tools/call", {"name": "e", "arguments": exact}, OLD)
    assert found == exact
    assert jsontext.dumps(found) == jsontext.dumps(exact) == text.replace("\\u2028", "\u2028").encode()


async def test_a_large_request_is_sent_whole(to: Any) -> None:
    async with Fake(handshake()) as fake:
        big = {"name": "e", "arguments": {"text": "x" * 3_000_000}}
        assert (await (await to(fake.url)).request("tools/call", big, OLD))["structuredContent"] == big


async def test_an_encoded_path_goes_out_as_written_and_the_endpoint_names_no_secret(to: Any) -> None:
    path = "/runtimes/arn%3Aaws%3Aruntime%2Fx/invocations"
    async with Fake(modern()) as fake:
        upstream = await to(f"http://127.0.0.1:{fake.port}{path}?qualifier=DEFAULT")
        await upstream.hello()
        assert fake.seen[0].target == f"{path}?qualifier=DEFAULT"
        assert upstream.endpoint == f"http://127.0.0.1:{fake.port}{path}"


@pytest.mark.parametrize("status", [200, 400, 404, 500])
@pytest.mark.parametrize("data", [None, {"why": [1]}])
async def test_an_error_of_the_upstream_keeps_code_message_and_data(to: Any, status: int, data: Any) -> None:
    async def refuse(seen: Seen) -> None:
        await seen.error(-32602, status, data)

    async with Fake(modern(tools_call=refuse)) as fake:
        with pytest.raises(RpcError) as caught:
            await (await to(fake.url)).request("tools/call", CALL, NOW)
    error = caught.value
    assert not isinstance(error, UpstreamError)
    assert (error.code, error.message, error.data, error.has_data) == (-32602, "no", data, data is not None)


@pytest.mark.parametrize("own_id", ["null", '"server-error"'])
async def test_an_error_status_may_come_under_another_id(to: Any, own_id: str) -> None:
    async def refuse(seen: Seen) -> None:
        error = f'{{"jsonrpc":"2.0","id":{own_id},"error":{{"code":-32602,"message":"x"}}}}'
        await seen.out.body(error.encode(), 400)

    async with Fake(modern(tools_call=refuse)) as fake:
        with pytest.raises(RpcError) as caught:
            await (await to(fake.url)).request("tools/call", CALL, NOW)
    assert caught.value.code == -32602


async def talkative(seen: Seen) -> None:
    token = seen.params.get("_meta", {}).get("progressToken")
    await seen.out.stream()
    await seen.out.chunk(b": hello\n\nid: 0\ndata:\n\n")
    for step in (1, 2):
        await seen.out.event(notice("notifications/progress", progressToken=token, progress=step))
        await seen.out.event(notice("notifications/message", level="info", data=f"ä\u2028{step}"))
    await seen.out.event(notice("notifications/progress", progressToken="someone else's", progress=9))
    answer = json.dumps({"jsonrpc": "2.0", "id": seen.message["id"], "result": {"content": ["ö"]}}, ensure_ascii=False)
    raw = f"data: {answer}\r\n\r\ndata: {answer}\r\n\r\n".encode()
    for at in range(len(raw)):
        await seen.out.chunk(raw[at : at + 1])
    await seen.out.end()


def notice(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params}


@pytest.mark.parametrize("era", [modern, handshake])
async def test_notifications_arrive_in_order_under_the_callers_token(to: Any, era: Any) -> None:
    notices: list[tuple[str, Any]] = []
    async with Fake(era(tools_call=talkative)) as fake:
        upstream = await to(fake.url)
        for _ in range(2):
            notices.clear()
            result = await upstream.request("tools/call", CALL, OLD, notify=await heard_by(notices), progress_token=0)
            assert result["content"] == ["ö"]
            assert notices == [
                ("notifications/progress", {"progressToken": 0, "progress": 1}),
                ("notifications/message", {"level": "info", "data": "ä\u20281"}),
                ("notifications/progress", {"progressToken": 0, "progress": 2}),
                ("notifications/message", {"level": "info", "data": "ä\u20282"}),
            ]
            await asyncio.sleep(0.05)
        one, two = fake.asked("tools/call")
        assert one.connection == two.connection, "an answered stream gives its connection back"


async def test_a_listener_that_fails_harms_no_call(to: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def gone(method: str, params: Any) -> None:
        raise ConnectionResetError("CANARY")

    async with Fake(modern(tools_call=talkative)) as fake:
        result = await (await to(fake.url)).request("tools/call", CALL, NOW, notify=gone, progress_token=1)
    assert result["content"] == ["ö"]
    assert len(fake.asked("tools/call")) == 1
    assert "CANARY" not in caplog.text


async def test_a_subscription_stays_open_and_carries_the_callers_request_id(to: Any) -> None:
    async def listen(seen: Seen) -> None:
        own = {P + "subscriptionId": seen.message["id"]}
        await seen.out.stream()
        for number in range(3):
            await asyncio.sleep(0.2)
            await seen.out.event(notice("notifications/tools/list_changed", _meta=own, number=number))
        result = {"resultType": "complete", "_meta": own}
        await seen.out.event({"jsonrpc": "2.0", "id": seen.message["id"], "result": result})
        await seen.out.end()

    notices: list[tuple[str, Any]] = []
    async with Fake(modern(subscriptions_listen=listen)) as fake:
        upstream = await to(fake.url, call_s=0.3, read_s=0.1, call_read_s=5)
        notify = await heard_by(notices)
        result = await upstream.request("subscriptions/listen", {}, NOW, notify=notify, request_id="mine")
    assert result["_meta"] == {P + "subscriptionId": "mine"}
    assert [params["_meta"][P + "subscriptionId"] for _, params in notices] == ["mine"] * 3


async def test_methods_of_the_other_era_are_answered_here(to: Any) -> None:
    async with Fake(modern()) as fake:
        assert await (await to(fake.url)).request("logging/setLevel", {"level": "info"}, OLD) == {}
        assert fake.methods() == ["server/discover"]
    async with Fake(handshake()) as fake:
        with pytest.raises(RpcError) as caught:
            await (await to(fake.url)).request("subscriptions/listen", {}, NOW)
        assert caught.value.code == METHOD_NOT_FOUND


async def test_requests_of_the_upstream_are_answered_at_once(to: Any) -> None:
    answered = asyncio.Event()

    async def asking(seen: Seen) -> None:
        await seen.out.stream()
        for own_id, method in (("s1", "sampling/createMessage"), (2, "elicitation/create"), (3, "ping")):
            await seen.out.event({"jsonrpc": "2.0", "id": own_id, "method": method, "params": {}})
        await answered.wait()
        await seen.out.event({"jsonrpc": "2.0", "id": seen.message["id"], "result": {"content": []}})
        await seen.out.end()

    base = handshake(sessions=True, tools_call=asking)

    async def answer(seen: Seen) -> None:
        await base(seen)
        if len([one for one in fake.seen if one.body and "method" not in one.message]) == 3:
            answered.set()

    async with Fake(answer) as fake:
        await (await to(fake.url)).request("tools/call", CALL, Origin(version=HANDSHAKE, session="a"))
        replies = [one for one in fake.seen if one.body and "method" not in one.message]
        session = fake.asked("tools/call")[0].headers["mcp-session-id"]
    assert {reply.headers["mcp-session-id"] for reply in replies} == {session}
    found = {reply.message["id"]: reply.message for reply in replies}
    assert found["s1"]["error"]["code"] == found[2]["error"]["code"] == METHOD_NOT_FOUND
    assert found[3]["result"] == {}


async def test_a_broken_stream_is_resumed_after_the_last_event(to: Any) -> None:
    calls: list[Seen] = []

    async def breaking(seen: Seen) -> None:
        calls.append(seen)
        await seen.out.stream()
        await seen.out.chunk(b"retry: 10\nid: e0\ndata:\n\n")
        await seen.out.event(notice("notifications/message", data=1), "e1")
        await seen.out.chunk(b"id: e9\ndata: {unfini")
        seen.out.drop()

    async def rest(seen: Seen) -> None:
        await seen.out.stream()
        if seen.headers["last-event-id"] == "e1":
            await seen.out.event(notice("notifications/message", data=2), "e2")
            return await seen.out.end()
        await seen.out.event({"jsonrpc": "2.0", "id": calls[0].message["id"], "result": {"content": []}}, "e3")
        return await seen.out.end()

    notices: list[tuple[str, Any]] = []
    async with Fake(handshake(sessions=True, tools_call=breaking, GET=rest)) as fake:
        upstream = await to(fake.url)
        origin = Origin(version=HANDSHAKE, session="a")
        assert await upstream.request("tools/call", CALL, origin, notify=await heard_by(notices)) == {"content": []}
        resumed = fake.asked("GET")
    assert [params["data"] for _, params in notices] == [1, 2]
    assert [seen.headers["last-event-id"] for seen in resumed] == ["e1", "e2"]
    assert resumed[0].headers["mcp-session-id"] == calls[0].headers["mcp-session-id"]
    assert len(calls) == 1


async def test_resuming_ends_when_nothing_new_comes(to: Any) -> None:
    async def breaking(seen: Seen) -> None:
        await seen.out.stream()
        await seen.out.chunk(b"retry: 1\nid: e0\ndata:\n\n")
        await seen.out.end()

    async def refuse(seen: Seen) -> None:
        await seen.out.body(b"", 405)

    async with Fake(handshake(tools_call=breaking, GET=refuse)) as fake:
        with pytest.raises(UpstreamError) as caught:
            await (await to(fake.url)).request("tools/call", CALL, OLD)
        assert caught.value.kind == "closed"
        assert len(fake.asked("GET")) == 3


@pytest.mark.parametrize("era", [modern, handshake])
async def test_cancelling_the_task_cancels_the_upstreams_work(to: Any, era: Any) -> None:
    closed = asyncio.Event()

    async def working(seen: Seen) -> None:
        try:
            await seen.out.stream()
            while True:
                await seen.out.chunk(b": ping\n\n")
                await asyncio.sleep(0.02)
        finally:
            closed.set()

    async with Fake(era(tools_call=working)) as fake:
        upstream = await to(fake.url)
        task = asyncio.create_task(upstream.request("tools/call", CALL, NOW))
        await fake.until("tools/call")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(closed.wait(), 5)
        if era is handshake:
            await fake.until("notifications/cancelled")
        cancelled = [seen.params for seen in fake.asked("notifications/cancelled")]
        assert cancelled == ([{"requestId": fake.asked("tools/call")[0].message["id"]}] if era is handshake else [])


async def test_a_call_that_took_too_long_is_cancelled_upstream(to: Any) -> None:
    async with Fake(handshake(tools_call=hang)) as fake:
        upstream = await to(fake.url, call_read_s=0.1)
        with pytest.raises(UpstreamError):
            await upstream.request("tools/call", CALL, OLD)
        await fake.until("notifications/cancelled")


async def test_a_cancelled_caller_does_not_break_the_probe_for_the_others(to: Any) -> None:
    go = asyncio.Event()

    async def slow(seen: Seen) -> None:
        await go.wait()
        await modern()(seen)

    async with Fake(slow) as fake:
        upstream = await to(fake.url)
        first, second = (asyncio.create_task(upstream.hello()) for _ in range(2))
        await fake.until("server/discover")
        first.cancel()
        go.set()
        assert (await second).era == "modern"
        assert fake.methods() == ["server/discover"]


async def test_a_refused_credential_is_refreshed_once(to: Any) -> None:
    async def strict(seen: Seen) -> None:
        if seen.headers["authorization"] == "token-1":
            return await modern()(seen)
        return await seen.out.body(b"", 401, headers={"www-authenticate": "Bearer"})

    async with Fake(strict) as fake:
        auth = Token(fresh=1)
        assert (await (await to(fake.url, auth=auth)).hello()).era == "modern"
        assert auth.refusals == [401]
        stale = Token(fresh=9, number=5)
        with pytest.raises(UpstreamError) as caught:
            await (await to(fake.url, auth=stale)).hello()
        assert (caught.value.kind, caught.value.status, stale.refusals) == ("auth", 401, [401])


async def test_callers_with_their_own_credential_do_not_share_a_probe(to: Any) -> None:
    async def strict(seen: Seen) -> None:
        if seen.headers["authorization"] == "good":
            return await modern()(seen)
        return await seen.out.body(b"", 401)

    async with Fake(strict) as fake:
        upstream = await to(fake.url)
        good, bad = (Origin(version=MODERN, authorization=value) for value in ("good", "bad"))
        refused, found = await asyncio.gather(upstream.hello(bad), upstream.hello(good), return_exceptions=True)
        assert isinstance(refused, UpstreamError)
        assert found.era == "modern"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "no upstream"),
        ({"upstream": "https://user:pass@example.com/mcp"}, "auth_mode"),
        ({"upstream": "http://"}, "not a URL"),
        ({"upstream": "http://host:port/mcp"}, "not a URL"),
        ({"upstream": "http://host/a path"}, "not a URL"),
        ({"upstream": "http://host/\r\nx: y"}, "not a URL"),
        ({"stdio": "unbalanced 'quote"}, "setting stdio"),
    ],
)
def test_an_upstream_that_cannot_be_meant_is_refused_at_once(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        connect(Settings(**settings), Token())
    assert "pass@" not in str(caught.value)


async def test_what_json_cannot_say_is_not_sent(to: Any) -> None:
    async with Fake(modern()) as fake:
        with pytest.raises(UpstreamError) as caught:
            await (await to(fake.url)).request("tools/call", {"name": "\ud800"}, NOW)
        assert (caught.value.kind, caught.value.sent) == ("malformed", False)
        assert fake.methods() == ["server/discover"]


async def test_after_closing_a_request_is_a_clear_error(to: Any) -> None:
    async with Fake(modern()) as fake:
        upstream = await to(fake.url)
        await upstream.hello()
        await upstream.close()
        with pytest.raises(UpstreamError) as caught:
            await upstream.request("tools/call", CALL, NOW)
        assert (caught.value.kind, caught.value.sent) == ("closed", False)

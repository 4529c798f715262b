"""The demo upstream, asked over its loopback port by the SDK's own clients."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import jsonschema_rs
import pytest
from fastmcp import Client as FastClient
from mcp import Client, MCPError

from policies.model import JsonObject
from proxy import demo, demo_tools
from proxy.demo_messages import reply

ERAS = {"handshake": "legacy", "modern": "2026-07-28", "probed": "auto"}

CALLS = [
    ("get_customer_profile", {"customer_id": "CUST001"}),
    ("check_warranty_status", {"serial_number": "SN-48213"}),
    ("check_warranty_status", {"serial_number": "SN-77310", "customer_email": "a@example.com"}),
    ("search_knowledge", {"query": "return order"}),
    ("search_knowledge", {"query": "nothing-of-the-kind"}),
    ("update_order", {"order_id": "ORD-10021", "status": "shipped"}),
    ("update_order", {"order_id": "ORD-10021", "status": "cancelled", "note": "changed their mind"}),
    ("send_update", {"to": "a@example.com", "message": "On its way"}),
]

REFUSED = [
    ("get_customer_profile", {"customer_id": "CUST999"}, "no customer"),
    ("get_customer_profile", {}, "customer_id is missing"),
    ("get_customer_profile", {"customer_id": 7}, "must be a string"),
    ("get_customer_profile", {"customer_id": "CUST001", "extra": "x"}, "does not take"),
    ("check_warranty_status", {"serial_number": "SN-0"}, "no product"),
    ("update_order", {"order_id": "ORD-1", "status": "shipped"}, "no order"),
    ("update_order", {"order_id": "ORD-10021", "status": "lost"}, "must be one of"),
]


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with await demo.serve() as running:
        yield running.url


@pytest.mark.parametrize("mode", ERAS.values(), ids=ERAS)
async def test_every_tool_answers_in_text_and_structure_alike_and_by_its_schema(url: str, mode: str) -> None:
    async with Client(url, mode=mode) as client:
        schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        assert set(schemas) == set(demo_tools.TOOLS)
        for name, arguments in CALLS:
            result = await client.call_tool(name, arguments)
            assert not result.is_error
            assert json.loads(result.content[0].text) == result.structured_content
            validator = jsonschema_rs.validator_for(schemas[name], validate_formats=True)
            assert validator.is_valid(result.structured_content)


@pytest.mark.parametrize("mode", ERAS.values(), ids=ERAS)
async def test_a_call_that_cannot_be_served_is_a_tool_error_that_says_why(url: str, mode: str) -> None:
    async with Client(url, mode=mode) as client:
        for name, arguments, why in REFUSED:
            result = await client.call_tool(name, arguments)
            assert result.is_error
            assert why in result.content[0].text


@pytest.mark.parametrize("mode", ERAS.values(), ids=ERAS)
async def test_an_unknown_tool_is_invalid_params(url: str, mode: str) -> None:
    async with Client(url, mode=mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("no_such_tool", {})
        assert caught.value.error.code == -32602


async def test_the_era_negotiated_is_the_one_asked_for(url: str) -> None:
    for mode, version in (("legacy", "2025-11-25"), ("auto", "2026-07-28")):
        async with Client(url, mode=mode) as client:
            assert client.protocol_version == version
            assert client.server_info is not None
            assert client.server_info.name == "customer-support-demo"


async def test_a_fastmcp_client_sees_what_the_demo_lists(url: str) -> None:
    async with FastClient(url) as client:
        tools = {tool.name: tool for tool in await client.list_tools()}
        answer = await client.call_tool("send_update", {"to": "a@example.com", "message": "hi"})
    assert answer.structured_content is not None
    assert answer.structured_content["to"] == "a@example.com"
    assert tools["get_customer_profile"].annotations.read_only_hint is True
    assert tools["send_update"].annotations.read_only_hint is False
    assert all(tool.title and tool.output_schema for tool in tools.values())


def test_input_and_output_schemas_are_valid_json_schema() -> None:
    for tool in demo_tools.TOOLS.values():
        for key in ("inputSchema", "outputSchema"):
            assert jsonschema_rs.meta.is_valid({"$schema": "https://json-schema.org/draft/2020-12/schema", **tool[key]})


def test_card_numbers_pass_their_checksum() -> None:
    for customer in demo_tools.CUSTOMERS.values():
        digits = [int(digit) for digit in customer["card_number"] if digit.isdigit()]
        doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
        assert (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
MODERN = {"MCP-Protocol-Version": "2026-07-28"}
CALL = {"name": "get_customer_profile", "arguments": {"customer_id": "CUST001"}, "_meta": ENVELOPE}


def _request(method: str, params: object) -> JsonObject:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


CALLING = {**MODERN, "Mcp-Method": "tools/call"}

ODD: list[tuple[str, Mapping[str, str], object, int, int]] = [
    ("not JSON", {}, b"{", 400, -32700),
    ("an array", {}, [1], 400, -32600),
    ("no method", {}, {"jsonrpc": "2.0", "id": 1}, 400, -32600),
    ("params of a wrong type", {}, _request("ping", [1]), 200, -32602),
    ("an unknown method", {}, _request("nope", {}), 200, -32601),
    ("a cursor that is not ours", {}, _request("tools/list", {"cursor": "x"}), 200, -32602),
    ("arguments of a wrong type", {}, _request("tools/call", {"name": "send_update", "arguments": 1}), 200, -32602),
    ("an unknown version", {"MCP-Protocol-Version": "2031-01-01"}, _request("tools/list", {}), 400, -32022),
    ("no envelope", {**MODERN, "Mcp-Method": "tools/list"}, _request("tools/list", {}), 400, -32602),
    ("no Mcp-Method", MODERN, _request("tools/list", {"_meta": ENVELOPE}), 400, -32020),
    ("another Mcp-Name", {**CALLING, "Mcp-Name": "x"}, _request("tools/call", CALL), 400, -32020),
    ("a broken Mcp-Name", {**CALLING, "Mcp-Name": "=?base64?!?="}, _request("tools/call", CALL), 400, -32020),
    ("a modern ping", {**MODERN, "Mcp-Method": "ping"}, _request("ping", {"_meta": ENVELOPE}), 404, -32601),
]


@pytest.mark.parametrize(("headers", "body", "status", "code"), [row[1:] for row in ODD], ids=[row[0] for row in ODD])
def test_an_odd_request_gets_the_status_and_code_of_its_era(
    headers: dict[str, str], body: object, status: int, code: int
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answered, message = reply({name.lower(): value for name, value in headers.items()}, data)
    assert answered == status
    assert message["error"]["code"] == code


async def test_a_base64_name_is_decoded(url: str) -> None:
    named = {**MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "=?base64?Z2V0X2N1c3RvbWVyX3Byb2ZpbGU=?="}
    status, message = await _post(url, named, _request("tools/call", CALL))
    assert status == 200
    assert message["result"]["resultType"] == "complete"


async def test_a_modern_list_says_how_long_and_for_whom_it_may_be_kept(url: str) -> None:
    for method in ("tools/list", "server/discover"):
        _, message = await _post(url, {**MODERN, "Mcp-Method": method}, _request(method, {"_meta": ENVELOPE}))
        assert message["result"]["resultType"] == "complete"
        assert message["result"]["ttlMs"] > 0
        assert message["result"]["cacheScope"] == "public"


async def test_notifications_are_accepted_and_other_paths_and_verbs_are_not(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        async with session.post(url, json=note) as answer:
            assert (answer.status, await answer.read()) == (202, b"")
        async with session.get(url) as answer:
            assert answer.status == 405
        async with session.post(url + "/else", json=note) as answer:
            assert answer.status == 404
        async with session.post(url, data=io.BytesIO(b" " * (4 * 2**20 + 1))) as answer:
            assert answer.status == 413


async def test_a_port_that_is_taken_is_an_error_and_stopping_frees_it() -> None:
    running = await demo.serve()
    port = int(running.url.rsplit(":", 1)[1].split("/")[0])
    with pytest.raises(OSError):
        await demo.serve(port)
    await running.stop()
    await running.stop()
    async with await demo.serve(port) as again:
        assert again.url == running.url


def test_the_demo_leaves_signals_alone_and_needs_neither_fastmcp_nor_the_sdk() -> None:
    script = (
        "import asyncio, signal, sys\n"
        "from proxy import demo\n"
        "async def main():\n"
        "    before = signal.getsignal(signal.SIGTERM)\n"
        "    async with await demo.serve():\n"
        "        assert signal.getsignal(signal.SIGTERM) is before\n"
        "asyncio.run(main())\n"
        "print(sorted({'fastmcp', 'mcp', 'opentelemetry', 'presidio_analyzer'} & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False)
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, "[]", "")


async def _post(url: str, headers: Mapping[str, str], body: object) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as answer:
        return answer.status, await answer.json()

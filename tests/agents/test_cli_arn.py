"""`call` and `tools` by ARN and with a token, against the emulated Runtime and against a front that answers as told."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from proxy.__main__ import main
from proxy.arns import ENDPOINT_VARIABLE
from proxy.client_proof import Signature
from proxy.client_runtime import PATIENCE_S, SESSION, RuntimeClient
from proxy.errors import ProxyError
from proxy.parser import parsed
from tests.agents.front import ARN, TARGET, Asked, Front, running
from tests.agents.plane import Deployed, deployed
from tests.inbound.issuer import Issuer
from tests.inbound.issuer import serving as issuing

CANARY = "canary-7f3a"
CALL = ("call", "get_customer_profile", '{"customer_id":"CUST001"}')
TOOLS = {"tools": [{"name": "lookup", "description": "Looks up."}]}


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs the command line in a thread, so that this loop may answer it: exit code, output, errors."""

    async def run(*argv: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main, argv)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@contextlib.contextmanager
def environment(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Any:
    with monkeypatch.context() as given:
        given.delenv("AWS_SESSION_TOKEN", raising=False)
        for name, value in deployed.environment.items():
            given.setenv(name, value)
        yield given


async def test_the_tools_of_a_runtime_are_listed_and_called_by_its_arn(
    cli: Callable[..., Any], proxy: str, keys: pytest.MonkeyPatch
) -> None:
    async with deployed(proxy) as there:
        with environment(there, keys):
            code, out, err = await cli("tools", "--arn", there.arn)
            assert (code, len(out.splitlines()), err) == (0, 5, f"5 tools of {there.arn}\n")
            code, out, err = await cli(*CALL, "--arn", there.arn, "--qualifier", "DEFAULT")
            assert (code, err) == (0, "")
            assert json.loads(out)["structuredContent"]["customer_id"] == "CUST001"
            code, out, err = await cli("call", "absent", "--arn", there.arn)
            assert (code, json.loads(err)["error"]["code"]) == (1, -32602)


async def test_a_runtime_with_a_jwt_authorizer_is_called_with_a_token(
    cli: Callable[..., Any], proxy: str, keys: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with issuing(Issuer()) as issuer:
        discovery = f"{issuer.name}/.well-known/openid-configuration"
        async with deployed(proxy, discoveryUrl=discovery, allowedClients=["agent"]) as there:
            with environment(there, keys):
                (tmp_path / "token").write_text(issuer.token() + "\n")
                code, out, _ = await cli(*CALL, "--arn", there.arn, "--token", f"file:{tmp_path / 'token'}")
                assert (code, json.loads(out)["structuredContent"]["tier"]) == (0, "gold")
                keys.setenv("EXPIRED", issuer.token(exp=1))
                code, _, err = await cli(*CALL, "--arn", there.arn, "--token", "env:EXPIRED")
                assert code == 1
                assert "answered 401 (-32001): the token of env:EXPIRED is not accepted: it has ended" in err
                code, _, err = await cli(*CALL, "--arn", there.arn)
                assert code == 1
                assert "answered 403 (-32002)" in err
                assert "the Runtime wants a token of its JWT authorizer" in err


async def test_wrong_keys_are_refused_with_what_to_look_at(
    cli: Callable[..., Any], proxy: str, keys: pytest.MonkeyPatch
) -> None:
    async with deployed(proxy) as there:
        with environment(there, keys) as given:
            given.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
            code, out, err = await cli(*CALL, "--arn", there.arn)
            assert (code, out) == (1, "")
            assert err.startswith(f"{there.arn} answered 403 (-32002): the AWS credentials are refused")
            assert "(InvalidSignatureException): the secret key is not the access key's" in err
            given.setenv("AWS_ACCESS_KEY_ID", "AKIDOTHER")
            assert "AWS does not know the access key" in (await cli(*CALL, "--arn", there.arn))[2]
            assert CANARY not in err


async def test_what_is_not_there_is_said_to_be_missing(
    cli: Callable[..., Any], proxy: str, keys: pytest.MonkeyPatch
) -> None:
    async with deployed(proxy) as there:
        with environment(there, keys):
            for asked in ([there.arn, "--qualifier", "absent"], [there.arn[:-1] + _other(there.arn[-1])]):
                code, _, err = await cli(*CALL, "--arn", *asked)
                assert code == 1
                assert "there is no such Runtime or endpoint; look at account, region and ID of the ARN" in err


def _other(digit: str) -> str:
    return "x" if digit != "x" else "y"


async def test_throttling_a_busy_session_and_a_lost_one_end_in_success(
    cli: Callable[..., Any], proxy: str, keys: pytest.MonkeyPatch
) -> None:
    async with deployed(proxy) as there:
        with environment(there, keys):
            there.world.faults.invocation_errors = [-32003, -32005]
            assert (await cli(*CALL, "--arn", there.arn))[0] == 0
            assert there.world.faults.invocation_errors == []
            there.world.faults.lost_sessions = 1
            assert (await cli(*CALL, "--arn", there.arn))[0] == 0
            assert there.world.faults.lost_sessions == 0


def answers(*given: web.Response, method: str = "tools/list") -> Callable[[Asked], web.Response]:
    """A server of 2026-07-28 with one tool, that answers `method` with `given` first."""
    left = list(given)
    found = {
        "server/discover": {"supportedVersions": ["2026-07-28"]},
        "tools/list": TOOLS,
        "tools/call": {"content": []},
    }

    def answer(asked: Asked) -> web.Response:
        if asked.rpc == method and left:
            return left.pop(0)
        return web.json_response({"jsonrpc": "2.0", "id": json.loads(asked.body)["id"], "result": found[asked.rpc]})

    return answer


def error(code: int, status: int = 200, **data: Any) -> web.Response:
    told = {"code": code, "message": CANARY, **({"data": data} if data else {})}
    return web.json_response({"jsonrpc": "2.0", "id": None, "error": told}, status=status)


def plain(status: int) -> web.Response:
    return web.json_response({"message": CANARY}, status=status)


@pytest.fixture
async def front(keys: pytest.MonkeyPatch) -> AsyncIterator[Front]:
    async with running(Front(answer=answers())) as front:
        keys.setenv(ENDPOINT_VARIABLE, front.url)
        yield front


async def test_every_request_is_signed_and_names_one_session_new_in_each_run(
    cli: Callable[..., Any], front: Front
) -> None:
    for _ in range(2):
        assert (await cli("tools", "--arn", ARN))[:2] == (0, "lookup  Looks up.\n")
    assert {each.verdict for each in front.asked} == {"ok"}
    assert {each.target for each in front.asked} == {f"{TARGET}/invocations?qualifier=DEFAULT"}
    assert [each.rpc for each in front.asked] == ["server/discover", "tools/list"] * 2
    sessions = [each.session for each in front.asked]
    assert sessions[0] == sessions[1] != sessions[2] == sessions[3]
    assert all(33 <= len(session) <= 256 for session in sessions)
    assert SESSION.lower() in front.asked[0].headers["authorization"]


async def test_a_qualifier_is_the_endpoint_that_is_called(cli: Callable[..., Any], front: Front) -> None:
    await cli("tools", "--arn", ARN, "--qualifier", "prod")
    assert front.asked[0].target == f"{TARGET}/invocations?qualifier=prod"


@pytest.mark.parametrize("lost", [error(-32004), error(-32004, 404), plain(404)], ids=["200", "404", "plain"])
async def test_a_session_that_is_gone_is_replaced_once(
    cli: Callable[..., Any], front: Front, lost: web.Response
) -> None:
    front.answer = answers(lost)
    assert (await cli("tools", "--arn", ARN))[0] == 0
    assert [each.rpc for each in front.asked] == ["server/discover", "tools/list"] * 2
    assert len({each.session for each in front.asked}) == 2


async def test_a_second_lost_session_is_an_error(cli: Callable[..., Any], front: Front) -> None:
    front.answer = answers(plain(404), plain(404))
    code, _, err = await cli("tools", "--arn", ARN)
    assert (code, err.startswith(f"{ARN} answered 404: there is no such Runtime or endpoint")) == (1, True)
    assert len(front.asked) == 4


SENTENCES = [
    (lambda: plain(401), "answered 401: it wants a bearer token of its JWT authorizer, not AWS credentials"),
    (lambda: plain(403), "answered 403: the AWS credentials are refused: they are wrong, have ended, or may not call"),
    (lambda: error(-32002, 403), "answered 403 (-32002): the AWS credentials are refused"),
    (lambda: plain(402), "answered 402: a service quota of the account is used up"),
    (lambda: plain(424), "failed while starting; see the log group /aws/bedrock-agentcore/runtimes/policy_proxy-AbCdE"),
    (lambda: error(-32010, 424), "answered 424 (-32010): the Runtime did not start within its 30 s"),
    (lambda: error(-32010), "answered 200 (-32010): the Runtime's own process failed or did not answer; see the log"),
    (lambda: plain(500), "answered 500: AWS failed; try again"),
    (lambda: error(-32003, retryAfter=31), "(-32003): too many calls; it asks to be called again in 31 s"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "told"), SENTENCES, ids=[row[1][:24] for row in SENTENCES])
async def test_an_error_of_the_platform_is_one_sentence(
    cli: Callable[..., Any], front: Front, answer: Callable[[], web.Response], told: str
) -> None:
    front.answer = answers(answer())
    code, out, err = await cli("tools", "--arn", ARN)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert told in err
    assert CANARY not in err
    assert len(front.asked) == 2


@pytest.mark.parametrize("code", [-32006, -32602, -32002, -31001])
async def test_an_error_that_may_be_the_servers_own_is_shown_as_it_is(
    cli: Callable[..., Any], front: Front, code: int
) -> None:
    front.answer = answers(error(code, kind="x"), method="tools/call")
    ended, _, err = await cli("call", "lookup", "--arn", ARN)
    assert (ended, json.loads(err)) == (1, {"error": {"code": code, "message": CANARY, "data": {"kind": "x"}}})


BUSY = [
    lambda: error(-32003),
    lambda: error(-32005),
    lambda: plain(429),
    lambda: plain(409),
    lambda: error(-32005, 409),
]


@pytest.mark.parametrize("busy", BUSY, ids=["-32003", "-32005", "429", "409", "-32005 409"])
async def test_a_call_that_was_not_carried_out_is_repeated_with_longer_and_longer_waits(
    front: Front, busy: Callable[[], web.Response]
) -> None:
    waits: list[float] = []
    front.answer = answers(*(busy() for _ in range(4)), method="tools/call")
    assert await _call(waits) == {"content": []}
    assert [each.rpc for each in front.asked] == ["server/discover", *["tools/call"] * 5]
    assert all(0.8 * expected <= wait <= 1.2 * expected for wait, expected in zip(waits, (0.5, 1, 2, 4), strict=True))


async def test_repeating_ends_at_its_bound(front: Front) -> None:
    waits: list[float] = []
    front.answer = answers(*(error(-32005) for _ in range(20)), method="tools/call")
    with pytest.raises(ProxyError, match="busy with another call; trying again did not help"):
        await _call(waits)
    assert 4 <= len(waits) <= 6
    assert sum(waits) <= PATIENCE_S


async def test_a_throttled_call_waits_as_long_as_it_is_asked_to(front: Front) -> None:
    waits: list[float] = []
    front.answer = answers(error(-32003, retryAfter=7), method="tools/call")
    await _call(waits)
    assert waits == [7]


async def _call(waits: list[float]) -> Any:
    def call() -> Any:
        from proxy.arns import invocation_url

        proof = Signature("us-east-1", invocation_url(ARN))
        with contextlib.closing(RuntimeClient(ARN, "DEFAULT", proof, pause=waits.append)) as client:
            return client.call("lookup", {})

    return await asyncio.to_thread(call)


async def test_a_proxy_with_a_url_is_asked_with_a_token_too(
    cli: Callable[..., Any], front: Front, keys: pytest.MonkeyPatch
) -> None:
    front.tokens = {CANARY}
    keys.setenv("TOKEN", CANARY)
    assert (await cli("tools", "--url", f"{front.url}/mcp", "--token", "env:TOKEN"))[0] == 0
    code, _, err = await cli("tools", "--url", f"{front.url}/mcp")
    assert (code, "it wants an access token, and none is sent: give --token REF" in err) == (1, True)
    keys.setenv("TOKEN", f"{CANARY}-old")
    code, _, err = await cli("call", "lookup", "--url", f"{front.url}/mcp", "--token", "env:TOKEN")
    assert (code, "answered 401: the token of env:TOKEN is not accepted" in err) == (1, True)
    assert CANARY not in err


WRONG = [
    (["tools", "--arn", ARN, "--url", "http://127.0.0.1"], 2, "leave out --url and --port"),
    (["call", "lookup", "--arn", ARN, "--port", "1"], 2, "leave out --url and --port"),
    (["call", "lookup", "--qualifier", "prod"], 2, "--qualifier goes with --arn"),
    (["call", "--arn", "", "lookup"], 2, "--arn is empty"),
    (["tools", "--qualifier", "prod"], 2, "--qualifier goes with --arn"),
    (["tools", "--token", "env:TOKEN"], 2, "--token goes with --arn or --url"),
    (["call", "lookup", "--token", CANARY], 2, "is not a reference to a secret (it may be the secret itself)"),
    (["tools", "--arn", ARN, "--token", CANARY], 2, "is not a reference to a secret"),
    (["tools", "--arn", CANARY], 1, "the ARN of a Runtime must have six parts"),
    (["tools", "--arn", ARN + "/runtime-endpoint/prod"], 1, "give NAME as the qualifier"),
    (["tools", "--arn", ARN, "--qualifier", CANARY], 1, "the qualifier must be the name of an endpoint"),
    (["tools", "--arn", ARN, "--token", "env:ABSENT_FOR_TESTS"], 1, "token: env:ABSENT_FOR_TESTS: the environment has"),
    (["tools", "--arn", ARN, "--token", "env:TWO_WORDS"], 1, "env:TWO_WORDS does not hold one word"),
    (["tools", "--url", "http://example.com/mcp", "--token", "env:TOKEN"], 1, "must be https:// (http:// is for loop"),
]  # fmt: skip


@pytest.mark.parametrize(("argv", "code", "told"), WRONG, ids=[row[2][:30] for row in WRONG])
def test_what_cannot_work_is_said_before_anything_is_sent(
    argv: list[str], code: int, told: str, keys: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.setenv("TOKEN", CANARY)
    keys.setenv("TWO_WORDS", f"Bearer {CANARY}")
    keys.setenv(ENDPOINT_VARIABLE, "http://127.0.0.1:9")
    assert main(argv) == code
    said = capsys.readouterr()
    assert told in said.err
    assert CANARY not in said.err + said.out


def test_no_credentials_are_an_error_that_names_where_to_set_them(
    keys: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        keys.delenv(name)
    assert main(["tools", "--arn", ARN]) == 1
    assert "AWS credentials: none found" in capsys.readouterr().err


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "https://host.invalid"])
def test_a_host_that_does_not_answer_is_said_with_the_variable_that_names_it(
    keys: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], endpoint: str
) -> None:
    keys.setenv(ENDPOINT_VARIABLE, endpoint)
    assert main(["tools", "--arn", ARN]) == 1
    said = capsys.readouterr().err
    assert said == f"nothing answers at {ARN}; look at its region, and at {ENDPOINT_VARIABLE}, which is set\n"


def test_signatures_go_in_the_clear_to_nobody_but_loopback(
    keys: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.setenv(ENDPOINT_VARIABLE, "http://example.com")
    assert main(["tools", "--arn", ARN]) == 1
    assert "no credential is sent to the URL" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["serve", "check", "explain"])
def test_verbs_that_ask_no_server_still_refuse_a_token(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--token", CANARY]) == 2
    assert CANARY not in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["tools", "call"])
def test_the_help_names_arn_qualifier_and_token(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed([verb, "--help"])
    out = capsys.readouterr().out
    assert all(f"--{option} " in out for option in ("arn", "qualifier", "token"))

"""What strangers may do where callers log in: little, seldom, and never with a browser of somebody else's."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest

from proxy import login_folder
from proxy.behind import Behind
from proxy.callers import callers
from proxy.callers_oauth import OauthCallers
from proxy.claims import end_of
from proxy.login_folder import LoginFolder
from proxy.login_guards import BODY_BYTES, BURST, QUERY_BYTES, RATE, LoginGuards
from proxy.oauth_provider import Seldom, storage
from proxy.settings import load
from tests.inbound.conftest import Given
from tests.inbound.issuer import compact, serving
from tests.inbound.login import CALLBACK, Client, Provider, challenge
from tests.inbound.test_findings import OAUTH
from tests.inbound.test_oauth import ECHO, OIDC, logging_in
from tests.mcp_wire import rpc
from tests.running import until

BASE = "https://mcp.example.com"
EVIL = "https://evil.example/cb"


# Without a provider.


@dataclass
class Guarded:
    """Guards before an app that redirects to `location`, or else answers 200. `at` is the clock."""

    location: str = ""
    full: bool = False
    at: float = 1000.0
    guards: LoginGuards = field(init=False)

    def __post_init__(self) -> None:
        self.guards = LoginGuards(self._app, BASE, lambda: self.full, lambda: self.at)

    async def ask(self, path: str, method: str = "GET", query: str = "", body: bytes = b"") -> tuple[int, Any, bytes]:
        """Status, headers and body."""
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        scope = {"method": method, "path": path, "query_string": query.encode(), "headers": []}
        await self.guards(scope, receive, send)
        assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"location", self.location.encode())] if self.location else []
        await send({"type": "http.response.start", "status": 302 if headers else 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


async def test_what_leaves_something_behind_comes_so_often_and_not_more() -> None:
    guarded = Guarded()
    paths = ["/register", "/authorize"] * int(BURST)
    statuses = [(await guarded.ask(path))[0] for path in paths]
    assert statuses == [200] * int(BURST) + [429] * int(BURST)
    _, headers, told = await guarded.ask("/register")
    assert (headers[b"retry-after"], b'"temporarily_unavailable"' in told) == (b"5", True)
    for path, method in (("/token", "POST"), ("/consent", "GET"), ("/auth/callback", "GET"), ("/register", "OPTIONS")):
        assert (await guarded.ask(path, method))[0] == 200
    guarded.at += 2.5 / RATE
    assert [(await guarded.ask("/authorize"))[0] for _ in range(3)] == [200, 200, 429]
    guarded.at += 1e6
    assert [(await guarded.ask("/authorize"))[0] for _ in paths].count(200) == BURST


async def test_the_page_that_asks_the_user_has_a_rate_of_its_own() -> None:
    guarded = Guarded()
    assert [(await guarded.ask("/consent"))[0] for _ in range(int(BURST) + 1)] == [200] * int(BURST) + [429]
    assert (await guarded.ask("/authorize"))[0] == 200


async def test_once_the_folder_is_full_nobody_registers_and_everybody_registered_logs_in() -> None:
    guarded = Guarded(full=True)
    assert (await guarded.ask("/register", "POST"))[0] == 503
    assert (await guarded.ask("/authorize"))[0] == 200


async def test_queries_and_bodies_are_small() -> None:
    guarded = Guarded()
    assert (await guarded.ask("/authorize", query="x" * (QUERY_BYTES + 1)))[0] == 414
    assert (await guarded.ask("/register", "POST", body=b"x" * (BODY_BYTES + 1)))[0] == 413
    assert (await guarded.ask("/register", "POST", "x" * QUERY_BYTES, b"x" * BODY_BYTES))[0] == 200


FINE = (f"{BASE}/consent?txn_id=1", "http://127.0.0.1:9999/cb?error=x", "http://localhost?error=x", "http://[::1]:1#x")


@pytest.mark.parametrize("location", FINE)
async def test_a_browser_is_sent_to_its_user_and_to_the_users_own_machine(location: str) -> None:
    status, headers, _ = await Guarded(location).ask("/authorize")
    assert (status, headers[b"location"]) == (302, location.encode())


@pytest.mark.parametrize(
    "location",
    [
        *(EVIL, "https://evil.example/cb?error=invalid_scope", "app://cb", "//evil.example/", "https://127.0.0.1/"),
        *(f"{BASE}.evil.example/consent?", f"{BASE}/consent.evil", f"{BASE}@evil.example/consent?", "javascript:x"),
        *("http://127.0.0.1@evil.example/", "http://localhost.evil.example/", "http://127.0.0.1:1@evil.example/"),
        *("http://evil.example\\@127.0.0.1/", "http://127.0.0.1\\@evil.example/", "http://127.0.0.1.evil.example"),
    ],
)
@pytest.mark.parametrize(
    ("path", "query"), [("/authorize", ""), ("/auth/callback", "error=x"), ("/auth/callback", "code=1&%65rror")]
)
async def test_a_browser_is_sent_nowhere_else_unasked(location: str, path: str, query: str) -> None:
    status, headers, body = await Guarded(location).ask(path, query=query)
    assert (status, headers.get(b"location")) == (400, None)
    assert b"evil" not in body
    assert (b'"invalid_scope"' in body) == ("invalid_scope" in location)


@pytest.mark.parametrize(("path", "query"), [("/auth/callback", "code=1&state=2"), ("/consent", "")])
async def test_after_its_user_agreed_a_browser_is_sent_to_the_client(path: str, query: str) -> None:
    assert (await Guarded(EVIL).ask(path, query=query))[0] == 302


def test_the_page_that_asks_the_user_is_known_however_the_public_url_is_spelt() -> None:
    who = callers(load({}, **OAUTH, public_url="https://MCP.Example.com:443/mcp"), Given())
    assert isinstance(who, OauthCallers)
    assert who._login.base_url == BASE


def record(line: int, kind: type[Exception] | None = None) -> logging.LogRecord:
    caught = (kind, kind(), None) if kind else None
    return logging.LogRecord("fastmcp", logging.ERROR, "proxy.py", line, "%s", ("x",), caught)


def test_of_one_place_one_line_a_minute_is_logged_and_of_every_other_its_own() -> None:
    now = [5.0]
    seldom = Seldom(lambda: now[0])
    records = [record(1), record(2), record(1, ValueError), record(1, OSError)]
    assert [seldom.filter(each) for each in records] == [True] * 4
    assert [seldom.filter(each) for each in records] == [False] * 4
    now[0] += 60
    assert seldom.filter(records[0])


# The folder.


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*/*.json"))


@pytest.fixture
async def keeping(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[LoginFolder]:
    monkeypatch.setattr(login_folder, "LOOK_S", 0.01)
    monkeypatch.setattr(login_folder, "_LOOKS", 1)
    (tmp_path / "logins").mkdir()
    folder = LoginFolder(tmp_path / "logins", Behind())
    task = asyncio.create_task(folder.keep())
    yield folder
    assert not task.done()
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()


async def test_what_has_ended_is_removed_from_the_folder(keeping: LoginFolder) -> None:
    store = storage(keeping.path, b"k" * 32)
    await store.put("ended", {"a": "b"}, collection="c", ttl=1)
    await store.put("lasting", {"a": "b"}, collection="c", ttl=60)
    await store.put("endless", {"a": "b"}, collection="c")
    assert len(kept(keeping.path)) == 3
    await until(lambda: len(kept(keeping.path)) == 2)
    assert await store.get("lasting", collection="c") == {"a": "b"}


async def test_a_folder_is_full_until_files_go_and_that_is_logged_once(
    keeping: LoginFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(login_folder, "MOST", 2)
    files = [keeping.path / str(number) for number in range(3)]
    for file in files:
        file.write_text("")
    await until(lambda: keeping.full)
    await asyncio.sleep(0.05)
    assert caplog.text.count("holds more than 2 files") == 1
    files[0].unlink()
    await until(lambda: not keeping.full)


async def test_a_folder_that_cannot_be_read_is_logged_by_the_errors_type_and_looked_at_again(
    keeping: LoginFolder, caplog: pytest.LogCaptureFixture
) -> None:
    keeping.path.rmdir()
    keeping.path.write_text("")
    await until(lambda: re.search("not cleaned up: (FileExists|NotADirectory)Error$", caplog.text, re.M) is not None)
    await asyncio.sleep(0.05)
    assert caplog.text.count("not cleaned up") == 1
    assert str(keeping.path) not in caplog.text


# With a provider.


@dataclass(frozen=True)
class Front:
    """A running proxy, and a browser without a user."""

    url: str
    session: aiohttp.ClientSession
    provider: Provider
    folder: Path

    async def get(self, path: str, **query: str) -> tuple[int, str]:
        """Status and Location."""
        url = f"{self.url.removesuffix('/mcp')}{path}?{urlencode(query)}"
        async with self.session.get(url, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location", "")

    async def authorize(self, client: str, redirect: str, **more: str) -> tuple[int, str]:
        wanted = {"response_type": "code", "state": "s", "code_challenge": challenge("v"), **more}
        return await self.get("/authorize", client_id=client, redirect_uri=redirect, **wanted)

    async def register(self, redirect: str) -> str:
        wanted = {"redirect_uris": [redirect], "token_endpoint_auth_method": "none"}
        async with self.session.post(self.url.removesuffix("/mcp") + "/register", json=wanted) as answer:
            assert answer.status == 201
            client: str = (await answer.json())["client_id"]
            return client


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    folder = tmp_path / "logins"
    folder.mkdir()
    jar = aiohttp.CookieJar(unsafe=True)
    async with serving(Provider()) as provider, aiohttp.ClientSession(cookie_jar=jar) as session:
        assert isinstance(provider, Provider)
        async with logging_in(provider, tmp_path, **OIDC, oauth_storage=folder) as (url, _):
            assert "folder of logins" in tasks()
            yield Front(url, session, provider, folder)
        assert "folder of logins" not in tasks()


def tasks() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks()}


WRONG = ({"response_type": "token"}, {"scope": "nope"}, {"resource": "https://else.example/mcp"})


async def test_authorize_is_no_way_to_a_page_that_nobody_agreed_to(front: Front) -> None:
    mine, theirs = await front.register(CALLBACK), await front.register(EVIL)
    for wrong in WRONG:
        assert await front.authorize("proxy", EVIL, **wrong) == (400, "")
        assert await front.authorize(theirs, EVIL, **wrong) == (400, "")
        status, location = await front.authorize(mine, CALLBACK, **wrong)
        assert (status, location.startswith(f"{CALLBACK}?error=")) == (302, True)
    status, location = await front.authorize(theirs, EVIL)
    assert (status, urlsplit(location).path) == (302, "/consent")
    begun = parse_qs(urlsplit(location).query)["txn_id"][0]
    assert await front.get("/auth/callback", error="access_denied", state=begun) == (400, "")


async def test_strangers_who_flood_the_login_are_held_up_and_who_is_logged_in_is_not(
    front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    token = (await Client(front.session, front.url).login())["access_token"]
    for _ in range(20):
        assert (await front.get("/auth/callback", error="x", error_description="a\nb"))[0] == 400
    statuses = [(await front.authorize("nobody", CALLBACK))[0] for _ in range(int(BURST) + 10)]
    assert {*statuses} == {400, 429}
    assert (await rpc(front.url, "tools/call", ECHO, headers={"authorization": f"Bearer {token}"})).status == 200
    errors = [record.name for record in caplog.records if record.levelname == "ERROR"]
    assert errors == ["fastmcp.server.auth.oauth_proxy.proxy"]


async def test_a_token_ends_at_its_own_end_though_it_is_remembered_and_the_issuers_lasts(front: Front) -> None:
    front.provider.granted = {"expires_in": 2}
    token = (await Client(front.session, front.url).login())["access_token"]
    calling = {"headers": {"authorization": f"Bearer {token}"}}
    assert (await rpc(front.url, "tools/call", ECHO, **calling)).status == 200
    await asyncio.sleep(end_of(token) - time.time() + 0.05)
    assert (await rpc(front.url, "tools/call", ECHO, **calling)).status == 401


@pytest.mark.parametrize(
    "claims", [b"", b"[]", b"{", {}, {"exp": None}, {"exp": "9"}, {"exp": True}, {"exp": 10**400}, {"exp": [1]}]
)
def test_the_end_of_a_token_that_says_none_is_long_past(claims: Any) -> None:
    assert end_of(compact({}, claims, b"x")) == 0
    assert end_of(compact({}, {"exp": 7.5}, b"x")) == 7.5
    for garbage in ("", "a", "..", "a.b.c", "a.\u00e4.c", "x" * 10**6, compact({}, {"exp": 7}, b"x") + "\n"):
        assert end_of(garbage) == 0

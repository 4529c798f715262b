"""The HTTP client over TLS: whom it trusts, what it checks, and that a cut is a cut."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
import threading
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from proxy import http1_route
from proxy.http1_errors import ClosedError, ConnectError
from tests.running import until
from tests.upstream.raw_server import OK, Peer, client_to, serving
from tests.upstream.test_http1 import STREAM, ask, full_backlog, saying


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost and its key in one file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("::1"))]
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key.private_bytes(*plain) + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def offered(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


async def test_a_certificate_of_the_systems_trust_store_is_accepted(
    monkeypatch: pytest.MonkeyPatch, certificate: Path, offered: ssl.SSLContext
) -> None:
    asked: list[str] = []
    offered.sni_callback = lambda sock, name, context: asked.append(name)  # type: ignore[assignment]
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with (
        serving(saying(OK), tls=offered) as server,
        client_to(f"https://localhost:{server.port}/a") as client,
    ):
        assert [await ask(client) for _ in range(3)] == [(200, b"{}")] * 3
    assert len(server.peers) == 1
    assert asked == ["localhost"]
    assert server.heads[0].splitlines()[1] == f"Host: localhost:{server.port}"


async def test_the_trust_store_is_read_once_and_not_on_the_event_loop(
    monkeypatch: pytest.MonkeyPatch, certificate: Path, offered: ssl.SSLContext
) -> None:
    read: list[bool] = []
    real = http1_route._system_trust

    def noticed() -> ssl.SSLContext:
        read.append(threading.current_thread() is threading.main_thread())
        return real()

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(http1_route, "_system_trust", noticed)
    async with (
        serving(saying(OK, pause=0.02), tls=offered) as server,
        client_to(f"https://localhost:{server.port}/") as client,
    ):
        assert read == []
        assert await asyncio.gather(*(ask(client) for _ in range(5))) == [(200, b"{}")] * 5
    assert read == [False]


@pytest.mark.parametrize(("host", "known"), [("127.0.0.1", True), ("localhost", False), ("localhost", None)])
async def test_a_certificate_for_another_host_or_of_nobody_we_know_is_refused(
    host: str, known: bool | None, offered: ssl.SSLContext, trusted: ssl.SSLContext
) -> None:
    tls = {True: trusted, False: ssl.create_default_context(), None: None}[known]
    async with serving(saying(OK), tls=offered) as server:
        async with client_to(f"https://{host}:{server.port}/", tls=tls) as client:
            with pytest.raises(ConnectError) as caught:
                await ask(client)
            assert caught.value.reason == "certificate"
            assert client._pool._free_slots == 10
        assert server.heads == []


async def test_a_server_without_tls_is_no_connection(trusted: ssl.SSLContext) -> None:
    async with (
        serving(saying(OK), whole=False) as server,
        client_to(f"https://localhost:{server.port}/", tls=trusted) as client,
    ):
        with pytest.raises(ConnectError) as caught:
            await ask(client)
        assert caught.value.reason in ("certificate", "refused")


async def test_a_handshake_that_does_not_end_is_given_up_in_time(trusted: ssl.SSLContext) -> None:
    async def silent(peer: Peer) -> None:
        await peer.left()

    async with serving(silent, whole=False) as server:
        async with client_to(f"https://localhost:{server.port}/", tls=trusted, connect_s=0.2) as client:
            for _ in range(2):
                with pytest.raises(ConnectError) as caught:
                    await ask(client)
                assert caught.value.reason == "time"
            assert client._pool._free_slots == 10
        await until(lambda: server.live == 0)
    with full_backlog() as port:
        async with client_to(f"https://127.0.0.1:{port}/", tls=trusted, connect_s=0.2) as client:
            with pytest.raises(ConnectError) as caught:
                await ask(client)
            assert caught.value.reason == "time"


async def test_large_bodies_pass_both_ways(offered: ssl.SSLContext, trusted: ssl.SSLContext) -> None:
    large = bytes(range(256)) * 2**14  # 4 MiB
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(large)
    async with (
        serving(saying(head, large), tls=offered) as server,
        client_to(f"https://localhost:{server.port}/", tls=trusted) as client,
    ):
        for _ in range(3):
            assert await ask(client, large, gap_s=5) == (200, large)
    assert server.bodies == [large] * 3
    assert len(server.peers) == 1


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", STREAM + b"2\r\n"])
async def test_a_connection_that_is_cut_is_no_end_of_an_answer(
    head: bytes, offered: ssl.SSLContext, trusted: ssl.SSLContext
) -> None:
    if b"chunked" not in head and not isinstance(asyncio.get_running_loop(), uvloop.Loop):
        pytest.skip("asyncio does not tell the end of TLS from the end of TCP; MCP's messages do")

    async def cut(peer: Peer) -> None:
        await peer.say(head + b"ab")
        await asyncio.sleep(0.05)
        peer.drop()  # no close_notify: anybody on the way can do that

    async with (
        serving(cut, tls=offered) as server,
        client_to(f"https://localhost:{server.port}/", tls=trusted) as client,
    ):
        with pytest.raises(ClosedError):
            await ask(client)


async def test_an_answer_without_a_length_ends_with_the_end_of_tls(
    offered: ssl.SSLContext, trusted: ssl.SSLContext
) -> None:
    async with (
        serving(saying(b"HTTP/1.1 200 OK\r\n\r\nab", end=True), tls=offered) as server,
        client_to(f"https://localhost:{server.port}/", tls=trusted) as client,
    ):
        assert [await ask(client) for _ in range(2)] == [(200, b"ab")] * 2


async def test_an_ipv6_address_is_checked_as_an_address(offered: ssl.SSLContext, trusted: ssl.SSLContext) -> None:
    async with AsyncExitStack() as stack:
        try:
            server = await stack.enter_async_context(serving(saying(OK), host="::1", tls=offered))
        except OSError:
            pytest.skip("no IPv6 here")
        client = await stack.enter_async_context(client_to(f"https://[::1]:{server.port}/", tls=trusted))
        assert await ask(client) == (200, b"{}")

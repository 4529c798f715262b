"""The signer against botocore's: the same headers for the same request at the same second."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from proxy.sigv4 import UNSIGNED, Credentials, Signer
from tests.auth.clocks import NOON, Clock

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
RUNTIME = "arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A123456789012%3Aruntime%2Fproxy-AbC1234567"
INVOKE = f"https://bedrock-agentcore.us-east-1.amazonaws.com/runtimes/{RUNTIME}/invocations"
GATEWAY = "https://gw-1.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp"
JSON = {"Content-Type": "application/json"}
MCP = {
    **JSON,
    "Accept": "application/json, text/event-stream",
    "Accept-Encoding": "identity",
    "User-Agent": "proxy/1",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Session-Id": "8f14e45f-ea",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "orders___look up  twice ",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "a=b",
    "baggage": "k=v",
}
UNICODE = '{"q":"Grüße, 東京 🗼"}'.encode()

REQUESTS = {
    "a gateway": ("POST", GATEWAY, MCP, b'{"jsonrpc":"2.0"}'),
    "an encoded ARN in the path": ("POST", f"{INVOKE}?qualifier=DEFAULT", MCP, b"{}"),
    "a session's end": ("DELETE", GATEWAY, {"Mcp-Session-Id": "x"}, b""),
    "a stream": ("GET", GATEWAY, {"Accept": "text/event-stream", "Last-Event-ID": "7"}, b""),
    "no path": ("POST", "https://lambda1.lambda-url.eu-west-1.on.aws", JSON, b"1"),
    "a path that ends with a slash": ("POST", GATEWAY + "/", JSON, b"1"),
    "dots and empty segments": ("POST", "https://h.example/a//b/./c/../d/", JSON, b"1"),
    "encoded characters": ("POST", "https://h.example/a%20b/%E2%82%AC/~t/%7E/x%2Fy/;v=1", JSON, b"1"),
    "a unicode body": ("POST", GATEWAY, JSON, UNICODE),
    "a body of a megabyte": ("POST", GATEWAY, JSON, b"x" * 2**20),
    "a query out of order": ("POST", GATEWAY + "?b=2&a=1&a=0&B=3", JSON, b"1"),
    "odd characters in the query": ("POST", GATEWAY + "?q=%2F%3D%26+~*&empty=&bare&a%20b=%C3%BC", JSON, b"1"),
    "an equals sign in a query value": ("POST", GATEWAY + "?q=a=b==&q-=1&q=", JSON, b"1"),
    "the default port": ("POST", "https://h.example:443/mcp", JSON, b"1"),
    "http's default port": ("POST", "http://h.example:80/mcp", JSON, b"1"),
    "another port": ("POST", "https://h.example:8443/mcp", JSON, b"1"),
    "https's port on http": ("POST", "http://h.example:443/mcp", JSON, b"1"),
    "an IPv6 host": ("POST", "http://[::1]:8080/mcp", JSON, b"1"),
    "a Host header given": ("POST", GATEWAY, {**JSON, "Host": "front.example"}, b"1"),
    "an old signature": ("POST", GATEWAY, {**JSON, "authorization": "stale", "x-amz-date": "stale"}, b"1"),
    "white space of every kind": ("POST", GATEWAY, {**JSON, "x-pad": " \t a \t  b\u00a0 c  "}, b"1"),
    "an empty header": ("POST", GATEWAY, {**JSON, "x-none": ""}, b"1"),
    "a unicode header": ("POST", GATEWAY, {**JSON, "mcp-name": "größe"}, b"1"),
    "a lower-case method": ("post", GATEWAY, JSON, b"1"),
}


@pytest.fixture(scope="module", autouse=True)
def frozen() -> Iterator[None]:
    """botocore asks this function for the time."""
    patch = pytest.MonkeyPatch()
    patch.setattr(botocore.auth, "get_current_datetime", lambda: datetime.datetime.fromtimestamp(NOON, datetime.UTC))
    yield
    patch.undo()


def by_botocore(
    method: str, url: str, headers: Mapping[str, str], body: bytes, token: str | None, service: str, region: str
) -> dict[str, str]:
    """The headers that botocore adds or changes."""
    request = AWSRequest(method, url, headers=dict(headers), data=body)
    SigV4Auth(BotoCredentials("AKIDEXAMPLE", SECRET, token), service, region).add_auth(request)
    kept = {name.lower(): value for name, value in headers.items()}
    return {name.lower(): value for name, value in request.headers.items() if kept.get(name.lower()) != value}


def by_us(
    method: str, url: str, headers: Mapping[str, str], body: bytes, token: str | None, service: str, region: str
) -> dict[str, str]:
    keys = Credentials(access_key="AKIDEXAMPLE", secret_key=SECRET, token=token)
    signer = Signer(service=service, region=region, clock=Clock())
    added = signer.sign(keys, method, URL(url, encoded=True), headers, body)
    assert added == signer.sign(keys, method, URL(url, encoded=True), headers, body), (
        "what is remembered changes nothing"
    )
    return {name.lower(): value for name, value in added.items()}


@pytest.mark.parametrize("token", [None, "session+token/with=signs" * 20], ids=["long-lived", "temporary"])
@pytest.mark.parametrize(("method", "url", "headers", "body"), REQUESTS.values(), ids=REQUESTS)
def test_every_header_equals_botocores(
    method: str, url: str, headers: Mapping[str, str], body: bytes, token: str | None
) -> None:
    where = ("bedrock-agentcore", "us-east-1")
    assert by_us(method, url, headers, body, token, *where) == by_botocore(method, url, headers, body, token, *where)


visible = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=20)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,12}", fullmatch=True).filter(
    lambda name: name.lower() not in ("date", "x-amz-content-sha256", "x-amz-security-token", "host")
)
segment = st.from_regex(r"([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2}){0,8}", fullmatch=True)
queries = st.lists(st.from_regex(r"([A-Za-z0-9._~!$'()*+,;:@/?-]|%[0-9A-F]{2}){0,6}=?[a-z%0-9]{0,3}", fullmatch=True))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    headers=st.dictionaries(names, visible, max_size=6),
    path=st.lists(segment, max_size=5),
    query=queries,
    body=st.binary(max_size=64),
    token=st.none() | st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=9),
    service=st.sampled_from(["bedrock-agentcore", "execute-api", "lambda"]),
)
def test_any_request_is_signed_as_botocore_signs_it(
    headers: dict[str, str], path: list[str], query: list[str], body: bytes, token: str | None, service: str
) -> None:
    unique = {name.lower(): value for name, value in headers.items()}
    url = "https://h.example/" + "/".join(path) + ("?" + "&".join(query) if query else "")
    ours = by_us("POST", url, unique, body, token, service, "eu-central-1")
    assert ours == by_botocore("POST", url, unique, body, token, service, "eu-central-1")


def test_the_headers_left_unsigned_are_botocores() -> None:
    assert set(botocore.auth.SIGNED_HEADERS_BLACKLIST) == UNSIGNED


def test_a_new_second_a_new_day_and_a_new_key_each_change_the_signature() -> None:
    clock = Clock()
    signer = Signer(service="bedrock-agentcore", region="us-east-1", clock=clock)

    def signed(secret: str = SECRET) -> str:
        keys = Credentials(access_key="AKIDEXAMPLE", secret_key=secret)
        return signer.sign(keys, "POST", URL(GATEWAY), JSON, b"1")["Authorization"]

    first = signed()
    clock.now += 0.5
    assert signed() == first
    clock.now += 0.5
    second = signed()
    clock.now += 86_400
    tomorrow = signed()
    assert len({first, second, tomorrow, signed("another")}) == 4
    assert "/20260101/" in tomorrow


def test_credentials_show_nothing_of_themselves() -> None:
    assert repr(Credentials(access_key="AKIDCANARY", secret_key="CANARY", token="CANARY")) == "Credentials()"

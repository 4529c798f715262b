"""Tokens of a known issuer: a sound one tells who calls, every other is refused with a reason, none is let through."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from policies.model import Caller
from proxy.callers_jwt import REMEMBERED, Remembered
from tests.inbound.conftest import checking, jwt_of, refused, with_token
from tests.inbound.issuer import Issuer, compact, hs256_with, new_key, public, serving, unsigned

METADATA = "http://127.0.0.1:8000/.well-known/oauth-protected-resource/mcp"


def _tampered(issuer: Issuer) -> str:
    head, _, signature = issuer.token().split(".")
    return f"{head}.{compact(issuer.claims(sub='mallory'))}.{signature}"


def _other_key(issuer: Issuer) -> str:
    return issuer.token(key=new_key("one"))


def _with_header(**header: Any) -> Callable[[Issuer], str]:
    return lambda issuer: f"{compact({'alg': 'RS256', 'kid': 'one', **header}, issuer.claims())}.AAAA"


def _unsigned_with(**claims: Any) -> Callable[[Issuer], str]:
    return lambda issuer: f"{compact({'alg': 'RS256', 'kid': 'one'}, issuer.claims(**claims))}.AAAA"


def _with(**claims: Any) -> Callable[[Issuer], str]:
    return lambda issuer: issuer.token(**claims)


NOW = time.time()
UNFIT: dict[str, tuple[Callable[[Issuer], str], str]] = {
    "expired": (_with(exp=int(NOW) - 1), "expired"),
    "without an end": (_with(exp=None), "no end"),
    "an end that is text": (_with(exp="2099"), "cannot be read"),
    "an end beyond any float": (_unsigned_with(exp=10**400), "cannot be read"),
    "a beginning that is infinite": (_unsigned_with(nbf=10**19), "cannot be read"),
    "an end that is true": (_with(exp=True), "cannot be read"),
    "not yet valid": (_with(nbf=int(NOW) + 3600), "not valid yet"),
    "another audience": (_with(aud="another"), "another audience"),
    "no audience": (_with(aud=None), "another audience"),
    "an audience that is an object": (_with(aud={"proxy": 1}), "another audience"),
    "another issuer": (_with(iss="https://issuer.example"), "another issuer"),
    "the issuer with a slash": (lambda i: i.token(iss=i.name + "/"), "another issuer"),
    "no issuer": (_with(iss=None), "another issuer"),
    "another key under a known id": (_other_key, "signature"),
    "an unknown key": (lambda i: i.token(key=new_key("unknown")), "does not publish"),
    "changed claims": (_tampered, "signature"),
    "no algorithm": (lambda i: unsigned(i.claims()), "not a signed JWT"),
    "no algorithm, with a signature": (lambda i: unsigned(i.claims()) + "AAAA", "algorithm"),
    "HS256 with the public key": (lambda i: hs256_with(i.signing, i.claims()), "algorithm"),
    "a critical header": (_with_header(crit=["b64"], b64=False), "header"),
    "a key id that is a number": (_with_header(kid=7), "header"),
    "an ID token": (_with(token_use="id"), "access token"),
    "an ID token by its typ": (_with(typ="ID", azp="agent", nonce="n"), "access token"),
    "an ID token by at_hash": (_with(at_hash="x", azp="agent"), "access token"),
    "an ID token by c_hash": (_with(c_hash="x"), "access token"),
    "a refresh token": (_with(typ="Refresh"), "access token"),
    "a logout token by its header": (lambda i: i.token(header={"typ": "logout+jwt"}), "access token"),
    "a logout token by its events": (_with(events={"urn:logout": {}}), "access token"),
    "a proof of a key": (lambda i: i.token(header={"typ": "dpop+jwt"}), "access token"),
    "a header that is no text": (_with_header(typ=["JWT"]), "access token"),
    "a token bound to a key": (_with(cnf={"jkt": "x"}), "bound to a key"),
    "a subject that is a list": (_with(sub=["alice"]), "subject"),
    "garbage": (lambda _: "garbage", "not a signed JWT"),
    "three parts of garbage": (lambda _: "a.b.c", "not a signed JWT"),
    "an encrypted token": (lambda _: "a.b.c.d.e", "not a signed JWT"),
    "deep nesting": (lambda _: f"{compact(b'[' * 5000)}.{compact({})}.AAAA", "not a signed JWT"),
    "empty": (lambda _: "", "not a signed JWT"),
    "oversized": (lambda i: i.token(padding="x" * 20_000), "not a signed JWT"),
    "a PS256 signature for a key of RS256": (lambda i: i.token(alg="PS256"), "does not publish"),
}


async def test_a_sound_token_tells_who_calls_and_is_remembered(issuer: Issuer) -> None:
    async with checking(**jwt_of(issuer)) as who:
        token = issuer.token()
        headers = with_token(token, mcp_session_id="s-1")
        assert who.known(headers) is None
        caller = await who.identify(headers)
        assert (caller.subject, caller.issuer, caller.claims["client_id"]) == ("alice", issuer.name, "agent")
        assert caller.asserted == {"session": "s-1"}
        again = who.known(with_token(token, mcp_session_id="s-2"))
        assert again is not None
        assert (again.subject, again.asserted) == ("alice", {"session": "s-2"})


async def test_claimed_names_never_become_the_subject(issuer: Issuer) -> None:
    async with checking(**jwt_of(issuer)) as who:
        claimed = {
            "x_amzn_bedrock_agentcore_runtime_user_id": "bob",
            "x_amzn_bedrock_agentcore_runtime_session_id": "s",
        }
        caller = await who.identify(with_token(issuer.token(sub=None), **claimed))
        assert caller.subject is None
        assert caller.asserted == {"user": "bob", "session": "s"}


@pytest.mark.parametrize("case", UNFIT)
async def test_an_unfit_token_is_refused_with_its_reason(issuer: Issuer, case: str) -> None:
    issuer.published[0]["alg"] = "RS256"
    make, part = UNFIT[case]
    async with checking(**jwt_of(issuer, inbound_scopes="read")) as who:
        answered = await refused(who, with_token(make(issuer)))
    said = answered.body["error_description"]
    assert (answered.status, answered.body["error"]) == (401, "invalid_token")
    assert part in said
    assert answered.challenge == (
        f'Bearer error="invalid_token", error_description="{said}", scope="read", resource_metadata="{METADATA}"'
    )


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "at+jwt", "application/at+jwt"])
@pytest.mark.parametrize("claims", [{}, {"nonce": "n", "typ": "Bearer", "token_use": "access"}])
async def test_an_access_token_of_any_issuer_is_known_as_one(
    issuer: Issuer, typ: str | None, claims: dict[str, Any]
) -> None:
    async with checking(**jwt_of(issuer)) as who:
        assert (await who.identify(with_token(issuer.token(header={"typ": typ}, **claims)))).subject == "alice"


@pytest.mark.parametrize("headers", [[], [(b"authorization", b"Basic YTpi")], [(b"x-authorization", b"Bearer x")]])
async def test_without_a_token_the_challenge_names_the_metadata_and_no_error(
    issuer: Issuer, headers: list[tuple[bytes, bytes]]
) -> None:
    async with checking(**jwt_of(issuer)) as who:
        answered = await refused(who, headers)
    assert answered.status == 401
    assert answered.challenge == f'Bearer resource_metadata="{METADATA}"'
    assert answered.body["error"] == "unauthorized"


async def test_a_missing_scope_is_403_and_names_all_that_are_needed(issuer: Issuer) -> None:
    async with checking(**jwt_of(issuer, inbound_scopes="read,admin")) as who:
        answered = await refused(who, with_token(issuer.token()))
        assert (answered.status, answered.body["error"]) == (403, "insufficient_scope")
        assert 'error="insufficient_scope"' in answered.challenge
        assert 'scope="read admin"' in answered.challenge
        assert (await who.identify(with_token(issuer.token(scope=None, scp=["admin", "read"])))).subject == "alice"


@pytest.mark.parametrize(
    ("claims", "fits"),
    [
        ({}, True),
        ({"aud": None}, False),
        ({"aud": ["else", "proxy"]}, True),
        ({"client_id": "other"}, False),
        ({"client_id": None, "azp": "agent"}, True),
        ({"client_id": None}, False),
        ({"client_id": {"agent": 1}}, False),
    ],
)
async def test_audience_and_client_must_both_fit_where_both_are_set(
    issuer: Issuer, claims: dict[str, Any], fits: bool
) -> None:
    async with checking(**jwt_of(issuer, inbound_client_ids="cli,agent")) as who:
        headers = with_token(issuer.token(**claims))
        if fits:
            assert (await who.identify(headers)).subject == "alice"
        else:
            assert (await refused(who, headers)).status == 401


async def test_a_cognito_access_token_needs_no_audience(issuer: Issuer) -> None:
    flags = jwt_of(issuer, inbound_audience=None, inbound_client_ids="agent")
    async with checking(**flags) as who:
        token = issuer.token(aud=None, token_use="access", username="alice")
        assert (await who.identify(with_token(token))).subject == "alice"


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(
    ("kind", "curve", "alg"),
    [
        ("RSA", "", "PS384"),
        ("EC", "P-256", "ES256"),
        ("EC", "P-384", "ES384"),
        ("EC", "P-521", "ES512"),
        ("OKP", "Ed25519", "EdDSA"),
        ("OKP", "Ed25519", "Ed25519"),
    ],
)
async def test_every_asymmetric_algorithm_is_accepted_with_its_key(kind: Any, curve: str, alg: str) -> None:
    async with serving(Issuer(signing=new_key("k", kind, curve))) as issuer, checking(**jwt_of(issuer)) as who:
        assert (await who.identify(with_token(issuer.token(alg=alg)))).subject == "alice"


@pytest.mark.parametrize(
    "change", [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"kty": "oct"}, {"n": "AQAB"}, {"e": "!"}]
)
async def test_a_key_that_must_not_verify_does_not(issuer: Issuer, change: dict[str, Any]) -> None:
    issuer.published = [{**issuer.published[0], **change}]
    async with checking(**jwt_of(issuer)) as who:
        assert (await refused(who, with_token(issuer.token()))).status == 401


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
async def test_an_rsa_key_that_is_too_short_is_not_used() -> None:
    async with serving(Issuer(signing=new_key("short", "RSA", "1024"))) as issuer, checking(**jwt_of(issuer)) as who:
        assert (await refused(who, with_token(issuer.token()))).status == 401


async def test_a_token_without_a_key_id_needs_a_key_set_of_one(issuer: Issuer) -> None:
    async with checking(**jwt_of(issuer)) as who:
        assert (await who.identify(with_token(issuer.token(header={"kid": None})))).subject == "alice"
    issuer.published.append(public(new_key("two")))
    async with checking(**jwt_of(issuer)) as who:
        assert (await refused(who, with_token(issuer.token(header={"kid": None})))).status == 401


@pytest.mark.parametrize(
    "odd", [{"crv": []}, {"crv": {}}, {"crv": None}, {"crv": 7, "alg": []}, {"use": [], "kid": {}}]
)
async def test_an_odd_key_among_the_published_ones_is_in_nobodys_way(issuer: Issuer, odd: dict[str, Any]) -> None:
    curve = new_key("two", "EC")
    issuer.published = [{"kty": "EC", **odd}, public(curve)]
    async with checking(**jwt_of(issuer)) as who:
        for header in ({}, {"kid": None}):
            assert (await who.identify(with_token(issuer.token("ES256", curve, header)))).subject == "alice"


async def test_a_rotated_key_is_found_without_a_restart_and_unknown_ones_ask_the_issuer_rarely(issuer: Issuer) -> None:
    async with checking(**jwt_of(issuer)) as who:
        await who.identify(with_token(issuer.token()))
        issuer.rotate("two")
        assert (await who.identify(with_token(issuer.token()))).subject == "alice"
        before = len(issuer.asked)
        for number in range(20):
            await refused(who, with_token(issuer.token(header={"kid": f"made-up-{number}"})))
        assert len(issuer.asked) - before <= 2


async def test_a_withdrawn_key_is_refused_once_the_keys_are_read_again(issuer: Issuer) -> None:
    async with checking(**jwt_of(issuer)) as who:
        old = issuer.signing
        await who.identify(with_token(issuer.token()))
        issuer.published.clear()
        issuer.rotate("two")
        await who.identify(with_token(issuer.token()))
        assert (await refused(who, with_token(issuer.token(key=old, sub="bob")))).status == 401


async def test_while_the_issuer_is_away_nobody_is_let_in_and_calls_recover_without_a_restart(issuer: Issuer) -> None:
    issuer.away = True
    async with checking(**jwt_of(issuer)) as who:
        answered = await refused(who, with_token(issuer.token()))
        assert (answered.status, answered.body["error"]) == (503, "temporarily_unavailable")
        assert answered.headers[b"retry-after"] == b"2"
        assert answered.challenge == ""
        assert (await refused(who, with_token("garbage"))).status == 401
        assert (await refused(who, [])).status == 401
        issuer.away = False
        await asyncio.sleep(1.1)
        assert (await who.identify(with_token(issuer.token()))).subject == "alice"


async def test_known_keys_go_on_while_the_issuer_is_away_and_an_unknown_one_is_not_called_wrong(issuer: Issuer) -> None:
    async with checking(**jwt_of(issuer)) as who:
        await who.identify(with_token(issuer.token()))
        issuer.away = True
        assert (await who.identify(with_token(issuer.token(sub="bob")))).subject == "bob"
        assert (await refused(who, with_token(issuer.token(key=new_key("two"))))).status == 503


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"issuer": "https://other.example"}},
        {"metadata": {"jwks_uri": "http://example.com/keys"}},
        {"metadata": {"jwks_uri": None}},
        {"raw": b"no json"},
        {"raw": b'{"keys": 1}'},
        {"raw": b" " * (1024 * 1024 + 1)},
        {"raw": b"[" * 10_000},
        {"hidden": {"/keys"}},
    ],
)
async def test_metadata_or_keys_of_no_use_let_nobody_in(issuer: Issuer, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(issuer, name, value)
    async with checking(**jwt_of(issuer)) as who:
        assert (await refused(who, with_token(issuer.token()))).status == 503


@pytest.mark.parametrize("hidden", [0, 1, 2])
async def test_metadata_is_found_where_either_specification_puts_it(issuer: Issuer, hidden: int) -> None:
    places = ["/.well-known/oauth-authorization-server/pool", "/pool/.well-known/openid-configuration"]
    issuer.hidden = set(places[:hidden])
    async with checking(**jwt_of(issuer)) as who:
        assert (await who.identify(with_token(issuer.token()))).subject == "alice"


async def test_a_key_set_given_by_its_url_needs_no_metadata(issuer: Issuer) -> None:
    flags = jwt_of(issuer, inbound_jwks_url=f"{issuer.url}/keys")
    async with checking(**flags) as who:
        assert (await who.identify(with_token(issuer.token()))).subject == "alice"
    assert set(issuer.asked) == {"/keys"}


async def test_many_first_calls_ask_the_issuer_once(issuer: Issuer) -> None:
    async with checking(**jwt_of(issuer)) as who:
        found = await asyncio.gather(*(who.identify(with_token(issuer.token(sub=f"u{n}"))) for n in range(50)))
    assert {caller.subject for caller in found} == {f"u{n}" for n in range(50)}
    assert issuer.asked.count("/keys") == 1


async def test_the_token_may_come_in_another_header_and_only_there(issuer: Issuer) -> None:
    async with checking(**jwt_of(issuer, inbound_header="X-Authorization")) as who:
        assert who.header == b"x-authorization"
        assert (await who.identify(with_token(issuer.token(), "x-authorization"))).subject == "alice"
        answered = await refused(who, with_token(issuer.token(sub="bob")))
        assert answered.status == 401
        assert "X-Authorization" in answered.body["error_description"]


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
async def test_the_scheme_is_read_in_any_case(issuer: Issuer, scheme: str) -> None:
    async with checking(**jwt_of(issuer)) as who:
        caller = await who.identify([(b"authorization", f"{scheme} {issuer.token()}".encode())])
    assert caller.subject == "alice"


async def test_claims_handed_to_policies_cannot_be_changed_for_the_next_call(issuer: Issuer) -> None:
    async with checking(**jwt_of(issuer)) as who:
        caller = await who.identify(with_token(issuer.token(groups=["a"])))
    with pytest.raises(TypeError):
        caller.claims["groups"].append("admin")
    assert json.loads(json.dumps(caller.claims))["groups"] == ["a"]


def test_a_remembered_caller_is_forgotten_after_a_minute_and_at_the_tokens_end() -> None:
    now = [1000.0]
    kept, alice = Remembered(lambda: now[0]), Caller(subject="alice")
    kept.put(b"long", alice, 9999.0)
    kept.put(b"short", alice, 1010.0)
    now[0] = 1010.0
    assert (kept.get(b"long"), kept.get(b"short")) == (alice, None)
    now[0] = 1060.0
    assert kept.get(b"long") is None


def test_what_is_remembered_is_bounded_and_what_was_met_last_stays() -> None:
    kept, alice = Remembered(lambda: 0.0), Caller(subject="alice")
    for number in range(REMEMBERED):
        kept.put(str(number).encode(), alice, 9.0)
    kept.get(b"0")
    kept.put(b"one more", alice, 9.0)
    assert (kept.get(b"0"), kept.get(b"1"), kept.get(b"one more")) == (alice, None, alice)

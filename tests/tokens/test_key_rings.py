"""Key rings by reference: their text and JSON, data keys under KMS, and what an error may say."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path

import pytest

from policies.lent import GivenSecrets
from policies.policy import SecretError
from proxy import key_rings
from proxy.key_rings import EPHEMERAL, KeyRings, new_line, parsed, unusable_ring
from proxy.references import References
from proxy.services import services
from proxy.settings import load
from tests.auth.secrets_manager import Aws
from tests.tokens.kms import Kms
from tests.tokens.making import FOREIGN, NEW, OLD

KEY = "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
ALIAS = "arn:aws:kms:eu-west-1:123456789012:alias/tokens"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/ring-AbC123"


def b64(key: bytes) -> str:
    return base64.b64encode(key).decode()


def given(text: str) -> KeyRings:
    return KeyRings(GivenSecrets({"env:RING": text}))


TEXTS = [
    f"{b64(NEW)}\n{b64(OLD)}",
    f"# of November\n\n2026-11 {b64(NEW)}\r\n  2026-10   {b64(OLD)}  # until February\n",
    f"{base64.urlsafe_b64encode(NEW).decode()}\n{b64(OLD)}\n",
    json.dumps([f"2026-11 {b64(NEW)}", b64(OLD)]),
    json.dumps({"keys": [b64(NEW), f"old {b64(OLD)}"], "note": "x"}),
]


@pytest.mark.parametrize("text", TEXTS)
async def test_a_ring_gives_its_keys_newest_first(text: str) -> None:
    assert list(await given(text).ring("env:RING")) == [NEW, OLD]


async def test_a_ring_comes_from_a_file_and_from_secrets_manager(tmp_path: Path, aws: Aws) -> None:
    (tmp_path / "ring").write_text(f"{b64(NEW)}\n")
    aws.secrets = {SECRET: f"a {b64(OLD)}", f"{SECRET}j": json.dumps({"ring": b64(FOREIGN)})}
    rings = KeyRings(References())
    assert list(await rings.ring(f"file:{tmp_path}/ring")) == [NEW]
    assert list(await rings.ring(SECRET)) == [OLD]
    assert list(await rings.ring(f"{SECRET}j#ring")) == [FOREIGN]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("CANARY!", "line 1 is not base64"),
        (f"{b64(NEW)}\n\nCANARY!", "line 3 is not base64"),
        (f"CAN/ARY {b64(NEW)}", "line 1 is not `NAME BASE64`"),
        (f"a CANARY {b64(NEW)}", "line 1 is not `NAME BASE64`"),
        (f"{b64(NEW)}\n{b64(b'CANARY')}", "key 2 has 6 bytes; a key has 32 or 64"),
        ("# CANARY", "the ring has no key"),
        ("[]", "the ring has no key"),
        (f"{b64(NEW)}\n{b64(NEW)}", "the same key twice"),
        ("\n".join(b64(bytes([n] * 32)) for n in range(33)), "the ring has 33 keys; 32 are the most"),
        ('{"CANARY": 1', "begins like JSON, and is none"),
        ('{"CANARY": []}', "must be an array of texts"),
        ('{"keys": [{"CANARY": 1}]}', "must be an array of texts"),
        ('["CANARY!"]', "key 1 is not base64"),
        ('[""]', "key 1 is not `NAME BASE64`"),
    ],
)
async def test_an_unusable_ring_names_its_place_and_no_value(text: str, problem: str) -> None:
    with pytest.raises(SecretError, match=problem) as raised:
        await given(text).ring("env:RING")
    assert str(raised.value).startswith("env:RING: ")
    assert "CANARY" not in str(raised.value)
    assert b64(NEW)[:12] not in str(raised.value)


@pytest.mark.parametrize(
    "reference",
    ["CANARY", b64(NEW), "kms:CANARY", f"kms:{KEY}", f"kms:{KEY}#CANARY", f"kms:{KEY}#", f"kms:{KEY}#kms:{KEY}#env:A"],
)
async def test_a_value_that_is_no_reference_is_not_repeated(reference: str) -> None:
    with pytest.raises(SecretError, match="is not a reference") as raised:
        await KeyRings(References({}), local=True).ring(reference)
    assert "CANARY" not in str(raised.value)
    assert b64(NEW) not in str(raised.value)


@pytest.mark.parametrize(
    "reference", ["file:/r", "env:A", SECRET, f"{SECRET}#k", f"kms:{KEY}#file:/r", f"kms:{ALIAS}#{SECRET}#k", EPHEMERAL]
)
def test_these_are_references(reference: str) -> None:
    assert unusable_ring(reference) is None


async def test_data_keys_are_decrypted_by_kms_and_asked_for_once(kms: Kms, tmp_path: Path) -> None:
    kms.plain = {(KEY, b"blob-new"): NEW, (KEY, b"blob-old"): OLD, (KEY, b"blob-next"): FOREIGN}
    file, rings = tmp_path / "ring", KeyRings(References())
    file.write_text(f"new {b64(b'blob-new')}\n{b64(b'blob-old')}\n")
    for _ in range(2):
        assert list(await rings.ring(f"kms:{KEY}#file:{file}")) == [NEW, OLD]
    assert kms.calls == 2
    file.write_text(f"{b64(b'blob-next')}\n{b64(b'blob-new')}\n")
    assert list(await rings.ring(f"kms:{KEY}#file:{file}")) == [FOREIGN, NEW]
    assert kms.calls == 3


async def test_data_keys_may_lie_in_secrets_manager(kms: Kms, aws: Aws) -> None:
    kms.plain = {(ALIAS, b"blob"): NEW}
    aws.secrets = {SECRET: json.dumps({"ring": b64(b"blob")})}
    assert list(await KeyRings(References()).ring(f"kms:{ALIAS}#{SECRET}#ring")) == [NEW]


@pytest.mark.parametrize(
    ("error", "plain", "problem"),
    [
        ("AccessDeniedException", NEW, r"KMS answered AccessDeniedException; does the role have kms:Decrypt"),
        ("CANARY", NEW, r"KMS answered an error"),
        (None, None, r"KMS answered IncorrectKeyException"),
        (None, b"CANARY", r"key 1 has 6 bytes"),
    ],
)
async def test_what_kms_does_not_give_is_named(kms: Kms, error: str | None, plain: bytes | None, problem: str) -> None:
    kms.error = error
    kms.plain = {(KEY if plain else ALIAS, b"blob"): plain or NEW}
    reference = f"kms:{KEY}#env:RING"
    with pytest.raises(SecretError, match=problem) as raised:
        await given(b64(b"blob")).ring(reference)
    assert str(raised.value).startswith(f"{reference}: ")
    assert "CANARY" not in str(raised.value)


async def test_kms_that_is_slow_or_without_credentials_is_named(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    kms.slow_s = 0.3
    with monkeypatch.context() as patch:
        patch.setattr(key_rings, "_WAIT_S", 0.05)
        with pytest.raises(SecretError, match=r"KMS did not answer within 0\.05 s"):
            await given(b64(b"blob")).ring(f"kms:{KEY}#env:RING")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(SecretError, match=r"could not be asked \(NoCredentialsError\)"):
        await given(b64(b"blob")).ring(f"kms:{KEY}#env:RING")


async def test_an_ephemeral_key_is_announced_once_and_stays_that_of_the_process(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rings = KeyRings(References({}), local=True)
    with caplog.at_level(logging.WARNING):
        (key,) = await rings.ring(EPHEMERAL)
        assert list(await rings.ring(EPHEMERAL)) == [key]
    assert len(key) == 64
    assert len(caplog.records) == 1
    assert "ephemeral: a random key" in caplog.text
    assert list(await KeyRings(References({}), local=True).ring(EPHEMERAL)) != [key]


@pytest.mark.parametrize(("host", "is_allowed"), [("127.0.0.1", True), ("0.0.0.0", False)])
async def test_an_ephemeral_key_is_refused_where_strangers_call(host: str, is_allowed: bool) -> None:
    keys = services(load({}, host=host)).keys
    if is_allowed:
        assert await keys.ring(EPHEMERAL)
    else:
        with pytest.raises(SecretError, match="ephemeral: is for a proxy on loopback"):
            await keys.ring(EPHEMERAL)


@pytest.mark.parametrize("size", [32, 64])
def test_a_new_line_is_a_ring_of_one_new_key(size: int) -> None:
    (one,), (other,) = (parsed(new_line("2026-11", size), "new") for _ in range(2))
    assert len(one) == len(other) == size
    assert one != other
    assert new_line("2026-11").startswith("2026-11 ")


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "é", "#a", "a\n"])
def test_a_name_that_no_ring_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="at most 64"):
        new_line(name)

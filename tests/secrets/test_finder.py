from __future__ import annotations

import base64
import hashlib
import uuid

import pytest

from policies.detect.finding import NOWHERE, Finding, Near
from policies.secrets.finder import SecretFinder
from policies.secrets.kinds import KINDS
from tests.secrets.planted import Maker
from tests.secrets.texts import BENIGN, BENIGN_TEXTS, STANDING_IN, UNDER_KEYS, WRITTEN

FINDER = SecretFinder()
FRAMES = (
    "{}",
    "export KEY={} # production",
    "[2026-01-02T03:04:05Z] INFO using {} for the upload",
    "curl -H 'X-Auth: {}' https://api.example.org",
    "key: {}\nother: 1",
    '"{}",',
    "got {}, retrying",
    "see ({}).",
    "x={};y=2",
    "<v>{}</v>",
)
SHAPED = sorted(Maker().shaped().items())
NAMED = sorted(Maker().named().items())


def find(text: str, *keys: str) -> list[Finding]:
    return list(FINDER.find(text, Near(keys), lambda: None))


def parts(text: str, *keys: str) -> list[str]:
    return [text[each.start : each.end] for each in find(text, *keys)]


@pytest.mark.parametrize(("kind", "secret"), SHAPED, ids=[kind for kind, _ in SHAPED])
def test_a_credential_with_a_shape_of_its_own_is_found_exactly_wherever_it_stands(kind: str, secret: str) -> None:
    for frame in FRAMES:
        text = frame.format(secret)
        at = text.index(secret)
        found = find(text)
        assert any((each.start, each.end, each.rule) == (at, at + len(secret), kind.split("/")[0]) for each in found)
        assert all(at <= each.start and each.end <= at + len(secret) for each in found)
        assert {each.entity for each in found} == {"SECRET"}


@pytest.mark.parametrize(("kind", "case"), NAMED, ids=[kind for kind, _ in NAMED])
def test_a_credential_that_needs_a_word_is_found_beside_it(kind: str, case: tuple[str, str]) -> None:
    frame, secret = case
    text = frame.replace("{}", secret)
    at = text.index(secret)

    found = find(text)

    assert kind.split("/")[0] in {each.rule for each in found if (each.start, each.end) == (at, at + len(secret))}
    assert all(at <= each.start and each.end <= at + len(secret) for each in found)


@pytest.mark.parametrize("marked", WRITTEN)
def test_a_value_behind_a_name_of_a_secret_is_found_exactly(marked: str) -> None:
    text, secret = marked.replace("⟦", "").replace("⟧", ""), marked[marked.index("⟦") + 1 : marked.index("⟧")]

    assert secret in parts(text)
    assert all(part in secret for part in parts(text))


@pytest.mark.parametrize(("key", "value"), UNDER_KEYS)
def test_a_value_under_a_key_of_a_secret_is_found(key: str, value: str) -> None:
    assert value in parts(value, *key.split("<"))
    assert any(each.why == "key" for each in find(value, *key.split("<")))


@pytest.mark.parametrize("key", ["Authorization", "authorization"])
def test_under_an_authorization_key_the_scheme_stays(key: str) -> None:
    assert set(parts("Bearer ab12cd34ef56gh78", key)) == {"ab12cd34ef56gh78"}


@pytest.mark.parametrize("key", ["password", "api_key", "client_secret", "token", "secret", "DB_PASSWORD"])
def test_what_stands_in_a_secrets_place_is_none(key: str) -> None:
    assert [value for value in STANDING_IN if parts(value, key)] == []


@pytest.mark.parametrize(("key", "value"), BENIGN)
def test_what_only_sounds_like_a_secret_is_left_alone(key: str, value: str) -> None:
    assert parts(value, key) == []


@pytest.mark.parametrize("text", BENIGN_TEXTS)
def test_texts_about_secrets_are_left_alone(text: str) -> None:
    assert parts(text) == []


def test_hashes_and_identifiers_are_left_alone() -> None:
    flagged = []
    for number in range(300):
        digest = hashlib.sha256(str(number).encode())
        coded = base64.b64encode(digest.digest()).decode()
        same = uuid.UUID(bytes=digest.digest()[:16])
        for key, value in (
            ("commit", digest.hexdigest()[:40]),
            ("digest", f"sha256:{digest.hexdigest()}"),
            ("integrity", f"sha512-{coded}{coded}"),
            ("etag", f'"{digest.hexdigest()[:32]}"'),
            ("trace_id", digest.hexdigest()[:32]),
            ("traceparent", f"00-{digest.hexdigest()[:32]}-{digest.hexdigest()[32:48]}-01"),
            ("next_token", coded),
            ("nextPageToken", coded),
            ("cursor", coded),
            ("key", coded),
            ("idempotency_key", str(same)),
            ("id", str(same)),
            ("src", f"data:image/png;base64,{coded * 8}"),
            ("secret", f"default-token-{digest.hexdigest()[:5]}"),
            ("color", f"#{digest.hexdigest()[:6]}"),
            ("url", f"https://cdn.example.org/app.{digest.hexdigest()[:20]}.js?v={digest.hexdigest()[:8]}"),
            ("log", f"GET /items?page={number} request {same} etag {digest.hexdigest()[:32]}"),
        ):
            if parts(value, key):
                flagged.append((key, number))
    assert flagged == []


def test_a_private_key_is_found_whole_also_when_cut_off_or_escaped() -> None:
    maker = Maker(4)
    for line in ("\n", "\\n", "\r\n"):
        block = maker.pem(line=line)
        assert block in parts(f"before\n{block}\nafter")
        cut = block[: -len("-----END RSA PRIVATE KEY-----")]
        assert any(cut.strip("\r\n\\n") in part for part in parts(f"k: {cut}"))


def test_the_check_is_called_while_it_searches() -> None:
    class TooLateError(Exception):
        pass

    def late() -> None:
        raise TooLateError

    with pytest.raises(TooLateError):
        list(FINDER.find("password=abc123 " * 200, NOWHERE, late))


def test_every_kind_names_its_source_and_every_keyword_is_lower_case() -> None:
    assert all(kind.source and kind.keywords for kind in KINDS)
    assert all(word == word.lower() for kind in KINDS for word in kind.keywords)
    assert len({kind.name for kind in KINDS}) >= 45


BYTES = base64.b64encode(hashlib.sha512(b"storage").digest()).decode()


@pytest.mark.parametrize("frame", ["AZURE_STORAGE_KEY={}", "accountKey: {}", '"cosmosKey": "{}"', "x; storage_key={}"])
def test_a_key_of_64_bytes_behind_its_name_is_found_to_the_end_of_the_text(frame: str) -> None:
    assert parts(frame.format(BYTES)) == [BYTES]


@pytest.mark.parametrize("key", ["azure_storage_key", "AccountKey", "COSMOS_KEY"])
def test_a_key_of_64_bytes_under_its_name_is_found(key: str) -> None:
    assert parts(BYTES, key) == [BYTES]


@pytest.mark.parametrize("value", ["uploads/ab12cd34ef56.png", "9f8e7d6c5b4a39281706f5e4d3c2b1a0", "cart:v2:items"])
def test_what_else_stands_under_a_storage_key_is_none(value: str) -> None:
    assert parts(value, "storage_key") == []

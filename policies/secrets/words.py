"""Words that say that what follows, or stands under them, is a secret; and those that say it is something else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

Sort: TypeAlias = Literal["password", "phrase", "token", "secret", "bytes", "connection"]
"""What a name speaks of: something people choose, several words, something random, either, a key of 32 or 64 bytes in
base64 (`storage_key`, which is as often a file's path), or settings with a part."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


PASSWORDS: Final = _set(
    "password passwd passwrd passwort passord pwd psw pw passcode kennwort contraseña contrasena motdepasse mdp senha "
    "wachtwoord lösenord losenord adgangskode salasana hasło haslo heslo jelszó jelszo şifre sifre parola "
    "пароль 密码 密碼 口令 パスワード 暗証番号 비밀번호 pass"
)
_PASSWORD_PAIRS: Final = frozenset({("de", "passe"), ("palavra", "passe"), ("pass", "word"), ("pass", "code")})
PHRASES: Final = frozenset({"passphrase", "mnemonic"})
_PHRASE_PAIRS: Final = frozenset({("seed", "phrase"), ("recovery", "phrase"), ("pass", "phrase")})
TOKENS: Final = _set(
    "token jwt bearer authorization auth accesstoken authtoken refreshtoken idtoken jeton токен 令牌 トークン 토큰"
)
SECRETS: Final = _set(
    "secret credential apikey accesskey secretkey privatekey authkey clientsecret appsecret signingkey encryptionkey "
    "geheimnis secreto secreta segredo segreto секрет 密钥 密鑰 秘密鍵 シークレット 비밀키"
)
_KEY_OF: Final = _set(
    "api access secret private encryption decryption signing master shared auth app application consumer service "
    "subscription ssh pgp gpg hmac jwt cipher symmetric webhook admin root deploy integration ingest server session"
)
_BYTES_OF: Final = _set("storage account cosmos cosmosdb batch")
_KEYS_ELSEWHERE: Final = frozenset(
    {
        ("privater", "schlüssel"),
        ("geheimer", "schlüssel"),
        ("api", "schlüssel"),
        ("api", "schluessel"),
        ("clave", "privada"),
        ("clave", "secreta"),
        ("clave", "api"),
        ("clé", "privée"),
        ("cle", "privee"),
        ("clé", "secrète"),
        ("clé", "api"),
        ("chave", "privada"),
        ("chave", "secreta"),
        ("chave", "api"),
        ("chiave", "privata"),
        ("chiave", "segreta"),
        ("chiave", "api"),
        ("секретный", "ключ"),
    }
)
_CONNECTIONS: Final = frozenset({"connectionstring", "connstring", "connstr", "dsn"})
_CONNECTION_PAIRS: Final = frozenset({("connection", "string"), ("conn", "string"), ("conn", "str")})

_QUALIFIERS: Final = _set(
    "value text plain plaintext cleartext raw base old new current previous prod production dev staging stage live "
    "primary secondary default encoded b64 base64 confirm confirmation hash v"
)
"""Behind the word that counts: `password_new`, `SECRET_KEY_BASE`, `token2`."""
_OTHERWISE: Final = _set(
    "has is no show hide require requires required needs force allow forgot wrong invalid incorrect weak missing min "
    "max next page pagination continuation cursor sync delta resume watch prev total count public pad eos bos sep cls "
    "mask unk special stop idempotency cancellation design lp input output prompt completion csrf xsrf"
)
"""Before it: `next_page_token`, `pad_token`, `has_password`. Tokens against forged requests are in every page."""
CONTAINERS: Final = _set("value text plain plaintext raw data current previous old new default string")
"""A key that says nothing but that its value is that of the key above: `{"password": {"value": …}}`."""

_OTHERWISE_WITHIN: Final = ("next", "page", "cont", "cursor", "sync", "max", "min", "total", "public")
_LONG: Final = 5
"""From so many letters on, a word counts at the end of another as well: `dbpassword`, `bottoken`."""
_WORDS: Final[Mapping[str, Sort]] = {
    **dict.fromkeys(PHRASES, "phrase"),
    **dict.fromkeys(PASSWORDS, "password"),
    **dict.fromkeys(SECRETS, "secret"),
    **dict.fromkeys(TOKENS, "token"),
    **dict.fromkeys(_CONNECTIONS, "connection"),
}
_PAIRS: Final[Mapping[tuple[str, str], Sort]] = {
    **{(of, "key"): "secret" for of in _KEY_OF},
    **{(of, "key"): "bytes" for of in _BYTES_OF},
    **dict.fromkeys(_KEYS_ELSEWHERE, "secret"),
    **dict.fromkeys(_PASSWORD_PAIRS, "password"),
    **dict.fromkeys(_PHRASE_PAIRS, "phrase"),
    **dict.fromkeys(_CONNECTION_PAIRS, "connection"),
}

_SHORT: Final = frozenset({"pass", "pw", "psw", "auth", "mdp", "dsn", "jwt"})
_ENDS: Final = ('"', "'", "\\", "=", ":", " ", "_", "-", "`")

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_FOR: Final = re.compile(r" (?:for|of|to|für|pour|para|de la) ", re.IGNORECASE)


def sort_of(name: str) -> Sort | None:
    """What a key, a variable or a header of this name holds; None for all that is no secret."""
    words = [_singular(word.lower()) for word in _LETTERS.findall(_CAMEL.sub("_", _FOR.split(name)[0]))]
    while len(words) > 1 and words[-1] in _QUALIFIERS:
        words.pop()
    if not words or not _OTHERWISE.isdisjoint(words):
        return None
    last, pair = words[-1], (words[-2] if len(words) > 1 else "", words[-1])
    sort = _PAIRS.get(pair) or _WORDS.get(last)
    if sort or last.startswith(_OTHERWISE_WITHIN):
        return sort
    return next((sort for word, sort in _WORDS.items() if len(word) >= _LONG and last.endswith(word)), None)


def _singular(word: str) -> str:
    bare = word.removesuffix("s")
    return bare if bare in _WORDS or bare == "key" else word


def keywords() -> tuple[str, ...]:
    """Lower-case texts of which each name that `sort_of` knows holds one, once a `"` stands behind it."""
    parted = {f"{first}{gap}{second}" for first, second in _PAIRS for gap in ("", "_", "-", " ", ".")}
    ended = {word + end for word in _SHORT for end in _ENDS}
    return tuple(sorted(_WORDS.keys() - _SHORT | parted | ended))

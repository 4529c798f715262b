"""E-mail addresses: as RFC 5321 writes them, in any script (RFC 6531), with a quoted local part, and spelled out.

Not addresses, though they have their shape: a package and its version (`lodash@4.17.21`), an image's scale
(`logo@2x.png`), a systemd unit, and the remote of a repository or of scp (`git@github.com:org/repo`): its user is an
account of the machine, the same for everyone.
"""

from __future__ import annotations

import re
from typing import Final

from policies.detect.rule import KeyRule, Late, Rule
from policies.detect.wording import words

_CJK: Final = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Scripts that put no space between words: an address in Latin letters ends where they begin."""
_LABEL: Final = r"[^\W_]++(?:-++[^\W_]++)*+"
_TOP: Final = r"(?:xn--[A-Za-z0-9-]{1,59}+|[A-Za-z]{2,24}+(?![0-9])|[^\W\d_]{2,24}+(?!\w))"
_DOMAIN: Final = rf"(?!v?[0-9]{{1,6}}\.[0-9x*]){_LABEL}(?:\.{_LABEL}(?=\.[^\W_]))*+\.{_TOP}"
_NO_REMOTE: Final = r"(?!:[~/])"

_FILES: Final = words(
    """
    png jpg jpeg gif svg webp avif ico bmp tiff pdf css scss less html htm js jsx ts tsx mjs cjs json jsonl yaml
    yml xml txt csv tsv log lock toml ini conf cfg tgz gz bz2 xz tar whl jar war exe dll dylib dmg deb rpm
    msi bin class php rb go cpp hpp service socket timer mount slice
    """
)
"""File extensions and systemd units that are no top-level domain in IANA's root zone."""
_MACHINES: Final = frozenset({"git", "hg", "svn"})

_AT_WORDS: Final = r"(?:at|ät|arroba|arobase|chiocciola)"
_DOT_WORDS: Final = r"(?:dot|punkt|point|punto|ponto)"
_OPEN: Final = r"[(\[{<]"
_SHUT: Final = r"[)\]}>]"
_NAME: Final = r"[A-Za-z0-9](?<![\w.+-].)[A-Za-z0-9_+-]{0,40}+(?:\.[A-Za-z0-9_+-]{1,40}+){0,4}+"
_SPELLED_DOT: Final = (
    rf"(?: ?{_OPEN} ?(?i:{_DOT_WORDS}|\.) ?{_SHUT} ?|(?: |_)(?i:{_DOT_WORDS})(?: |_)|\.(?=[A-Za-z0-9]))"
)
_BARE_DOT: Final = rf" (?i:{_DOT_WORDS}) "
_PART: Final = r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,40}+"
_COMMON_TOP: Final = (
    r"(?i:com|org|net|edu|gov|info|biz|io|co|ai|app|dev|me|eu|uk|us|ca|au|nz|de|at|ch|fr|be|nl|es|pt|br|mx|ar|it|pl|se|no|dk"
    r"|fi|ie|in|jp|kr|cn|sg|za|ru|test|example|local)(?![A-Za-z0-9_@])"
)

_MAIL_WORDS: Final = words(
    """
    mail email e-mail gmail mailbox inbox contact reach write address correo mél mel courriel correio posta
    adresse
    """
)
_NO_NAMES: Final = words(
    """
    a an and are arrive arrived at available back be been book call come contact email employed engineer found
    go he her here him hosted i in is it look looked looking located mail me meet meeting more on or out people
    pointed price reach sale see she shop sold staff start stay store student teach that them there they this us
    visit was we were work worked working works write you
    """
)


_MAIL_KEYS: Final = sorted(
    words(
        "email mail emailaddress mailaddress courriel correo メール メールアドレス 邮箱 电子邮件 電子郵件 이메일 почта"
    )
)


def _is_written(text: str) -> bool:
    """Not a file's name, a package's version, or the account of a repository's machine."""
    local, _, domain = text.rpartition("@")
    if local.lower() in _MACHINES or len(local) > 64 + 2 or len(domain) > 253:
        return False
    top = domain.rpartition(".")[2].lower()
    return top not in _FILES and not (domain[:1].isdigit() and domain[1:3].lower() == "x." and len(domain) < 8)


def _is_spelled(text: str) -> bool:
    """Its first part is a name: no word that comes before `at` in a sentence."""
    name = re.split(r"[ (\[{<_]", text, maxsplit=1)[0].lower()
    return name not in _NO_NAMES


def _is_spelled_apart(text: str) -> bool:
    """Without brackets or a word nearby: a name of two parts or with a digit, or all in capitals but the names."""
    if not _is_spelled(text):
        return False
    local = re.split(r" (?:at|arroba|ät|arobase|chiocciola) ", text, maxsplit=1, flags=re.IGNORECASE)[0]
    first = re.split(r"[._ ]", local)[0]
    if re.search(r" (?:arroba|arobase|chiocciola) | AT ", text) and not local.isupper():
        return True
    return (len(local) > len(first) and len(first) > 1) or any(char.isdigit() for char in local[1:])


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="email",
        entity="EMAIL_ADDRESS",
        pattern=Late(
            rf"[^\W{_CJK}](?<![^\W{_CJK}].)(?:(?<![.%+'-].)|(?<=(?<![\w.%+'-])[.%+'-].)|(?<=(?<![\w.%+'-])[.%+'-]{{2}}.)"
            rf"|(?<=(?<![\w.%+'-])[.%+'-]{{3}}.))"
            rf"(?<!//.)(?:[^\W{_CJK}]++|[.%+-]++|'(?=\w)){{0,64}}+@{_DOMAIN}{_NO_REMOTE}"
        ),
        source="RFC 5321 section 4.1.2, RFC 6531 section 3.3, RFC 1035 section 2.3.1",
        check=_is_written,
        confidence=0.95,
        holds="@",
    ),
    Rule(
        name="email-east-asian",
        entity="EMAIL_ADDRESS",
        pattern=Late(rf"[{_CJK}](?<![\w.%+-].)[{_CJK}0-9._-]{{0,63}}+@{_DOMAIN}{_NO_REMOTE}"),
        source="RFC 6531 section 3.3",
        check=_is_written,
        confidence=0.9,
        holds="@",
    ),
    Rule(
        name="email-quoted",
        entity="EMAIL_ADDRESS",
        pattern=Late(rf"\"[^\"\\\r\n@:,{{}}]{{1,62}}+\"@{_DOMAIN}"),
        source="RFC 5321 section 4.1.2 (Quoted-string)",
        check=_is_written,
        confidence=0.95,
        holds="@",
    ),
    Rule(
        name="email-bracketed-at",
        entity="EMAIL_ADDRESS",
        pattern=Late(rf"{_NAME} ?{_OPEN} ?(?i:{_AT_WORDS}|@) ?{_SHUT} ?{_PART}(?:{_SPELLED_DOT}{_PART}){{1,5}}+"),
        source="the notation that RFC 3696 section 3's addresses are hidden in: `name (at) host (dot) top`",
        check=_is_spelled,
        confidence=0.85,
        holds="([{<",
    ),
    Rule(
        name="email-spelled",
        says=(" dot ", " punkt ", " point ", " punto ", " ponto ", " AT "),
        entity="EMAIL_ADDRESS",
        pattern=Late(
            rf"{_NAME}(?:{_BARE_DOT}{_PART}){{0,3}}+ (?i:{_AT_WORDS}) {_PART}"
            rf"(?:{_BARE_DOT}(?!{_COMMON_TOP}){_PART}){{0,3}}+{_BARE_DOT}{_COMMON_TOP}(?:{_BARE_DOT}{_COMMON_TOP})?+"
            rf"|{_NAME} AT {_PART}(?:\.(?!{_COMMON_TOP}){_PART}){{0,3}}+\.{_COMMON_TOP}(?:\.{_COMMON_TOP})?+"
        ),
        source="the same, without brackets",
        check=_is_spelled_apart,
        confidence=0.8,
    ),
    Rule(
        name="email-spelled-near-word",
        says=(" at ", " ät ", " arroba ", " arobase ", " chiocciola "),
        entity="EMAIL_ADDRESS",
        pattern=Late(
            rf"{_NAME} (?i:{_AT_WORDS}) {_PART}"
            rf"(?:(?:{_BARE_DOT}|\.)(?!{_COMMON_TOP}){_PART}){{0,3}}+(?:{_BARE_DOT}|\.){_COMMON_TOP}(?:(?:{_BARE_DOT}|\.){_COMMON_TOP})?+"
        ),
        source="the same, beside a word that speaks of mail",
        why="word",
        check=_is_spelled,
        words=_MAIL_WORDS,
        confidence=0.7,
    ),
)

KEYS: Final[tuple[KeyRule, ...]] = (
    KeyRule(
        entity="EMAIL_ADDRESS",
        choices=(
            *(frozenset({word}) for word in _MAIL_KEYS),
            frozenset({"e", "mail"}),
        ),
        shape=Late(r"[^\s@:/]{1,64}+@[^\s@/]{1,253}+"),
        unless=words(
            """
    template verified type model count id status enabled provider domain version plan subject body message
    server host port client package dependency
    """
        ),
        check=lambda text: not text.startswith(("git@", "@")) and not re.search(r"@v?[0-9]++\.[0-9]", text),
    ),
)

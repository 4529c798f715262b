"""IP addresses, MAC addresses, URLs and the credentials in them.

Sources: RFC 791 and RFC 4291 as the standard library's `ipaddress` reads them, RFC 4007 (zones), RFC 4632 (masks);
IEEE 802 section 8 (MAC addresses), and the dotted form of Cisco's command lines; RFC 3986 (user information in a URL).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from policies.detect.rule import KeyRule, Late, Rule
from policies.detect.wording import words

_IP_WORDS: Final = words(
    """
    ip ipv4 ipv6 host address server client remote source destination peer gateway subnet cidr adresse
    """
) | {"ip-adresse", "indirizzo", "dirección", "direccion", "endereço", "endereco"}
_KEY_UNLESS: Final = words(
    """
    version type model count id status enabled provider plan allowed mode family class protocol format template
    score reputation verified name port domain filter rule policy label pool
    """
)

_VERSIONS: Final = words(
    """
    version ver versión versione versão versie バージョン 版本 버전 semver latest firmware kernel bios build release
    revision edition installed required wanted minimum upgrade patch package dependency requirement library
    section chapter clause heading oid
    """
)
"""Keys of versions, and of numbered sections: four small numbers with points are no address there."""

_V4_START: Final = r"[0-9](?<![0-9A-Za-z_].)(?<![0-9][.-].)"
"""Patterns begin with a set, which is searched for fast, and look back from behind the character that it took."""
_V4: Final = r"[0-9]{0,2}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?:/[0-9]{1,2}+)?(?![0-9A-Za-z_]|\.[0-9])"
_NO_VERSION: Final = (
    r"(?<![A-Za-z]/.)(?<![Vv]ersion .)(?<![Vv]ersion: .)(?<![Vv]ersion=.)"
    r"(?<![Rr]elease .)(?<![Bb]uild .)(?<![Vv]er\. .)"
)
_GROUP: Final = r"[0-9A-Fa-f]{1,4}"
_LAST: Final = r"(?![0-9A-Fa-f])"
_V6: Final = (
    r"[0-9A-Fa-f:](?<![\w:.].)"
    rf"(?:(?<!:)[0-9A-Fa-f]{{0,3}}(?=:)|(?<=:)(?=:[0-9A-Fa-f])(?::{_GROUP}{_LAST}))(?:::?{_GROUP}{_LAST}){{0,8}}+"
    r"(?:::)?+(?:(?:\.[0-9]{1,3}){3})?+(?:%[0-9A-Za-z]{1,32}+)?+(?:/[0-9]{1,3}+)?+(?!\w|:[\w:]|\.[0-9])"
)
_MASKS: Final = ("255.255.", "255.0.0.0", "255.128.", "255.192.", "255.224.", "255.240.", "255.248.", "255.252.")
_HEX: Final = "[0-9A-Fa-f]"


def is_address(text: str) -> bool:
    """Whether `ipaddress` takes it, its mask and zone aside, for an address that a machine of someone's may have.

    A network is none: a mask that leaves bits of the host, all of them zero (`10.3.0.0/16`).
    """
    text, slash, _ = (whole := text).partition("/")
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    if slash and _is_network(whole):
        return False
    return not (found.is_loopback or found.is_unspecified or found.is_multicast or text.startswith(_MASKS))


def _is_network(text: str) -> bool:
    try:
        return ipaddress.ip_network(text).num_addresses > 1
    except ValueError:
        return False


def _is_v4(text: str) -> bool:
    """Not four single digits, which are a version or a public resolver; not a bare network such as `120.0.0.0`."""
    return len(text) > 7 and not text.endswith(".0.0.0") and is_address(text)


def _is_v6(text: str) -> bool:
    """Not `a::b` nor `1::2` of programming languages: a digit, and three groups or one of three digits."""
    address = text.partition("/")[0].partition("%")[0]
    groups = [group for group in address.split(":") if group]
    telling = len(groups) >= 3 or any(len(group) >= 3 for group in groups)
    return telling and any(char.isdigit() for char in address) and is_address(text)


def is_mac(text: str) -> bool:
    """Twelve hexadecimal digits that are neither broadcast nor zero; in Cisco's form one of them is a letter."""
    digits = re.sub(r"[^0-9A-Fa-f]", "", text).lower()
    if len(digits) != 12 or digits.strip("f") == "" or digits.strip("0") == "":
        return False
    return not (set(text) & set("-.") and digits.isdigit())


def _is_mac_under_key(text: str) -> bool:
    digits = re.sub(r"[^0-9A-Fa-f]", "", text).lower()
    return len(digits) == 12 and digits.strip("f") != "" and digits.strip("0") != ""


def _is_secret(text: str) -> bool:
    """Not `${USER}:${PASSWORD}`, `<user>:<password>`, `****`, nor a format's place holder: nobody's credentials."""
    password = text.partition(":")[2]
    return (
        bool(password)
        and re.fullmatch(r"\$?\{.*\}|\$\w+|<.*>|\[.*\]|[*•x.X_-]+|%\w{1,12}%?|%\(.*\)s", password) is None
    )


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="ipv4",
        entity="IP_ADDRESS",
        pattern=Late(_V4_START + _NO_VERSION + _V4),
        source="RFC 791, RFC 4632",
        check=_is_v4,
        unless=_VERSIONS,
        confidence=0.85,
        digits=5,
        holds=".",
    ),
    Rule(
        name="ipv4-near-word",
        entity="IP_ADDRESS",
        pattern=Late(_V4_START + _V4),
        source="RFC 791, RFC 4632",
        why="word",
        check=is_address,
        words=_IP_WORDS - {"server", "client", "host"},
        unless=_VERSIONS - {"build", "release", "package", "library"},
        confidence=0.8,
        digits=4,
        holds=".",
    ),
    Rule(
        name="ipv6",
        entity="IP_ADDRESS",
        pattern=Late(_V6),
        source="RFC 4291 section 2.2, RFC 4007 section 11",
        check=_is_v6,
        confidence=0.9,
        digits=1,
        holds=":",
    ),
    Rule(
        name="mac",
        entity="MAC_ADDRESS",
        pattern=Late(
            rf"{_HEX}(?<![\w:.-].){_HEX}(?:([:-]){_HEX}{{2}}(?:\1{_HEX}{{2}}){{4}}|{_HEX}{{2}}\.{_HEX}{{4}}\.{_HEX}{{4}})"
            rf"(?!\w|[.:-]{_HEX})"
        ),
        source="IEEE 802-2014 section 8.1; Cisco IOS address form",
        check=is_mac,
        confidence=0.9,
        digits=1,
        holds=":-.",
    ),
    Rule(
        name="url-credentials",
        entity="URL_CREDENTIALS",
        pattern=Late(r"(?<=://)[^\s/?#@:\"<>`]*+:[^\s/?#@\"`]++(?:@[^\s/?#@\"`]++(?=@))*+(?=@[\w\[])"),
        source="RFC 3986 section 3.2.1",
        check=_is_secret,
        confidence=0.97,
        holds="@",
    ),
    Rule(
        name="url",
        entity="URL",
        pattern=Late(
            r"(?<![A-Za-z0-9])(?:(?:https?|ftp)://|www\.(?=[^\W_]))"
            r"(?:[^\s<>\"'`{}|\\^.,;:!?()\[\]]++|\([^\s()]{0,64}+\)|[.,;:!?'(\[]++(?=[^\s<>\"'`{}|\\^.,;:!?()\[\]]))++",
            re.IGNORECASE,
        ),
        source="RFC 3986 section 3, RFC 1738 section 3.2",
        confidence=0.9,
        holds=".",
    ),
)

KEYS: Final[tuple[KeyRule, ...]] = (
    KeyRule(
        entity="IP_ADDRESS",
        choices=tuple(
            frozenset({word}) for word in ("ip", "ipv4", "ipv6", "ipaddress", "ipaddr", "clientip", "remoteip")
        ),
        shape=Late(r"[0-9A-Fa-f:.]{4,45}(?:%[0-9A-Za-z]{1,32})?(?:/[0-9]{1,3})?"),
        unless=_KEY_UNLESS,
        check=is_address,
    ),
    KeyRule(
        entity="MAC_ADDRESS",
        choices=(
            *(frozenset({word}) for word in ("mac", "macaddress", "macaddr", "hwaddr", "bssid")),
            frozenset({"hardware", "address"}),
            frozenset({"ethernet", "address"}),
        ),
        shape=Late(r"(?:[0-9A-Fa-f]{2}[:. -]?){5}[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4}([.-])[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{4}"),
        unless=_KEY_UNLESS,
        check=_is_mac_under_key,
    ),
)

"""IP and MAC addresses, URLs and the credentials in them."""

from __future__ import annotations

import pytest

from policies.detect.finding import NOWHERE, Near
from policies.detect.network import KEYS, RULES
from policies.detect.rules import Rules

FINDER = Rules(RULES)
BY_ENTITY = {rule.entity: rule for rule in KEYS}


def found(text: str, entity: str) -> list[str]:
    best: list[tuple[int, int]] = []
    for each in sorted(FINDER.find(text, NOWHERE, lambda: None), key=lambda each: (each.start, -each.end)):
        if each.entity == entity and (not best or each.start >= best[-1][1]):
            best.append((each.start, each.end))
    return [text[start:end] for start, end in best]


@pytest.mark.parametrize(
    "address",
    [
        "192.168.1.20",
        "203.0.113.7",
        "10.0.0.7/8",
        "198.51.100.3/24",
        "198.51.100.0/32",
        "2001:db8::8a2e:370:7334",
        "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
        "fe80::1ff:fe23:4567:890a%eth0",
        "2001:db8::1/32",
        "::ffff:192.0.2.128",
        "fd12:3456:789a:1::1",
    ],
)
def test_an_ip_address_is_found_with_its_mask_and_zone(address: str) -> None:
    assert found(f"from {address} today", "IP_ADDRESS") == [address]
    assert found(f"({address}),", "IP_ADDRESS") == [address]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ip 1.2.3.4", "1.2.3.4"),
        ("192.168.1.20:8080", "192.168.1.20"),
        ("http://192.168.1.20/x", "192.168.1.20"),
        ("fe80::12: unreachable", "fe80::12"),
        ("[2001:db8::12]:443", "2001:db8::12"),
    ],
)
def test_what_stands_around_an_address_stays(text: str, address: str) -> None:
    assert found(text, "IP_ADDRESS") == [address]


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3.4",
        "v1.2.3.4",
        "version 10.20.30.40",
        "Chrome/120.0.0.0",
        "at 120.0.0.0 today",
        "10.0.19045.3803",
        "1.3.6.1.4.1.311",
        "127.0.0.1",
        "ip 127.0.0.1",
        "0.0.0.0",
        "::1",
        "::",
        "255.255.255.0",
        "300.1.2.3",
        "01.02.03.04",
        "10.0.0.0/8",
        "198.51.100.0/24",
        "2001:db8::/32",
        "std::vector",
        "a::b",
        "a[1::2]",
        "c10::cuda",
        "12:30:45",
        "10:20",
        "aa:bb:cc:dd:ee:f1",
        "dead::beef::1",
        "2024-01-15T10:30:45",
    ],
)
def test_versions_times_and_nobodys_addresses_are_left(text: str) -> None:
    assert found(text, "IP_ADDRESS") == []


@pytest.mark.parametrize("address", ["00:1a:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e", "00:15:65:12:34:56"])
def test_a_mac_address_is_found_in_each_form(address: str) -> None:
    assert found(f"at {address}.", "MAC_ADDRESS") == [address]


@pytest.mark.parametrize(
    "text",
    [
        "ff:ff:ff:ff:ff:ff",
        "00:00:00:00:00:00",
        "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD",
        "12-30-45-10-20-30",
        "1234.5678.9012",
        "123e4567-e89b-12d3-a456-426614174000",
        "00:1a:2b:3c:4d",
        "00:1a-2b:3c-4d:5e",
    ],
)
def test_broadcast_hashes_and_groups_of_digits_are_no_mac_addresses(text: str) -> None:
    assert found(text, "MAC_ADDRESS") == []


@pytest.mark.parametrize(
    ("text", "credentials"),
    [
        ("postgres://app:s3cret@db.example.com:5432/x", "app:s3cret"),
        ("redis://:hunter2@cache:6379", ":hunter2"),
        ("https://jane:p%40ss@example.com/", "jane:p%40ss"),
        ("amqp://u:p@ss@host/", "u:p@ss"),
        ("use mongodb+srv://u:p@cluster0.example.net now", "u:p"),
        ("http://u:p@[2001:db8::1]/", "u:p"),
    ],
)
def test_user_and_password_of_a_url_are_found(text: str, credentials: str) -> None:
    assert found(text, "URL_CREDENTIALS") == [credentials]


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com:8080/a@b",
        "https://git@example.com/x",
        "postgres://${USER}:${PASSWORD}@db/x",
        "postgres://<user>:<password>@db/x",
        "https://u:****@host/",
        "https://u:{password}@host/",
        "https://u:@host/",
        "a://b c:d@e",
    ],
)
def test_place_holders_and_ports_are_no_credentials(text: str) -> None:
    assert found(text, "URL_CREDENTIALS") == []


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("see https://example.com/a?b=c#d.", "https://example.com/a?b=c#d"),
        ("(http://example.com/)", "http://example.com/"),
        ("www.example.com, and more", "www.example.com"),
        ("ftp://files.example.org/x", "ftp://files.example.org/x"),
        ("https://en.example.org/wiki/A_(b)", "https://en.example.org/wiki/A_(b)"),
        ("HTTPS://EXAMPLE.COM", "HTTPS://EXAMPLE.COM"),
        ("<https://example.com/>", "https://example.com/"),
    ],
)
def test_a_url_is_found_without_what_ends_the_sentence(text: str, url: str) -> None:
    assert found(text, "URL") == [url]


@pytest.mark.parametrize("text", ["example.com", "www.", "http://", "main.py", "a.b.c"])
def test_without_scheme_or_www_there_is_no_url(text: str) -> None:
    assert found(text, "URL") == []


@pytest.mark.parametrize(
    ("entity", "text", "right"),
    [
        ("IP_ADDRESS", "1.1.1.1", True),
        ("IP_ADDRESS", "2001:db8::1", True),
        ("IP_ADDRESS", "127.0.0.1", False),
        ("IP_ADDRESS", "4", False),
        ("IP_ADDRESS", "10.0.19045.3803", False),
        ("MAC_ADDRESS", "001a2b3c4d5e", True),
        ("MAC_ADDRESS", "00:1a:2b:3c:4d:5e", True),
        ("MAC_ADDRESS", "001122334455", True),
        ("MAC_ADDRESS", "ffffffffffff", False),
        ("MAC_ADDRESS", "macOS 14", False),
    ],
)
def test_under_its_key_an_address_needs_its_shape(entity: str, text: str, right: bool) -> None:
    rule = BY_ENTITY[entity]
    assert bool(rule.shape.fullmatch(text) and rule.check is not None and rule.check(text)) is right


@pytest.mark.parametrize(
    "words",
    [
        "version",
        "os version host",
        "latest package",
        "runner version",
        "kernel",
        "dependency django",
        "section",
        "versão",
        "firmware device",
    ],
)
def test_four_numbers_alone_under_a_key_of_versions_are_no_address(words: str) -> None:
    near = Near(words=frozenset(words.split()))
    assert list(FINDER.find("10.14.3.201", near, lambda: None)) == []
    assert FINDER.find("upgrade of 10.14.3.201 failed", near, lambda: None)


@pytest.mark.parametrize("words", ["client address", "build address", "remote", ""])
def test_four_numbers_elsewhere_are_an_address(words: str) -> None:
    assert FINDER.find("10.14.3.201", Near(words=frozenset(words.split())), lambda: None)

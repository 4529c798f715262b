"""E-mail and IP addresses: one pass each, every candidate validated. No recognizer, no network.

An e-mail address is a local part, a domain of up to nine labels, and a top-level name; an IP address is what the
standard library's `ipaddress` takes for one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

_LOCAL: Final = re.compile(r"(?<![\w.%+'-])[\w.%+'-]++@")
_DOMAIN: Final = re.compile(
    r"(?![0-9]{1,6}\.[0-9]{1,6}\.)"  # lodash@4.17.x
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}"
    r"(?:[A-Za-z]{2,24}(?![A-Za-z0-9@])|xn--[A-Za-z0-9-]{1,59}(?![A-Za-z0-9@])|[^\W\d_]{2,24}(?![\w@]))"
)
_IPV4: Final = re.compile(
    r"(?<![0-9A-Za-z_])(?<![0-9]\.)(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?:/[0-9]{1,2})?(?![0-9A-Za-z_]|\.[0-9])"
)
_IPV6: Final = re.compile(r"(?<![0-9A-Fa-f:.])[0-9A-Fa-f:.]{3,}+")
_ZONE: Final = re.compile(r"(?:%[0-9A-Za-z]{1,32})?(?:/[0-9]{1,3})?")
_LONGEST_IPV6: Final = 64


def emails(text: str) -> Iterator[tuple[int, int]]:
    for match in _LOCAL.finditer(text):
        domain = _DOMAIN.match(text, match.end())
        name = match[0].lstrip("'.%-")
        if domain and len(name) > 1:
            yield match.end() - len(name), domain.end()


def ips(text: str) -> Iterator[tuple[int, int]]:
    """IPv4 and IPv6, a mask or zone included; not loopback, unspecified, netmasks, nor words such as `a::b`."""
    if "." in text:
        yield from _ipv4(text)
    if ":" in text:
        yield from _ipv6(text)


def _ipv4(text: str) -> Iterator[tuple[int, int]]:
    for match in _IPV4.finditer(text):
        if _is_someones(match[0].partition("/")[0]):
            yield match.span()


def _ipv6(text: str) -> Iterator[tuple[int, int]]:
    for match in _IPV6.finditer(text):
        run, start = match[0], match.start()
        if run.count(":") < 2:
            continue
        if text[start - 1 : start].isalnum() or text[start - 1 : start] == "_":  # the end of a word, as in std::
            run = run.partition(":")[2]
        if run.startswith(":") and not run.startswith("::"):
            run = run[1:]
        start = match.end() - len(run)
        run = run.rstrip(".")
        if run.endswith(":") and not run.endswith("::"):
            run = run[:-1]
        end = start + len(run)
        rest = text[end : end + 1]
        if len(run) <= _LONGEST_IPV6 and not (rest.isalnum() or rest == "_") and _is_someones(run):
            after = _ZONE.match(text, end)
            yield start, after.end() if after else end


def _is_someones(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if found.is_loopback or found.is_unspecified or address.startswith("255.255."):
        return False
    return any(char.isdigit() for char in address)

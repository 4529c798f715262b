"""Checks of the addresses that ledgers (Bitcoin, Ethereum and their like) give out. All take the bare address."""

from __future__ import annotations

import binascii
from base64 import b32decode
from hashlib import sha256
from typing import Final

from policies.detect.keccak import keccak_256

_BITCOIN: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE: Final = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_TO_BITCOIN: Final = str.maketrans(_RIPPLE, _BITCOIN)
_WORTH: Final = {char: worth for worth, char in enumerate(_BITCOIN)}
_BECH32: Final = {char: worth for worth, char in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_BECH32_TAPS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CASHADDR_TAPS: Final = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
_BECH32M: Final = 0x2BC830A3
_VERSIONS: Final = {
    "1": (b"\x00",),
    "3": (b"\x05",),
    "2": (b"\xc4",),
    "m": (b"\x6f",),
    "n": (b"\x6f",),
    "L": (b"\x30",),
    "M": (b"\x32",),
    "D": (b"\x1e",),
    "A": (b"\x16",),
    "9": (b"\x16",),
    "X": (b"\x4c",),
    "T": (b"\x41",),
    "t": (b"\x1c\xb8", b"\x1c\xbd"),
    "r": (b"\x00",),
}
"""Version bytes by first character: Bitcoin and its test network, Litecoin, Dogecoin, Dash, Tron, Zcash, XRP."""


def base58check(address: str) -> bool:
    """Twenty bytes under a version that fits the first character, then four of their double SHA-256."""
    versions = _VERSIONS.get(address[:1], ())
    plain = address.translate(_TO_BITCOIN) if address[:1] == "r" else address
    number = 0
    for char in plain:
        worth = _WORTH.get(char)
        if worth is None:
            return False
        number = number * 58 + worth
    zeros = len(plain) - len(plain.lstrip("1"))
    raw = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    payload, check = raw[:-4], raw[-4:]
    if not any(payload.startswith(version) and len(payload) == len(version) + 20 for version in versions):
        return False
    return sha256(sha256(payload).digest()).digest()[:4] == check


def bech32(address: str) -> bool:
    """BIP 173 and BIP 350. Bitcoin's and Litecoin's version 0 has the first check, later versions the second."""
    if address not in (address.lower(), address.upper()):
        return False
    prefix, _, data = address.lower().rpartition("1")
    if not prefix or any(char not in _BECH32 for char in data):
        return False
    values = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    left = _polymod(values + [_BECH32[char] for char in data], _BECH32_TAPS, 25)
    if prefix in ("bc", "tb", "ltc", "tltc"):
        return left == (1 if data[0] == "q" else _BECH32M)
    return left == 1


def cashaddr(address: str) -> bool:
    """Bitcoin Cash: the prefix may be left out."""
    data = address.lower().rpartition(":")[2]
    if any(char not in _BECH32 for char in data):
        return False
    values = [ord(char) & 31 for char in "bitcoincash"] + [0] + [_BECH32[char] for char in data]
    return _polymod(values, _CASHADDR_TAPS, 35) == 1


def _polymod(values: list[int], taps: tuple[int, ...], bits: int) -> int:
    state, low = 1, (1 << bits) - 1
    for value in values:
        top = state >> bits
        state = (state & low) << 5 ^ value
        for place, tap in enumerate(taps):
            if top >> place & 1:
                state ^= tap
    return state


def eip_55(address: str) -> bool:
    """A letter is upper-case where the hash of the lower-case address has a nibble of eight or more."""
    chars = address[2:]
    if chars in (chars.lower(), chars.upper()):
        return False
    hashed = keccak_256(chars.lower().encode("ascii", "replace")).hex()
    return all(char.isdigit() or char.isupper() == (nibble >= "8") for char, nibble in zip(chars, hashed, strict=False))


def stellar(address: str) -> bool:
    """SEP-0023: version byte, 32 bytes, CRC-16/XMODEM, in base32."""
    try:
        raw = b32decode(address)
    except binascii.Error:
        return False
    return len(raw) == 35 and raw[0] == 6 << 3 and binascii.crc_hqx(raw[:-2], 0) == int.from_bytes(raw[-2:], "little")

"""Exchange ids: UUIDv7 (RFC 9562 section 5.7), sortable by time, from the operating system's randomness."""

from __future__ import annotations

import os
import time


def uuid7() -> str:
    """A new UUIDv7 in its usual text form."""
    millis = time.time_ns() // 1_000_000
    bits = (millis << 80) | int.from_bytes(os.urandom(10), "big")
    bits = bits & ~(0xF << 76) | 0x7 << 76
    bits = bits & ~(0x3 << 62) | 0x2 << 62
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

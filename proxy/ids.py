"""Exchange ids: UUIDv7 (RFC 9562 section 5.7), sortable by time, from the operating system's randomness."""

from __future__ import annotations

import os
import time
from typing import Final

_VARIANT: Final = "89ab"


def uuid7() -> str:
    """A new UUIDv7 in its usual text form."""
    millis, chance = f"{time.time_ns() // 1_000_000:012x}", os.urandom(10).hex()
    variant = _VARIANT[int(chance[3], 16) & 3]
    return f"{millis[:8]}-{millis[8:]}-7{chance[:3]}-{variant}{chance[4:7]}-{chance[7:19]}"

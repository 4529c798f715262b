"""What `redact` can look for."""

from __future__ import annotations

from typing import Final

ENTITIES: Final = (
    "EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "US_SSN", "IBAN_CODE", "IP_ADDRESS", "CRYPTO", "DATE_OF_BIRTH",
)  # fmt: skip
"""DATE_OF_BIRTH is found by the key's name alone."""

"""What `redact` can look for, and the countries whose forms of it are known."""

from __future__ import annotations

from typing import Final

ENTITIES: Final = (
    "EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "CRYPTO", "IP_ADDRESS", "MAC_ADDRESS",
    "URL_CREDENTIALS", "PERSON", "STREET_ADDRESS", "DATE_OF_BIRTH", "US_SSN", "US_ITIN", "US_BANK_NUMBER",
    "US_ROUTING_NUMBER", "US_PASSPORT", "US_DRIVER_LICENSE", "UK_NHS", "UK_NINO", "DE_TAX_ID", "FR_NIR", "ES_NIF",
    "ES_NIE", "IT_FISCAL_CODE", "IN_AADHAAR", "IN_PAN", "AU_TFN", "CA_SIN", "BR_CPF", "BR_CNPJ", "SG_NRIC",
)  # fmt: skip
"""On unless the config says which. PERSON and STREET_ADDRESS are found by key names, and by models where there are."""

OPTIONAL: Final = ("URL",)
"""On only where the config names it: taking every address out of a result breaks more than it protects."""

LOCALES: Final = ("us", "gb", "de", "fr", "es", "it", "jp", "in", "br", "au", "ca", "sg")
"""ISO 3166 codes in lower case."""

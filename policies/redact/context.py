"""Words that say what a number is, in a text before it or in the names of the keys above it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

_LONG: Final = 5
"""From so many letters on, a word counts within another as well: `homephone`."""


@dataclass(frozen=True, slots=True)
class Words:
    """Lower-case words in the singular; the plural counts as well."""

    singular: tuple[str, ...]
    _exact: frozenset[str] = field(init=False)
    _long: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_exact", frozenset(self.singular) | {f"{word}s" for word in self.singular})
        object.__setattr__(self, "_long", tuple(word for word in self.singular if len(word) >= _LONG))

    def among(self, near: Iterable[str]) -> bool:
        """Whether one of `near`, lower-case words, is one of these or holds a long one."""
        near = tuple(near)
        if not self._exact.isdisjoint(near):
            return True
        return any(word in each for each in near if len(each) > _LONG for word in self._long)


PHONE: Final = Words(("phone", "telephone", "tel", "mobile", "cell", "cellphone", "fax", "whatsapp", "sms", "msisdn"))
SSN: Final = Words(("ssn", "social", "security"))
CARD: Final = Words(
    ("credit", "card", "creditcard", "cardnumber", "visa", "mastercard", "amex", "maestro", "cc", "pan")
)
IP: Final = Words(("ip", "ipv4", "ipv6"))
WEAK: Final = Words((*PHONE.singular, *SSN.singular, *CARD.singular))

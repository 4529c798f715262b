"""Keys of numbers that a business gives out: under them, digits alone are nobody's, even if a check digit is right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from policies.detect.keynames import GENERIC
from policies.detect.wording import words

_GIVEN_OUT: Final = words(
    "order tracking sku invoice transaction shipment request session trace batch serial barcode ean gtin upc isbn"
)
_NUMBERING: Final = words("id ids no nr num number code ref reference key")
_WRITTEN_TOGETHER: Final = frozenset(given + number for given in _GIVEN_OUT for number in _NUMBERING)


def counts(keys: Sequence[Iterable[str]]) -> bool:
    """Whether keys, as their words, nearest first, say such a number: `order_id`, `sku`, `id` under `shipment`."""
    near = frozenset(keys[0]) if keys else frozenset[str]()
    if not near - _WRITTEN_TOGETHER and near:
        return True
    if near - _GIVEN_OUT - _NUMBERING - GENERIC:
        return False
    above = frozenset(keys[1]) if len(keys) > 1 and near <= _NUMBERING else frozenset[str]()
    return not (near | above).isdisjoint(_GIVEN_OUT)

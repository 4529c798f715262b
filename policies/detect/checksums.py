"""Check digits and letters, as their standards and issuers define them.

Every function takes what a pattern matched, separators included, and answers whether its check is right. They raise
nothing: a text without enough digits, or with other characters than its kind has, is simply not one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from itertools import groupby
from typing import Final

_NOT_DIGIT: Final = re.compile(r"[^0-9]++")
_NOT_ALNUM: Final = re.compile(r"[^0-9A-Za-z]++")

_DOUBLED: Final = str.maketrans("0123456789", "0246813579")
"""Twice each digit, its own digits added up."""
_NIF: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_ODD: Final = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", (
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10,
    22, 25, 24, 23,
), strict=True))  # fmt: skip
_TURNED: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 5, 7, 6, 2, 8, 3, 0, 9, 4),
    (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7),
    (9, 4, 5, 3, 1, 2, 6, 8, 7, 0),
    (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5),
    (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)
"""Verhoeff's permutation, by the digit's place from the right, modulo eight."""


def digits_of(text: str) -> str:
    """Its ASCII digits, and nothing else."""
    return _NOT_DIGIT.sub("", text)


def letters_of(text: str) -> str:
    """Its ASCII letters and digits, in upper case."""
    return _NOT_ALNUM.sub("", text).upper()


def varied(text: str) -> bool:
    """Whether its digits are not all the same one: `000-00-0000` and `1111111111` stand for a value, and are none."""
    digits = digits_of(text)
    return digits != digits[:1] * len(digits)


def luhn(text: str) -> bool:
    """ISO/IEC 7812-1 annex B: cards, Canada's SIN."""
    digits = digits_of(text)
    return len(digits) > 1 and sum(map(int, digits[-2::-2].translate(_DOUBLED) + digits[-1::-2])) % 10 == 0


def verhoeff(text: str) -> bool:
    """Verhoeff 1969, by the dihedral group of order ten: India's Aadhaar."""
    digits = digits_of(text)
    turned = (_TURNED[place % 8][int(digit)] for place, digit in enumerate(reversed(digits)))
    return len(digits) > 1 and reduce(_dihedral, turned, 0) == 0


def _dihedral(left: int, right: int) -> int:
    """The product in the group of a pentagon's turns (0 to 4) and flips (5 to 9)."""
    if left < 5:
        return (left + right) % 5 + (5 if right >= 5 else 0)
    return (left - right) % 5 + (0 if right >= 5 else 5)


def mod_97(text: str) -> bool:
    """ISO/IEC 7064 MOD 97-10 as ISO 13616 uses it: the first four characters go to the end, letters are 10 to 35."""
    chars = letters_of(text)
    return len(chars) > 4 and int("".join(str(int(char, 36)) for char in chars[4:] + chars[:4])) % 97 == 1


def mod_11_10(text: str) -> bool:
    """ISO/IEC 7064 MOD 11,10: the last digit of Germany's tax id."""
    product = 10
    digits = digits_of(text)
    for digit in digits[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return len(digits) > 1 and (11 - product) % 10 == int(digits[-1])


def weighted(text: str, weights: Sequence[int]) -> int:
    """The sum of its digits by their weights; -1 where there are not as many."""
    digits = digits_of(text)
    if len(digits) != len(weights):
        return -1
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def aba(text: str) -> bool:
    """American Bankers Association: weights 3, 7, 1, and one of the prefixes that the Federal Reserve has given out."""
    digits = digits_of(text)
    total = weighted(digits, (3, 7, 1) * 3)
    two = int(digits[:2] or 99)
    return total > 0 and total % 10 == 0 and (two <= 12 or 21 <= two <= 32 or 61 <= two <= 72 or two == 80)


def nhs(text: str) -> bool:
    """NHS Data Dictionary, NHS NUMBER: modulus 11 with weights 10 to 2."""
    digits = digits_of(text)
    total = weighted(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1))
    return total > 0 and total % 11 == 0 and varied(digits)


def tfn(text: str) -> bool:
    """Australian Taxation Office, tax file number: modulus 11; eight digits for those given out long ago."""
    digits = digits_of(text)
    old = len(digits) == 8
    total = weighted(digits, (10, 7, 8, 4, 6, 3, 5, 1) if old else (1, 4, 3, 7, 5, 8, 6, 9, 10))
    return total > 0 and total % 11 == 0 and varied(digits)


def steuer_id(text: str) -> bool:
    """Section 139b of the AO: of the first ten digits one comes twice or three times (not in a row), the rest once."""
    digits = digits_of(text)
    if len(digits) != 11 or digits[0] == "0":
        return False
    counts = sorted(digits[:10].count(digit) for digit in set(digits[:10]))
    row = max(len(list(same)) for _, same in groupby(digits[:10]))
    return counts[-1] in (2, 3) and counts[:-1] == [1] * (10 - counts[-1]) and row < 3 and mod_11_10(digits)


def nir(text: str) -> bool:
    """INSEE: 97 less the first thirteen digits modulo 97; Corsica's departments 2A and 2B count as 19 and 18."""
    chars = letters_of(text).replace("2A", "19").replace("2B", "18")
    return len(chars) == 15 and chars.isdigit() and 97 - int(chars[:13]) % 97 == int(chars[13:])


def nif(text: str) -> bool:
    """Real Decreto 1553/2005: the letter is the number's remainder by 23. A NIE's X, Y, Z stand for 0, 1, 2."""
    chars = letters_of(text)
    number = chars[:-1].translate(str.maketrans("XYZ", "012"))
    return number.isdigit() and 7 <= len(number) <= 8 and chars[-1] == _NIF[int(number) % 23]


def codice_fiscale(text: str) -> bool:
    """Decreto ministeriale of 23 December 1976: odd places by a table, even ones by value, the letter by 26."""
    chars = letters_of(text)
    if len(chars) != 16:
        return False
    odd = sum(_ODD[char] for char in chars[0:15:2])
    even = sum(int(char, 36) - (0 if char.isdigit() else 10) for char in chars[1:15:2])
    return ord(chars[15]) - ord("A") == (odd + even) % 26


def nric(text: str) -> bool:
    """Singapore's NRIC and FIN: weights 2 7 6 5 4 3 2, an offset by series, a letter by the remainder of eleven."""
    chars = letters_of(text)
    total = weighted(chars[1:8], (2, 7, 6, 5, 4, 3, 2))
    if len(chars) != 9 or total < 0:
        return False
    letters, offset = {
        "S": ("JZIHGFEDCBA", 0),
        "T": ("JZIHGFEDCBA", 4),
        "F": ("XWUTRQPNMLK", 0),
        "G": ("XWUTRQPNMLK", 4),
        "M": ("XWUTRQPNJLK", 3),
    }.get(chars[0], ("-" * 11, 0))
    return letters[(total + offset) % 11] == chars[8]


def cpf(text: str) -> bool:
    """Receita Federal, CPF: two check digits modulo 11, weights from 2 upwards."""
    digits = digits_of(text)
    return len(digits) == 11 and varied(digits) and _two_digits(digits, 11)


def cnpj(text: str) -> bool:
    """Receita Federal, CNPJ: as the CPF, weights 2 to 9 over again. Since July 2026 letters too, worth code less 48."""
    chars = letters_of(text)
    return len(chars) == 14 and chars[12:].isdigit() and varied(chars) and _two_digits(chars, 9)


def _two_digits(chars: str, most: int) -> bool:
    return all(_next_digit(chars[:end], most) == chars[end] for end in (len(chars) - 2, len(chars) - 1))


def _next_digit(chars: str, most: int) -> str:
    worth = ((ord(char) - 48) * (place % (most - 1) + 2) for place, char in enumerate(reversed(chars)))
    rest = sum(worth) % 11
    return "0" if rest < 2 else str(11 - rest)

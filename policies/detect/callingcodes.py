"""Country calling codes and how many digits follow them.

Codes: ITU-T, "List of ITU-T Recommendation E.164 assigned country codes" (complement to E.164). Lengths: the national
numbering plans notified to ITU-T under E.129, fixed, mobile and freephone numbers; short codes of less than four digits
left out. ITU-T E.164 section 6.1 allows fifteen digits in all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LONGEST: Final = 15
"""Digits of an international number, its calling code included (E.164)."""

_SHORTEST: Final = 7
"""An international number of fewer digits in all exists only on small islands, and looks like anything."""

_CODES: Final[Mapping[tuple[int, int], str]] = {
    (4, 5): "290",
    (4, 7): "683 690",
    (4, 11): "352",
    (4, 13): "43",
    (5, 5): "247 500 682",
    (5, 7): "676 677 678 688",
    (5, 8): "686",
    (5, 10): "358 685",
    (6, 6): "298 299 672 687",
    (6, 7): "597",
    (6, 8): "386",
    (6, 9): "40 46 252 376 421 508 681",
    (6, 10): "53 95 98 880",
    (6, 11): "39 49 375",
    (6, 12): "359 381 598",
    (7, 7): "238 239 246 248 269 291 297 592 673 674 680 691 692",
    (7, 8): "241 599 670 675 853 961 965 975",
    (7, 9): "220 231 245 265 354 355 385 423 967 968",
    (7, 10): "48 230 243 254 263 267 353 372 960",
    (7, 11): "31 501 503 507 595 679 974",
    (7, 12): "62 63 86 882 972",
    (8, 8): "45 47 216 222 223 226 227 228 232 235 236 253 257 266 268 350 356 357 370 371 373 374 389 505 509"
    " 800 808 973 993",
    (8, 9): "32 36 51 213 224 233 237 250 258 264 377 382 387 591 689 852 962 963 971",
    (8, 10): "20 60 61 64 82 84 378 506 850 855 856 964 970 976",
    (8, 11): "55 57 65 92 502 504 593 886 977",
    (8, 12): "383 883",
    (9, 9): "27 33 34 41 93 94 211 212 218 221 240 242 244 249 251 255 256 260 261 262 351 420 590 594 596 979 992"
    " 994 995 998",
    (9, 10): "44 66 81 380 881 966 996",
    (9, 11): "56",
    (9, 12): "870",
    (10, 10): "1 7 52 58 91 225 229",
    (10, 11): "54 234",
    (10, 12): "30 90",
    (11, 11): "888",
    (12, 12): "878",
}
LENGTHS: Final[Mapping[str, tuple[int, int]]] = {
    code: lengths for lengths, codes in _CODES.items() for code in codes.split()
}


def calling_code(digits: str) -> str:
    """The calling code at the start of `digits`; empty where ITU-T has assigned none. No code begins another."""
    return next((digits[:length] for length in (1, 2, 3) if digits[:length] in LENGTHS), "")


def is_international(digits: str) -> bool:
    """Whether `digits`, ASCII and nothing else, are a calling code and as many digits as its country uses."""
    code = calling_code(digits)
    if not code or not _SHORTEST <= len(digits) <= LONGEST:
        return False
    shortest, longest = LENGTHS[code]
    return (shortest <= len(digits) - len(code) <= longest and digits[len(code)] != "0") or _keeps_zero(code, digits)


def _keeps_zero(code: str, digits: str) -> bool:
    """Italy, the Vatican's numbers in it, San Marino, Ivory Coast: a zero after the code belongs to the number."""
    shortest, longest = LENGTHS[code]
    return code in {"39", "378", "225", "241", "242"} and shortest <= len(digits) - len(code) <= longest

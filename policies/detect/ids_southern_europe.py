"""Spain's NIF and NIE, Italy's fiscal code.

The letter of a NIF is right for one in 23 by chance, yet eight digits and a capital, or X, Y, Z, seven digits and a
capital, are written for little else; in lower case, as hashes and serial numbers are, they need a word. Sixteen
characters of a fiscal code, letters and digits in their places, a day that exists and a check letter, are its own.
"""

from __future__ import annotations

from typing import Final

from policies.detect.checksums import codice_fiscale, nif, varied
from policies.detect.edges import BACK, FRONT, spread
from policies.detect.rule import KeyRule, Late, Rule
from policies.detect.wording import choices, words

_LETTER: Final = "[A-HJ-NP-TV-Z]"
_D: Final = "[0-9LMNPQRSTUV]"
"""A digit, or the letter that stands for it where two people would have the same code."""
_FISCAL: Final = rf"[A-Z]{{2}} ?[A-Z]{{3}} ?{_D}{{2}}[ABCDEHLMPRST](?:[0-7LMNPQRST]{_D}) ?[A-Z]{_D}{{3}}[A-Z]"
_TO_DIGITS: Final = str.maketrans("LMNPQRSTUV", "0123456789")
_SPAIN: Final = "Real Decreto 1553/2005, article 11; Orden INT/2058/2008"
_ITALY: Final = "Decreto ministeriale 23 December 1976"


def is_nif(text: str) -> bool:
    """The letter is right, and the number is no placeholder."""
    return varied(text) and nif(text)


def is_fiscal_code(text: str) -> bool:
    """The check letter is right, and the day is 1 to 31, or 41 to 71 for women."""
    chars = text.replace(" ", "").upper()
    day = int(chars[9:11].translate(_TO_DIGITS))
    return 1 <= (day - 40 if day > 40 else day) <= 31 and codice_fiscale(chars)


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="es-nif",
        letters=1,
        entity="ES_NIF",
        pattern=Late(rf"[0-9](?=[0-9]{{7}}){FRONT}[0-9]{{7}}-?{_LETTER}{BACK}"),
        source=_SPAIN,
        why="checksum",
        confidence=0.85,
        check=is_nif,
        digits=8,
        locale="es",
    ),
    Rule(
        name="es-nif-near-word",
        entity="ES_NIF",
        pattern=Late(rf"[0-9]{FRONT}[0-9]?\.?[0-9]{{3}}\.?[0-9]{{3}}[ -]?(?i:{_LETTER}){BACK}"),
        source=_SPAIN,
        why="word",
        confidence=0.9,
        check=is_nif,
        words=words("nif dni cif documento identidad"),
        digits=7,
        locale="es",
    ),
    Rule(
        name="es-nie",
        letters=2,
        entity="ES_NIE",
        pattern=Late(rf"[XYZ]{FRONT}-?[0-9]{{7}}-?{_LETTER}{BACK}"),
        source=_SPAIN,
        why="checksum",
        confidence=0.9,
        check=is_nif,
        digits=7,
        locale="es",
    ),
    Rule(
        name="es-nie-near-word",
        entity="ES_NIE",
        pattern=Late(rf"[XYZxyz]{FRONT}[ -]?[0-9]{{7}}[ -]?(?i:{_LETTER}){BACK}"),
        source=_SPAIN,
        why="word",
        confidence=0.9,
        check=is_nif,
        words=words("nie nif dni extranjero residencia"),
        digits=7,
        locale="es",
    ),
    Rule(
        name="it-fiscal-code",
        letters=9,
        digits=5,
        entity="IT_FISCAL_CODE",
        pattern=Late(rf"[A-Za-z](?=[A-Za-z]{{2}} ?[A-Za-z]{{3}} ?[0-9L-Vl-v]{{2}}){FRONT}(?i:{_FISCAL}){BACK}"),
        source=_ITALY,
        why="checksum",
        confidence=0.98,
        check=is_fiscal_code,
        locale="it",
    ),
)

KEYS: Final[tuple[KeyRule, ...]] = (
    KeyRule(
        entity="ES_NIE",
        choices=choices("nie|niecode|dni|nif|identidad extranjero"),
        shape=Late("(?=[XYZxyz])" + spread("A9999999A")),
        check=varied,
        locale="es",
    ),
    KeyRule(
        entity="ES_NIF",
        choices=choices("nif|dni|documento identidad|nifnumber|numero dni|identificación fiscal"),
        shape=Late(spread("99999999A") + "|" + spread("9999999A")),
        check=varied,
        locale="es",
    ),
    KeyRule(
        entity="IT_FISCAL_CODE",
        choices=choices("codice fiscale|codicefiscale|codfiscale|cod fiscale|fiscal code|fiscalcode|cf"),
        shape=Late(rf"[A-Za-z](?i:{_FISCAL})"),
        locale="it",
    ),
)

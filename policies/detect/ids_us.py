"""United States: SSN and ITIN by the ranges of their groups, passport and driving licence by what is said of them.

An SSN has no check digit. Three, two and four digits with hyphens are hardly ever anything else, so that counts by
itself; nine digits, or dots between them, need a word.
"""

from __future__ import annotations

from typing import Final

from policies.detect.checksums import digits_of, varied
from policies.detect.edges import BACK, FRONT, LAST, spread
from policies.detect.rule import KeyRule, Late, Rule
from policies.detect.wording import choices, said, words

_VOID: Final = frozenset({"078051120", "219099999", "457555462"})
"""Printed in advertisements and never valid again, says the Social Security Administration."""
_AREA: Final = rf"[0-8](?=[0-9]{{2}}[ .-]?[0-9]{{2}}){FRONT}[0-9]{{2}}(?<!000|666)"
_GROUP: Final = r"(?!00)[0-9]{2}"
_SERIAL: Final = r"(?!0000)[0-9]{4}"
_MIDDLE: Final = r"(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])"
_SSN_WORDS: Final = words("ssn socialsecurity socialsecuritynumber")
_ITIN_WORDS: Final = words("itin taxpayer tin")
_SSN: Final = rf"{_AREA}[ .-]?{_GROUP}[ .-]?{_SERIAL}"
_PASSPORT_WORDS: Final = words(
    "passport passeport reisepass pasaporte passaporto passaporte паспорт パスポート 护照 여권"
)


def _is_passport(text: str) -> bool:
    return varied(text) and len(digits_of(text)) >= 5


def _is_licence(text: str) -> bool:
    """Not fourteen digits: the IRS numbers documents so, and calls that a DLN as well."""
    return varied(text) and not (text.isdigit() and len(text) == 14)


def is_ssn(text: str) -> bool:
    """Of an area that the SSA gives out, and neither a placeholder nor one of the published void ones."""
    return varied(text) and digits_of(text) not in _VOID


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="us-ssn",
        entity="US_SSN",
        pattern=Late(rf"{_AREA}(?:-{_GROUP}-{_SERIAL}{BACK}|(?<![0-9] ...) {_GROUP} {_SERIAL}{BACK}{LAST})"),
        source="SSA, SSN randomization and invalid numbers",
        confidence=0.9,
        check=is_ssn,
        digits=9,
        holds="- ",
        locale="us",
    ),
    Rule(
        name="us-ssn-near-word",
        entity="US_SSN",
        pattern=Late(rf"{_SSN}{BACK}"),
        source="SSA, SSN randomization and invalid numbers",
        why="word",
        confidence=0.9,
        check=is_ssn,
        words=_SSN_WORDS,
        digits=9,
        locale="us",
    ),
    Rule(
        name="us-ssn-said",
        says=("social", "seguro", "taxpayer"),
        entity="US_SSN",
        pattern=Late(
            said("social[ _-]?security|seguro[ _-]social|taxpayer[ _-]id(?:entification)?")
            + rf"(?P<value>{_SSN}){BACK}"
        ),
        source="SSA, SSN randomization and invalid numbers",
        why="word",
        confidence=0.9,
        check=is_ssn,
        digits=9,
        locale="us",
    ),
    Rule(
        name="us-itin",
        entity="US_ITIN",
        pattern=Late(rf"9{FRONT}[0-9]{{2}}-{_MIDDLE}-[0-9]{{4}}{BACK}"),
        source="IRS, Internal Revenue Manual 3.21.263",
        confidence=0.9,
        check=varied,
        digits=9,
        holds="-",
        locale="us",
    ),
    Rule(
        name="us-itin-near-word",
        entity="US_ITIN",
        pattern=Late(rf"9{FRONT}[0-9]{{2}}[ .-]?{_MIDDLE}[ .-]?[0-9]{{4}}{BACK}"),
        source="IRS, Internal Revenue Manual 3.21.263",
        why="word",
        confidence=0.9,
        check=varied,
        words=_ITIN_WORDS,
        digits=9,
        locale="us",
    ),
    Rule(
        name="us-passport-near-word",
        entity="US_PASSPORT",
        pattern=Late(rf"[A-Za-z0-9]{FRONT}(?:[0-9]{{8}}|(?<=[A-Z])[A-Z][0-9]{{7}}){BACK}"),
        source="US Department of State, passport book numbers: nine digits, or a letter and eight",
        why="word",
        confidence=0.75,
        check=varied,
        words=_PASSPORT_WORDS,
        digits=7,
        locale="us",
    ),
    Rule(
        # The phrase belongs to the pattern: the word licence alone stands beside software keys and plates.
        name="us-driver-license-said",
        says=("driv", "dl", "d.l"),
        entity="US_DRIVER_LICENSE",
        pattern=Late(
            said(r"driv(?:er['’]?s?|ers['’]|ing)[ _-]?lic(?:en[cs]e)?|dln?|d\.l\.")
            + rf"(?P<value>(?=[A-Za-z]{{0,2}}[0-9]{{4}})[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){{5,14}}+){BACK}"
        ),
        source="AAMVA, licence number formats of the states",
        why="word",
        confidence=0.75,
        check=_is_licence,
        digits=4,
        holds="lL",
        locale="us",
    ),
    Rule(
        # A letter and seven to fourteen digits: California, Florida, Illinois, Maryland, Michigan, New Jersey.
        name="us-driver-license-near-word",
        entity="US_DRIVER_LICENSE",
        pattern=Late(rf"[A-Za-z]{FRONT}(?:[0-9]{{7,14}}|[0-9]{{3}}(?:-[0-9]{{3,4}}){{2,3}}){BACK}"),
        source="AAMVA, licence number formats of the states",
        why="word",
        confidence=0.7,
        check=varied,
        words=words("license licence driver dln dl driving"),
        digits=7,
        locale="us",
    ),
)

_NINE: Final = Late(spread("9" * 9) + "|[0-9]{7,8}")
"""A JSON number has lost its leading zeros."""
KEYS: Final[tuple[KeyRule, ...]] = (
    KeyRule(
        entity="US_ITIN",
        choices=choices("itin|itin number"),
        shape=_NINE,
        check=varied,
        numbers=True,
        locale="us",
    ),
    KeyRule(
        entity="US_SSN",
        choices=choices(
            "ssn|social security|socialsecurity|socialsecuritynumber|social security number|ssnumber|ss number|"
            "taxpayer id|taxpayerid|tin|seguro social"
        ),
        shape=_NINE,
        unless=words("last hash token"),
        check=varied,
        numbers=True,
        locale="us",
    ),
    KeyRule(
        # Passports of other countries have no entity of their own.
        entity="US_PASSPORT",
        choices=choices(
            "passport|passportnumber|passeport|reisepass|pasaporte|passaporto|passaporte|パスポート|护照|护照号"
        ),
        shape=Late(r"(?=[A-Za-z]{0,3}[ -]?[0-9])(?![0-9]{4}-[0-9]{2}-)[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){5,11}"),
        unless=words("country expiry expiration issue type date authority"),
        check=_is_passport,
        numbers=True,
    ),
    KeyRule(
        entity="US_DRIVER_LICENSE",
        choices=choices(
            "driver license|driver licence|driving license|driving licence|driverlicense|drivinglicense|driverslicense|"
            "drivers license|drivers licence|dl number|dl no|dln|driverslicensenumber|driver lic|führerschein|"
            "fuehrerschein|führerscheinnummer|permis conduire|permi conduire|licencia conducir|permiso conducir|"
            "patente guida|carteira motorista|cnh|運転免許"
        ),
        shape=Late(r"(?=(?:[A-Za-z]{0,5}[ -]?)[0-9]{3})[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){4,17}+"),
        unless=words("state class expiry expiration issue date type country"),
        check=_is_licence,
        numbers=True,
    ),
)

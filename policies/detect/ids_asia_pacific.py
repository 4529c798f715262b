"""India's Aadhaar and PAN, Australia's tax file number, Singapore's NRIC and FIN.

Aadhaar counts by itself only as printed, in groups of four with spaces: one in 12 of such texts passes Verhoeff and
the first digit, and little else is written so. Twelve digits in a row are account, order and tracking numbers, nine
are anything: those need a word. NRIC and PAN are shapes that nothing else has.
"""

from __future__ import annotations

from typing import Final

from policies.detect.checksums import digits_of, nric, tfn, varied, verhoeff
from policies.detect.edges import ALONE, BACK, FRONT, LAST, spread
from policies.detect.rule import KeyRule, Late, Rule
from policies.detect.wording import OF_A_PERSON, choices, said, words

_PAN: Final = r"[A-Z]{2}[ABCFGHJLPT][A-Z](?!0000)[0-9]{4}[A-Z]"
"""The fourth letter is the holder's kind (P a person), the fifth that of the name."""
_TFN: Final = rf"[0-9]{FRONT}[0-9]{{2}}[ -]?[0-9]{{3}}[ -]?[0-9]{{2,3}}"


def is_aadhaar(text: str) -> bool:
    """Twelve digits, the first 2 to 9, no palindrome, the last by Verhoeff."""
    digits = digits_of(text)
    return len(digits) == 12 and digits[0] > "1" and digits != digits[::-1] and verhoeff(digits)


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="in-aadhaar",
        entity="IN_AADHAAR",
        pattern=Late(rf"[2-9]{FRONT}{ALONE}[0-9]{{3}} [0-9]{{4}} [0-9]{{4}}{BACK}{LAST}"),
        source="UIDAI, Aadhaar number",
        why="checksum",
        confidence=0.7,
        check=is_aadhaar,
        digits=12,
        holds=" ",
        locale="in",
    ),
    Rule(
        name="in-aadhaar-near-word",
        entity="IN_AADHAAR",
        pattern=Late(rf"[2-9]{FRONT}[0-9]{{3}}[ -]?[0-9]{{4}}[ -]?[0-9]{{4}}{BACK}"),
        source="UIDAI, Aadhaar number",
        why="word",
        confidence=0.96,
        check=is_aadhaar,
        words=words("aadhaar aadhar adhaar adhar uid uidai आधार"),
        digits=12,
        locale="in",
    ),
    Rule(
        # One in 2,500 of ten random capitals and digits.
        name="in-pan",
        letters=6,
        least=10,
        entity="IN_PAN",
        pattern=Late(rf"[A-Z]{FRONT}{_PAN}{BACK}"),
        source="Income Tax Department of India, structure of the PAN",
        confidence=0.9,
        digits=4,
        locale="in",
    ),
    Rule(
        name="in-pan-near-word",
        entity="IN_PAN",
        pattern=Late(rf"[A-Za-z]{FRONT}(?i:{_PAN}){BACK}"),
        source="Income Tax Department of India, structure of the PAN",
        why="word",
        confidence=0.9,
        words=words("pan pancard permanent income"),
        digits=4,
        locale="in",
    ),
    Rule(
        name="au-tfn-near-word",
        entity="AU_TFN",
        pattern=Late(rf"{_TFN}{BACK}"),
        source="Australian Taxation Office, TFN algorithm",
        why="word",
        confidence=0.95,
        check=tfn,
        words=words("tfn taxfile taxfilenumber"),
        digits=8,
        locale="au",
    ),
    Rule(
        name="au-tfn-said",
        says=("tax",),
        entity="AU_TFN",
        pattern=Late(said("tax[ _-]file") + rf"(?P<value>{_TFN}){BACK}"),
        source="Australian Taxation Office, TFN algorithm",
        why="word",
        confidence=0.95,
        check=tfn,
        digits=8,
        locale="au",
    ),
    Rule(
        # One in 140 of the texts made of a capital, seven digits and a capital: a series, and a letter of eleven.
        name="sg-nric",
        letters=2,
        least=9,
        entity="SG_NRIC",
        pattern=Late(rf"[STFGM]{FRONT}[0-9]{{7}}[A-Z]{BACK}"),
        source="Immigration and Checkpoints Authority, NRIC and FIN",
        why="checksum",
        confidence=0.9,
        check=nric,
        digits=7,
        locale="sg",
    ),
    Rule(
        name="sg-nric-near-word",
        entity="SG_NRIC",
        pattern=Late(rf"[STFGMstfgm]{FRONT}[0-9]{{7}}[A-Za-z]{BACK}"),
        source="Immigration and Checkpoints Authority, NRIC and FIN",
        why="word",
        confidence=0.9,
        check=nric,
        words=words("nric fin singpass uen singapore"),
        digits=7,
        locale="sg",
    ),
)

KEYS: Final[tuple[KeyRule, ...]] = (
    KeyRule(
        entity="IN_AADHAAR",
        choices=choices(OF_A_PERSON),
        shape=Late(spread("9" * 12)),
        check=is_aadhaar,
        numbers=True,
        locale="in",
    ),
    KeyRule(
        entity="AU_TFN",
        choices=choices("tax id|taxid|tax number|taxnumber|tax identification"),
        shape=Late(spread("9" * 9)),
        check=tfn,
        numbers=True,
        locale="au",
    ),
    KeyRule(
        entity="IN_AADHAAR",
        choices=choices("aadhaar|aadhar|adhaar|adhar|aadhaarnumber|aadharnumber|uidai|आधार"),
        shape=Late(spread("9" * 12)),
        unless=words("last hash token"),
        check=varied,
        numbers=True,
        locale="in",
    ),
    KeyRule(
        entity="IN_PAN",
        choices=choices("pan|pancard|pannumber|permanent account number"),
        shape=Late(spread("AAAAA9999A")),
        locale="in",
    ),
    KeyRule(
        entity="AU_TFN",
        choices=choices("tfn|tax file|taxfile|taxfilenumber|tfnumber"),
        shape=Late(spread("9" * 9) + "|" + spread("9" * 8)),
        check=varied,
        numbers=True,
        locale="au",
    ),
    KeyRule(
        entity="SG_NRIC",
        choices=choices("nric|fin|nricfin|nricnumber|finnumber|ic number|national registration"),
        shape=Late("(?=[STFGMstfgm])" + spread("A9999999A")),
        check=varied,
        locale="sg",
    ),
)

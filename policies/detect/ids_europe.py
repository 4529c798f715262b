"""United Kingdom, Germany and France: NHS number and NINO, tax id, NIR.

By chance pass: one in 290 of eleven digits as a German tax id (a check digit of eleven, and one digit in the first
ten that comes twice or three times); one in 4,000 of fifteen digits as a French NIR (sex, month, key of 97); one in
twelve of the texts made of two capitals, six digits and a capital as a NINO. One in 37 of ten digits is an NHS number,
which is why it counts by itself only as printed, and with less confidence than a phone number.
"""

from __future__ import annotations

from typing import Final

from policies.detect.checksums import letters_of, nhs, nir, steuer_id, varied
from policies.detect.edges import ALONE, BACK, FRONT, LAST, spread
from policies.detect.rule import KeyRule, Late, Rule
from policies.detect.wording import OF_A_PERSON, choices, said, words

_NINO: Final = rf"[A-CEGHJ-PR-TW-Z]{FRONT}[A-CEGHJ-NPR-TW-Z](?<!BG|GB|KN|NK|NT|TN|ZZ)"
_NINO_WRITTEN: Final = rf"(?i:{_NINO}(?:[ -]?[0-9]{{2}}){{3}}(?:[ -]?[A-D])?+)"
_MONTH: Final = "(?:0[1-9]|1[0-2])"
_ANY_MONTH: Final = "(?:0[1-9]|1[0-2]|[2-4][0-9]|[5-9][0-9])"
_PLACE: Final = r"(?:2[ABab]|[0-9]{2})[ .-]?[0-9]{3}[ .-]?[0-9]{3}"
_KEY: Final = r"[ .-]?[0-9]{2}"
_NIR_WORDS: Final = words("nir insee sécu sécurité vitale nss")
_INSEE: Final = "INSEE, numéro d'inscription au répertoire"
_BZST: Final = "Section 139b AO; Federal Central Tax Office, check digit"


def _nir_if_keyed(text: str) -> bool:
    """Thirteen characters have no key to check."""
    return varied(text) and (len(letters_of(text)) == 13 or nir(text))


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="uk-nhs",
        entity="UK_NHS",
        pattern=Late(rf"[467]{FRONT}{ALONE}(?<!\+.)[0-9]{{2}} [0-9]{{3}} [0-9]{{4}}{BACK}{LAST}"),
        source="NHS Data Dictionary, NHS NUMBER",
        why="checksum",
        confidence=0.4,
        check=nhs,
        digits=10,
        holds=" ",
        locale="gb",
    ),
    Rule(
        name="uk-nhs-near-word",
        entity="UK_NHS",
        pattern=Late(rf"[0-9]{FRONT}[0-9]{{2}}[ -]?[0-9]{{3}}[ -]?[0-9]{{4}}{BACK}"),
        source="NHS Data Dictionary, NHS NUMBER",
        why="word",
        confidence=0.96,
        check=nhs,
        words=words("nhs nhsnumber"),
        digits=10,
        locale="gb",
    ),
    Rule(
        name="uk-nino",
        letters=3,
        entity="UK_NINO",
        pattern=Late(rf"{_NINO}(?:[0-9]{{6}}|(?P<gap>[ -])(?:[0-9]{{2}}(?P=gap)){{3}}| [0-9]{{6}} )[A-D]{BACK}"),
        source="HMRC, National Insurance Manual NIM39110",
        confidence=0.9,
        check=varied,
        digits=6,
        locale="gb",
    ),
    Rule(
        name="uk-nino-near-word",
        entity="UK_NINO",
        pattern=Late(rf"{_NINO_WRITTEN}{BACK}"),
        source="HMRC, National Insurance Manual NIM39110",
        why="word",
        confidence=0.9,
        check=varied,
        words=words("nino nationalinsurance ni"),
        digits=6,
        locale="gb",
    ),
    Rule(
        name="uk-nino-said",
        says=("national",),
        entity="UK_NINO",
        pattern=Late(said("national[ _-]insurance") + rf"(?P<value>{_NINO_WRITTEN}){BACK}"),
        source="HMRC, National Insurance Manual NIM39110",
        why="word",
        confidence=0.9,
        check=varied,
        digits=6,
        locale="gb",
    ),
    Rule(
        name="de-tax-id",
        entity="DE_TAX_ID",
        pattern=Late(
            rf"[1-9](?=[0-9]){FRONT}(?<!\+.)(?:{ALONE}[0-9] [0-9]{{3}} [0-9]{{3}} [0-9]{{3}}{LAST}|[0-9]{{10}}){BACK}"
        ),
        source=_BZST,
        why="checksum",
        confidence=0.7,
        check=steuer_id,
        digits=11,
        locale="de",
    ),
    Rule(
        name="de-tax-id-near-word",
        entity="DE_TAX_ID",
        pattern=Late(rf"[1-9]{FRONT}(?:[ /.-]?[0-9]){{10}}+{BACK}"),
        source=_BZST,
        why="word",
        confidence=0.96,
        check=steuer_id,
        words=words("steuer steuerid steuernummer identifikationsnummer idnr tin tax"),
        digits=11,
        locale="de",
    ),
    Rule(
        name="fr-nir",
        entity="FR_NIR",
        pattern=Late(
            rf"[12](?=[ .-]?[0-9]{{2}}[ .-]?[01]){FRONT}[ .-]?[0-9]{{2}}[ .-]?{_MONTH}[ .-]?{_PLACE}{_KEY}{BACK}"
        ),
        source=_INSEE,
        why="checksum",
        confidence=0.95,
        check=nir,
        digits=14,
        locale="fr",
    ),
    Rule(
        # Persons born elsewhere have other months; 3, 4, 7 and 8 are given for a while; the key may be missing.
        name="fr-nir-near-word",
        entity="FR_NIR",
        pattern=Late(rf"[1-478]{FRONT}[ .-]?[0-9]{{2}}[ .-]?{_ANY_MONTH}[ .-]?{_PLACE}(?:{_KEY})?+{BACK}"),
        source=_INSEE,
        why="word",
        confidence=0.95,
        check=_nir_if_keyed,
        words=_NIR_WORDS,
        digits=12,
        locale="fr",
    ),
)

KEYS: Final[tuple[KeyRule, ...]] = (
    KeyRule(
        entity="DE_TAX_ID",
        choices=choices(f"{OF_A_PERSON}|tin"),
        shape=Late(spread("9" * 11)),
        check=steuer_id,
        numbers=True,
        locale="de",
    ),
    KeyRule(
        entity="UK_NHS",
        choices=choices("nhs|nhsnumber|nhsno|national health"),
        shape=Late(spread("9" * 10)),
        check=varied,
        numbers=True,
        locale="gb",
    ),
    KeyRule(
        entity="UK_NINO",
        choices=choices("nino|national insurance|nationalinsurance|nationalinsurancenumber|ni number|ni no|ninumber"),
        shape=Late(spread("AA999999") + "(?:[ -]?[A-Da-d])?"),
        check=varied,
        locale="gb",
    ),
    KeyRule(
        entity="DE_TAX_ID",
        choices=choices(
            "steuer id|steuerid|steuer identifikationsnummer|steueridentifikationsnummer|steuer idnr|idnr|"
            "identifikationsnummer|steuerliche identifikationsnummer"
        ),
        shape=Late(spread("9" * 11)),
        check=varied,
        numbers=True,
        locale="de",
    ),
    KeyRule(
        # The pension insurance's number and the offices' own have no entity of their own; they are no less telling.
        entity="DE_TAX_ID",
        choices=choices(
            "sozialversicherungsnummer|sozialversicherung|rentenversicherungsnummer|svnr|sv nummer|rvnr|"
            "versicherungsnummer|steuernummer|steuer nummer|steuernr"
        ),
        shape=Late(r"[0-9]{2}[ ]?[0-9]{6}[ ]?[A-Za-z][ ]?[0-9]{3}|[0-9]{2,5}[ /][0-9]{3,4}[ /][0-9]{3,5}|[0-9]{10,13}"),
        check=varied,
        locale="de",
    ),
    KeyRule(
        entity="FR_NIR",
        choices=choices("nir|sécurité sociale|numéro sécu|num sécu|numsecu|insee number|numéro insee|nss|carte vitale"),
        shape=Late(rf"[1-478][ .-]?[0-9]{{2}}[ .-]?[0-9]{{2}}[ .-]?{_PLACE}(?:{_KEY})?"),
        check=varied,
        numbers=True,
        locale="fr",
    ),
)

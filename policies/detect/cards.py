"""Payment cards. A number counts by itself when a network issues its first digits in that length, and Luhn is right.

By chance pass, of random digits: one in 36 of sixteen (28 % of the prefixes, a tenth of the check digits), one in 75 of
nineteen, one in 300 of fourteen, seventeen and eighteen, one in 450 of fifteen, one in 7,000 of twelve. Thirteen
digits, which Visa gave up and every EAN has (one in ten of those that begin with 4 would pass), and the wide ranges
of Maestro and UATP count only near a word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from policies.detect.checksums import digits_of, luhn, varied
from policies.detect.edges import BACK, FRONT
from policies.detect.rule import KeyRule, Late, Rule
from policies.detect.wording import choices, words

_Range: TypeAlias = tuple[str, str, frozenset[int]]
_LONG: Final = frozenset({16, 17, 18, 19})
_ISSUED: Final[tuple[_Range, ...]] = (
    ("4", "4", frozenset({16, 19})),  # Visa
    ("51", "55", frozenset({16})),  # Mastercard
    ("2221", "2720", frozenset({16})),  # Mastercard, since 2017
    ("34", "34", frozenset({15})),  # American Express
    ("37", "37", frozenset({15})),
    ("300", "305", frozenset({14})),  # Diners Club
    ("309", "309", frozenset({14})),
    ("36", "36", frozenset({14})),
    ("38", "39", frozenset({14})),
    ("3528", "3589", _LONG),  # JCB, and RuPay's 353 and 356
    ("1800", "1800", frozenset({15})),  # JCB of old
    ("2131", "2131", frozenset({15})),
    ("6011", "6011", _LONG),  # Discover
    ("644", "649", _LONG),
    ("65", "65", _LONG),  # Discover, RuPay, Troy, Verve
    ("62", "62", _LONG),  # UnionPay
    ("81", "81", frozenset({16})),  # UnionPay, RuPay
    ("60", "60", frozenset({16})),  # RuPay, Hipercard
    ("82", "82", frozenset({16})),  # RuPay
    ("508", "508", frozenset({16})),
    ("2200", "2204", _LONG),  # Mir
    ("2205", "2205", frozenset({16})),  # BORICA
    ("5019", "5019", frozenset({16})),  # Dankort
    ("5061", "5061", frozenset({16, 18, 19})),  # Verve
    ("5067", "5067", frozenset({16})),  # Elo
    ("6362", "6363", frozenset({16})),
    ("9792", "9792", frozenset({16})),  # Troy
    ("9704", "9704", frozenset({16, 19})),  # Napas
    ("8600", "8600", frozenset({16})),  # Uzcard
    ("9860", "9860", frozenset({16})),  # Humo
    *(
        (prefix, prefix, frozenset(range(12, 20)))  # Maestro
        for prefix in ("5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763")
    ),
)
"""First prefix, last prefix and lengths, of ISO/IEC 7812 as the networks publish them."""
_SAID: Final[tuple[_Range, ...]] = (
    ("4", "4", frozenset(range(13, 20))),
    ("0604", "0604", frozenset(range(12, 20))),  # Maestro of old
    ("50", "50", frozenset(range(12, 20))),
    ("56", "69", frozenset(range(12, 20))),
    ("30", "39", frozenset(range(14, 20))),
    ("1", "1", frozenset({15})),  # UATP
)


def _by_first(ranges: tuple[_Range, ...]) -> dict[str, tuple[_Range, ...]]:
    return {digit: tuple(each for each in ranges if each[0][0] <= digit <= each[1][0]) for digit in "0123456789"}


_ISSUED_BY_FIRST: Final = _by_first(_ISSUED)
_SAID_BY_FIRST: Final = _by_first(_ISSUED + _SAID)


def _is_of(digits: str, ranges: dict[str, tuple[_Range, ...]]) -> bool:
    issued = any(
        len(digits) in lengths and first <= digits[: len(first)] <= last
        for first, last, lengths in ranges.get(digits[:1], ())
    )
    return issued and varied(digits) and luhn(digits)


def is_card(text: str) -> bool:
    """Whether its digits are of an issued range in that range's length, and the last one is right."""
    return _is_of(digits_of(text), _ISSUED_BY_FIRST)


def may_be_card(text: str) -> bool:
    """As `is_card`, with the ranges and lengths that count near a word."""
    return _is_of(digits_of(text), _SAID_BY_FIRST)


WORDS: Final = words(
    "card creditcard cc visa mastercard amex maestro discover diners jcb unionpay rupay pan "
    "carte tarjeta karte kreditkarte kartennummer carta cartão kort kaart kartu karta карта карты カード "
    "クレジットカード 卡 银行卡 信用卡 카드 कार्ड بطاقة"
)

_LOOSE: Final = r"(?: - |[ .-])?+"
_NO_PHONE: Final = r"(?<!\+.)"
_AFTER: Final = rf"(?:{FRONT}|(?<=[0-9]{{4}}[.-].)){_NO_PHONE}"
_BEFORE: Final = r"(?![A-Za-z0-9_])(?!-[A-Za-z])"
_LAYOUTS: Final = {
    "card-grouped": "[2-689][0-9]{3}~[0-9]{4}~[0-9]{4}~[0-9]{4}",
    "card-grouped-long": "[2-69][0-9]{3}~[0-9]{4}~[0-9]{4}~[0-9]{4}~[0-9]{1,3}",
    "card-in-three-groups": "3[0-9]{3}~[0-9]{6}~[0-9]{4,5}",
    "card-in-two-groups": "6[0-9]{5}~[0-9]{13}",
    "maestro-in-three-groups": "(?<![0-9][ .-])[56][0-9]{3}~[0-9]{4}~[0-9]{4,5}(?!~[0-9])",
}
"""`~` stands for a separator, the same one throughout."""


def _grouped(layout: str) -> str:
    """A card may come after another group of four digits, so a match takes one group only: the next begins right after.

    What is found is the group `value`, looked at from the first digit on.
    """
    value = "|".join(layout.replace("~", separator) for separator in (" ", "-", r"\.", " - "))
    return rf"[2-689]{_AFTER}(?<=(?=(?P<value>{value}){_BEFORE}).)[0-9]{{3}}"


_SOURCE: Final = "ISO/IEC 7812-1; the networks' published ranges"


def _rule(
    name: str,
    pattern: str,
    check: Callable[[str], bool],
    near: frozenset[str] = frozenset(),
    least: int = 0,
    holds: str = "",
) -> Rule:
    return Rule(
        name=name,
        entity="CREDIT_CARD",
        pattern=Late(pattern),
        source=_SOURCE,
        why="word" if near else "checksum",
        confidence=0.95,
        check=check,
        words=near,
        digits=12,
        least=least,
        holds=holds,
    )


RULES: Final[tuple[Rule, ...]] = (
    _rule("card", rf"[1-689](?=[0-9]{{11}}){FRONT}{_NO_PHONE}[0-9]{{11,18}}+{BACK}", is_card, least=12),
    _rule("card-near-word", rf"[0-6]{FRONT}{_NO_PHONE}[0-9]{{11,18}}+{BACK}", may_be_card, near=WORDS),
    *(_rule(name, _grouped(layout), is_card, holds=" .-") for name, layout in _LAYOUTS.items()),
    _rule(
        "card-in-groups-near-word",
        rf"[0-6]{FRONT}{_NO_PHONE}(?:{_LOOSE}[0-9]){{11,18}}+{BACK}",
        may_be_card,
        near=WORDS,
    ),
)

_SHAPE: Final = Late(rf"[0-9](?:{_LOOSE}[0-9]){{11,18}}+")
_CHOICES: Final = choices(
    "card number|card no|card num|card nr|card pan|cardnumber|cardno|creditcard|credit card|debit card|debitcard|cc|"
    "ccnumber|cc number|ccnum|primary account number|pan|bankcard|bank card|payment card|visa|mastercard|amex|"
    "kartennummer|kreditkarte|kreditkartennummer|karten nummer|numéro carte|carte bancaire|carte bleue|"
    "tarjeta|número tarjeta|tarjeta crédito|carta credito|numero carta|cartão|número cartão|kortnummer|kaartnummer|"
    "creditcardnummer|カード番号|卡号|银行卡号"
)
KEYS: Final[tuple[KeyRule, ...]] = (
    KeyRule(
        entity="CREDIT_CARD",
        choices=_CHOICES,
        shape=_SHAPE,
        unless=words("type brand network last token hash id expiry exp cvv cvc fingerprint sim count"),
        check=varied,
        numbers=True,
    ),
    # The bare word says less (a board's card, a video card): there the number has to be one.
    KeyRule(
        entity="CREDIT_CARD",
        choices=choices("card|karte|carte"),
        shape=_SHAPE,
        check=may_be_card,
        numbers=True,
    ),
)

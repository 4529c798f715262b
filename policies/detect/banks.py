"""Bank accounts: IBANs of every country of the registry, US account and routing numbers.

An IBAN counts by itself: of the few texts that have a country's letters, length and kinds of characters, MOD 97-10
leaves one in 97. Of nine digits one in 25 passes the ABA's check, and an account number has none: both count only by
what is said of them.
"""

from __future__ import annotations

import re
from typing import Final

from policies.detect.checksums import aba, mod_97, varied
from policies.detect.edges import BACK, FRONT, after_first, spread
from policies.detect.rule import KeyRule, Late, Rule
from policies.detect.wording import choices, said, words

_BBANS: Final = (
    "AD:8n12c AE:19n AL:8n16c AT:16n AZ:4a20c BA:16n BE:12n BG:4a6n8c BH:4a14c BI:23n BR:23n1a1c BY:4c4n16c CH:5n12c "
    "CR:18n CY:8n16c CZ:20n DE:18n DJ:23n DK:14n DO:4c20n EE:16n EG:25n ES:20n FI:14n FK:2a12n FO:14n FR:10n11c2n "
    "GB:4a14n GE:2a16n GI:4a15c GL:14n GR:7n16c GT:24c HN:4a20n HR:17n HU:24n IE:4a14n IL:19n IQ:4a15n IS:22n "
    "IT:1a10n12c JO:4a4n18c KW:4a22c KZ:3n13c LB:4n20c LC:4a24c LI:5n12c LT:16n LU:3n13c LV:4a13c LY:21n MC:10n11c2n "
    "MD:20c ME:18n MK:3n10c2n MN:16n MR:23n MT:4a5n18c MU:4a19n3a NI:4a20n NL:4a10n NO:11n OM:3n16c PK:4a16c PL:24n "
    "PS:4a21c PT:21n QA:4a21c RO:4a16c RS:18n RU:14n15c SA:2n18c SC:4a20n3a SD:14n SE:20n SI:15n SK:20n SM:1a10n12c "
    "SO:19n ST:21n SV:4a20n TL:19n TN:20n TR:6n16c UA:6n19c VA:18n VG:4a16n XK:16n YE:4a4n18c"
)
"""The account part of every country of the SWIFT IBAN registry: n digits, a letters, c either."""
_KINDS: Final = {"n": "[0-9]", "a": "[A-Za-z]", "c": "[A-Za-z0-9]"}
_PART: Final = re.compile(r"([0-9]{1,2})([nac])")


def _bban(parts: str) -> str:
    """A pattern in which a space or hyphen may stand before every group of four."""
    chars = [_KINDS[kind] for count, kind in _PART.findall(parts) for _ in range(int(count))]
    groups = ["".join(chars[start : start + 4]) for start in range(0, len(chars), 4)]
    return "[ -]?" + "[ -]?".join(groups)


def _ibans() -> str:
    """One branch for each form, however many countries share it."""
    by_form: dict[str, list[str]] = {}
    for country, form in (each.split(":") for each in _BBANS.split()):
        by_form.setdefault(form, []).append(country)
    return "|".join(f"(?i:{after_first(countries)})[0-9]{{2}}{_bban(form)}" for form, countries in by_form.items())


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="iban",
        letters=2,
        entity="IBAN_CODE",
        pattern=Late(rf"[A-Za-z](?=[A-Za-z][0-9]{{2}}){FRONT}(?:{_ibans()})(?![A-Za-z0-9_])(?!-[A-Za-z0-9])"),
        source="ISO 13616-1; SWIFT IBAN registry",
        why="checksum",
        confidence=1.0,
        check=mod_97,
        digits=8,
    ),
    Rule(
        name="us-routing-number-near-word",
        entity="US_ROUTING_NUMBER",
        pattern=Late(rf"[0-9]{FRONT}[0-9]{{3}}-?[0-9]{{4}}-?[0-9]{BACK}"),
        source="American Bankers Association, routing number policy",
        why="word",
        confidence=0.9,
        check=aba,
        words=words("routing aba rtn fedwire ach"),
        digits=9,
        locale="us",
    ),
    Rule(
        # `bank account 12345678`, `checking acct no. 12345678`: the word bank alone stands beside many other numbers.
        name="us-bank-account-said",
        entity="US_BANK_NUMBER",
        pattern=Late(rf"{said('account|acct|a/c')}(?P<value>[0-9](?:[ -]?[0-9]){{5,16}}+){BACK}"),
        source="Nacha operating rules: DFI account number, up to 17 characters",
        why="word",
        confidence=0.7,
        check=varied,
        words=words("bank banking checking saving deposit wire ach routing aba direct payroll"),
        digits=6,
        locale="us",
    ),
)

KEYS: Final[tuple[KeyRule, ...]] = (
    KeyRule(
        entity="IBAN_CODE",
        choices=choices("iban|ibancode|ibannumber"),
        shape=Late(r"[A-Za-z]{2}[ -]?[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}+"),
        unless=words("country hash token id"),
        check=varied,
    ),
    KeyRule(
        entity="US_ROUTING_NUMBER",
        choices=choices(
            "routing number|routing no|routing|aba|routingnumber|rtn|transit number|fedwire|routing transit"
        ),
        shape=Late(spread("9" * 9) + "|[0-9]{8}"),
        unless=words("key policy rule"),
        check=varied,
        numbers=True,
        locale="us",
    ),
    KeyRule(
        # Account numbers of other countries have no entity of their own.
        entity="US_BANK_NUMBER",
        choices=choices(
            "account number|account no|account num|account nr|acct number|acct no|acct num|acct|accountnumber|"
            "accountno|acctno|acctnum|bank account|bankaccount|bank acct|checking account|saving account|"
            "savings account|beneficiary account|deposit account|kontonummer|konto nummer|bankkonto|konto nr|"
            "numéro compte|compte bancaire|número cuenta|cuenta bancaria|cuenta corriente|numero conto|"
            "conto corrente|número conta|conta corrente|conta bancária|口座番号|银行账号|账号|银行账户"
        ),
        shape=Late(r"[0-9](?:[ -]?[0-9]){3,16}+"),
        unless=words("aws cloud azure gcp id type count name status email last iban"),
        check=varied,
        numbers=True,
    ),
)

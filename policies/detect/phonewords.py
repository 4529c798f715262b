"""Words and keys that speak of a telephone number, and what digits beside them may be one."""

from __future__ import annotations

import re
from typing import Final

from policies.detect.rule import KeyRule, Late
from policies.detect.wording import words

PHONE_WORDS: Final = words(
    """
    phone telephone tel tél mobile cell cellphone fax telefax whatsapp msisdn landline hotline helpline pager
    telefon telefonnummer rufnummer handy handynummer mobil mobilnummer mobilfunk mobilfunknummer festnetz
    téléphone telephonique gsm teléfono telefono móvil movil celular cellulare telefone telemóvel telemovel
    telefoon telefoonnummer mobiel mobieltje puhelin телефон тел моб هاتف جوال फोन मोबाइल 電話 電話番号 携帯
    携帯電話 携帯番号 固定電話 电话 电话号码 手机 手机号 手机号码 電話號碼 手機 전화 전화번호 휴대폰 휴대전화
    연락처
    """
)
"""They speak of a number to dial, and of nothing else."""

CALL_WORDS: Final = PHONE_WORDS | words(
    """
    call called calling dial dialed dialled ring texted reach anruf anrufen appelez appeler llame llamar chiamare
    chiamata ligue ligar bellen 連絡先
    """
)
"""They do so often enough for digits in groups. Not `number`, `text`, `line`, `contact`: many a key has those."""

_UNLESS: Final = words(
    """
    template verified verification type model count id status enabled provider domain version plan brand os
    price carrier app code time date created updated at minute second duration size length format regex pattern
    color colour network name width height screen pixel usage data microphone headphone smartphone megaphone
    earphone
    """
)

_DATES: Final = re.compile(
    r"(?:19|20)[0-9]{2}([-/. ]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0?[1-9]|[12][0-9]|3[01])[-/. ](?:0?[1-9]|[12][0-9]|3[01])[-/. ](?:19|20)[0-9]{2}"
    r"|(?:19|20)[0-9]{2} ?[-/] ?(?:19|20)[0-9]{2}"
)
_OTHERS: Final = re.compile(
    r"[0-9]{3}([- .])[0-9]{2}\1[0-9]{4}"  # a social security number
    r"|[0-9]{5}-[0-9]{4}"  # a ZIP code
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}"  # an IPv4 address
    r"|[0-9]+\.[0-9]+"  # a decimal
    r"|(?:97[89][- ]?)[0-9](?:[- ]?[0-9]){9}"  # ISBN-13
    r"|[0-9]{4}([- ])[0-9]{4}\2[0-9]{4}(?:\2[0-9]{1,7})?"  # a card
    r"|1[0-9]{9}|1[0-9]{12}"  # seconds and milliseconds since 1970
)
_AMOUNT: Final = re.compile(r"[0-9]{1,3}(?:[ .][0-9]{3}){2,4}")
_NUMBER: Final = re.compile(r"[0-9 +()./-]*+")
_LONGEST: Final = 15


def without_extension(text: str) -> str:
    """The number itself, up to the first sign that no number has."""
    found = _NUMBER.match(text)
    return found[0].rstrip() if found else ""


def is_grouped(text: str) -> bool:
    """Whether its digits stand in groups, as many as a telephone number has, and not as in a date, amount or other."""
    text = without_extension(text)
    return re.fullmatch(r"[+(]?[0-9]+\)?", text) is None and not _AMOUNT.fullmatch(text) and is_dialled(text)


def is_dialled(text: str) -> bool:
    """Whether it has 7 to 15 digits, more than one of them different, and is no date, decimal, card, epoch."""
    text = without_extension(text)
    digits = re.sub(r"[^0-9]", "", text)
    if not 7 <= len(digits) <= _LONGEST or len(set(digits)) == 1:
        return False
    return not (_DATES.fullmatch(text) or _OTHERS.fullmatch(text))


def _is_kept(text: str) -> bool:
    """Under a key that says so: anything with enough digits but a date."""
    digits = re.sub(r"[^0-9]", "", without_extension(text.removeprefix("tel:")))
    return 6 <= len(digits) <= _LONGEST and len(set(digits)) > 1 and not _DATES.fullmatch(text)


KEYS: Final[tuple[KeyRule, ...]] = (
    KeyRule(
        entity="PHONE_NUMBER",
        choices=(
            *(
                frozenset({word})
                for word in sorted(PHONE_WORDS - {"tél", "téléphone", "teléfono", "móvil", "telemóvel"})
            ),
            *(
                frozenset(pair.split())
                for pair in (
                    "contact number",
                    "caller number",
                    "callback number",
                    "dial number",
                    "toll free",
                    "sms number",
                )
            ),
        ),
        shape=Late(
            r"(?:tel:)?[+(0-9][0-9 ().+/*-]{5,30}(?:[,; ]{0,2}(?:[eE][xX][tT]\.?=?|[xX#]|[eE]xtension) ?[0-9]{1,8})?"
        ),
        unless=_UNLESS,
        check=_is_kept,
        numbers=True,
    ),
)

"""Shapes that are nobody's: a whole text that has one is spared the rules. Ask what the key says first: an ISO date
under `date_of_birth` is one of birth."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final

from policies.detect.wording import words


class Benign(IntEnum):
    """Which rules a text is spared. False where it is spared none."""

    NO = 0
    WEAK = 1
    """Those without a check digit: an identifier may still be a card, an IBAN, a coin's address."""
    ALL = 2
    """All of them."""


_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK: Final = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?"
_ZONE: Final = r"(?:Z| ?[+-][0-9]{2}:?[0-9]{2}| ?(?:UTC|GMT))"
_MOMENT: Final = rf"{_DATE}(?:[T ]{_CLOCK}{_ZONE}?)?"
_SHORT_DATE: Final = r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-](?:[0-9]{4}|[0-9]{2})"
_UUID: Final = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_MONEY: Final = r"(?:[0-9]{1,3}(?:[.,' ][0-9]{3}){1,5}|[0-9]{1,12})(?:[.,][0-9]{1,4})?"
_CURRENCY: Final = (
    r"(?:[$€£¥₹₩]|(?:US|R|A|C|S|HK|NZ)\$|kr|zł|AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY"
    r"|KRW|MXN|MYR|NOK|NZD|PHP|PLN|RON|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR)"
)
"""Codes of ISO 4217, the ones traded most: any three capitals would take `SSN 123456789` for an amount."""
_BIT: Final = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
_NO_VERSION: Final = rf"(?!{_BIT}(?:\.{_BIT}){{3}}\Z)(?![0-9]{{3}}\.[0-9]{{2,3}}\.[0-9]{{4}}\Z)"
"""An IP address, a social security number, a telephone number: they have a version's shape."""
_UNITS: Final = r"(?:[KMGTkm]?i?B|[KMGkm]?bps|[kcm]?m|k?g|[mnµu]?s|min|h|px|em|rem|pt|°[CF]|[kMG]?Hz|[kM]?Wh?)"
_MEDIA: Final = r"(?:application|audio|font|image|message|model|multipart|text|video)"

_ALL: Final = (
    rf"{_MOMENT}(?:(?:/|--| - | to ){_MOMENT})?|{_CLOCK}{_ZONE}?|{_SHORT_DATE}(?:,? {_CLOCK}(?: ?[AaPp][Mm])?)?",
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{5,8} (?:[A-Z]{1,4}|[+-][0-9]{4})",
    # ISO 8601, RFC 9110 section 5.6.7
    r"-?P(?=[0-9T])(?:[0-9.]{1,8}[YMWD]){0,4}(?:T(?:[0-9.]{1,12}[HMS]){1,3})?|[0-9]{4}-?W[0-9]{2}|[0-9]{4}-Q[1-4]",
    rf"\{{?{_UUID}\}}?|urn:uuid:{_UUID}",  # RFC 9562
    r"(?:[a-z0-9./_:-]{1,80}@)?(?:sha(?:1|256|384|512)|md5)[:-][0-9a-f]{32,128}",  # OCI image specification: digests
    r"(?:W/)?\"?(?=[0-9]{0,63}[a-fA-F])(?![A-Fa-f]{2}[0-9]{10,32}\"?\Z)[0-9a-fA-F]{32,128}\"?",
    rf"{_NO_VERSION}[vV^~=]?[0-9]{{1,6}}(?:\.(?:[0-9]{{1,6}}|[x*])){{1,3}}(?:[-+](?!.*[0-9]{{12}})[0-9A-Za-z.-]{{1,40}}){{0,2}}",
    r"[+-]?[0-9]{1,15}[.,][0-9]{1,17}(?:[eE][+-]?[0-9]{1,3})?%?|[+-]?[0-9]{1,6}|[0-9]{1,6} ?%",
    r"-?[0-9]{1,3}\.[0-9]{1,15}, ?-?[0-9]{1,3}\.[0-9]{1,15}",  # ISO 6709 in decimals
    rf"[+-]?{_CURRENCY} ?{_MONEY}|[+-]?{_MONEY} ?{_CURRENCY}|[0-9]{{1,3}}(?:,[0-9]{{3}}){{1,4}}(?:\.[0-9]{{1,4}})?",
    r"1[0-9]{9}|1[0-9]{12}|1[4-9][0-9]{14}|1[4-9][0-9]{17}",  # seconds to nanoseconds since 1970
    rf"{_MEDIA}/[A-Za-z0-9.+-]{{1,80}}(?:; ?[a-z]{{1,20}}=[\w.-]{{1,40}})?",
    r"#[0-9a-fA-F]{3,4}|#[0-9a-fA-F]{6}(?:[0-9a-fA-F]{2})?|(?:rgb|hsl)a?\([0-9., %/-]{5,40}\)",  # CSS Color 4
    rf"[0-9]{{1,9}}(?:\.[0-9]{{1,6}})? ?{_UNITS}",
)
_WEAK: Final = (
    r"(?=[0-9]{0,31}[a-fA-F])(?![A-Fa-f]{2}[0-9]{10,32}\Z)[0-9a-fA-F]{7,31}|0x[0-9a-fA-F]{1,128}",  # hex, short
    r"(?P<word>[A-Za-z]{2,10})[-_#/][0-9]{1,10}(?:[-_/][0-9]{1,6}){0,2}|#[0-9]{1,10}",  # ORD-12345, INV-2026-0001
    r"[0-7][0-9A-HJKMNP-TV-Z]{25}",  # ULID
    r"(?=[0-9A-Za-z]{0,26}[A-Z])(?=[0-9A-Za-z]{0,26}[a-z])[0-9A-Za-z]{27}",  # KSUID
    r"(?=[\w-]{0,20}[A-Z])(?=[\w-]{0,20}[a-z])[A-Za-z0-9_-]{21}",  # nanoid
    r"[a-z]{2,8}_[0-9A-Za-z]{14,32}",  # cus_…, evt_…
    r"(?:19|20)[0-9]{2}[-_]?[0-9]{2}[-_]?[0-9]{2}[-_T][0-9]{4,9}Z?",  # 20240115-103000
)
_SHAPES: Final = re.compile(rf"(?P<all>{'|'.join(_ALL)})|(?P<weak>{'|'.join(_WEAK)})")
_LONGEST: Final = 200
_SAYING: Final = words(
    """
    tel phone fax mobile cell ssn card pan cc iban nhs tfn cpf cnpj nif nie nino visa dob sin itin ein tin pps
    nric passport licence license aadhaar account acct routing aba whatsapp sms msisdn handy
    """
)
"""Before a hyphen they say what the digits are: `SSN-…`."""

_MASKING: Final = re.compile(r"[*•●xX#\u2588._ -]{3,60}[0-9A-Za-z]{0,4}|[0-9][*•●xX#._ -]{4,60}[0-9]{0,4}")
_ONE_DIGIT: Final = re.compile(r"[^\w]*+(\d)(?:[^\w]*+\1){6,}+[^\w]*+")
_MASK_LETTERS: Final = frozenset("*•●xX#\u2588")
_LONGEST_MASK: Final = 64
_ARN: Final = re.compile(r"(?:arn:aws[a-z-]{0,10}:[a-z0-9-]{1,40}:[a-z0-9-]{0,30}:[0-9]{0,12}:)++")


def benign(text: str) -> Benign:
    """Which rules the whole of `text` is spared. Constant time for what is longer than any shape."""
    if len(text) > _LONGEST or text.isalpha():
        return Benign.NO
    found = _SHAPES.fullmatch(text)
    if found is None:
        return Benign.ALL if is_mask(text) else Benign.NO
    if found["all"] is not None:
        return Benign.ALL
    return Benign.NO if (found["word"] or "").lower() in _SAYING else Benign.WEAK


def is_mask(text: str) -> bool:
    """Whether it stands for a value that is gone: `****1111`, `XXX-XX-6789`, or one digit over and over."""
    if len(text) > _LONGEST_MASK or "@" in text:
        return False
    if not _MASK_LETTERS.isdisjoint(text) and _MASKING.fullmatch(text):
        return sum(char in _MASK_LETTERS for char in text) >= 3
    return _ONE_DIGIT.fullmatch(text) is not None


def head(text: str) -> int:
    """How many characters at its start are nobody's: the part of an ARN before the resource's name."""
    found = _ARN.match(text)
    return found.end() if found else 0

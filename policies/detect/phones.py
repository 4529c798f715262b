"""Telephone numbers: international ones by calling code and length, national ones as each plan has them written,
others beside a word or under a key.

Sources: ITU-T E.164 (calling codes, lengths) and E.123 (notation); the national plans named at each rule. Spaces,
brackets and a trunk zero are evidence; a bare run of digits is none.
"""

from __future__ import annotations

import re
from typing import Final

from policies.detect.callingcodes import LENGTHS, calling_code, is_international
from policies.detect.phoneplans import PLANS
from policies.detect.phonewords import CALL_WORDS, KEYS, PHONE_WORDS, is_dialled, is_grouped, without_extension
from policies.detect.rule import Late, Rule

__all__ = ["KEYS", "RULES"]

_START: Final = r"(?<![\w.+#$€£-].)(?<![A-Za-z]/.)(?<![0-9][ ,].)"
"""What may not stand before the first character, which is read by then: a pattern that begins with a set is fast."""
_FIRST: Final = r"[(0-9](?:(?<=\()(?=[0-9])|(?<=[0-9])(?=[0-9( .-]))"
_END: Final = r"(?!\w|[-/][0-9A-Za-z]|[.,][0-9]|[%°$€£])"
_ALONE: Final = r"(?! [0-9]{2,})"
"""No further group of digits: a card number, an amount, a longer identifier."""
_EXTENSION: Final = (
    r"(?:,? ?(?i:x|ext\.?|extn\.?|extension|poste|interno|int\.|ramal|durchwahl|dw|toestel|anexo|;ext=|#)[ :.]{0,2}"
    r"[0-9]{1,6}(?![0-9A-Za-z]))?+"
)
_FEWEST: Final = 9
"""Digits of the shortest number with its trunk zero and area in the plans that are named, rare exceptions aside."""
_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_STEP: Final = rf"(?:[ .()/-]{{1,3}}+(?!{_DATE}))?+[0-9]"


def _after_code() -> str:
    """Calling code, a trunk zero that does not belong there, and as many digits as the country has."""
    by_lengths: dict[tuple[int, int], list[str]] = {}
    for code, lengths in LENGTHS.items():
        by_lengths.setdefault(lengths, []).append(code)
    return "|".join(
        rf"(?:{'|'.join(codes)})(?: ?\)? ?-?\(?0\)?(?=[ .()/0-9-]))?(?:{_STEP}){{{max(low, 6)},{max(high, 6)}}}"
        for (low, high), codes in by_lengths.items()
    )


_AFTER_CODE: Final = _after_code()


def _is_e164(text: str) -> bool:
    """With its calling code and length, a trunk zero behind the code aside; not one digit over and over."""
    digits = re.sub(r"[^0-9]", "", re.sub(r"\( ?0 ?\)", "", without_extension(text)))
    digits = re.sub(r"^(?:00|011)(?=[1-9])", "", digits) if not text.startswith("+") else digits
    code = calling_code(digits)
    if not is_international(digits) and digits[len(code) :].startswith("0"):
        digits = code + digits[len(code) + 1 :]
    return len(set(digits[-7:])) > 1 and is_international(digits)


def _is_national(text: str) -> bool:
    """Of nine digits and more, or with its area in brackets."""
    enough = text.startswith("(") or sum("0" <= char <= "9" for char in without_extension(text)) >= _FEWEST
    return enough and is_grouped(text)


_WEAK: Final = re.compile(
    rf"(?:[+(0-9](?<![\w.+-].)(?:(?<=[0-9])(?<!(?={_DATE}).)|(?<=[+(])(?!{_DATE})[0-9])(?:{_STEP}){{6,14}})"
    rf"{_EXTENSION}{_END}"
)

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="phone-international",
        entity="PHONE_NUMBER",
        pattern=Late(rf"(?:\+(?<![A-Za-z0-9_+].) ?\(?(?:{_AFTER_CODE})){_EXTENSION}{_END}"),
        source="ITU-T E.164 section 6, E.123 section 2",
        check=_is_e164,
        confidence=0.9,
        digits=7,
        holds="+",
    ),
    Rule(
        name="phone-international-exit",
        entity="PHONE_NUMBER",
        pattern=Late(
            rf"(?:0{_START}(?:0|11)(?=[ .-]?\(?[0-9]{{1,3}}[ .()/-])[ .-]?\(?(?:{_AFTER_CODE}))"
            rf"{_EXTENSION}{_END}"
        ),
        source="ITU-T E.164 section 8 (international prefix 00); NANPA (011)",
        check=_is_e164,
        confidence=0.7,
        digits=9,
        holds="0",
    ),
    Rule(
        name="phone-national",
        entity="PHONE_NUMBER",
        pattern=Late(rf"(?:{_FIRST}{_START}(?:{'|'.join(forms for _, forms in PLANS)})){_ALONE}{_EXTENSION}{_END}"),
        source="; ".join(source for source, _ in PLANS),
        check=_is_national,
        digits=8,
        confidence=0.65,
    ),
    Rule(
        name="phone-grouped-near-word",
        entity="PHONE_NUMBER",
        pattern=_WEAK,
        source="ITU-T E.123 (symbols that group digits)",
        why="word",
        check=is_grouped,
        words=CALL_WORDS,
        digits=7,
        confidence=0.6,
    ),
    Rule(
        name="phone-near-word",
        entity="PHONE_NUMBER",
        pattern=_WEAK,
        source="ITU-T E.164 section 6.1 (fifteen digits at most)",
        why="word",
        check=is_dialled,
        words=PHONE_WORDS,
        digits=7,
        confidence=0.6,
    ),
)

"""How national numbering plans have their numbers written: a pattern for each, from the second character on.

The first character is only looked back at, so that the whole can begin with one set and be searched for fast.
"""

from __future__ import annotations

import re
from typing import Final


def _led(form: str) -> str:
    """The form behind its first character, a bracket, a digit or a set, that is only looked back at."""
    first = re.match(r"(?P<atom>\\\(|\[[^\]]+\]|[0-9])(?:\{(?P<times>[0-9])\})?", form)
    if first is None:
        raise ValueError(f"a form begins with a bracket, a digit or a set: {form}")
    rest = form[first.end() :]
    times = int(first["times"] or 1) - 1
    return rf"(?<={first['atom']})" + (rf"{first['atom']}{{{times}}}" if times else "") + rest


def _plan(source: str, *forms: str | tuple[tuple[str, ...], str]) -> tuple[str, str]:
    """A plan's source, and its forms: whole ones, or areas with what follows any of them."""
    parts = [
        _led(form) if isinstance(form, str) else rf"(?:{'|'.join(map(_led, form[0]))})(?:{form[1]})" for form in forms
    ]
    return source, "|".join(parts)


PLANS: Final = (
    _plan(
        "NANPA, North American Numbering Plan: NPA-NXX-XXXX",
        (
            (
                r"\([2-9][0-9]{2}\)[ .-]?",
                r"[2-9][0-9]{2}[ .-]",
                r"1[ .-]?\([2-9][0-9]{2}\)[ .-]?",
                r"1[ .-]?[2-9][0-9]{2}[ .-]",
            ),
            r"[2-9][0-9]{2}[ .-][0-9]{4}",
        ),
    ),
    _plan(
        "Ofcom, National Telephone Numbering Plan, part A",
        ((r"\(02[03489]\) ?", r"02[03489][ -]"), r"[0-9]{4}[ -]?[0-9]{4}"),
        ((r"\(01(?:1[3-8]|[2-69]1)\) ?", r"01(?:1[3-8]|[2-69]1)[ -]"), r"[0-9]{3}[ -]?[0-9]{4}"),
        ((r"\(01[2-9][0-9]{2}\) ?", r"01[2-9][0-9]{2}[ -]"), r"[0-9]{5,6}|[0-9]{3}[ -][0-9]{3}"),
        ((r"07[0-9]{3}[ -]",), r"[0-9]{6}|[0-9]{3}[ -][0-9]{3}"),
        ((r"07[0-9]{2}[ -]",), r"[0-9]{4}[ -][0-9]{4}"),
        ((r"0[389][0-9]{2}[ -]",), r"[0-9]{6,7}|[0-9]{3}[ -][0-9]{3,4}"),
    ),
    _plan(
        "BNetzA, Nummernplan Ortsnetzrufnummern and Nummernplan Mobile Dienste; DIN 5008",
        (
            (r"\(0[2-9][0-9]{1,4}\) ?", r"0[2-9][0-9]{1,4} ?/ ?", r"0[2-9][0-9]{1,4} "),
            r"[0-9]{4,9}(?:-[0-9]{1,5})?|[0-9]{2,4}(?:[ -][0-9]{2,4}){1,3}",
        ),
        ((r"01[5-7][0-9]{1,2} ?[ /-] ?",), r"[0-9]{7,8}|[0-9]{2,4}(?:[ -][0-9]{2,4}){1,3}"),
    ),
    _plan(
        "ARCEP, plan national de numérotation (décision 2018-0881): ten digits in pairs",
        r"0[1-9] [0-9]{2} [0-9]{2} [0-9]{2} [0-9]{2}",
        r"0[1-9]\.[0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]{2}",
        r"0[1-9]-[0-9]{2}-[0-9]{2}-[0-9]{2}-[0-9]{2}",
    ),
    _plan(
        "CNMC, Plan nacional de numeración telefónica (Real Decreto 2296/2004)",
        r"[89][1-8][ -][0-9]{3}[ -][0-9]{2}[ -][0-9]{2}",
        r"[6-9][0-9]{2}[ -][0-9]{2}[ -][0-9]{2}[ -][0-9]{2}",
    ),
    _plan(
        "AGCOM, Piano di numerazione (delibera 8/15/CIR)",
        (
            (r"0[1-9][0-9]{0,2} ?[ /] ?",),
            r"[0-9]{6,8}|[0-9]{3,4} [0-9]{3,4}|[0-9]{2,3} [0-9]{2} [0-9]{2,3}",
        ),
        ((r"3[2-9][0-9][ /]",), r"[0-9]{7}|[0-9]{3} [0-9]{2} [0-9]{2}"),
    ),
    _plan(
        "MIC, telephone numbering plan of Japan: ten digits from 0, eleven from 050, 070, 080, 090",
        r"0[5789]0[ -][0-9]{4}[ -][0-9]{4}",
        r"0[1-9][ -][0-9]{4}[ -][0-9]{4}",
        r"0[1-9][0-9][ -][0-9]{3}[ -][0-9]{4}",
        r"0[1-9][0-9]{2}-[0-9]{2}-[0-9]{4}",
        r"0[1-9][0-9]{3}-[0-9]-[0-9]{4}",
        r"0120-[0-9]{3}-[0-9]{3}",
        r"0570-[0-9]{3}-[0-9]{3}",
        r"0800-[0-9]{3}-[0-9]{4}",
        r"\(0[0-9]{1,4}\) ?[0-9]{1,4}-[0-9]{4}",
        r"0[0-9]{1,4}\([0-9]{1,4}\)[0-9]{4}",
    ),
    _plan(
        "DoT and TRAI, National Numbering Plan 2003",
        ((r"[6-9][0-9]{4} ", r"0[ -]?[6-9][0-9]{4} "), r"[0-9]{5}"),
        ((r"0[1-9][0-9][ -]",), r"[0-9]{8}|[0-9]{4}[ -][0-9]{4}"),
        ((r"0[1-9][0-9]{2}[ -]",), r"[0-9]{7}"),
        ((r"0[1-9][0-9]{3}[ -]",), r"[0-9]{6}"),
        ((r"1800[ -]",), r"[0-9]{3}[ -][0-9]{3,4}"),
    ),
    _plan(
        "Anatel, Regulamento de Numeração (Resolução 749/2022): area, eight digits, or nine from 9",
        ((r"\(0?[1-9][1-9]\) ?",), r"9? ?[0-9]{4}[ -][0-9]{4}"),
        ((r"[1-9][1-9][ -]", r"0[1-9][1-9][ -]"), r"(?:9[ .]?[0-9]{4}|[2-5][0-9]{3})-[0-9]{4}"),
    ),
    _plan(
        "ACMA, Telecommunications Numbering Plan 2015",
        ((r"\(0[2378]\) ?", r"0[2378][ -]"), r"[0-9]{4}[ -]?[0-9]{4}"),
        ((r"04[0-9]{2} ",), r"[0-9]{3} [0-9]{3}"),
        ((r"1[38]00[ -]",), r"[0-9]{3}[ -][0-9]{3}"),
    ),
    _plan(
        "ITU-T E.123 section 2: the area in brackets, its trunk zero with it",
        ((r"\((?!(?:19|20)[0-9]{2}\))0?[0-9]{2,4}\)[ -]?",), r"[0-9]{6,8}|[0-9]{2,4}(?:[ .-][0-9]{2,4}){1,3}"),
    ),
    _plan(
        "a trunk zero, then groups: BAKOM (CH), BIPT (BE), ACM (NL), BTK (TR), MSIT (KR)",
        ((r"0[1-9][0-9]{0,2} ",), r"[0-9]{3} [0-9]{2} [0-9]{2}|[0-9]{3} [0-9]{3,4}"),
        ((r"010-",), r"[0-9]{4}-[0-9]{4}"),
        ((r"0[1-9][0-9]-",), r"[0-9]{7}"),
        ((r"06[ -]",), r"[0-9]{8}"),
        ((r"0[1-9][0-9]{0,3}\.",), r"[0-9]{3}\.[0-9]{4}"),
    ),
)

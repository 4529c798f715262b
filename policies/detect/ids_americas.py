"""Canada's SIN, Brazil's CPF and CNPJ.

A CPF counts by itself as printed (`123.456.789-09`): the shape is its own, and two check digits leave one in 100.
Eleven digits in a row are also phone and order numbers, so those need a word; a CNPJ's fourteen count when the branch
is one of the first nine, which leaves one in 100,000. A SIN is nine digits with Luhn: one in 12, so it needs a word.
"""

from __future__ import annotations

from typing import Final

from policies.detect.checksums import cnpj, cpf, luhn, varied
from policies.detect.edges import BACK, FRONT, spread
from policies.detect.rule import KeyRule, Late, Rule
from policies.detect.wording import OF_A_PERSON, choices, said, words

_SIN: Final = rf"[1-79]{FRONT}[0-9]{{2}}[ -]?[0-9]{{3}}[ -]?[0-9]{{3}}"
_CPF_WORDS: Final = words("cpf cpfs contribuinte")
_CNPJ_WORDS: Final = words("cnpj cnpjs")
_RECEITA: Final = "Receita Federal, check digits of CPF and CNPJ"


def is_sin(text: str) -> bool:
    """Luhn, and no placeholder."""
    return varied(text) and luhn(text)


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        name="ca-sin-near-word",
        entity="CA_SIN",
        pattern=Late(rf"{_SIN}{BACK}"),
        source="Employment and Social Development Canada, SIN validation",
        why="word",
        confidence=0.95,
        check=is_sin,
        words=words("sin nas socialinsurance socialinsurancenumber"),
        digits=9,
        locale="ca",
    ),
    Rule(
        name="ca-sin-said",
        says=("insurance", "assurance"),
        entity="CA_SIN",
        pattern=Late(said("social[ _-]insurance|assurance[ _-]sociale") + rf"(?P<value>{_SIN}){BACK}"),
        source="Employment and Social Development Canada, SIN validation",
        why="word",
        confidence=0.95,
        check=is_sin,
        digits=9,
        locale="ca",
    ),
    Rule(
        name="br-cpf",
        entity="BR_CPF",
        pattern=Late(rf"[0-9](?=[0-9]{{2}}\.){FRONT}[0-9]{{2}}\.[0-9]{{3}}\.[0-9]{{3}}-[0-9]{{2}}{BACK}"),
        source=_RECEITA,
        why="checksum",
        confidence=0.95,
        check=cpf,
        digits=11,
        holds="-",
        locale="br",
    ),
    Rule(
        name="br-cpf-near-word",
        entity="BR_CPF",
        pattern=Late(rf"[0-9]{FRONT}[0-9]{{2}}[. ]?[0-9]{{3}}[. ]?[0-9]{{3}}[ /-]?[0-9]{{2}}{BACK}"),
        source=_RECEITA,
        why="word",
        confidence=0.96,
        check=cpf,
        words=_CPF_WORDS,
        digits=11,
        locale="br",
    ),
    Rule(
        # Letters since July 2026, in capitals; the check digits stay digits.
        name="br-cnpj",
        entity="BR_CNPJ",
        pattern=Late(
            rf"[0-9A-Z](?=[0-9A-Z]\.){FRONT}[0-9A-Z]\.[0-9A-Z]{{3}}\.[0-9A-Z]{{3}}/[0-9A-Z]{{4}}-[0-9]{{2}}{BACK}"
        ),
        source=_RECEITA,
        why="checksum",
        confidence=0.95,
        check=cnpj,
        digits=2,
        holds="/",
        locale="br",
    ),
    Rule(
        name="br-cnpj-in-a-row",
        least=14,
        entity="BR_CNPJ",
        pattern=Late(rf"[0-9](?=[0-9]{{7}}000){FRONT}[0-9]{{7}}000[1-9][0-9]{{2}}{BACK}"),
        source=_RECEITA,
        why="checksum",
        confidence=0.9,
        check=cnpj,
        digits=14,
        locale="br",
    ),
    Rule(
        name="br-cnpj-near-word",
        entity="BR_CNPJ",
        pattern=Late(
            rf"[0-9A-Za-z]{FRONT}[0-9A-Za-z](?:[. ]?[0-9A-Za-z]{{3}}){{2}}[/ ]?[0-9A-Za-z]{{4}}[ -]?[0-9]{{2}}{BACK}"
        ),
        source=_RECEITA,
        why="word",
        confidence=0.96,
        check=cnpj,
        words=_CNPJ_WORDS,
        digits=2,
        locale="br",
    ),
)

KEYS: Final[tuple[KeyRule, ...]] = (
    KeyRule(
        entity="BR_CPF",
        choices=choices(OF_A_PERSON),
        shape=Late(spread("9" * 11)),
        check=cpf,
        numbers=True,
        locale="br",
    ),
    KeyRule(
        entity="BR_CNPJ",
        choices=choices(OF_A_PERSON),
        shape=Late(spread("*" * 12 + "99")),
        check=cnpj,
        numbers=True,
        locale="br",
    ),
    KeyRule(
        entity="CA_SIN",
        choices=choices(OF_A_PERSON),
        shape=Late(spread("9" * 9)),
        check=is_sin,
        numbers=True,
        locale="ca",
    ),
    KeyRule(
        entity="CA_SIN",
        choices=choices("sin|social insurance|socialinsurance|socialinsurancenumber|assurance sociale|nas"),
        shape=Late(spread("9" * 9)),
        unless=words("last hash cos tan"),
        check=varied,
        numbers=True,
        locale="ca",
    ),
    KeyRule(
        entity="BR_CPF",
        choices=choices("cpf|cpfnumero|numerocpf|cadastro pessoa física"),
        shape=Late(spread("9" * 11) + "|[0-9]{8,10}"),
        check=varied,
        numbers=True,
        locale="br",
    ),
    KeyRule(
        entity="BR_CNPJ",
        choices=choices("cnpj|numerocnpj|cnpjnumero|cadastro pessoa jurídica"),
        shape=Late(spread("*" * 12 + "99") + "|[0-9]{11,13}"),
        check=varied,
        numbers=True,
        locale="br",
    ),
)

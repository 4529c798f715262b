"""The same values, written so that a plain pattern does not see them."""

import base64
import html
import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from urllib.parse import quote

from benchmarks.detection.tree import Found, Leaf

Disguise = Callable[[Random, str, str], str]
"""(generator, key, value) -> how it is written."""


def _between(rng: Random, value: str, sign: str) -> str:
    at = sorted(rng.sample(range(1, len(value)), min(len(value) - 1, 3)), reverse=True)
    for place in at:
        value = value[:place] + sign + value[place:]
    return value


def zero_width(rng: Random, key: str, value: str) -> str:
    return _between(rng, value, rng.choice("\u200b\u200c\u2060\ufeff"))


def soft_hyphen(rng: Random, key: str, value: str) -> str:
    return _between(rng, value, "\u00ad")


def full_width(rng: Random, key: str, value: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if sign.isascii() and sign.isdigit() else sign for sign in value)


def thin_space(rng: Random, key: str, value: str) -> str:
    space = rng.choice("\u2009\u202f\u00a0\u2007")
    if " " in value:
        return value.replace(" ", space)
    return (
        value.replace("-", space) if "-" in value else space.join(value[at : at + 4] for at in range(0, len(value), 4))
    )


def other_at(rng: Random, key: str, value: str) -> str:
    name, _, domain = value.partition("@")
    spelled = f"{name} [at] {domain.replace('.', ' [dot] ')}"
    return rng.choice(
        [
            f"{name}＠{domain}",
            f"{name}﹫{domain}",
            spelled,
            f"{name}(at){domain}",
            f"{name} AT {domain.replace('.', ' DOT ')}",
        ]
    )


def entities(rng: Random, key: str, value: str) -> str:
    if "@" in value:
        return value.replace("@", rng.choice(["&#64;", "&#x40;", "&commat;"])).replace(".", "&#46;", 1)
    return "".join(f"&#{ord(sign)};" if sign.isdigit() and rng.random() < 0.5 else html.escape(sign) for sign in value)


def percent(rng: Random, key: str, value: str) -> str:
    return f"https://app.example.com/find?{key}={quote(value, safe='')}&page=2"


def base64_json(rng: Random, key: str, value: str) -> str:
    return base64.b64encode(json.dumps({key: value, "v": 3}).encode()).decode()


def json_text(rng: Random, key: str, value: str) -> str:
    inner = json.dumps({"meta": {"rev": "2.14.0"}, key: value})
    return json.dumps({"payload": inner}) if rng.random() < 0.5 else inner


def csv_cell(rng: Random, key: str, value: str) -> str:
    return f'id,{key},created\n8812,"{value}",2025-11-03\n8813,,2025-11-04\n'


def markdown_cell(rng: Random, key: str, value: str) -> str:
    return f"| id | {key} | created |\n| --- | --- | --- |\n| 8812 | {value} | 2025-11-03 |\n"


_WRAPPED: tuple[Disguise, ...] = (base64_json, json_text, csv_cell, markdown_cell)
_SIGNS: tuple[Disguise, ...] = (zero_width, soft_hyphen)
_NUMBERS: tuple[Disguise, ...] = (full_width, entities, thin_space, percent, *_SIGNS, *_WRAPPED)
_FITTING: dict[str, tuple[Disguise, ...]] = {
    "EMAIL_ADDRESS": (other_at, other_at, entities, percent, *_SIGNS, *_WRAPPED),
    "PERSON": (*_SIGNS, *_WRAPPED),
    "STREET_ADDRESS": (*_SIGNS, *_WRAPPED),
    "DATE_OF_BIRTH": (full_width, *_SIGNS, *_WRAPPED),
    "URL_CREDENTIALS": (zero_width, *_WRAPPED),
    "CRYPTO": (percent, *_SIGNS, *_WRAPPED),
    "IP_ADDRESS": (full_width, entities, *_SIGNS, *_WRAPPED),
    "MAC_ADDRESS": (full_width, percent, *_SIGNS, *_WRAPPED),
}


def disguised(rng: Random, key: str, leaf: Leaf) -> Leaf:
    """A leaf of one value, written otherwise; a leaf of any other kind stays as it is."""
    if len(leaf.found) != 1 or str(leaf.value) != leaf.found[0].value:
        return leaf
    (found,) = leaf.found
    written = rng.choice(_FITTING.get(found.entity, _NUMBERS))(rng, key, found.value)
    return replace(
        leaf, value=written, found=(Found(entity=found.entity, value=found.value, written=written),), hint={}
    )

"""Texts made to take a detector's time, in any size. Linear means that twice the text takes twice the time."""

import base64
import json
from collections.abc import Callable
from random import Random

from benchmarks.detection import credentials, identifiers
from benchmarks.detection.people import Fake

Shape = Callable[[int], str]
"""bytes -> a text of about that many bytes in UTF-8."""

_REPEATED = {
    "dots": ".", "ats": "@", "nines": "9", "zeros": "0", "quotes": '"', "backslashes": "\\", "open braces": "{",
    "open brackets": "[",
    "braces": "{}", "spaces": " ", "newlines": "\n", "tabs": "\t", "plus": "+", "minus": "-", "colons": ":",
    "slashes": "/",
    "percents": "%", "percent 25": "%25", "percent 40": "%40", "ampersands": "&", "entities": "&#64;",
    "cut entities": "&#6",
    "equals": "=", "pipes": "|", "commas": ",", "semicolons": ";", "a.a.a": "a.", "a@a@a": "a@", "a@a.a": "a@a.",
    "digit space": "1 ",
    "digit dash": "1-", "digit dot": "1.", "hex colon": "a1:", "double colon": "::1 ", "plus digit": "+1",
    "paren digit": "(1",
    "zero width": "\u200b", "digit zero width": "4\u200b", "soft hyphen": "a\u00ad", "thin space": "1\u2009",
    "full-width digits": "４",
    "full-width at": "a＠", "combining": "e\u0301", "ligatures": "\ufdfa", "emoji": "👩‍👩‍👧‍👦", "surrogate range": "𝔘",
    "spelled at": "a [at] b [dot] ",
    "base64 signs": "QUFB", "base64 url": "eyJ", "long word": "x", "dashes of a key": "-----BEGIN ",
    "scheme": "http://", "scheme user": "a://b:",
    "assignments": "password=", "bearer": "Bearer ", "csv": 'a,"b",', "csv quotes": '""', "markdown rule": "|---",
    "escapes": "\\u0040", "less": "<a",
}  # fmt: skip


def _repeated(unit: str) -> Shape:
    size = len(unit.encode())
    return lambda count: unit * (count // size)


def _many(make: Callable[[Random], str], between: str = " ") -> Shape:
    """Distinct small values, one after the other."""

    def shape(count: int) -> str:
        rng, parts, size = Random(count), [], 0
        while size < count:
            parts.append(make(rng))
            size += len(parts[-1].encode()) + len(between)
        return between.join(parts)

    return shape


def _emails(rng: Random) -> str:
    return f"u{rng.getrandbits(40):x}@example.com"


def _near_iban(rng: Random) -> str:
    right = identifiers.iban(rng, "DE").replace(" ", "")
    return right[:-1] + str((int(right[-1]) + 1) % 10)


def _phones(rng: Random) -> str:
    return str(Fake(rng, "GB").phone().value)


def _urls(rng: Random) -> str:
    return str(Fake(rng, "US").url_with_password().value)


def _address(rng: Random) -> str:
    return str(Fake(rng, "US").ip().value)


def _keyword(rng: Random) -> str:
    words = (
        "AK" + "IA gh" + "p_ xo" + "xb- sk" + "_live_ AI" + "za eyJ api_key secret token -----BEGIN hv" + "s. S" + "G."
    )
    return rng.choice(words.split())


def _secret(rng: Random) -> str:
    found = credentials.secret(rng)
    return f"{found.name}={found.value}"


def _encoded(rng: Random) -> str:
    return base64.b64encode(json.dumps({"email": _emails(rng)}).encode()).decode()


def _nested(count: int) -> str:
    """JSON in JSON strings, five deep; what is inside doubles its backslashes."""
    inner = json.dumps({"email": "a@example.com", "pad": "x" * (count - 400)})
    for _ in range(4):
        inner = json.dumps({"payload": inner})
    return inner


def _json_of(unit: Callable[[int], object]) -> Shape:
    """A whole JSON list of about the size."""

    def shape(count: int) -> str:
        sample = len(json.dumps([unit(index) for index in range(1000)])) / 1000
        return json.dumps([unit(index) for index in range(int(count / sample))])

    return shape


def _wide_csv(count: int) -> str:
    columns = ",".join(f"email_{index}" for index in range(120))
    return _filled(columns + "\n", ",".join("a@b.example.com" for _ in range(120)) + "\n", count)


def _wide_markdown(count: int) -> str:
    columns = "|" + "|".join("phone" for _ in range(120)) + "|\n" + "|---" * 120 + "|\n"
    return _filled(columns, "|" + "|".join("555" for _ in range(120)) + "|\n", count)


def _filled(head: str, unit: str, count: int) -> str:
    return head + unit * max((count - len(head)) // len(unit), 1)


def _base64_levels(count: int) -> str:
    data = b"a@example.com " * (count * 27 // 64 // 14)
    for _ in range(3):
        data = base64.b64encode(data)
    return data.decode()


SHAPES: dict[str, Shape] = {
    **{name: _repeated(unit) for name, unit in _REPEATED.items()},
    "distinct e-mails": _many(_emails), "one e-mail": _repeated("anna@example.com "),
    "cards": _many(identifiers.card_number),
    "e-mails in quotes": _many(_emails, '","'), "near ibans": _many(_near_iban), "ibans": _many(identifiers.iban),
    "phones": _many(_phones),
    "ssns": _many(identifiers.ssn), "addresses": _many(_address), "crypto": _many(identifiers.crypto),
    "urls with passwords": _many(_urls),
    "fiscal codes": _many(identifiers.fiscal_code), "aadhaar": _many(identifiers.aadhaar),
    "secret words": _many(_keyword), "secrets": _many(_secret),
    "secret words unbroken": _many(_keyword, ""), "base64 of json": _many(_encoded),
    "random digits": _many(lambda rng: identifiers.digits(rng, 40), ""),
    "random base64": _many(lambda rng: base64.b64encode(rng.randbytes(60)).decode(), ""), "json in json": _nested,
    "base64 in base64": _base64_levels,
    "many columns": _wide_csv, "many cells": _wide_markdown,
    "list of e-mails": _json_of(lambda index: f"u{index}@example.com"),
    "list of objects": _json_of(lambda index: {"email": index}),
    "list of numbers": _json_of(lambda index: index * 7919),
}  # fmt: skip

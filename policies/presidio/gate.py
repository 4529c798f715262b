"""Which texts deserve Presidio's time: cheap, and without importing it.

Leaves of tool results are mostly ids, timestamps, states and numbers. Patterns get what has digits enough for one of
them, or what a user's own patterns may match; models get prose. What is spared can hold nothing that is looked for,
except a name that stands all alone: under a key that says so, our own rules find it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from policies.detect.finding import Near
from policies.presidio.config import PresidioConfig
from policies.presidio.installed import class_of, document, models

_FEWEST: Final[Mapping[str, int]] = {
    "CryptoRecognizer": 0, "EmailRecognizer": 0, "UrlRecognizer": 0, "ItFiscalCodeRecognizer": 0,
    "DeHandelsregisterRecognizer": 1, "DeKfzRecognizer": 1, "IpRecognizer": 0, "ItDriverLicenseRecognizer": 1,
    "MacAddressRecognizer": 0, "UkPostcodeRecognizer": 0, "UkVehicleRegistrationRecognizer": 1,
    "UsHealthInsuranceMemberIdRecognizer": 1, "UuidRecognizer": 0, "ZaLicensePlateRecognizer": 2,
    "CaPostalCodeRecognizer": 3, "DateRecognizer": 2, "IbanRecognizer": 2, "TrLicensePlateRecognizer": 3,
    "UkNinoRecognizer": 3, "UsDriverLicenseRecognizer": 3, "UsLicenseRecognizer": 3, "UsMbiRecognizer": 2,
    "InGstinRecognizer": 2, "UsClaimNumberRecognizer": 1, "UsPriorAuthorizationNumberRecognizer": 1,
    "UsReferralNumberRecognizer": 1, "UsPrescriptionNumberRecognizer": 1, "DePassportRecognizer": 1,
    "DeIdCardRecognizer": 1,
}  # fmt: skip
"""Digits that the patterns of a recognizer need at least, where that is fewer than four (read off its source)."""
_USUAL: Final = 4
_AS_SHAPED: Final = frozenset({"UuidRecognizer", "DateRecognizer", "UrlRecognizer"})
"""Look for what is benign to all others."""

_BENIGN: Final = re.compile(
    r"\s*+(?:"
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    r"|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
    r"|(?:sha(?:1|256|512)[:-])?(?:[0-9a-f]{128}|[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})"
    r"|v?[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}(?:[-+][0-9A-Za-z.-]{1,40})?"
    r"|arn:[a-z-]{1,20}:[^\s]{1,300}"
    r"|[+-]?[0-9]{1,9}\.[0-9]{1,6}%?"
    r")\s*+\Z"
)
_CAPITAL: Final = r"[A-Z\u00c0-\u00d6\u00d8-\u00de\u0370-\u1fff\u3040-\uffff]"
_PROSE: Final = re.compile(
    rf"(?<![^\W_])(?={_CAPITAL})[^\W\d_]{{1,40}}+[.,]? {{1,2}}[^\W\d_]"
    rf"|[^\W\d_][.,:;!?]? {{1,2}}(?={_CAPITAL})[^\W\d_]{{2}}"
    r"|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{4}"
)
"""A word with a capital letter beside another word; or letters of a script that writes without spaces."""
_CODE: Final = re.compile(r"[{}()\[\];=<>|\\\"`$#]")
_MOST_CODE: Final = 16
"""One sign of code among so many characters is too many for prose."""


def is_prose(text: str) -> bool:
    """Whether a model may find a name in it. Linear."""
    return _PROSE.search(text) is not None and sum(1 for _ in _CODE.finditer(text)) * _MOST_CODE <= len(text) + 32


class Gate:
    """Made from the config, beside whose file the users' files and modules are. Threads share it.

    Raises OSError or ValueError for a file that cannot be read; `problems.py` says so first, and better.
    """

    def __init__(self, config: PresidioConfig, beside: Path | None = None) -> None:
        entries = [entry for file in config.files for entry in document((beside or Path()) / file)]
        named = [name for name in config.recognizers if ":" not in name]
        classes = [*named, *(name for entry in entries if (name := class_of(entry)))]
        self.reads = bool(models(config))
        """Whether there is a model."""
        self.in_use = self.reads or bool(config.recognizers or entries)
        """False when nothing of Presidio is wanted: it is never to be loaded."""
        self._fewest = min((_FEWEST.get(name, _USUAL) for name in classes), default=None)
        self._shaped = not _AS_SHAPED.isdisjoint(classes)
        self._anything = len(named) < len(config.recognizers)
        self._own = _any_of([entry for entry in entries if class_of(entry) is None])

    def deserves(self, text: str, near: Near) -> bool:
        """Whether Presidio is to look at this text, which stands under these keys."""
        if self._own is not None and self._own(text):
            return True
        if self._anything:
            return True
        if not self._shaped and _BENIGN.match(text):
            return False
        return self._enough(text) or self.prose(text)

    def prose(self, text: str) -> bool:
        return self.reads and is_prose(text)

    def patterned(self, text: str) -> bool:
        """Whether a pattern may match in this part of a text."""
        return self._anything or self._enough(text) or (self._own is not None and self._own(text))

    def _enough(self, text: str) -> bool:
        return self._fewest is not None and sum(map(text.count, "0123456789")) >= self._fewest


def _any_of(entries: Sequence[Mapping[str, Any]]) -> Callable[[str], bool] | None:
    """Whether one of the users' own patterns or words may match: true too often, never too seldom.

    Their patterns are searched by re2, in linear time; where it lacks what they use, every text may match. So may
    every text that is not ASCII: its word characters are.
    """
    if not entries:
        return None
    patterns = [str(each["regex"]) for entry in entries for each in entry.get("patterns") or ()]
    words = [re.escape(str(word)) for entry in entries for word in entry.get("deny_list") or ()]
    searching = _compiled([*patterns, *words])

    def may(text: str) -> bool:
        return searching is None or not text.isascii() or searching(text)

    return may


def _compiled(patterns: Iterable[str]) -> Callable[[str], bool] | None:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    try:
        one = re2.compile("(?ims)" + "|".join(f"(?:{pattern})" for pattern in patterns), options)
    except re2.error:
        return None
    return lambda text: one.search(text) is not None

"""Presidio's recognizers and the users', made safe: no pattern is dropped, no network asked, no score searched slowly.

Only `loading.py` imports this module: it imports Presidio.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import regex  # type: ignore[import-untyped]
import tldextract
from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, predefined_recognizers
from presidio_analyzer.predefined_recognizers import EmailRecognizer, UrlRecognizer
from presidio_analyzer.recognizer_registry.recognizers_loader_utils import RecognizerListLoader

from policies.finding import PolicyConfigError, failed, unknown
from policies.presidio.errors import RecognitionTimeError
from policies.presidio.installed import class_of
from policies.presidio.theirs import Recognizer

_FLAGS: Final = regex.DOTALL | regex.MULTILINE | regex.IGNORECASE
_URL: Final = (
    r"(?<![a-z0-9+.-])https?://[^\s<>\"'`{}|\\^]++",
    (
        r"(?<![a-z0-9@._/-])(?:[a-z0-9](?:[a-z0-9-]{0,61}+)\.(?=[a-z0-9])){1,20}+"
        r"(?:com|org|net|edu|gov|int|mil|io|info|biz|[a-z]{2})(?![a-z0-9@-]|\.[a-z0-9])(?:/[^\s<>\"']*+)?"
    ),
)
"""In place of Presidio's, which are quadratic: addresses with a scheme (RFC 3986), and bare names of common domains."""


class TimedExpression:
    """A compiled pattern that raises RecognitionTimeError where `regex` raises TimeoutError.

    `PatternRecognizer` catches the latter, logs it and goes on without the pattern: what it would find is let through.
    """

    def __init__(self, expression: Any, name: str, seconds: float) -> None:
        self._expression, self._name, self._seconds = expression, name, seconds

    def finditer(self, text: str, timeout: float | None = None) -> Iterator[Any]:
        """Matches, in order. `timeout`, Presidio's own, does not count."""
        matches = self._expression.finditer(text, timeout=self._seconds)
        late = False
        while True:
            try:
                match = next(matches)
            except StopIteration:
                return
            except TimeoutError:
                late = True
            if late:
                raise RecognitionTimeError(f"a pattern of {self._name} took too long")
            yield match


def timed(recognizer: EntityRecognizer, seconds: float) -> Recognizer:
    """The recognizer, its patterns with a time limit that raises and its e-mail check without a network."""
    if isinstance(recognizer, PatternRecognizer):
        given = recognizer.global_regex_flags
        flags = _FLAGS if given is None else given
        recognizer.global_regex_flags = flags
        if type(recognizer) is UrlRecognizer:
            vars(recognizer)["patterns"] = [Pattern("scheme", _URL[0], 0.6), Pattern("bare", _URL[1], 0.5)]
        patterns: list[Pattern] = vars(recognizer)["patterns"]
        vars(recognizer)["patterns"] = [
            _timed(each, flags, str(vars(recognizer)["name"]), seconds) for each in patterns
        ]
    if isinstance(recognizer, EmailRecognizer) and type(recognizer).validate_result is EmailRecognizer.validate_result:
        extract = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())
        vars(recognizer)["validate_result"] = lambda found: extract(found).fqdn != ""
    return cast(Recognizer, recognizer)


def _timed(pattern: Pattern, flags: int, name: str, seconds: float) -> Pattern:
    """A copy: those of a class are shared by all its instances."""
    copy = Pattern(pattern.name, pattern.regex, pattern.score)
    compiled = TimedExpression(regex.compile(pattern.regex, flags), name, seconds)
    vars(copy).update(compiled_regex=compiled, compiled_with_flags=flags)
    return copy


def named(name: str, beside: Path | None) -> EntityRecognizer:
    """Presidio's recognizer of this name, or the user's `module:Class`. Raises PolicyConfigError."""
    return _made(_class(name, beside) if ":" in name else getattr(predefined_recognizers, name), name, beside)


def _class(address: str, beside: Path | None) -> type[EntityRecognizer]:
    module_name, _, class_name = address.partition(":")
    if beside is not None and str(beside) not in sys.path:
        sys.path.append(str(beside))  # last: nothing of theirs shadows anything of ours
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - code of others: whatever it raises is a finding
        why = failed(error, beside)
        raise PolicyConfigError([f"recognizers: importing {module_name!r} raised {why}"]) from None
    found = vars(module).get(class_name)
    if isinstance(found, type) and issubclass(found, EntityRecognizer):
        return found
    if found is not None:
        raise PolicyConfigError([f"recognizers: {address!r} is not a subclass of Presidio's EntityRecognizer"])
    classes = [each for each, value in vars(module).items() if isinstance(value, type)]
    raise PolicyConfigError([f"recognizers: module {module_name!r}: {unknown('class', class_name, classes)}"])


def _made(owner: type[Any], name: str, beside: Path | None) -> EntityRecognizer:
    try:
        made = owner()
        assert isinstance(made, EntityRecognizer)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - code of others: whatever it raises is a finding
        raise PolicyConfigError([f"recognizers: {name!r} cannot be built: {failed(error, beside)}"]) from None
    return made


def declared(entries: Sequence[Mapping[str, Any]], file: str) -> list[EntityRecognizer]:
    """The recognizers of a file's entries, of every language they name. Raises PolicyConfigError."""
    made: list[EntityRecognizer] = []
    for entry in entries:
        languages = _languages(entry)
        try:
            made += RecognizerListLoader.get(
                recognizers=cast(dict[str, Any], [_plain(entry)]),  # a list, whatever its type says
                supported_languages=languages,
                global_regex_flags=_FLAGS,
            )
        except Exception as error:  # noqa: BLE001 - what Presidio or the user's pattern raises is a finding
            why = failed(error, None).partition(" at ")[0]
            raise PolicyConfigError([f"files: {file}: recognizer {entry['name']!r} cannot be built: {why}"]) from None
    return made


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in entry.items() if key != "enabled"}
    return kept if class_of(entry) else {**kept, "type": "custom"}


def _languages(entry: Mapping[str, Any]) -> list[str]:
    """Patterns are of no language: one recognizer for each that the file names, or a single one."""
    many = entry.get("supported_languages") or [entry.get("supported_language") or "en"]
    return [str(each["language"]) if isinstance(each, Mapping) else str(each) for each in many]

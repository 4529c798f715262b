"""What is wrong with a policies.toml, or with a policy that does not start, without values: those may be secrets."""

from __future__ import annotations

import difflib
import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from policies.model import Json
from policies.policy import SecretError


class PolicyConfigError(Exception):
    """All that is wrong with the policies; each finding names the file, the table, the policy and the key."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = tuple(findings)


class UnknownNameError(ValueError):
    """For validators of a `Config`: names that are none of the valid ones. The message names only valid ones."""

    def __init__(self, kind: str, given: Iterable[str], valid: Iterable[str]) -> None:
        known = sorted(valid)
        wrong = [(number, name) for number, name in enumerate(given, 1) if name not in known]
        super().__init__("; ".join(f"{kind} {number} is unknown: {_hint(name, known)}" for number, name in wrong))


class SaidError(ValueError):
    """For validators of a `Config`: a sentence that repeats nothing of what was given, and is shown as it is."""


def unknown(kind: str, given: str, valid: Iterable[str]) -> str:
    """`unknown key 'mdoe': did you mean 'mode'?`"""
    return f"unknown {kind} {given!r}: {_hint(given, sorted(valid))}"


def failed(error: BaseException, near: Path | None) -> str:
    """`ValueError at mine.py:12`: the type and the place, not the text.

    Of a config that is wrong or a secret that is missing, the text: it names places and references, no values.
    """
    place = _place(error, near)
    if isinstance(error, SecretError | PolicyConfigError):
        return f"{error} ({place})" if place else str(error)
    return f"{type(error).__name__} at {place}" if place else type(error).__name__


def folder_of(owner: type) -> Path | None:
    """The folder of the file that declares the class."""
    file = getattr(sys.modules.get(owner.__module__), "__file__", None)
    return Path(file).resolve().parent if file else None


def config_findings(error: ValidationError, model: type[BaseModel], config: Json) -> Iterator[str]:
    """One finding for each error of a `config` table: the key's path and what is wrong."""
    given = {text for text in _texts(config) if len(text) > 3}
    for item in error.errors(include_url=False):
        path = ".".join(map(str, ("config", *item["loc"])))
        if item["type"] == "extra_forbidden":
            yield f"{path}: {unknown('key', str(item['loc'][-1]), _siblings(model, item['loc']))}"
        else:
            yield f"{path}: {_wrong(item, given)}"


def _wrong(item: Mapping[str, Any], given: Iterable[str]) -> str:
    """What pydantic or a validator says, unless it repeats something of what was given."""
    cause = item.get("ctx", {}).get("error")
    if isinstance(cause, UnknownNameError | SaidError):
        return str(cause)
    said = str(item["msg"])
    if item["type"] == "literal_error":  # says what is valid, and nothing of what was given
        valid = str(item["ctx"]["expected"]).replace("' or '", "', '").strip("'").split("', '")
        near = difflib.get_close_matches(str(item["input"]), valid, n=1, cutoff=0.5)
        return f"{said}; did you mean {near[0]!r}?" if near else said
    return str(item["type"]) if any(text in said for text in given) else said


def _hint(given: str, known: Sequence[str]) -> str:
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(given.lower(), by_lower, n=1, cutoff=0.5)
    return f"did you mean {by_lower[near[0]]!r}?" if near else f"valid are {', '.join(known) or 'none'}"


def _place(error: BaseException, near: Path | None) -> str:
    """`FILE:LINE` of the last frame in the author's own files, else of the last one outside the import machinery."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_file():
        return f"{_shown(error.filename, near)}:{error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    told = [frame for frame in frames if _is_own(frame.filename, near)] or frames
    return f"{_shown(told[-1].filename, near)}:{told[-1].lineno}" if told else ""


def _is_own(file: str, near: Path | None) -> bool:
    return near is not None and "site-packages" not in file and Path(file).resolve().is_relative_to(near)


def _shown(file: str, near: Path | None) -> str:
    return os.path.relpath(Path(file).resolve(), near) if _is_own(file, near) else file


def _siblings(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that are valid where `loc` leads, its last step aside; none where that cannot be told."""
    for step in loc[:-1]:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if isinstance(step, str) and step in fields:
            inner = _model_in(fields[step].annotation)
            if inner is None:
                return []
            model = inner
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The model that a field holds, or that its tuple or union does."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        for child in value.values():
            yield from _texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child)
    elif not isinstance(value, bool):
        yield str(value)

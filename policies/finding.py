"""What is wrong with a policies.toml, said without its values: those may be secrets."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic import BaseModel, ValidationError

from policies.model import Json


class PolicyConfigError(Exception):
    """All that is wrong with the policies; each finding names the file, the table, the policy and the key."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = tuple(findings)


def unknown(kind: str, given: str, valid: Iterable[str]) -> str:
    """`unknown key 'mdoe': did you mean 'mode'?`"""
    known = sorted(valid)
    near = difflib.get_close_matches(given, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"valid are {', '.join(known) or 'none'}"
    return f"unknown {kind} {given!r}: {hint}"


def config_findings(error: ValidationError, model: type[BaseModel], config: Json) -> Iterator[str]:
    """One finding for each error of a `config` table: the key's path and what is wrong."""
    given = {text for text in _texts(config) if len(text) > 3}
    for item in error.errors(include_url=False, include_input=False):
        path = ".".join(map(str, ("config", *item["loc"])))
        if item["type"] == "extra_forbidden":
            yield f"{path}: {unknown('key', str(item['loc'][-1]), _siblings(model, item['loc']))}"
        else:
            quotes = any(text in item["msg"] for text in given)
            yield f"{path}: {item['type'] if quotes else item['msg']}"


def _siblings(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    if len(loc) > 1:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        for child in value.values():
            yield from _texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child)
    elif not isinstance(value, bool):
        yield str(value)

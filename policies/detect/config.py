"""The keys that the config tables of `redact` and `tokenize` have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field, field_validator

from policies.detect.entities import ENTITIES, LOCALES, OPTIONAL
from policies.finding import UnknownNameError
from policies.policy import PolicyConfig

_KNOWN: Final = (*ENTITIES, *OPTIONAL)
SCANNED: Final[Mapping[str, Literal["pass", "scan", "deny"]]] = {
    "text/*": "scan",
    "application/json": "scan",
    "application/*+json": "scan",
    "application/xml": "scan",
    "application/*+xml": "scan",
    "application/yaml": "scan",
    "image/svg+xml": "scan",
    "application/octet-stream": "scan",
}
"""Blobs that are text. What says nothing of its kind counts as an octet stream, and is read where it is UTF-8."""


class DetectConfig(PolicyConfig):
    """`max_text` is in characters of one text, `max_bytes` in bytes of the compact JSON of a result or of params.

    `max_seconds` is processor time for one body. `blobs` maps globs of MIME types to what is done with such content;
    the first that matches counts, and what none matches passes. `tool_texts` covers tools' descriptions and titles.
    """

    entities: tuple[str, ...] = ENTITIES
    locales: tuple[str, ...] = LOCALES
    threshold: float = Field(default=0.4, ge=0, le=1)
    arguments: bool = False
    tool_texts: bool = True
    blobs: Mapping[str, Literal["pass", "scan", "deny"]] = SCANNED
    max_text: int = Field(default=2 << 20, ge=1)
    max_bytes: int = Field(default=2 << 20, ge=1)
    max_seconds: float = Field(default=2.0, gt=0)

    @field_validator("entities")
    @classmethod
    def _known(cls, entities: tuple[str, ...]) -> tuple[str, ...]:
        if not entities:
            raise ValueError(f"none is named; valid are {', '.join(_KNOWN)}")
        return named("entity", entities, _KNOWN)

    @field_validator("locales")
    @classmethod
    def _located(cls, locales: tuple[str, ...]) -> tuple[str, ...]:
        return named("locale", locales, LOCALES)


def named(kind: str, given: tuple[str, ...], valid: tuple[str, ...]) -> tuple[str, ...]:
    """The same names. Raises UnknownNameError for those that are not valid."""
    if set(given) - set(valid):
        raise UnknownNameError(kind, given, valid)
    return given

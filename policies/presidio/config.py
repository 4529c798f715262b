"""The table `[policy.config.presidio]`: what of Presidio is used. Nothing of it is, unless asked for or installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

NAMES: Final = ("PERSON", "LOCATION", "NRP")
"""What is asked of a model by default: its organisations and dates are wrong too often to be left on."""
OF_MODELS: Final = frozenset({*NAMES, "ORGANIZATION", "DATE_TIME", "AGE", "ID", "EMAIL", "PHONE_NUMBER"})
"""What Presidio makes of the labels of a spaCy, Stanza or transformers model."""


class Model(BaseModel):
    """A model by hand. `model` is an installed package or a path on disk; it is never downloaded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: Literal["spacy", "stanza", "transformers", "gliner"]
    model: str = Field(min_length=1)


def _kind(value: object) -> str:
    return "table" if isinstance(value, Mapping | Model) else "word"


class PresidioConfig(BaseModel):
    """`recognizers`: names of Presidio's (`KrRrnRecognizer`), or your own as `module:Class`.

    `files`: Presidio's recognizer files in YAML, beside the policy file. `entities`: what to look for; all that the
    recognizers know and, of a model, people, places and groups, when left empty. `languages`: of the texts that a
    model reads (patterns are of no language). `nlp`: `auto` takes spaCy models that are installed, `none` takes none.
    `threshold`: the least score of a finding. `max_seconds`: of one result, by the clock; over it, it is denied.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    recognizers: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    languages: tuple[str, ...] = Field(default=("en",), min_length=1)
    nlp: Annotated[
        Annotated[Literal["auto", "none"], Tag("word")] | Annotated[Model, Tag("table")], Discriminator(_kind)
    ] = "auto"
    threshold: float = Field(default=0.4, ge=0, le=1)
    max_seconds: float = Field(default=5.0, gt=0, le=30)

    @field_validator("nlp", mode="before")
    @classmethod
    def _word_or_table(cls, value: object) -> object:
        if value not in ("auto", "none") and not isinstance(value, Mapping | Model):
            raise ValueError("must be 'auto', 'none', or a table with an engine and a model")
        return value

    @field_validator("entities")
    @classmethod
    def _upper(cls, entities: tuple[str, ...]) -> tuple[str, ...]:
        for number, entity in enumerate(entities, 1):
            if entity != entity.upper() or not entity:
                raise ValueError(f"entity {number} must be in capitals, as in US_SSN")
        return entities

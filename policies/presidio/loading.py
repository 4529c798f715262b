"""Loading Presidio: a second or two, and 120 MB. Called in a thread, when a text first deserves it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from policies.finding import PolicyConfigError, failed, unknown
from policies.presidio.config import NAMES, PresidioConfig
from policies.presidio.finder import PresidioFinder
from policies.presidio.gate import Gate
from policies.presidio.installed import MISSING, document, models
from policies.presidio.problems import problems
from policies.presidio.theirs import Reader, Recognizer

_LOGS: Final = ("presidio-analyzer", "decision_process")
"""Presidio's loggers, https://github.com/data-privacy-stack/presidio: they write values that fail a checksum."""


def load(config: PresidioConfig, beside: Path | None = None) -> PresidioFinder:
    """Import Presidio and build what the config asks for. Files and modules are looked for in the folder `beside`.

    Nothing is downloaded. Raises PolicyConfigError with what is wrong, each finding headed by its key.
    """
    if find_spec("presidio_analyzer") is None:
        raise PolicyConfigError([MISSING])
    if found := problems(config, beside):
        raise PolicyConfigError(found)
    for name in _LOGS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        from presidio_analyzer.pattern_recognizer import REGEX_TIMEOUT_SECONDS

        from policies.presidio import models as models_
        from policies.presidio import recognizers
    except ImportError as error:
        raise PolicyConfigError([f"Presidio cannot be imported: {failed(error, None)}"]) from None
    if config.max_seconds >= REGEX_TIMEOUT_SECONDS:  # then a pattern that Presidio drops would not show
        raise PolicyConfigError(["max_seconds: must be less than REGEX_TIMEOUT_SECONDS of the environment"])
    made = [recognizers.named(name, beside) for name in config.recognizers]
    for file in config.files:
        made += recognizers.declared(document((beside or Path()) / file), file)
    limited = [recognizers.timed(each, config.max_seconds) for each in made]
    readers = models_.readers(models(config))
    return PresidioFinder(
        Gate(config, beside),
        limited,
        readers,
        entities=_entities(config, limited, readers),
        config=config,
        split=models_.WordsOnly(config.languages),
    )


def _entities(config: PresidioConfig, recognizers: Sequence[Recognizer], readers: Sequence[Reader]) -> frozenset[str]:
    """What is asked for; without that, all that recognizers find, and of what models find, the usual."""
    known = frozenset(entity for each in recognizers for entity in each.supported_entities)
    read = frozenset(entity for each in readers for entity in each.recognizer.supported_entities)
    if not config.entities:
        return known | read.intersection(NAMES)
    if strange := [entity for entity in config.entities if entity not in known | read]:
        said = [f"entities: {unknown('entity', entity, known | read)} (of what is loaded)" for entity in strange]
        raise PolicyConfigError(said)
    return frozenset(config.entities)

"""What is wrong with the table, told at start, without importing Presidio: all findings at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from policies.finding import unknown
from policies.presidio.config import Model, PresidioConfig
from policies.presidio.installed import MISSING, class_of, document, is_package, module_exists, recognizer_names

_ADDRESS: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*")
_REFUSED: Final[Mapping[str, str]] = {
    "third_party": "asks a service in the network",
    "ner": "loads a model: name it in `nlp`",
    "nlp_engine_recognizers": "comes with a model: name it in `nlp`",
}
_LIBRARIES: Final = {"spacy": "spacy", "stanza": "stanza", "transformers": "transformers", "gliner": "gliner"}


def problems(config: PresidioConfig, beside: Path | None = None) -> list[str]:
    """`key: what is wrong and what to do`, for each; empty when Presidio is not wanted, or all is there.

    What only shows once Presidio is imported (a class that is none, an entity that nothing finds), `load` says.
    """
    wanted = bool(config.recognizers or config.files) or isinstance(config.nlp, Model)
    if wanted and find_spec("presidio_analyzer") is None:
        return [MISSING]
    known = recognizer_names() if wanted else {}
    return [*_recognizers(config, known, beside), *_files(config, known, beside), *_model(config)]


def _recognizers(config: PresidioConfig, known: Mapping[str, str], beside: Path | None) -> Iterator[str]:
    for name in config.recognizers:
        if ":" not in name:
            if said := _named(name, known):
                yield f"recognizers: {said}"
        elif not _ADDRESS.fullmatch(name):
            yield f"recognizers: {name!r} is not 'module:Class'"
        elif not module_exists(name.partition(":")[0], beside):
            where = f"neither in {beside} nor installed" if beside else "not installed"
            yield f"recognizers: there is no module {name.partition(':')[0]!r}: it is {where}"


def _named(name: str, known: Mapping[str, str]) -> str | None:
    offered = [each for each, folder in known.items() if folder not in _REFUSED]
    if name not in known:
        return f"{unknown('recognizer', name, offered)} (your own class is 'module:Class')"
    return f"{name} {_REFUSED[known[name]]}" if known[name] in _REFUSED else None


def _files(config: PresidioConfig, known: Mapping[str, str], beside: Path | None) -> Iterator[str]:
    for file in config.files:
        path = (beside or Path()) / file
        try:
            entries = document(path)
        except FileNotFoundError:
            yield f"files: {path}: there is no such file"
        except OSError as error:
            yield f"files: {path}: cannot be read ({error.strerror})"
        except ValueError as error:
            yield f"files: {path}: {error}"
        else:
            names = (name for entry in entries if (name := class_of(entry)))
            yield from (f"files: {path}: {said}" for name in names if (said := _named(name, known)))


def _model(config: PresidioConfig) -> Iterator[str]:
    if not isinstance(config.nlp, Model):
        return
    engine, model = config.nlp.engine, config.nlp.model
    on_disk = Path(model).exists()
    if find_spec(_LIBRARIES[engine]) is None:
        yield f"nlp.engine: {engine} is not installed: pip install {_LIBRARIES[engine]}"
    if engine == "spacy" and not on_disk and not is_package(model):
        yield f"nlp.model: {model!r} is neither an installed package nor a path: install it, nothing is downloaded"
    elif engine != "spacy" and not on_disk:
        yield f"nlp.model: there is no folder {model!r}: put the model there, nothing is downloaded"
    if engine in ("transformers", "gliner") and os.environ.get("HF_HUB_OFFLINE") != "1":
        yield f"nlp.engine: {engine} needs HF_HUB_OFFLINE=1 in the environment: its libraries may ask the network"

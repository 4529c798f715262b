"""What of Presidio is there, learnt without importing it: it takes a second to import."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from policies.presidio.config import OF_MODELS, Model, PresidioConfig

MISSING: Final = "Presidio is not installed: pip install mcp-policy-proxy[presidio]"
_SIZES: Final = ("lg", "trf", "md", "sm")


def recognizer_names() -> Mapping[str, str]:
    """Presidio's recognizers by name, with the folder that declares each (`generic`, `ner`); none when it is missing.

    Read from the `from .folder.module import Name` lines of its package.
    """
    spec = find_spec("presidio_analyzer")
    if spec is None or spec.origin is None:
        return {}
    source = Path(spec.origin).parent / "predefined_recognizers" / "__init__.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {
        alias.asname or alias.name: _folder(str(node.module))
        for node in imports
        for alias in node.names
        if alias.name.endswith("Recognizer")
    }


def _folder(module: str) -> str:
    parts = module.removeprefix("presidio_analyzer.predefined_recognizers.").split(".")
    return parts[0]


def is_package(name: str) -> bool:
    """Whether a distribution of this name is installed: spaCy's own test (`spacy.util.is_package`), without spaCy."""
    try:
        distribution(name)
    except (PackageNotFoundError, ValueError):
        return False
    return True


def spacy_models(languages: tuple[str, ...]) -> dict[str, str]:
    """The largest installed spaCy model of each language that has one (https://spacy.io/models#conventions)."""
    names = sorted({point.name for point in entry_points(group="spacy_models")})
    found: dict[str, str] = {}
    for language in languages:
        ours = [name for name in names if re.fullmatch(rf"{re.escape(language)}_\w+", name) and is_package(name)]
        if ours:
            found[language] = min(ours, key=lambda name: (_rank(name), name))
    return found


def _rank(name: str) -> int:
    size = name.rpartition("_")[2]
    return _SIZES.index(size) if size in _SIZES else len(_SIZES)


def models(config: PresidioConfig) -> dict[str, Model]:
    """The model that reads each language; empty when none is asked for, or none is installed and none required."""
    if isinstance(config.nlp, Model):
        return dict.fromkeys(config.languages, config.nlp)
    if config.nlp == "none" or (config.entities and OF_MODELS.isdisjoint(config.entities)):
        return {}
    return {language: Model(engine="spacy", model=name) for language, name in spacy_models(config.languages).items()}


def document(path: Path) -> list[dict[str, Any]]:
    """The recognizers that a YAML file declares, those switched off left out; a bare name stands for Presidio's own.

    Raises OSError, and ValueError saying what is wrong with it.
    """
    import yaml

    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise ValueError(f"not valid YAML{f' (line {mark.line + 1})' if mark else ''}") from None
    if not isinstance(read, dict) or not isinstance(read.get("recognizers"), list):
        raise ValueError("must have a list `recognizers`")
    entries = [{"name": each, "type": "predefined"} if isinstance(each, str) else each for each in read["recognizers"]]
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise ValueError(f"recognizer {number} must be a table with a name")
        if entry.get("type", "custom") not in ("predefined", "custom"):
            raise ValueError(f"recognizer {number}: type must be 'predefined' or 'custom'")
    return [entry for entry in entries if entry.get("enabled", True)]


def class_of(entry: Mapping[str, Any]) -> str | None:
    """The name of Presidio's class that the entry of a file asks for; None for patterns of its own."""
    return str(entry.get("class_name") or entry["name"]) if entry.get("type") == "predefined" else None


def module_exists(name: str, beside: Path | None) -> bool:
    """Whether a module's first name can be found, in the folder `beside` too."""
    first = name.partition(".")[0]
    if find_spec(first) is not None:
        return True
    return beside is not None and PathFinder.find_spec(first, [str(beside)]) is not None

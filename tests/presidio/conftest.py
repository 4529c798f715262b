"""Models without weights: spaCy pipelines whose names are given by rules, on disk and as an installed package."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAME = "en_core_web_sm"


@pytest.fixture
def installed_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A distribution that says it is a spaCy model."""
    site = tmp_path / "site"
    package, metadata = site / NAME, site / f"{NAME}-3.8.0.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir()
    (package / "__init__.py").write_text(
        "from pathlib import Path\n\n\ndef load(**overrides):\n    import spacy\n\n"
        "    return spacy.load(Path(__file__).parent / 'data', **overrides)\n"
    )
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 3.8.0\n")
    (metadata / "entry_points.txt").write_text(f"[spacy_models]\n{NAME} = {NAME}\n")
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    yield NAME
    monkeypatch.delitem(__import__("sys").modules, NAME, raising=False)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would have gone to the network."""
    asked: list[str] = []

    def refuse(*given: Any, **_kwargs: Any) -> Any:
        asked.append(repr(given[:2]))
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    return asked

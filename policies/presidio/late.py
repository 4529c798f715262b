"""Presidio as late as can be: loaded by the first text that deserves it, in a thread, never where others wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from policies.detect.finding import ElsewhereError, Finder, Finding, Near
from policies.presidio.config import PresidioConfig
from policies.presidio.finder import PresidioFinder
from policies.presidio.gate import Gate
from policies.presidio.loading import load

_NOTHING: Final[Sequence[Finding]] = ()


class LatePresidio:
    """A Finder. `begin` says, for the running thread, that a body comes, and whether others wait meanwhile."""

    def __init__(self, config: PresidioConfig, folder: Path) -> None:
        """Raises OSError or ValueError for files that cannot be read: `problems` says so first."""
        self._config, self._folder = config, folder
        self._gate = Gate(config, folder)
        self._finder: PresidioFinder | None = None
        self._loading = threading.Lock()
        self._here = threading.local()

    @property
    def in_use(self) -> bool:
        """Whether there is anything of Presidio's to find with."""
        return self._gate.in_use

    @property
    def entities(self) -> frozenset[str]:
        return self._loaded().entities

    def complete(self) -> None:
        """Loads it now, where there is anything to load. Raises PolicyConfigError."""
        if self.in_use:
            self._loaded()

    def begin(self, *, inline: bool) -> None:
        """All texts that this thread asks about from now on are one body's: they share its seconds."""
        self._here.inline, self._here.finder = inline, None

    def find(self, text: str, near: Near, check: Callable[[], None]) -> Sequence[Finding]:
        """Raises ElsewhereError where others wait, RecognitionError, PolicyConfigError when it cannot be loaded."""
        if not self._gate.deserves(text, near):
            return _NOTHING
        if self._here.inline:
            raise ElsewhereError
        if self._here.finder is None:
            self._here.finder = self._loaded().for_result()
        finder: Finder = self._here.finder
        return finder.find(text, near, check)

    def _loaded(self) -> PresidioFinder:
        with self._loading:
            if self._finder is None:
                self._finder = load(self._config, self._folder)
            return self._finder

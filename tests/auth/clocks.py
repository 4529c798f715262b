"""A clock that a test moves by hand."""

from __future__ import annotations

from dataclasses import dataclass

NOON = 1_767_182_400.0
"""2025-12-31T12:00:00Z."""


@dataclass
class Clock:
    now: float = NOON

    def __call__(self) -> float:
        return self.now

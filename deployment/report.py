"""What a verb says: lines for people, or one JSON document on standard output with `--json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from deployment.steps import Change


class Report:
    """Progress goes to standard error always; the answer of a verb to standard output."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def tell(self, line: str) -> None:
        """Progress: one line, at once."""
        print(line, file=sys.stderr, flush=True)

    def changes(self, changes: Sequence[Change]) -> None:
        """A plan as progress: a line a resource, and what differs below it."""
        for change in changes:
            self.tell(f"{change.action:7} {change.resource}")
            for detail in change.details:
                self.tell(f"        {detail}")

    def answer(self, document: Mapping[str, Any], lines: Sequence[str]) -> None:
        """The answer: `document` with --json, else `lines`."""
        print(json.dumps(document, indent=2, default=str) if self.as_json else "\n".join(lines))

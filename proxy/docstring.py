"""A tool's description, taken apart as Google-style docstrings are written: text, `Args:`, `Returns:`, `Raises:`."""

from __future__ import annotations

from typing import Final

SECTIONS: Final = {"Args:": "args", "Returns:": "returns", "Raises:": "raises"}
NONE: Final = "No description available."
NO_MAIN: Final = "(No primary description provided)"
"""What the MCP Gateway Registry puts where there is no text."""


def parsed(description: str) -> dict[str, str | None]:
    """`main`, `args`, `returns` and `raises`, as the registry reads them when it lists tools by itself.

    A section begins with a line that begins with its name; a section that is not there is None.
    """
    found: dict[str, list[str]] = {"main": []}
    section = "main"
    for line in map(str.strip, description.strip().splitlines()):
        if begun := next((name for name in SECTIONS if line.startswith(name)), None):
            section, line = SECTIONS[begun], line.removeprefix(begun)
            found[section] = []
        found[section].append(line)
    told = {name: "\n".join(lines).strip() for name, lines in found.items()}
    main = told["main"] or (NO_MAIN if len(told) > 1 else NONE)
    return {"main": main, **{name: told.get(name) for name in SECTIONS.values()}}

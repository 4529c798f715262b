"""Tables as text: aligned columns for the console, and Markdown for the docs."""

from collections.abc import Callable, Sequence

Line = tuple[str, ...]
Draw = Callable[[Line, Sequence[Line]], str]


def plain(headings: Line, lines: Sequence[Line]) -> str:
    table = [headings, *lines]
    widths = [max(len(line[column]) for line in table) for column in range(len(headings))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in table)


def markdown(headings: Line, lines: Sequence[Line]) -> str:
    table = [headings, ("---",) * len(headings), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in table)


def number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def span(values: Sequence[float], digits: int) -> str:
    """The least and the most."""
    return f"{min(values):,.{digits}f}–{max(values):,.{digits}f}" if values else "–"

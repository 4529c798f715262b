"""The figures as an SVG drawing: horizontal bars on a logarithmic scale, a group per form and concurrency."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.report import Row

WIDTH, LEFT, RIGHT, BAR, GAP = 760, 130, 90, 16, 5
LOWEST, HIGHEST = 10.0, 100_000.0
COLOURS = {
    "proxy": "#0b6e4f",
    "proxy_door": "#3f9b7a",
    "create_proxy": "#b23a48",
    "create_proxy_lean": "#b23a48",
    "echo": "#4a6fa5",
}
OTHER = "#9aa5b1"
STYLE = "text{font:12px system-ui,sans-serif;fill:#1f2933}.h{font-weight:600}.s{fill:#616e7c}"


def _across(cpu_us: float) -> float:
    part = math.log(max(cpu_us, LOWEST) / LOWEST) / math.log(HIGHEST / LOWEST)
    return LEFT + part * (WIDTH - LEFT - RIGHT)


def _text(x: float, y: float, text: str, *, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def _bar(row: Row, y: float) -> Iterator[str]:
    assert row.cpu_us is not None
    end, colour = _across(row.cpu_us), COLOURS.get(row.server, OTHER)
    kind = "h" if row.server == "proxy" else ""
    yield _text(LEFT - 8, y + 12, row.server, kind=kind, anchor="end")
    yield f'<rect x="{LEFT}" y="{y:.1f}" width="{end - LEFT:.1f}" height="{BAR}" rx="2" fill="{colour}"/>'
    yield _text(end + 6, y + 12, f"{row.cpu_us:,.0f} µs", kind="s")


def _grid(top: float, bottom: float) -> Iterator[str]:
    for power in range(round(math.log10(LOWEST)), round(math.log10(HIGHEST)) + 1):
        x = _across(10.0**power)
        yield f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="#e4e7eb"/>'
        yield _text(x, bottom + 16, f"{10**power:,} µs", kind="s", anchor="middle")


def svg(measured: Sequence[Row]) -> str:
    """The drawing; rows without a figure are left out."""
    shown = [row for row in measured if row.cpu_us is not None]
    parts: list[str] = []
    y = 48.0
    for form, concurrency in dict.fromkeys((row.form, row.concurrency) for row in shown):
        parts.append(_text(LEFT, y + 12, f"{form}, {concurrency} at a time", kind="h"))
        y += BAR + GAP
        for row in shown:
            if (row.form, row.concurrency) == (form, concurrency):
                parts += _bar(row, y)
                y += BAR + GAP
        y += 2 * GAP
    title = _text(16, 24, "CPU time of the server per call, logarithmic scale (shorter is better)", kind="h")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 28:.0f}" role="img">'
    frame = f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([head, frame, title, *_grid(40, y), *parts, "</svg>"]) + "\n"

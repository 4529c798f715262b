"""Where two JSON values differ, told so that a failing test names the field."""

from collections.abc import Iterator
from typing import Any

MISSING = "nothing"


def differences(direct: Any, proxied: Any) -> list[str]:
    """One line per place that differs, by its JSON path; empty when both are deep-equal, types included."""
    return list(_walk("$", direct, proxied))


def _walk(path: str, direct: Any, proxied: Any) -> Iterator[str]:
    if isinstance(direct, dict) and isinstance(proxied, dict):
        for key in [*direct, *(key for key in proxied if key not in direct)]:
            yield from _walk(f"{path}.{key}", direct.get(key, MISSING), proxied.get(key, MISSING))
    elif isinstance(direct, list) and isinstance(proxied, list) and len(direct) == len(proxied):
        for index, (left, right) in enumerate(zip(direct, proxied, strict=True)):
            yield from _walk(f"{path}[{index}]", left, right)
    elif type(direct) is not type(proxied) or direct != proxied:
        yield f"{path}: {_short(direct)} directly, {_short(proxied)} through the proxy"


def _short(value: Any) -> str:
    text = repr(value) if value is not MISSING else MISSING
    return text if len(text) <= 300 else f"{text[:300]}…"

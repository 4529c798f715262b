"""docs/configuration.md says what `proxy/settings.py` and the command line do, row by row."""

from __future__ import annotations

import json
import re
from pathlib import Path

from proxy.explain import read
from proxy.parser import FLAGS
from proxy.settings import PREFIX, Bounds, Settings

DOC = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"


def test_every_document_shown_for_explain_is_one() -> None:
    blocks = re.findall(r"```json\n(.*?)```", DOC.read_text(), re.DOTALL)
    cases = [read(block.encode()) for block in blocks]
    assert [(case.given, case.result is not None) for case in cases] == [
        (True, False),
        (True, True),
        (True, False),
        (False, True),
    ]


def _rows(columns: int) -> list[list[str]]:
    lines = [line for line in DOC.read_text().splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in rows if len(row) == columns]


def _default(value: object) -> str:
    if value is None:
        return "—"
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def test_the_table_of_settings_has_every_variable_flag_and_default() -> None:
    expected = {}
    for name, field in Settings.model_fields.items():
        if name == "bounds":
            continue
        aliases = getattr(field.validation_alias, "choices", [name, PREFIX + name.upper()])
        variables = ", ".join(f"`{alias}`" for alias in aliases if alias != name)
        flag = f"`--{name.replace('_', '-')}`" if name in FLAGS else "—"
        expected[f"`{name}`"] = [variables, flag, _default(field.default)]
    assert {row[0]: row[1:4] for row in _rows(5)} == expected
    assert all(row[4] for row in _rows(5))


def test_the_table_of_bounds_has_every_bound_with_its_default_and_meaning() -> None:
    expected = {
        f"`{PREFIX}BOUNDS__{name.upper()}`": [f"{field.default}".removesuffix(".0"), field.description]
        for name, field in Bounds.model_fields.items()
    }
    found = {row[0]: row[1:] for row in _rows(3) if row[0].startswith(f"`{PREFIX}BOUNDS__")}
    assert found == expected

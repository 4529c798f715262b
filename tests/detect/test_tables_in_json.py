from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from policies.model import ALLOW, Json
from policies.redact import Redact
from policies.testing import result
from tests.detect.redacting import decide, opened, redacted


@pytest.fixture(scope="module")
def policy() -> Iterator[Redact]:
    with opened() as made:
        yield made


ROWS: list[Json] = [[1, "1984-03-12", "882 8080", 12345678], [2, "1985-04-13", None, "x"]]
CLEAN = [[1, "<DATE_OF_BIRTH>", "<PHONE_NUMBER>", 0], [2, "<DATE_OF_BIRTH>", None, "x"]]
NAMES = ["id", "date_of_birth", "phone", "ssn"]
OBJECTS = [{"name": name, "type": "text"} for name in NAMES]


@pytest.mark.parametrize(
    ("columns", "rows"), [("columns", "rows"), ("headers", "data"), ("fields", "values"), ("header", "rows")]
)
@pytest.mark.parametrize("names", [NAMES, OBJECTS])
async def test_each_cell_stands_under_its_columns_name(policy: Redact, columns: str, rows: str, names: Json) -> None:
    table, clean = {columns: names, rows: ROWS}, {columns: names, rows: CLEAN}
    as_structured = await redacted(policy, result(structured=table))
    assert as_structured.structured == clean
    as_text = await redacted(policy, result(json.dumps(table)))
    assert as_text.content[0]["text"] == json.dumps(clean)
    deeper = await redacted(policy, result(structured={"people": [{"a": table}]}))
    assert deeper.structured == {"people": [{"a": clean}]}


async def test_a_table_written_oddly_is_one_as_well(policy: Redact) -> None:
    text = '{ "rows":[["1984-03-12"]],   "columns":["dob"] }'
    clean = await redacted(policy, result(text))
    assert clean.content[0]["text"] == '{ "rows":[["<DATE_OF_BIRTH>"]],   "columns":["dob"] }'


async def test_two_tables_do_not_share_their_columns(policy: Redact) -> None:
    tables = {
        "a": {"columns": ["day", "dob"], "rows": [["1984-03-12", "1985-03-12"]]},
        "b": {"columns": ["dob", "day"], "rows": [["1986-03-12", "1987-03-12"]]},
    }
    clean = await redacted(policy, result(structured=tables))
    assert clean.structured == {
        "a": {"columns": ["day", "dob"], "rows": [["1984-03-12", "<DATE_OF_BIRTH>"]]},
        "b": {"columns": ["dob", "day"], "rows": [["<DATE_OF_BIRTH>", "1987-03-12"]]},
    }


@pytest.mark.parametrize(
    "table",
    [
        {"columns": ["day", "n"], "rows": [["1984-03-12", 12345678]]},
        {"columns": ["dob", 4], "rows": [["1984-03-12"]]},
        {"columns": ["id"], "rows": [["x", "1984-03-12"]]},
        {"columns": "dob", "rows": ["1984-03-12"]},
        {"columns": ["dob"], "rows": {"x": "1984-03-12"}},
    ],
)
async def test_what_is_no_table_says_nothing(policy: Redact, table: Json) -> None:
    assert await decide(policy, result(structured=table)) is ALLOW

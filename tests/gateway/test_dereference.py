"""Listed schemas without references, for gateways that cannot take them in: the same values are valid, or it stays."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from policies.jsontext import dumps
from policies.validation import Validation
from proxy.dereference import MAX_SIZE, StaysError, dereferenced
from proxy.publishing import GROWTH, Publishing
from tests.gateway.tools import SEARCH, fill, found, tool
from tests.mcp_wire import rpc
from tests.rich_upstream import RichUpstream
from tests.running import proxy_before

TEXT = {"type": "string", "minLength": 2, "description": "a text"}
DEFS = {"$defs": {"text": TEXT, "pair": {"type": "array", "items": {"$ref": "#/$defs/text"}}, "any": True}}


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


CASES: list[tuple[str, Any, Any]] = [
    ("nothing to do", obj(a=TEXT), obj(a=TEXT)),
    ("a definition", {**obj(a={"$ref": "#/$defs/text"}), **DEFS}, obj(a=TEXT)),
    ("definitions that nobody names", {**obj(a=TEXT), "definitions": {"t": TEXT}}, obj(a=TEXT)),
    ("one in another", {**obj(a={"$ref": "#/$defs/pair"}), **DEFS}, obj(a={"type": "array", "items": TEXT})),
    (
        "notes beside it win",
        {**obj(a={"$ref": "#/$defs/text", "description": "mine", "default": "xx"}), **DEFS},
        obj(a={**TEXT, "description": "mine", "default": "xx"}),
    ),
    (
        "checks beside it hold as well",
        {**obj(a={"$ref": "#/$defs/text", "maxLength": 3, "allOf": [{"pattern": "^x"}]}), **DEFS},
        obj(a={"maxLength": 3, "allOf": [TEXT, {"pattern": "^x"}]}),
    ),
    (
        "but not in an old dialect",
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            **obj(a={"$ref": "#/$defs/text", "maxLength": 3}),
            **DEFS,
        },
        {"$schema": "http://json-schema.org/draft-07/schema#", **obj(a=TEXT)},
    ),
    ("true is a schema", {**obj(a={"$ref": "#/$defs/any"}), **DEFS}, obj(a=True)),
    ("another place of the schema", obj(a=TEXT, b={"$ref": "#/properties/a"}), obj(a=TEXT, b=TEXT)),
    ("an escaped name", {**obj(a={"$ref": "#/$defs/x~1y%20z"}), "$defs": {"x/y z": TEXT}}, obj(a=TEXT)),
    ("the whole of it", {"$ref": "#/$defs/o", "$defs": {"o": obj(a=TEXT)}}, obj(a=TEXT)),
    (
        "a property called definitions",
        obj(definitions=TEXT, b={"$ref": "#/properties/definitions"}),
        obj(definitions=TEXT, b=TEXT),
    ),
    (
        "a header behind a reference does not begin to count",
        {
            **obj(a={"$ref": "#/$defs/h"}, b={"type": "string", "x-mcp-header": "B"}),
            "$defs": {"h": {**TEXT, "x-mcp-header": "A"}},
        },
        obj(a=TEXT, b={"type": "string", "x-mcp-header": "B"}),
    ),
    *(
        (f"within {word}", {word: [{"$ref": "#/$defs/text"}], **DEFS}, {word: [TEXT]})
        for word in ("allOf", "anyOf", "oneOf", "prefixItems")
    ),
    *(
        (f"within {word}", {word: {"$ref": "#/$defs/text"}, **DEFS}, {word: TEXT})
        for word in ("items", "additionalProperties", "not", "if", "then", "contains", "propertyNames")
    ),
    (
        "within patternProperties",
        {"patternProperties": {"^a": {"$ref": "#/$defs/text"}}, **DEFS},
        {"patternProperties": {"^a": TEXT}},
    ),
]


@pytest.mark.parametrize(("schema", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_references_are_replaced_by_what_they_name(schema: Any, expected: Any) -> None:
    before = dumps(schema)
    assert dereferenced(schema) == expected
    assert dumps(schema) == before, "what the upstream listed is not touched"


INSTANCES = [
    {},
    {"a": "x"},
    {"a": "xx"},
    {"a": "xxxx"},
    {"a": ["xx"]},
    {"a": [1]},
    {"b": "x"},
    {"a": 1, "b": "xx"},
    [],
    ["xx"],
    1,
]


@pytest.mark.parametrize("schema", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_the_same_values_are_valid(schema: Any) -> None:
    valid = Validation().valid
    written = dereferenced(schema)
    assert [valid(written, one) for one in INSTANCES] == [valid(schema, one) for one in INSTANCES]


DOUBLING = {f"d{n}": obj(a={"$ref": f"#/$defs/d{n + 1}"}, b={"$ref": f"#/$defs/d{n + 1}"}) for n in range(25)}
LARGE = {"$ref": "#/$defs/d15", "$defs": {**DOUBLING, "d25": TEXT}}
LONG = {f"d{n}": {"items": {"$ref": f"#/$defs/d{n + 1}"}} for n in range(300)}


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({**obj(n={"$ref": "#/$defs/n"}), "$defs": {"n": obj(next={"$ref": "#/$defs/n"})}}, "recursive"),
        (obj(n={"$ref": "#"}), "recursive"),
        (
            {**obj(n={"$ref": "#/$defs/a"}), "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
            "recursive",
        ),
        ({"$ref": "#/$defs/d0", "$defs": {**DOUBLING, "d25": TEXT}}, "larger than"),
        ({"$ref": "#/$defs/d0", "$defs": {**LONG, "d300": TEXT}}, "deeper than"),
        (
            {
                **obj(**{f"p{n}": {"$ref": "#/$defs/t"} for n in range(9)}),
                "$defs": {"t": {"title": "x" * (MAX_SIZE // 8)}},
            },
            "larger",
        ),
        (obj(n={"$ref": "https://example.com/schema"}), "no pointer into itself"),
        ({**obj(n={"$ref": "#text"}), "$defs": {"t": {"$anchor": "text"}}}, "no pointer into itself"),
        ({**obj(n={"$dynamicRef": "#t", "$ref": "#/$defs/t"}), "$defs": {"t": TEXT}}, "identity or an anchor"),
        ({**obj(n={"$ref": "#/$defs/t"}), "$defs": {"t": {"$id": "https://e.example/t"}}}, "identity or an anchor"),
        (obj(n={"$ref": "#/$defs/missing"}), "leads nowhere"),
        ({**obj(n={"$ref": "#/required"}), "required": ["n"]}, "no schema"),
        ({**obj(n={"$ref": 7}), "$defs": {}}, "no pointer"),
        ({**obj(n={"default": {"$ref": "#/$defs/text"}}), **DEFS}, "where no schema is expected"),
        ({**obj(n=TEXT), "x-vendor": {"$ref": "#/$defs/text"}, **DEFS}, "where no schema is expected"),
    ],
)
def test_what_cannot_be_written_out_stays_in_bounded_time(schema: Any, why: str) -> None:
    began = time.process_time()
    with pytest.raises(StaysError, match=why):
        dereferenced(schema)
    assert time.process_time() - began < 1


@pytest.mark.usefixtures("doors")
async def test_listed_tools_are_written_out_where_that_is_asked_for(
    gateway: RichUpstream, era: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    schema = {**obj(a={"$ref": "#/$defs/text"}), **DEFS}
    recursive = {**obj(n={"$ref": "#/$defs/n"}), "$defs": {"n": obj(next={"$ref": "#/$defs/n"})}}
    fill(
        gateway,
        tool("a___both", inputSchema=schema, outputSchema=schema),
        tool("a___tree", inputSchema=recursive, outputSchema=schema),
    )
    async with proxy_before(gateway.url, tmp_path) as running:
        assert (await rpc(running.url, "tools/list", {}, era)).result["tools"] == gateway.tools
    async with proxy_before(gateway.url, tmp_path, dereference_schemas=True) as running:
        for _ in range(2):
            both, tree = (await rpc(running.url, "tools/list", {}, era)).result["tools"]
            assert both == {**gateway.tools[0], "inputSchema": obj(a=TEXT), "outputSchema": obj(a=TEXT)}
            assert tree == {**gateway.tools[1], "outputSchema": obj(a=TEXT)}
        assert (await rpc(running.url, "tools/call", {"name": "a___both", "arguments": {}}, era)).result
    said = [record.getMessage() for record in caplog.records if "stays as it is" in record.getMessage()]
    assert said == ["the inputSchema of the tool 'a___tree' stays as it is: it is recursive"]


def test_a_list_grows_by_no_more_than_its_bound() -> None:
    listed = [tool(f"t{n}", inputSchema=LARGE) for n in range(600)]
    publishing = Publishing(dereference=True)
    for _ in range(2):
        shown = publishing.published(listed, whole=True)
        assert GROWTH / 2 < len(dumps(shown)) - len(dumps(listed)) <= GROWTH
        assert [one["name"] for one in shown] == [one["name"] for one in listed]
        assert shown[-1] == listed[-1]
    assert [said for _, said in publishing.news() if "stay as they are" in said] != []
    assert publishing.news() == []


def test_names_beyond_those_it_keeps_are_not_kept_with_their_definitions_either() -> None:
    publishing = Publishing(strip=True)
    for page in range(4):
        publishing.published([tool(f"a___{page}_{n}") for n in range(15_000)], whole=False)
    assert len(publishing._made) <= 30_000


@pytest.mark.usefixtures("doors")
async def test_and_so_does_what_a_search_found(gateway: RichUpstream, era: str, tmp_path: Path) -> None:
    fill(gateway, tool(SEARCH), large := tool("a___large", inputSchema=LARGE))
    params = {"name": SEARCH, "arguments": {}}
    async with proxy_before(gateway.url, tmp_path, dereference_schemas=True) as running:
        for times, denied in ((1, False), (GROWTH // len(dumps(dereferenced(LARGE))) + 2, True)):
            gateway.results[SEARCH] = found(*[large] * times)
            answer = (await rpc(running.url, "tools/call", params, era)).result
            assert answer["content"][0]["text"].startswith("Denied: unreadable_search") is denied

"""Schemas of an upstream: nothing is fetched, nothing runs away, what cannot be decided is invalid."""

from __future__ import annotations

import socket
import threading
import time
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from policies.jsontext import Exact
from policies.validation import Validation

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {"age": {"type": "integer", "maximum": 150}, "tags": {"type": "array", "items": {"enum": ["a"]}}},
    "required": ["age"],
    "additionalProperties": {"type": "string"},
}


class Text(str):
    """A subclass, as policies of others may return one."""


CASES: list[tuple[Any, Any, str | None]] = [
    (PERSON, {"age": 3}, None),
    (PERSON, {}, "$: required"),
    (PERSON, {"age": 900}, "$.age: maximum"),
    (PERSON, {"age": 3, "tags": ["a", "secret"]}, "$.tags[1]: enum"),
    (PERSON, {"age": 3, "odd key": 5}, "$['odd key']: type"),
    (True, 5, None),
    (False, 5, "$: falseSchema"),
    ({"type": "integer"}, 2**90, None),
    ({"type": "integer", "maximum": 2**80}, 2**90, "$: maximum"),
    ({"type": "number"}, Decimal("1e400"), None),
    ({"type": "number", "maximum": 5}, Decimal("1e400"), "$: maximum"),
    ({"type": "integer"}, Decimal("0.1234567890123456789012345"), "$: type"),
    ({"properties": {"n": {"type": "number"}}}, {"n": Exact("0.12345678901234567890123")}, None),
    ({"properties": {"n": {"maximum": 0.1}}}, {"n": Exact("0.12345678901234567890123")}, "$.n: maximum"),
    ({"type": "string", "maxLength": 2}, Text("abc"), "$: maxLength"),
    ({"type": "object"}, MappingProxyType({"a": 1}), None),
    ({"type": "string"}, "\ud800", "$: not JSON"),
    ({"additionalProperties": {"type": "string"}}, {"a": object()}, "$: not JSON"),
    ({"prefixItems": [{"type": "string"}]}, [1], "$[0]: type"),
    ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}, [1], "$[0]: type"),
    ({"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n"}, "x", "$: type"),
    ({"$ref": "https://json-schema.org/draft/2020-12/schema"}, {"type": "object"}, None),
]


@pytest.mark.parametrize(("schema", "instance", "problem"), CASES)
def test_a_violation_is_told_by_path_and_keyword_alone(schema: Any, instance: Any, problem: str | None) -> None:
    validation = Validation()
    assert validation.problem(schema, instance) == problem
    assert validation.valid(schema, instance) is (problem is None)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"pattern": "("},
        {"pattern": "((a{1000}){1000}){1000}"},
        {"$ref": "#/$defs/absent"},
        {"$ref": "#absent"},
        {"$defs": {"a": {"$id": "urn:a", "type": "object"}}, "$ref": "urn:a"},
        {"$ref": "file:///etc/hostname"},
        {"$schema": "http://127.0.0.1:9/meta"},
        "text",
        [],
        None,
        5,
    ],
)
def test_a_schema_that_cannot_be_used_lets_nothing_through(schema: Any) -> None:
    assert Validation().problem(schema, {}) == "the schema cannot be used"


def test_a_schema_that_is_not_json_lets_nothing_through() -> None:
    assert Validation().problem({"type": object()}, {}) == "the schema is not JSON"


def test_a_remote_reference_is_not_followed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        came: list[bool] = []
        thread = threading.Thread(target=lambda: came.append(_accepts(server)))
        thread.start()
        found = Validation().problem({"$ref": f"http://127.0.0.1:{server.getsockname()[1]}/schema"}, {})
        thread.join()
    assert found == "the schema cannot be used"
    assert came == [False]


def _accepts(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(?=(a+)+$)(a+)+\\1$", "^(?!x)(a|aa)+$", "(.*,){20}P"])
def test_a_pattern_does_not_run_away(pattern: str) -> None:
    began = time.perf_counter()
    assert not Validation().valid({"pattern": pattern}, "a" * 50_000 + "!")
    assert time.perf_counter() - began < 2


def test_a_pattern_with_look_around_is_understood() -> None:
    email = {
        "pattern": r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$"
    }
    assert Validation().valid(email, "someone@example.com")
    assert not Validation().valid(email, "some..one@example.com")


def doubling(levels: int, keyword: str) -> dict[str, Any]:
    """Each definition names the next one twice: 2 to the power of `levels` subschemas."""
    names = [{keyword: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)]
    return {"$defs": {f"d{n}": d for n, d in enumerate([*names, {"type": "string"}])}, "$ref": "#/$defs/d0"}


def nested(levels: int, leaf: Any) -> Any:
    for _ in range(levels):
        leaf = {"a": leaf}
    return leaf


BRANCH = {
    "type": "object",
    "anyOf": [
        {"required": ["b"], "properties": {"a": {"$ref": "#/$defs/x"}}},
        {"minProperties": 5, "properties": {"a": {"$ref": "#/$defs/y"}}},
    ],
}
CHAIN = {"$defs": {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(50_000)}, "$ref": "#/$defs/d0"}
HEAVY: list[tuple[Any, Any, str]] = [
    (doubling(40, "allOf"), 5, "the schema cannot be used"),
    (doubling(40, "anyOf"), 5, "the schema cannot be used"),
    (CHAIN, 5, "the schema cannot be used"),
    (doubling(12, "anyOf"), 5, "$: invalid"),
    ({"$defs": {"x": BRANCH, "y": BRANCH}, "$ref": "#/$defs/x"}, nested(150, 5), "$: invalid"),
    ({"items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}, [None] * 200_000, "$: invalid"),
]


@pytest.mark.parametrize(("schema", "instance", "problem"), HEAVY)
def test_a_schema_does_not_run_away(schema: Any, instance: Any, problem: str) -> None:
    began = time.perf_counter()
    assert Validation().problem(schema, instance) == problem
    assert time.perf_counter() - began < 2


RECURSIVE = {"$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}, "n": {"type": "integer"}}}}}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({**RECURSIVE, "$ref": "#/$defs/node"}, {"next": {"next": {"n": 1}}}, {"next": {"next": {"n": "x"}}}),
        ({"properties": {"next": {"$ref": "#"}}, "type": "object"}, {"next": {}}, {"next": {"next": 5}}),
        ({"$defs": {"a": {"$anchor": "here", "type": "string"}}, "$ref": "#here"}, "x", 5),
        ({"$defs": {"a/b~c d": {"type": "string"}}, "$ref": "#/$defs/a~1b~0c%20d"}, "x", 5),
        ({"$id": "urn:root", "allOf": [{"type": "string"}, {"$ref": "#/allOf/0"}]}, "x", 5),
    ],
)
def test_local_references_are_followed(schema: Any, good: Any, bad: Any) -> None:
    assert Validation().valid(schema, good)
    assert not Validation().valid(schema, bad)


def test_a_schema_that_changed_is_compiled_again() -> None:
    validation, schema = Validation(), {"type": "string"}
    assert validation.valid(schema, "x")
    schema["type"] = "integer"
    assert not validation.valid(schema, "x")


def test_compiled_schemas_are_kept_within_a_bound() -> None:
    validation = Validation(size=3)
    for least in range(10):
        assert not validation.valid({"minimum": least + 1}, least)
    assert len(validation._compiled) == 3
    assert validation.valid({"minimum": 0}, 0)


def test_a_schema_of_draft_4_with_an_embedded_id_is_unusable() -> None:
    """`id` moves what references mean there, so that a harmless count would hide an exponential walk."""
    doubled = {f"a{n}": {"allOf": [{"$ref": f"#/definitions/a{n + 1}"}] * 2} for n in range(40)}
    hidden = {"id": "http://x/y", "definitions": {**doubled, "a40": {"type": "string"}}, "$ref": "#/definitions/a0"}
    plain = {f"a{n}": {"type": "string"} for n in range(41)}
    schema = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "id": "http://x/root",
        "definitions": plain,
        "allOf": [{**hidden, "allOf": [{"$ref": "#/definitions/a0"}]}],
    }
    assert Validation().problem(schema, "x") is not None


def test_a_property_called_id_is_no_embedded_resource() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "properties": {"id": {"type": "string"}},
        "required": ["id"],
    }
    assert Validation().problem(schema, {"id": "x"}) is None
    assert Validation().problem(schema, {"id": 1}) is not None

"""Schemas of an upstream: nothing is fetched, nothing runs away, what cannot be decided is invalid."""

from __future__ import annotations

import socket
import threading
import time
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

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
    ({"type": "string", "maxLength": 2}, Text("abc"), "$: maxLength"),
    ({"type": "object"}, MappingProxyType({"a": 1}), None),
    ({"type": "string"}, "\ud800", "$: not JSON"),
    ({"type": "object"}, {"a": object()}, "$: not JSON"),
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
        {"$ref": "file:///etc/hostname"},
        {"$schema": "http://127.0.0.1:9/meta"},
        "text",
        [],
        None,
        5,
    ],
)
def test_a_schema_that_cannot_be_compiled_lets_nothing_through(schema: Any) -> None:
    assert Validation().problem(schema, {}) == "the schema cannot be compiled"


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
    assert found == "the schema cannot be compiled"
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

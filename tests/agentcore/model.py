"""AWS's service models, as botocore ships them: they name the operation, judge the request and shape the answer.

A request is parsed as a REST-JSON service parses it, by the members' locations. An answer is cut to the output shape,
so that boto3 itself reads it; timestamps are written as the shape says.
"""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape, StringShape, StructureShape

from tests.agentcore.model_constraints import violations
from tests.agentcore.signatures import RefusedError
from tests.agentcore.world import Json

CONTROL = "bedrock-agentcore-control"


class ServiceError(RefusedError):
    """An error of the service's own model. `kind` is the shape's name, `extra` its members beside the message."""

    def __init__(self, kind: str, message: str, **extra: Any) -> None:
        super().__init__(kind, message, 400)
        self.extra = extra


def invalid(message: str, *fields: tuple[str, str], reason: str = "FieldValidationFailed") -> ServiceError:
    """A ValidationException. `fields` are pairs of a member's path and what is wrong with it."""
    listed = [{"name": name, "message": what} for name, what in fields]
    extra: Json = {"fieldList": listed} if listed else {}
    return ServiceError("ValidationException", message, reason=reason, **extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer. No body is `b""`."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Model:
    """One service. Paths are matched on the wire's own text, so that an encoded slash never splits a label."""

    def __init__(self, service: str) -> None:
        loader = botocore.session.get_session().get_component("data_loader")
        self.name = service
        self.service = ServiceModel(loader.load_service_model(service, "service-2"), service)

    @cached_property
    def _routes(self) -> list[tuple[str, re.Pattern[str], str]]:
        routes = []
        for name in self.service.operation_names:
            http = self.service.operation_model(name).http
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(http["requestUri"].rstrip("/")))
            routes.append((http["method"], re.compile(f"{pattern}/?"), name))
        # A route without labels is the better match: /a/list before /a/{id}.
        return sorted(routes, key=lambda route: route[1].groups)

    def operation(self, method: str, target: str) -> tuple[OperationModel, dict[str, str]]:
        """The operation behind a request line, and its labels, decoded. Raises ServiceError."""
        path = target.partition("?")[0]
        for verb, pattern, name in self._routes:
            if verb == method and (found := pattern.fullmatch(path)):
                return self.service.operation_model(name), {k: unquote(v) for k, v in found.groupdict().items()}
        raise ServiceError("UnknownOperationException", f"{method} {path} is no operation of {self.name}")

    def request(self, operation: OperationModel, labels: dict[str, str], target: str, body: bytes) -> Json:
        """What the caller asks, in boto3's shape, judged. Members that are null are left out. Raises ServiceError."""
        shape = operation.input_shape
        if shape is None:
            return {}
        asked = self._members(shape, labels, target, body)
        if found := violations(asked, shape):
            noun = "error" if len(found) == 1 else "errors"
            told = "; ".join(f"Value at '{where}' failed to satisfy constraint: {what}" for where, what in found)
            raise invalid(f"{len(found)} validation {noun} detected: {told}", *found)
        return asked

    def _members(self, shape: StructureShape, labels: dict[str, str], target: str, body: bytes) -> Json:
        query = parse_qsl(target.partition("?")[2], keep_blank_values=True)
        found: Json = _from_wire(_body(body), shape)
        for name, member in shape.members.items():
            where, wire = member.serialization.get("location"), member.serialization.get("name", name)
            if where is not None:
                found.pop(name, None)
            if where == "uri":
                found[name] = labels[wire]
            elif where == "querystring" and (values := [value for key, value in query if key == wire]):
                found[name] = values if member.type_name == "list" else _scalar(values[0], member)
        return found

    def answer(self, operation: OperationModel, values: Json) -> Answer:
        """The answer to a judged request. Raises AssertionError where a required member is missing."""
        status = operation.http.get("responseCode", 200)
        shape = operation.output_shape
        if shape is None or status == 204:
            return Answer(status=status, body=b"")
        return Answer(status=status, body=json.dumps(_to_wire(values, shape, operation.name)).encode())

    def error(self, problem: RefusedError) -> Answer:
        """An error in the model's shape, with its status; errors that stand before every service keep theirs."""
        shape = self._errors.get(problem.kind)
        status = shape.metadata["error"]["httpStatusCode"] if shape else problem.status
        extra = problem.extra if isinstance(problem, ServiceError) else {}
        body = json.dumps({"message": problem.message, **extra}).encode()
        return Answer(status=status, body=body, headers={"x-amzn-errortype": problem.kind})

    @cached_property
    def _errors(self) -> dict[str, StructureShape]:
        return {shape.name: shape for shape in self.service.error_shapes}


@cache
def model(service: str) -> Model:
    """The model of a service by boto3's name for it. Loading one takes 0.1 s, so each is kept."""
    return Model(service)


def _body(body: bytes) -> Json:
    try:
        asked = json.loads(body or b"{}")
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise ServiceError("SerializationException", "The body of the request is not a JSON object.")
    return asked


def _scalar(text: str, shape: Shape) -> object:
    if shape.type_name == "integer":
        return int(text) if re.fullmatch(r"-?\d{1,18}", text) else text
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text


def _from_wire(value: Any, shape: Shape) -> Any:
    """`value` under boto3's member names, without its nulls. What does not fit the shape stays, to be judged."""
    if shape.type_name == "structure" and isinstance(value, dict) and not getattr(shape, "is_document_type", False):
        names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
        found = {names.get(wire, wire): inner for wire, inner in value.items() if inner is not None}
        return {n: _from_wire(v, shape.members[n]) if n in shape.members else v for n, v in found.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_from_wire(inner, shape.member) for inner in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _from_wire(inner, shape.value) for key, inner in value.items() if inner is not None}
    return value


def _to_wire(value: Any, shape: Shape, where: str) -> Any:
    if shape.type_name == "structure" and not shape.is_document_type:
        missing = [name for name in shape.required_members if value.get(name) is None]
        assert not missing, f"{where}: the answer lacks {missing}"
        kept = {n: (m, value[n]) for n, m in shape.members.items() if value.get(n) is not None}
        return {m.serialization.get("name", n): _to_wire(v, m, f"{where}.{n}") for n, (m, v) in kept.items()}
    if shape.type_name == "list":
        return [_to_wire(inner, shape.member, where) for inner in value]
    if shape.type_name == "map":
        return {key: _to_wire(inner, shape.value, where) for key, inner in value.items()}
    if shape.type_name == "timestamp":
        return _timestamp(value, shape.serialization.get("timestampFormat"))
    if isinstance(shape, StringShape) and shape.enum:
        assert value in shape.enum, f"{where}: {value} is none of {shape.enum}"
    return value


def _timestamp(seconds: float, style: str | None) -> str | float:
    if style != "iso8601":
        return round(seconds, 3)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

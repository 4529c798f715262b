"""Interceptors of a gateway: functions of the test's own, called with the events that users' Lambdas know."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from tests.agentcore.gateway_plane_client import TargetError
from tests.agentcore.gateway_plane_errors import INTERNAL_ERROR, Answer, GatewayError
from tests.agentcore.gateway_plane_targets import Targets, custom_of
from tests.agentcore.world import Gateway

Json = dict[str, Any]

REQUEST, RESPONSE = "REQUEST", "RESPONSE"
VERSION = "1.0"


class Interception:
    """One request's way through the gateway's interceptors."""

    def __init__(self, targets: Targets, gateway: Gateway, headers: Mapping[str, str], raw: str, source: str) -> None:
        self._targets = targets
        self._gateway = gateway
        self._headers = dict(headers)
        self._raw = raw
        self._custom = custom_of(gateway, str(uuid.uuid4()), source)
        self._body: Any = None

    async def request(self, body: Any) -> tuple[Any, Answer | None]:
        """The body to go on with, or an answer that takes the target's place. Raises GatewayError."""
        self._body = body
        answer = await self._run(REQUEST, {})
        if answer is None:
            return body, None
        if "transformedGatewayResponse" in answer:
            return body, _answer(answer["transformedGatewayResponse"])
        changed = answer.get("transformedGatewayRequest", {})
        self._headers |= {name.lower(): str(value) for name, value in changed.get("headers", {}).items()}
        self._body = changed.get("body", body)
        return self._body, None

    @property
    def headers(self) -> dict[str, str]:
        """The caller's headers, as a REQUEST interceptor left them."""
        return self._headers

    async def response(self, given: Answer, *, streaming: bool = False) -> Answer:
        """The answer as a RESPONSE interceptor leaves it. Raises GatewayError."""
        told: Json = {"statusCode": given.status, "headers": dict(given.headers), "body": given.body}
        more: Json = {"isStreamingResponse": True} if streaming else {}
        answer = await self._run(RESPONSE, {"gatewayResponse": {**told, **more}})
        changed = (answer or {}).get("transformedGatewayResponse")
        return given if changed is None else _answer(changed, given)

    async def _run(self, point: str, more: Json) -> Json | None:
        """What the interceptor of this point answers; None where there is none."""
        for each in self._gateway.request.get("interceptorConfigurations") or ():
            if point in each["interceptionPoints"]:
                return await self._asked(each, more)
        return None

    async def _asked(self, configuration: Json, more: Json) -> Json:
        settings = configuration.get("inputConfiguration", {})
        request: Json = {"path": "/mcp", "httpMethod": "POST", "body": self._body}
        if settings.get("passRequestHeaders"):
            request["headers"] = self._headers
        if settings.get("payloadFilter") and "gatewayResponse" in more:
            kept = {key: value for key, value in more["gatewayResponse"].items() if key != "body"}
            more = {"gatewayResponse": kept}
        mcp = {"rawGatewayRequest": {"body": self._raw}, "gatewayRequest": request, **more}
        arn = configuration["interceptor"]["lambda"]["arn"]
        try:
            answer = await self._targets.run(arn, {"interceptorInputVersion": VERSION, "mcp": mcp}, self._custom)
        except TargetError as error:
            raise GatewayError(INTERNAL_ERROR, str(error), 500) from None
        if not _is_sound(answer):
            told = f"gateway → Lambda: {arn} answered no interceptorOutputVersion {VERSION} with mcp"
            raise GatewayError(INTERNAL_ERROR, told, 500)
        found: Json = json.loads(json.dumps(answer))["mcp"]
        return found


def _is_sound(answer: Any) -> bool:
    named = isinstance(answer, dict) and answer.get("interceptorOutputVersion") == VERSION
    return named and isinstance(answer.get("mcp"), dict)


def _answer(changed: Json, given: Answer | None = None) -> Answer:
    before = given or Answer()
    headers = {**before.headers, **changed.get("headers", {})}
    return Answer(status=int(changed.get("statusCode", before.status)), headers=headers, body=changed.get("body"))

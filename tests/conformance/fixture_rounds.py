"""The fixture's tools and prompt that ask the caller back.

Modern era (2026-07-28): multi-round-trip requests, an `input_required` result answered by a retry that
carries `inputResponses` and echoes `requestState` (SEP-2322). Handshake era: a request pushed to the client
in the middle of a call, which only a server with sessions can deliver.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, MISSING_REQUIRED_CLIENT_CAPABILITY

from .fixture_catalog import STRING, Json, answer, schema, text

CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"


def elicit(message: str, **properties: Json) -> Json:
    params = {"message": message, "requestedSchema": schema(**properties)}
    return {"method": "elicitation/create", "params": params}


def sample(prompt: str, max_tokens: int = 100) -> Json:
    messages = [{"role": "user", "content": text(prompt)}]
    return {"method": "sampling/createMessage", "params": {"messages": messages, "maxTokens": max_tokens}}


ROOTS: Final[Json] = {"method": "roots/list", "params": {}}
NAME: Final = elicit("What is your name?", name=STRING)
CONFIRM: Final = elicit("Please confirm", ok={"type": "boolean"})
NEEDED: Final = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}
"""The client capability that each question needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Questions in the order they are asked: one mapping of key to request per round.

    `state` says whether the server's state rides along; `declared_only` leaves out what the caller
    cannot answer.
    """

    questions: tuple[Mapping[str, Json], ...]
    state: bool = False
    declared_only: bool = False


def once(state: bool = False, declared_only: bool = False, **questions: Json) -> Rounds:
    return Rounds(questions=(questions,), state=state, declared_only=declared_only)


ROUNDS: Final[dict[str, Rounds]] = {
    "test_input_required_result_elicitation": once(user_name=NAME),
    "test_input_required_result_sampling": once(capital_question=sample("What is the capital of France?")),
    "test_input_required_result_list_roots": once(client_roots=ROOTS),
    "test_input_required_result_request_state": once(state=True, confirm=CONFIRM),
    "test_input_required_result_tampered_state": once(state=True, confirm=CONFIRM),
    "test_input_required_result_multiple_inputs": once(
        state=True, user_name=NAME, greeting=sample("Generate a greeting", 50), client_roots=ROOTS
    ),
    "test_input_required_result_multi_round": Rounds(
        questions=(
            {"step1": elicit("Step 1: What is your name?", name=STRING)},
            {"step2": elicit("Step 2: What is your favorite color?", color=STRING)},
        ),
        state=True,
    ),
    "test_input_required_result_capabilities": once(
        declared_only=True, user_name=NAME, greeting=sample("Generate a greeting")
    ),
    "test_input_required_result_prompt": once(
        user_context=elicit("What context should the prompt use?", context=STRING)
    ),
    "test_streaming_elicitation": once(user_name=NAME),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Asks the rounds of one server. `key` signs the state, so a state from elsewhere is refused."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def ask(self, name: str, params: Mapping[str, Any]) -> Json | None:
        """The next `input_required` result of `name`, or None when every question is answered.

        Raises MCPError (-32602) for a state that this desk did not sign for this name.
        """
        rounds = ROUNDS[name]
        state = params.get("requestState")
        asked = self._round(name, state)
        questions = rounds.questions[asked]
        answers = params.get("inputResponses") or {}
        if rounds.state and state is None:
            answers = {}
        if all(isinstance(answers.get(key), dict) for key in questions):
            asked += 1
        if asked == len(rounds.questions):
            return None
        result: Json = {"resultType": "input_required", "inputRequests": _askable(rounds, asked, params)}
        if rounds.state:
            result["requestState"] = self._sign(name, asked)
        return result

    def _sign(self, name: str, asked: int) -> str:
        state = f"{name}:{asked}"
        return f"{state}:{hmac.new(self.key, state.encode(), hashlib.sha256).hexdigest()}"

    def _round(self, name: str, state: str | None) -> int:
        if state is None:
            return 0
        for asked in range(len(ROUNDS[name].questions)):
            if hmac.compare_digest(state.encode(), self._sign(name, asked).encode()):
                return asked
        raise MCPError(INVALID_PARAMS, "requestState was not issued by this server for this request")


def declared(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The capabilities the caller declares with this very request (2026-07-28 envelope)."""
    capabilities: Mapping[str, Any] = (params.get("_meta") or {}).get(CAPABILITIES) or {}
    return capabilities


def require(capability: str, params: Mapping[str, Any]) -> None:
    """Raise MissingRequiredClientCapability (-32021) unless the caller declares `capability`."""
    if capability not in declared(params):
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            f"This needs the client capability {capability}",
            {"requiredCapabilities": {capability: {}}},
        )


def _askable(rounds: Rounds, asked: int, params: Mapping[str, Any]) -> Json:
    questions = rounds.questions[asked]
    if not rounds.declared_only:
        return dict(questions)
    return {key: q for key, q in questions.items() if NEEDED[q["method"]] in declared(params)}


def told(params: Mapping[str, Any]) -> Json:
    """The complete answer of a tool: what the caller said in its last round."""
    said = json.dumps(params.get("inputResponses"), sort_keys=True)
    state = "state-ok, " if params.get("requestState") else ""
    return answer(text(f"{state}you said {said}"))

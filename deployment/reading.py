"""From `deploy_config.json`, the flags over it and the prompts for what is missing to a DeployConfig.

Everything that is wrong is found in one pass, and unknown keys are answered with the nearest valid one.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from deployment import chain_references, checks, preflight
from deployment.config import DeployConfig, Inbound, Lifecycle, Network
from deployment.errors import ConfigError

FILE: Final = "deploy_config.json"

FLAGS: Final[Mapping[str, str]] = {
    "agent_name": "name of the runtime, and of everything that belongs to it",
    "gateway_endpoint": "URL of the upstream MCP server, usually an AgentCore Gateway",
    "region": "AWS region",
    "iam_role_name": "execution role; one that exists is taken over, and never deleted",
    "gateway_api_id": "the upstream gateway's id or ARN: narrows the role's permission to it",
    "auth_mode": "how the proxy proves to the upstream who calls: iam, jwt, identity or none",
    "cognito_user_pool_id": "jwt: the pool whose metadata names the token endpoint",
    "cognito_client_id": "jwt: the OAuth client's id",
    "cognito_domain": "jwt: the pool's domain, a prefix or a host",
}
"""The published flags, by key: `--agent-name` for `agent_name`. They win over the file."""

REQUIRED: Final = ("agent_name", "region")
_TO_BUILD: Final = ("agent_name", "gateway_endpoint", "region")

_STANDINS: Final = {"agent_name": "agent", "gateway_endpoint": "https://upstream.invalid/mcp", "region": "us-east-1"}
"""In place of what is missing or wrong, so that the rest is still looked at."""

_NESTED: Final[Mapping[str, type[BaseModel]]] = {"inbound": Inbound, "network": Network, "lifecycle": Lifecycle}
_PATHS: Final = ("policies", "requirements")
_OURS: Final = frozenset({"folder"})


def read(
    path: Path, flags: Mapping[str, str | None], ask: Callable[[str], str] | None, *, building: bool
) -> DeployConfig:
    """The config. `ask` prompts for a required key that is nowhere given; None never asks. Raises ConfigError.

    `building` also needs an upstream, and looks at the files to be shipped and at what the proxy would say of them.
    """
    required = _TO_BUILD if building else REQUIRED
    findings: list[str] = []
    given = {**_present(_document(path, findings)), **_present(flags)}
    if ask is not None:
        given |= _present({key: ask(f"{key} ({FLAGS[key]}): ") for key in required if key not in given})
    findings += _unknown(given, path)
    findings += [
        f"{path.name}: {key} is missing: set it there, or give --{key.replace('_', '-')}"
        for key in required
        if key not in given
    ]
    config = _config(_located(_known(given), path.parent), path, findings)
    findings += [f"{path.name}: {finding}" for finding in checks.findings(config)]
    if building:
        files = [f"{path.name}: {finding}" for finding in checks.files(config)]
        findings += files
        chain = chain_references.findings(config.policies)
        findings += [] if files else [*chain, *preflight.findings(config, settings=not findings)]
    if findings:
        raise ConfigError(findings)
    return config


def _document(path: Path, findings: list[str]) -> dict[str, Any]:
    """The file's object; empty where there is none to read, which is a finding unless it is the default file."""
    try:
        found = json.loads(path.read_bytes(), object_pairs_hook=lambda pairs: _single(pairs, path, findings))
    except FileNotFoundError:
        if path.name != FILE:
            findings.append(f"{path}: there is no such file")
        return {}
    except OSError as error:
        findings.append(f"{path}: {error.strerror}")
        return {}
    except (ValueError, RecursionError) as error:
        place = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        findings.append(f"{path}{place}: is not JSON")
        return {}
    if not isinstance(found, dict):
        findings.append(f"{path}: must be a JSON object")
        return {}
    return found


def _single(pairs: list[tuple[str, Any]], path: Path, findings: list[str]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    findings += [f"{path.name}: {key} is there twice" for key in dict.fromkeys(keys) if keys.count(key) > 1]
    return dict(pairs)


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    """The published file holds null and empty strings for what does not apply."""
    return {key: value for key, value in values.items() if value is not None and value != ""}


def _unknown(given: Mapping[str, Any], path: Path) -> Iterator[str]:
    for key in given:
        if key == "cognito_client_secret":
            yield (
                f"{path.name}: {key}: a secret does not belong into a file that is shared; take it out, and give "
                "--cognito-client-secret-file FILE once: it goes to Secrets Manager"
            )
        elif key not in _keys(DeployConfig):
            yield f"{path.name}: {key} is not a key{_nearest(key, _keys(DeployConfig))}"
    for key, model in _NESTED.items():
        for inner in given[key] if isinstance(given.get(key), dict) else ():
            if inner not in _keys(model):
                yield f"{path.name}: {key}.{inner} is not a key{_nearest(inner, _keys(model))}"


def _known(given: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: value for key, value in given.items() if key in _keys(DeployConfig)}
    for key, model in _NESTED.items():
        if isinstance(known.get(key), dict):
            known[key] = {name: value for name, value in _present(known[key]).items() if name in _keys(model)}
    return known


def _keys(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(model.model_fields) - _OURS


def _nearest(name: str, valid: Iterable[str]) -> str:
    close = difflib.get_close_matches(name.lower(), sorted(valid), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; valid are {', '.join(sorted(valid))}"


def _located(given: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Paths as they are meant: from the config file's folder."""
    base = folder.resolve()
    located = {**given, "folder": base}
    for key in _PATHS:
        if isinstance(given.get(key), str):
            located[key] = base / given[key]
    if isinstance(given.get("include"), list):
        located["include"] = [base / each if isinstance(each, str) else each for each in given["include"]]
    return located


def _config(given: dict[str, Any], path: Path, findings: list[str]) -> DeployConfig:
    """What pydantic makes of it; what it refuses becomes a finding and is left out."""
    try:
        return DeployConfig(**{**_STANDINS, **given})
    except ValidationError as error:
        wrong = error.errors(include_url=False)
    findings += [f"{path.name}: {_where(item['loc'])}: {_told(item)}" for item in wrong]
    refused = {item["loc"][0] for item in wrong}
    return DeployConfig(**{**_STANDINS, **{key: value for key, value in given.items() if key not in refused}})


def _where(loc: tuple[int | str, ...]) -> str:
    """`inbound.headers[2]`; the key of a map that is itself wrong ends in `[key]`, which is left out."""
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in loc if part != "[key]")[1:]


def _told(item: Mapping[str, Any]) -> str:
    """What is wrong, without the value."""
    key, kind = item["loc"][-1], item["type"]
    if kind == "literal_error":
        field = DeployConfig.model_fields.get(str(key))
        valid = [str(each) for each in get_args(field.annotation)] if field and len(item["loc"]) == 1 else []
        near = difflib.get_close_matches(str(item["input"]).lower(), [each.lower() for each in valid], n=1)
        hint = next((f"; did you mean {each}?" for each in valid if near and each.lower() == near[0]), "")
        return f"must be {item['ctx']['expected']}{hint}"
    if kind == "string_pattern_mismatch":
        return f"must match {item['ctx']['pattern']}"
    return str(item["msg"]).removeprefix("Value error, ")

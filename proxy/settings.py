"""Process settings: environment variables `MCP_PROXY_*`, and the flags over them. The table of bounds is beside it.

The published sample's names are accepted too (`GATEWAY_ENDPOINT`, `AUTH_MODE`, `COGNITO_*`). Unknown `MCP_PROXY_*`
variables are an error that names the nearest valid one; all findings are reported at once.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from pydantic_settings.sources.utils import parse_env_vars

from proxy.bounds import Bounds
from proxy.contradictions import LOOPBACK, OWN_HEADERS, contradictions
from proxy.errors import ConfigError
from proxy.gateways import with_gateway

__all__ = ["LOOPBACK", "PREFIX", "AuthMode", "Bounds", "Inbound", "Settings", "load", "nearest", "valid_names"]

PREFIX: Final = "MCP_PROXY_"

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+\Z")

AuthMode = Literal["none", "iam", "jwt", "identity", "api_key", "passthrough"]

Inbound = Literal["none", "jwt", "platform", "oauth"]


def _named(name: str, *aliases: str) -> Any:
    return AliasChoices(name, PREFIX + name.upper(), *aliases)


class Settings(BaseSettings):
    """What one process needs to know. Secrets are references: `file:PATH`, `env:NAME`, or a Secrets Manager ARN."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        env_ignore_empty=True,
    )

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    transport: Literal["http", "stdio"] = "http"
    upstream: str | None = Field(default=None, validation_alias=_named("upstream", "GATEWAY_ENDPOINT"))
    stdio: str | None = None
    policies: Path | None = None
    snapshot: Path | None = None
    strip_target_prefix: bool = False
    dereference_schemas: bool = False
    forward_headers: Annotated[tuple[str, ...], NoDecode] = ()
    show_policy_names: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    inbound: Inbound = "none"
    inbound_header: str = "Authorization"
    inbound_issuer: str | None = None
    inbound_jwks_url: str | None = None
    inbound_audience: Annotated[tuple[str, ...], NoDecode] = ()
    inbound_client_ids: Annotated[tuple[str, ...], NoDecode] = ()
    inbound_scopes: Annotated[tuple[str, ...], NoDecode] = ()
    public_url: str | None = None
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    oauth_provider: Literal["oidc", "cognito"] | None = None
    oauth_issuer: str | None = None
    oauth_user_pool_id: str | None = None
    oauth_client_id: str | None = None
    oauth_client_secret: str | None = None
    oauth_signing_key: str | None = None
    oauth_storage: Path | None = None

    auth_mode: AuthMode = Field("none", validation_alias=_named("auth_mode", "AUTH_MODE"))
    region: str | None = Field(default=None, validation_alias=_named("region", "AWS_REGION", "AWS_DEFAULT_REGION"))
    service: str | None = None
    cognito_user_pool_id: str | None = Field(
        None, validation_alias=_named("cognito_user_pool_id", "COGNITO_USER_POOL_ID")
    )
    cognito_domain: str | None = Field(default=None, validation_alias=_named("cognito_domain", "COGNITO_DOMAIN"))
    issuer: str | None = None
    token_url: str | None = None
    client_id: str | None = Field(default=None, validation_alias=_named("client_id", "COGNITO_CLIENT_ID"))
    client_secret: str | None = None
    scope: str | None = None
    audience: str | None = None
    credential_provider: str | None = None
    workload_identity: str | None = None
    api_key: str | None = None
    api_key_header: str = "x-api-key"

    bounds: Bounds = Bounds()

    @field_validator("forward_headers", mode="before")
    @classmethod
    def _separated(cls, value: object) -> object:
        """Header names separated by commas, as a variable gives them. Raises ValueError for what is no header name."""
        names = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) and _TOKEN.match(n) for n in names):
            raise ValueError("must be header names separated by commas")
        return tuple(names)

    @field_validator("inbound_audience", "inbound_client_ids", "allowed_hosts", "allowed_origins", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """Words separated by commas."""
        return _words(value, ",")

    @field_validator("inbound_scopes", mode="before")
    @classmethod
    def _scopes(cls, value: object) -> object:
        """Scopes separated by spaces or commas. Raises ValueError for what is none (RFC 6749, section 3.3)."""
        words = _words(value.replace(",", " ") if isinstance(value, str) else value, None)
        if not all(_SCOPE.match(word) for word in words):
            raise ValueError("must be scopes separated by spaces")
        return words

    @field_validator("inbound_header")
    @classmethod
    def _carries_a_token(cls, value: str) -> str:
        name = value.lower()
        if not _TOKEN.match(value) or (name in OWN_HEADERS and name != "authorization") or name.startswith("mcp-"):
            raise ValueError("must be the name of a header that can carry a token")
        return value


def _words(value: object, separator: str | None) -> tuple[str, ...]:
    parts = value.split(separator) if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError("must be words separated by commas")
    return tuple(part.strip() for part in parts if part.strip())


def load(environ: Mapping[str, str] | None = None, **flags: Any) -> Settings:
    """Settings from the environment with `flags` (those that are not None) over it.

    Raises ConfigError with every finding at once.
    """
    found = dict(os.environ if environ is None else environ)
    unknown = _unknown(found)
    known = {name: value for name, value in found.items() if not name.startswith(PREFIX) or name in valid_names()}
    given = {key: value for key, value in flags.items() if value is not None}
    try:
        settings = with_gateway(_reading(known)(**given), found)
    except ConfigError as error:
        raise ConfigError([*unknown, *error.findings]) from None
    except ValidationError as error:
        raise ConfigError([*unknown, *(_finding(item) for item in error.errors())]) from None
    except SettingsError as error:
        raise ConfigError([*unknown, f"environment: {error}"]) from None
    findings = [*unknown, *contradictions(settings)]
    if findings:
        raise ConfigError(findings)
    return settings


def valid_names() -> set[str]:
    """Every `MCP_PROXY_*` variable there is."""
    names = {PREFIX + name.upper() for name in Settings.model_fields if name != "bounds"}
    return names | {f"{PREFIX}BOUNDS__{name.upper()}" for name in Bounds.model_fields}


def nearest(name: str, valid: set[str]) -> str:
    """A hint `; did you mean X?`, or nothing."""
    close = difflib.get_close_matches(name, sorted(valid), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _reading(environ: Mapping[str, str]) -> type[Settings]:
    """Settings that read this environment and no other source."""

    class Given(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            source = EnvSettingsSource(settings_cls)
            source.env_vars = parse_env_vars(environ, False, True)
            return init_settings, source

    return Given


def _unknown(environ: Mapping[str, str]) -> list[str]:
    valid = valid_names()
    return [
        f"environment: {name} is not a setting{nearest(name, valid)}"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in valid
    ]


def _finding(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"])
    return f"setting {where}: {item['msg'].removeprefix('Value error, ')}"

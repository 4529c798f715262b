"""A Runtime's ARN, and the one rule that makes its invocation URL of it.

https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-mcp.html: the ARN is one percent-encoded segment
of the path. Whoever signs the URL encodes that path a second time in the canonical request, and never on the wire.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from proxy.errors import ConfigError

ENDPOINT_VARIABLE: Final = "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE"
"""The SDKs' own variable that sends calls of this service elsewhere: to an emulator, or to a VPC endpoint."""

SUFFIXES: Final[Mapping[str, str]] = {
    "aws": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
    "aws-us-gov": "amazonaws.com",
}
"""Where the hosts of each partition are: the partition of the ARN → the end of the host's name."""

_SHAPE: Final = "arn:aws:bedrock-agentcore:REGION:ACCOUNT:runtime/NAME-ID"
_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]+")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_RUNTIME: Final = re.compile(r"runtime/[a-zA-Z][a-zA-Z0-9_]{0,47}-[a-zA-Z0-9]{10}")
_QUALIFIER: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,47}")


def invocation_url(arn: str, qualifier: str = "DEFAULT") -> str:
    """Where the Runtime `arn` is called: at AWS, or where ENDPOINT_VARIABLE says. Raises ConfigError.

    `qualifier` is the name of an endpoint of the Runtime. The URL is encoded: send it as it stands.
    """
    override = os.environ.get(ENDPOINT_VARIABLE)
    return _base(override) + _target(arn, qualifier) if override else aws_invocation_url(arn, qualifier)


def aws_invocation_url(arn: str, qualifier: str = "DEFAULT") -> str:
    """The invocation URL at AWS, whatever the environment says: what a gateway target holds. Raises ConfigError."""
    target = _target(arn, qualifier)
    partition = arn.split(":")[1]
    return f"https://bedrock-agentcore.{region_of(arn)}.{SUFFIXES[partition]}{target}"


def region_of(arn: str) -> str:
    """The region that the Runtime `arn` is in, and that requests to it are signed for. Raises ConfigError."""
    if problem := _problem(arn):
        raise ConfigError([f"the ARN of a Runtime {problem} ({_SHAPE})"])
    return arn.split(":")[3]


def _target(arn: str, qualifier: str) -> str:
    """Path and query."""
    region_of(arn)
    if not _QUALIFIER.fullmatch(qualifier):
        raise ConfigError(["the qualifier must be the name of an endpoint: a letter, then letters, digits and _"])
    return f"/runtimes/{quote(arn, safe='')}/invocations?qualifier={qualifier}"


def _problem(arn: str) -> str | None:
    """What is wrong with `arn`, without repeating it: what was pasted in its place may be a secret."""
    parts = arn.split(":")
    if parts[0] != "arn" or len(parts) != 6:
        return "must have six parts between colons, the first of them `arn`"
    _, partition, service, region, account, resource = parts
    if partition not in SUFFIXES:
        return f"must name a partition: {', '.join(SUFFIXES)}"
    if service != "bedrock-agentcore":
        return "must be of the service bedrock-agentcore"
    if not _REGION.fullmatch(region):
        return "must name a region, like us-east-1"
    if not _ACCOUNT.fullmatch(account):
        return "must name an account of 12 digits"
    return _problem_of_resource(resource)


def _problem_of_resource(resource: str) -> str | None:
    if "/runtime-endpoint/" in resource:
        return "is wanted, not its endpoint's: leave out /runtime-endpoint/NAME, and give NAME as the qualifier"
    if not _RUNTIME.fullmatch(resource):
        return "must end in runtime/NAME-ID, with the ID's 10 letters and digits"
    return None


def _base(override: str) -> str:
    try:
        parts = urlsplit(override)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not re.fullmatch(r"[\x21-\x7e]+", override) or any(sign in override for sign in "@?#"):
        raise ConfigError([f"{ENDPOINT_VARIABLE}: must be an http:// or https:// URL without user and query"])
    return override.rstrip("/")

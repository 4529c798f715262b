"""What the standard `OTEL_*` variables ask for, and which OTLP endpoints are AWS's. Imports nothing that is slow.

AWS takes traces at `https://xray.REGION.amazonaws.com/v1/traces` and logs at `https://logs.REGION.amazonaws.com/v1/logs`,
signed with SigV4 (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from proxy.arns import SUFFIXES

GROUP: Final = "x-aws-log-group"
STREAM: Final = "x-aws-log-stream"
"""Headers that CloudWatch Logs must have: it takes records into a group and stream that exist, and makes none."""

_DUAL_STACK: Final = (
    *("api.aws", "api.amazonwebservices.com.cn", "api.amazonwebservices.eu", "api.aws.ic.gov", "api.aws.scloud"),
    *("api.cloud-aws.adc-e.uk", "api.aws.hci.ic.gov"),
)
_ENDS: Final = "|".join(sorted(map(re.escape, {*SUFFIXES.values(), *_DUAL_STACK})))
_HOST: Final = re.compile(
    r"(?:[a-z0-9-]+\.)?(?P<service>xray|logs)(?:-fips)?\.(?P<region>[a-z]{2,4}(?:-[a-z]+)+-[0-9]+)\."
    rf"(?:vpce\.)?(?:{_ENDS})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One kind of telemetry. `variable` is its part of the variables' names, `service` who takes it at AWS."""

    variable: str
    path: str
    service: str
    override: str
    built_in: frozenset[str]


TRACES: Final = Signal(
    variable="TRACES",
    path="/v1/traces",
    service="xray",
    override="AWS_ENDPOINT_URL_XRAY",
    built_in=frozenset({"otlp", "console"}),
)
LOGS: Final = Signal(
    variable="LOGS",
    path="/v1/logs",
    service="logs",
    override="AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
    built_in=frozenset({"otlp"}),
)


def exporters(environ: Mapping[str, str], signal: Signal) -> frozenset[str]:
    """Names of the exporters asked for. Traces go to any OTLP endpoint; logs only where logs are asked for by name.

    The lines of the audit are on standard output anyway, and a platform that collects it would have them twice.
    """
    if disabled(environ):
        return frozenset()
    by_endpoint = endpoint(environ, signal) if signal is TRACES else _own_endpoint(environ, signal)
    asked = environ.get(f"OTEL_{signal.variable}_EXPORTER", "").strip() or ("otlp" if by_endpoint else "none")
    return frozenset(name.strip() for name in asked.split(",")) - {"none", ""}


def disabled(environ: Mapping[str, str]) -> bool:
    return environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def endpoint(environ: Mapping[str, str], signal: Signal) -> str | None:
    """Where `signal` goes: its own variable is the URL itself, the general one a base (OTLP exporter specification)."""
    base = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
    return _own_endpoint(environ, signal) or (f"{base.rstrip('/')}{signal.path}" if base else None)


def address(environ: Mapping[str, str], signal: Signal) -> str | None:
    """The URL that is connected to: an endpoint of AWS may be elsewhere, by the SDKs' own AWS_ENDPOINT_URL_… variables.

    Its signature names the service and region of the endpoint all the same.
    """
    url = endpoint(environ, signal)
    if url is None or region(url, signal) is None:
        return url
    override = environ.get(signal.override) or environ.get("AWS_ENDPOINT_URL")
    return f"{override.rstrip('/')}{signal.path}" if override else url


def region(url: str, signal: Signal) -> str | None:
    """The region of AWS's own endpoint for `signal`; None for any other URL."""
    scheme, found, path = _parts(url)
    ours = found is not None and found["service"] == signal.service
    return found["region"] if found and ours and scheme == "https" and path == signal.path else None


def signed_for(environ: Mapping[str, str], signal: Signal) -> str | None:
    """The region to sign for; None where nothing is signed: not AWS, or a token of the user's own is sent."""
    return None if "authorization" in headers(environ, signal) else region(endpoint(environ, signal) or "", signal)


def headers(environ: Mapping[str, str], signal: Signal) -> dict[str, str]:
    """Headers as `OTEL_EXPORTER_OTLP_HEADERS` gives them: `name=value`, separated by commas, percent-encoded."""
    given = environ.get(f"OTEL_EXPORTER_OTLP_{signal.variable}_HEADERS") or environ.get(
        "OTEL_EXPORTER_OTLP_HEADERS", ""
    )
    pairs = (pair.partition("=") for pair in given.split(","))
    return {unquote(name).strip().lower(): unquote(value).strip() for name, _, value in pairs if name.strip()}


def findings(environ: Mapping[str, str], signal: Signal) -> Iterator[str]:
    """What is asked for that is not built in, and what AWS would refuse."""
    asked = exporters(environ, signal)
    for name in sorted(asked - signal.built_in):
        may = ", ".join([*sorted(signal.built_in, reverse=True), "none"]).replace(", none", " or none")
        yield f"environment: OTEL_{signal.variable}_EXPORTER has {name!r}; it may be {may}"
    if "otlp" in asked:
        yield from _protocol(environ, signal)
        yield from _aws(environ, signal)


def _protocol(environ: Mapping[str, str], signal: Signal) -> Iterator[str]:
    for variable in (f"OTEL_EXPORTER_OTLP_{signal.variable}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if protocol := environ.get(variable, ""):
            if protocol != "http/protobuf":
                yield f"environment: {variable} must be http/protobuf"
            return


def _aws(environ: Mapping[str, str], signal: Signal) -> Iterator[str]:
    url = endpoint(environ, signal) or ""
    if _parts(url)[1] is None:
        return
    if region(url, signal) is None:
        kind = signal.variable.lower()
        yield f"environment: the OTLP endpoint for {kind} is AWS's; it must be https://{signal.service}.REGION…{signal.path}"
    elif signal is LOGS and (missing := [name for name in (GROUP, STREAM) if not headers(environ, signal).get(name)]):
        yield f"environment: OTEL_EXPORTER_OTLP_LOGS_HEADERS must have {' and '.join(missing)} (name=value, by commas)"


def _own_endpoint(environ: Mapping[str, str], signal: Signal) -> str | None:
    return environ.get(f"OTEL_EXPORTER_OTLP_{signal.variable}_ENDPOINT", "").strip() or None


def _parts(url: str) -> tuple[str, re.Match[str] | None, str]:
    """Scheme, the match of an AWS host or None, and the path with its query."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", None, ""
    host = _HOST.fullmatch(parts.hostname or "") if port in (None, 443) and parts.username is None else None
    return parts.scheme, host, parts.path + (f"?{parts.query}" if parts.query else "")

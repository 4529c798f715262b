"""The servers whose start is measured, all from the same layout and before the same upstream."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.servers import Place
from benchmarks.starting.layout import Layout

_AWS = {"AWS_ACCESS_KEY_ID": "AKIABENCHMARKONLY", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_REGION": "us-east-1"}
"""Signs as it would for AWS; the benchmark's upstream does not look at signatures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """One kind of process: the row's name, the module with its arguments, and its environment beside the layout's."""

    name: str
    title: str
    arguments: Callable[[Place], tuple[object, ...]]
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, layout: Layout, place: Place) -> list[str]:
        return layout.command(*self.arguments(place))


def _bare(place: Place) -> tuple[object, ...]:
    return "benchmarks.comparators.bare", place.port


def _echo(place: Place) -> tuple[object, ...]:
    return "benchmarks.comparators.fastmcp_servers", "echo", place.port, "json", place.upstream_url


def _proxy(place: Place) -> tuple[object, ...]:
    return "proxy", "serve", "--host", "127.0.0.1", "--port", place.port, "--upstream", place.upstream_url


BARE = Starter(name="bare", title="uvicorn with the same answers, nothing else", arguments=_bare)
ECHO = Starter(name="echo", title="plain FastMCP, no proxying", arguments=_echo)
NONE = Starter(
    name="proxy none",
    title="this proxy, default chain, AUTH_MODE=none",
    arguments=_proxy,
    environment={"AUTH_MODE": "none"},
)
IAM = Starter(
    name="proxy iam",
    title="this proxy, default chain, AUTH_MODE=iam",
    arguments=_proxy,
    environment={"AUTH_MODE": "iam", **_AWS},
)
STARTERS = (BARE, ECHO, NONE, IAM)
PROXIES = (NONE, IAM)

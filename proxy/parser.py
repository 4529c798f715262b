"""The command line: verbs, options, help. It repeats no value that it was given, for that may be a secret."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from proxy import VERSION

FLAGS: Final[Mapping[str, tuple[str, str]]] = {
    "host": ("ADDRESS", "address to listen on (127.0.0.1)"),
    "port": ("PORT", "port to listen on, 0 for a free one (8000)"),
    "transport": ("http|stdio", "how clients reach the proxy (http)"),
    "upstream": ("URL", "the upstream MCP server; without one the embedded demo answers"),
    "stdio": ("COMMAND", "an upstream to start as a command that speaks MCP on stdin and stdout"),
    "policies": ("FILE", "the policy chain, a policies.toml (default chain: sanitize, redact, secrets, audit)"),
    "snapshot": ("FILE", "where the catalog is kept for starts without the upstream"),
    "inbound": ("MODE", "how to check who calls: none, jwt, platform, oauth (none)"),
    "auth_mode": ("MODE", "how the proxy proves who it is: none, iam, jwt, identity, api_key, passthrough (none)"),
    "log_level": ("LEVEL", "debug, info, warning or error (info)"),
}
"""Settings that are also flags; every other setting is an environment variable only."""

SECRETS: Final = ("client-secret", "api-key", "token", "password")
"""A command line is seen by every user of the machine, so these are refused by name."""

_CHAIN_FLAGS: Final = ("policies",)
PROGRAM: Final = "mcp-policy-proxy"
TRY: Final = """call get_customer_profile '{"customer_id":"CUST001"}'"""
"""A call that the embedded demo answers."""


class UsageError(Exception):
    """The command line is wrong; the message repeats none of its values."""


def command() -> str:
    """This program, as it can be typed again in the same folder: the installed script, or else the module."""
    started = Path(sys.argv[0])
    script = started if started.name == PROGRAM else Path(sys.executable).with_name(PROGRAM)
    found = shutil.which(PROGRAM)
    if found and script.exists() and os.path.samefile(found, script):
        return PROGRAM
    return _typed(script) if script.is_file() else f"{_typed(Path(sys.executable))} -m proxy"


def _typed(path: Path) -> str:
    near = os.path.relpath(path)
    return shlex.quote(str(path) if near.startswith(os.pardir) else near)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            wrong = f"{action.option_strings[0]} is wrong" if action.option_strings else "that is not a verb"
            self.error(f"{wrong}; choose one of: {', '.join(map(str, action.choices))}")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        sys.stdout.write(f"mcp-policy-proxy {VERSION}\n")
        parser.exit()


class _Refused(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, _: object, __: object, option: str | None = None) -> NoReturn:
        parser.error(f"{option} is not accepted, because others can read a command line; see docs/configuration.md")


def parsed(argv: Sequence[str]) -> tuple[str, argparse.Namespace]:
    """The verb and its options; `serve` when no verb is given. Raises UsageError; --help and --version exit."""
    named = not argv or not argv[0].startswith("-") or argv[0] in ("-h", "--help", "--version")
    options, rest = _parser().parse_known_args(list(argv) if argv and named else ["serve", *argv])
    if rest:
        unknown = [word.partition("=")[0] for word in rest if word.startswith("--")]
        said = f"unknown option {', '.join(unknown)}" if unknown else "too many arguments"
        raise UsageError(f"mcp-policy-proxy {options.verb}: {said}")
    return options.verb, options


def _parser() -> _Parser:
    parser = _Parser(
        prog="mcp-policy-proxy",
        description="A programmable MCP proxy: an ordered policy chain over every tool call and every result.",
        epilog=f"Try it: `{command()} serve` in one shell, and in another:\n  {command()} {TRY}",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="say the version and exit")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser, required=True)
    _serve(verbs)
    _check(verbs)
    _tools(verbs)
    _call(verbs)
    _explain(verbs)
    _redact(verbs)
    _keys(verbs)
    _export(verbs)
    for verb in verbs.choices.values():
        for name in SECRETS:
            if not (name == "token" and verb.get_default("asks")):
                verb.add_argument(f"--{name}", action=_Refused, nargs="?", help=argparse.SUPPRESS)
    return parser


def _verb(verbs: Any, name: str, told: str, example: str, flags: Sequence[str] = ()) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(
        name, help=told, description=f"{told[0].upper()}{told[1:]}.", epilog=f"Example:\n  {command()} {example}"
    )
    for flag in flags:
        metavar, text = FLAGS[flag]
        variable = f"MCP_PROXY_{flag.upper()}"
        verb.add_argument(f"--{flag.replace('_', '-')}", metavar=metavar, help=f"{text} [{variable}]")
    return verb


def _serve(verbs: Any) -> None:
    example = "serve --upstream https://example.com/mcp --policies policies.toml"
    _verb(verbs, "serve", "run the proxy (the default verb)", example, tuple(FLAGS))


def _check(verbs: Any) -> None:
    example = "check --policies policies.toml --offline"
    verb = _verb(verbs, "check", "validate settings and policies, and show the effective chain", example, tuple(FLAGS))
    verb.add_argument(
        "--offline", action="store_true", help="ask neither the upstream nor a secret store, and open no policy"
    )


def _tools(verbs: Any) -> None:
    example = "tools --upstream https://example.com/mcp --json"
    verb = _verb(verbs, "tools", "list the tools as a proxy with these settings publishes them", example, tuple(FLAGS))
    verb.add_argument("--url", metavar="URL", help="ask this running proxy (or any MCP server) instead")
    _runtime(verb)
    verb.add_argument("--json", action="store_true", help="whole definitions, as JSON")


def _call(verbs: Any) -> None:
    verb = _verb(verbs, "call", "call a tool through the running proxy and print its result", TRY)
    verb.add_argument("name", metavar="NAME", help="the tool's name")
    verb.add_argument("arguments", metavar="JSON", nargs="?", default="{}", help="a JSON object; - reads it from stdin")
    verb.add_argument("--port", metavar="PORT", help="port of the local proxy (8000) [MCP_PROXY_PORT]")
    verb.add_argument("--url", metavar="URL", help="another proxy, or any MCP server")
    _runtime(verb)


def _runtime(verb: argparse.ArgumentParser) -> None:
    """Options of a verb that asks a server: which one, and with what token."""
    verb.set_defaults(asks=True)
    verb.add_argument("--arn", metavar="ARN", help="the AgentCore Runtime of this ARN, with AWS credentials or --token")
    verb.add_argument("--qualifier", metavar="NAME", help="endpoint of the Runtime (DEFAULT)")
    verb.add_argument("--token", metavar="REF", help="bearer token, by reference: file:PATH or env:NAME")


def _explain(verbs: Any) -> None:
    told = "show, offline, what each policy decides about a call or a result"
    verb = _verb(verbs, "explain", told, "explain call.json", _CHAIN_FLAGS)
    verb.add_argument("file", metavar="FILE", help="JSON; - reads it from stdin. Shapes: docs/configuration.md")


def _redact(verbs: Any) -> None:
    told = "show, offline, what redact, secrets and tokenize would take out of a file"
    verb = _verb(verbs, "redact", told, "redact answer.json", _CHAIN_FLAGS)
    verb.add_argument("file", metavar="FILE", help="a tool's result, other JSON or text; - reads it from stdin")
    verb.add_argument("--tool", metavar="NAME", default="tool", help="the tool whose result it is (tool)")
    verb.add_argument("--color", choices=("always", "never"), metavar="always|never", help="instead of on terminals")
    verb.add_argument(
        "--jsonl", action="store_true", help='one {"id", "result", "outputSchema"?, "tool"?} a line, answered likewise'
    )


def _keys(verbs: Any) -> None:
    told = "make a key for a ring of tokenize: a line to put first in its file or secret"
    verb = _verb(verbs, "keys", told, "keys new 2026-11 > ring")
    verb.add_argument("what", metavar="new", choices=("new",), help="what to do")
    verb.add_argument("name", metavar="NAME", nargs="?", default="", help="for people, such as a month (today's date)")


def _export(verbs: Any) -> None:
    told = "write this proxy as an entry of a registry, or as a project of the agentcore CLI"
    flags = ("upstream", "stdio", "policies", "inbound", "auth_mode")
    example = "export registry --url https://mcp.example.com/mcp > gateway-config.json"
    verb = _verb(verbs, "export", told, example, flags)
    verb.add_argument("what", metavar="registry|agentcore", choices=("registry", "agentcore"), help="for whom")
    verb.add_argument("--name", metavar="NAME", help="name there (mcp-policy-proxy)")
    verb.add_argument("--path", metavar="PATH", help="path in the registry (/NAME)")
    verb.add_argument("--url", metavar="URL", help="where the proxy is, when you host it yourself")
    _runtime(verb)

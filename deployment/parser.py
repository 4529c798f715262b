"""The command line of `setup_and_deploy.py`: every verb and its options, also of those that live in other modules."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn

from deployment.reading import FILE, FLAGS

PROGRAM: Final = "setup_and_deploy.py"

MODULES: Final[Mapping[str, str]] = {
    "plan": "deploy",
    "deploy": "deploy",
    "status": "status",
    "verify": "verify",
    "invoke": "verify",
    "logs": "logs",
    "register": "register",
    "unregister": "register",
    "rotate": "rotate",
    "promote": "endpoints",
    "rollback": "endpoints",
    "gateway": "gateway",
    "destroy": "destroy",
}
"""Verb → the module of this package that has a function of the same name for it."""


class UsageError(Exception):
    """The command line is wrong."""


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}")


def parsed(argv: Sequence[str]) -> tuple[str, argparse.Namespace]:
    """The verb (`deploy` when none is given) and its options. Raises UsageError; --help exits."""
    named = bool(argv) and (not argv[0].startswith("-") or argv[0] in ("-h", "--help"))
    options, rest = _parser().parse_known_args(list(argv) if named else ["deploy", *argv])
    if rest:
        # What stands behind an unknown option may be a secret: only names of options are repeated.
        unknown = [word.partition("=")[0] for word in rest if word.startswith("--")]
        raise UsageError(
            f"{PROGRAM} {options.verb}: " + (f"unknown {', '.join(unknown)}" if unknown else "too many words")
        )
    return options.verb, options


def _parser() -> _Parser:
    parser = _Parser(prog=PROGRAM, description="Puts the MCP policy proxy on Amazon Bedrock AgentCore Runtime.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser, required=True)
    for add in (_build, _look, _gateways, _endpoints, _end):
        add(verbs)
    return parser


def _verb(verbs: Any, name: str, told: str) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.")
    verb.add_argument("--config", metavar="FILE", default=FILE, help=f"the config ({FILE}); flags win over it")
    for key, text in FLAGS.items():
        verb.add_argument(f"--{key.replace('_', '-')}", metavar=key.rpartition("_")[2].upper(), help=text)
    verb.add_argument("--json", action="store_true", help="answer with one JSON document on standard output")
    verb.add_argument("--yes", action="store_true", help="ask nothing")
    return verb


def _build(verbs: Any) -> None:
    for name, told in (
        ("plan", "say what deploy would change, resource by resource, and touch nothing"),
        ("deploy", "create or update everything (the default verb); a second run changes nothing"),
    ):
        verb = _verb(verbs, name, told)
        verb.add_argument(
            "--cognito-client-secret", metavar="VALUE", help="put into Secrets Manager; better from a file"
        )
        verb.add_argument("--cognito-client-secret-file", metavar="FILE", help="its text is put into Secrets Manager")


def _look(verbs: Any) -> None:
    _verb(verbs, "status", "show what is there")
    verify = _verb(verbs, "verify", "list the tools through the deployed proxy, in a new session")
    invoke = _verb(verbs, "invoke", "call a tool through the deployed proxy")
    invoke.add_argument("tool", metavar="TOOL", help="the tool's name")
    invoke.add_argument(
        "arguments", metavar="JSON", nargs="?", default="{}", help="a JSON object; - reads it from stdin"
    )
    for verb in (verify, invoke):
        verb.add_argument("--endpoint", metavar="NAME", help="endpoint of the runtime (DEFAULT)")
        verb.add_argument(
            "--token", metavar="REF", help="with inbound.mode jwt: the caller's token, file:PATH or env:NAME"
        )
    logs = _verb(verbs, "logs", "show recent tool calls")
    logs.add_argument("--minutes", metavar="N", type=_from_to(1, 100_000), default=60, help="how far back (60)")
    logs.add_argument("--limit", metavar="N", type=_from_to(1, 10_000), default=50, help="how many at most (50)")
    logs.add_argument("--tool", metavar="NAME", help="calls of this tool alone")


def _gateways(verbs: Any) -> None:
    register = _verb(verbs, "register", "make the proxy a target of a gateway, synchronise it and list its tools there")
    register.add_argument(
        "--auth", choices=("iam", "oauth"), help="how the gateway proves who calls (as inbound.mode wants it)"
    )
    register.add_argument("--grant", action="store_true", help="give the gateway's role the permission that it needs")
    register.add_argument("--credential-provider", metavar="NAME", help="with oauth: a provider that exists")
    unregister = _verb(verbs, "unregister", "remove the target, and the permission that --grant gave")
    rotate = _verb(verbs, "rotate", "give the target a new client secret, without a gap")
    for verb in (register, rotate):
        told = "the OAuth client's secret: file:PATH, env:NAME or an ARN; else asked for"
        verb.add_argument("--client-secret", metavar="REF", help=told)
    for verb in (register, unregister, rotate):
        verb.add_argument("--gateway", metavar="ID", help="id or ARN of the gateway (the config's)")
        verb.add_argument("--target", metavar="NAME", help="the target's name (made from agent_name)")
    gateway = _verb(verbs, "gateway", "create or delete a gateway, for those who have none")
    gateway.add_argument("action", choices=("create", "delete"))
    gateway.add_argument("--name", metavar="NAME", help="the gateway's name (made from agent_name)")
    gateway.add_argument("--auth", choices=("iam", "oauth"), default="iam", help="who may call it (iam)")


def _endpoints(verbs: Any) -> None:
    promote = _verb(verbs, "promote", "move a named endpoint to the newest version, or to a given one")
    promote.add_argument("--version", metavar="N", help="the version")
    rollback = _verb(verbs, "rollback", "move a named endpoint to the version before the one it has")
    for verb in (promote, rollback):
        verb.add_argument("--endpoint", metavar="NAME", help="which endpoint (the config's)")


def _end(verbs: Any) -> None:
    verb = _verb(verbs, "destroy", "delete everything that this deployment made")
    verb.add_argument("--logs", action="store_true", help="delete the log groups too")


def _from_to(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"must be a number from {least} to {most}")
        return int(text)

    return number

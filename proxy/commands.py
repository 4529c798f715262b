"""What each verb of the command line does. Answers go to standard output, everything else to standard error."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from policies.jsontext import JsonError, dumps, loads
from policies.model import Json, JsonObject
from proxy.errors import ConfigError, ProxyError, RpcError
from proxy.parser import FLAGS, UsageError

if TYPE_CHECKING:
    from policies.line import Entry
    from proxy.client import Client
    from proxy.settings import Settings

DEFAULT_PORT: Final = 8000


def serve(options: Namespace) -> int:
    from proxy import process

    with _policies_are_configuration():
        return process.serve(_settings(options))


def check(options: Namespace) -> int:
    from proxy.check import check as checked

    report = checked(_flags(options), offline=options.offline)
    for line in report.lines:
        print(line)
    for note in report.notes:
        print(f"note: {note}", file=sys.stderr)
    for finding in report.findings:
        print(finding, file=sys.stderr)
    print(counted(len(report.findings), "finding") if report.findings else "ok", file=sys.stderr)
    return 1 if report.findings else 0


def tools(options: Namespace) -> int:
    asks = options.url or options.arn or options.token or options.qualifier
    found, asked = _served_tools(options) if asks else _published_tools(options)
    if options.json:
        print(_shown(found))
        return 0
    width = max((len(str(tool.get("name"))) for tool in found), default=0)
    for tool in found:
        told = str(tool.get("description") or tool.get("title") or "").strip().partition("\n")[0]
        print(_printable(f"{str(tool.get('name')).ljust(width)}  {told}".rstrip()))
    print(f"{counted(len(found), 'tool')} of {asked}", file=sys.stderr)
    return 0


def call(options: Namespace) -> int:
    arguments = _arguments(options.arguments)
    with _client(options, _local_url(options.port)) as client:
        try:
            result = client.call(options.name, arguments)
        except RpcError as error:
            data = {"data": error.data} if error.has_data else {}
            print(_shown({"error": {"code": error.code, "message": error.message, **data}}), file=sys.stderr)
            return 1
    print(_shown(result))
    return 1 if result.get("isError") is True else 0


def explain(options: Namespace) -> int:
    from policies.chain import Chain
    from policies.loading import load
    from proxy import explain as explaining
    from proxy.services import quiet

    case = explaining.read(_text(options.file))
    settings = _settings(options)
    with _policies_are_configuration():
        entries = load(settings.policies, quiet(settings))
    for line in asyncio.run(explaining.explain(case, Chain(entries))):
        print(_printable(line))
    return 0


def redact(options: Namespace) -> int:
    """0 nothing found, 1 something was found (or, of lines, one was wrong), 2 there is no answer."""
    try:
        with _policies_are_configuration():
            return _redacted(options)
    except BrokenPipeError:
        raise
    except (ProxyError, OSError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        print(f"mcp-policy-proxy redact: {said}", file=sys.stderr)
        return 2


def _redacted(options: Namespace) -> int:
    from policies.loading import load
    from proxy import redact_document, redacting
    from proxy.services import quiet

    if sys.stdin is None or sys.stdout is None:
        raise ProxyError("standard input or output is closed")
    settings = _settings(options)
    entries = redacting.detecting(load(settings.policies, quiet(settings)))
    for note in redacting.notes(entries, None if options.jsonl else options.tool):
        print(f"note: {note}", file=sys.stderr)
    with _stream(options.file) as stream:
        if options.jsonl:
            return _redacted_lines(stream, entries, options.tool, settings.bounds.answer_bytes)
        given = redact_document.document(redact_document.within(stream, settings.bounds.answer_bytes))
    if given.note:
        print(f"note: {given.note}", file=sys.stderr)
    with redacting.opened(entries) as look:
        looked = look(redacting.call_of(options.tool), given.result)
    colour = redact_document.coloured(options.color, sys.stdout)
    for line in redact_document.shown(given, looked, options.file, colour=colour):
        print(line)
    sys.stdout.flush()
    print(counted(len(looked.findings), "finding"), file=sys.stderr)
    return 1 if looked.found else 0


def _redacted_lines(stream: BinaryIO, entries: Sequence[Entry], tool: str, most: int) -> int:
    from proxy import redact_lines, redacting

    code = 0
    with redacting.opened(entries) as look:
        for line, sound in redact_lines.answers(stream, look, tool, most):
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()
            code = code if sound else 1
    return code


def export(options: Namespace) -> int:
    from proxy import export as exporting

    exporting.check(options)
    settings = _settings(options)
    if options.what == "agentcore":
        project = exporting.project(options, settings)
        print(_shown(project.document()))
        for note in project.notes():
            print(f"note: {note}", file=sys.stderr)
        return 0
    named = settings.upstream or settings.stdio
    found, asked = _published_tools(options) if named else _served_tools(options)
    print(_shown(exporting.entry(options, settings, found).document()))
    print(f"{counted(len(found), 'tool')} of {asked}", file=sys.stderr)
    return 0


def keys(options: Namespace) -> int:
    from proxy.key_rings import new_line

    try:
        print(new_line(options.name or time.strftime("%Y-%m-%d", time.gmtime())))
    except ValueError as error:
        raise ConfigError([f"NAME: {error}"]) from None
    return 0


VERBS: Final[Mapping[str, Callable[[Namespace], int]]] = {
    "serve": serve,
    "check": check,
    "tools": tools,
    "call": call,
    "explain": explain,
    "redact": redact,
    "keys": keys,
    "export": export,
}


def counted(number: int, what: str) -> str:
    """`1 tool`, `2 tools`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _flags(options: Namespace) -> dict[str, Any]:
    return {name: getattr(options, name) for name in FLAGS if getattr(options, name, None) is not None}


def _settings(options: Namespace) -> Settings:
    from proxy.settings import load

    return load(**_flags(options))


def _published_tools(options: Namespace) -> tuple[list[JsonObject], str]:
    """The tools, and whose they are."""
    from proxy.announcement import upstream_name
    from proxy.app import published_tools

    settings = _settings(options)
    with _policies_are_configuration():
        return asyncio.run(published_tools(settings)), upstream_name(settings)


def _served_tools(options: Namespace) -> tuple[list[JsonObject], str]:
    with _client(options) as client:
        try:
            return client.tools(), client.where
        except RpcError as error:
            raise ProxyError(_printable(f"{client.where} answered the error {error.code}: {error.message}")) from None


def _client(options: Namespace, local: str | None = None) -> closing[Client]:
    from proxy.client_choice import client

    return closing(client(options, local))


def _local_url(port: str | None) -> str:
    given = port or os.environ.get("MCP_PROXY_PORT") or str(DEFAULT_PORT)
    if not given.isdecimal():
        raise UsageError("mcp-policy-proxy call: the port must be a number")
    return f"http://127.0.0.1:{given}/mcp"


def _arguments(given: str) -> JsonObject:
    text = sys.stdin.buffer.read() if given == "-" else given.encode("utf-8", "surrogateescape")
    try:
        arguments = loads(text)
    except JsonError as error:
        raise UsageError(f"mcp-policy-proxy call: the arguments are {error}") from None
    if not isinstance(arguments, dict):
        raise UsageError("""mcp-policy-proxy call: the arguments must be a JSON object, like '{"key":"value"}'""")
    return arguments


def _text(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ConfigError([f"{file}: {error.strerror}"]) from None


def _stream(file: str) -> AbstractContextManager[BinaryIO]:
    if file == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise ConfigError([f"{file}: {error.strerror}"]) from None


@contextmanager
def _policies_are_configuration() -> Iterator[None]:
    from policies.chain import PolicyOpenError
    from policies.loading import PolicyConfigError

    try:
        yield
    except PolicyConfigError as error:
        raise ConfigError(error.findings) from None
    except PolicyOpenError as error:
        raise ProxyError(str(error)) from None


def _shown(value: Json) -> str:
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except TypeError:  # a number that only the compact form can write
        text = dumps(value).decode()
    return _printable(text)


def _printable(text: str) -> str:
    """The text with everything escaped that a terminal might obey."""
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)

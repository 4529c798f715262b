"""One verb from start to end: config, run, answer, exit code. 0 done, 1 failed, 2 the config or the line is wrong, 130.

With --json one document goes to standard output, for errors too: {"error": …, "findings": […]}.
"""

from __future__ import annotations

import argparse
import getpass
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from deployment import faults
from deployment.account import Account
from deployment.errors import ConfigError, DeployError
from deployment.parser import MODULES, PROGRAM, UsageError, parsed
from deployment.reading import FLAGS, read
from deployment.report import Report
from deployment.run import Run, StoppedError
from deployment.waiting import Waits
from proxy.errors import ConfigError as ProxyConfigError
from proxy.errors import ProxyError

_BUILDING: Final = ("plan", "deploy")
_STOPPED: Final = (
    "interrupted; what AWS was asked to do goes on there: `status` shows it, the same verb again carries on"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    report = Report(as_json="--json" in given)
    try:
        return _run(given, report)
    except (UsageError, ConfigError, ProxyConfigError) as error:
        return _failed(report, error, 2)
    except StoppedError as error:
        return _failed(report, error, 130)
    except (DeployError, ProxyError) as error:
        return _failed(report, error, 1)
    except (BotoCoreError, ClientError) as error:
        return _failed(report, DeployError(faults.told(error)), 1)
    except KeyboardInterrupt:
        return _failed(report, DeployError(_STOPPED), 130)
    except BrokenPipeError:
        # The reader of a pipe has gone; what is still buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - a mistake of ours still answers with one document
        # Without its text: that may hold anything.
        report.tell("".join(traceback.format_tb(error.__traceback__)))
        return _failed(report, DeployError(f"unexpected {type(error).__name__}; please report this"), 1)


def _run(given: Sequence[str], report: Report) -> int:
    verb, options = parsed(given)
    options.ask = None if options.yes or options.json or not _at_terminal() else _ask
    options.ask_secret = None if options.ask is None else _ask_secret
    options.secret = _secret(options, report)
    flags = {key: getattr(options, key) for key in FLAGS}
    config = read(Path(options.config), flags, options.ask, building=verb in _BUILDING)
    run = Run(config=config, account=Account(config.region), report=report, waits=Waits(report.tell))
    function = verb_of(verb, options)
    if verb == "destroy" and options.ask is None and not options.yes:
        raise UsageError(f"{PROGRAM} destroy: asks before it deletes, and nobody can be asked here: give --yes")
    return function(run, options)


def verb_of(verb: str, options: argparse.Namespace) -> Callable[[Run, argparse.Namespace], int]:
    """The verb's function; of the other verbs nothing is loaded."""
    module = importlib.import_module(f"deployment.{MODULES[verb]}")
    found: Callable[[Run, argparse.Namespace], int] = getattr(module, options.action if verb == "gateway" else verb)
    return found


def _secret(options: argparse.Namespace, report: Report) -> str | None:
    """The client secret's text. Raises ConfigError when its file cannot be read."""
    value: str | None = getattr(options, "cognito_client_secret", None)
    file: str | None = getattr(options, "cognito_client_secret_file", None)
    if value and file:
        raise UsageError(f"{PROGRAM}: --cognito-client-secret and --cognito-client-secret-file exclude each other")
    if value:
        report.tell(
            "warning: --cognito-client-secret shows the secret to everybody who may list processes; it goes to Secrets "
            "Manager: from now on leave the flag out, or use --cognito-client-secret-file"
        )
        return value
    return _text(Path(file)) if file else None


def _text(path: Path) -> str:
    try:
        text = path.read_text("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"--cognito-client-secret-file: {path} cannot be read ({type(error).__name__})"]) from None
    if not text:
        raise ConfigError([f"--cognito-client-secret-file: {path} is empty"])
    return text


def _failed(report: Report, error: Exception, code: int) -> int:
    findings = list(getattr(error, "findings", ()))
    if report.as_json:
        said = "the config cannot be deployed" if findings else str(error)
        report.answer({"error": said, "findings": findings}, ())
    else:
        for line in findings or [str(error)]:
            report.tell(line)
        if isinstance(error, UsageError):
            report.tell(f"See: {PROGRAM} --help")
    return code


def _at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(prompt: str) -> str:
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _ask_secret() -> str:
    """Not echoed; getpass writes its prompt to the terminal itself."""
    return getpass.getpass("client secret (goes to Secrets Manager): ")

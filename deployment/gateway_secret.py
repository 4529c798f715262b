"""A client secret that the deployer hands on: read when it is needed, kept no longer than the run, never shown."""

from __future__ import annotations

import asyncio
import getpass
from argparse import Namespace
from collections.abc import Callable

from deployment.errors import DeployError
from deployment.run import Run
from deployment.secret import Secret
from policies.policy import SecretError
from proxy.references import References


class ClientSecret:
    """`reference` is `file:…`, `env:…` or an ARN; without one the terminal is asked, where there is one."""

    def __init__(self, what: str, reference: str | None, ask: Callable[[str], str] | None) -> None:
        self._what = what
        self._reference = reference
        self._ask = ask
        self._text: str | None = None

    def need(self) -> str:
        """The text; the same however often it is asked for. Raises DeployError."""
        if self._text is None:
            self._text = self._read()
        return self._text

    def _read(self) -> str:
        if self._reference:
            try:
                return asyncio.run(References().get(self._reference))
            except SecretError as error:
                raise DeployError(f"{self._what}: {error}") from None
        found = self._ask(f"{self._what}: ").strip() if self._ask else ""
        if not found:
            raise DeployError(
                f"{self._what}: is needed: give --client-secret file:PATH, env:NAME or an ARN to `register` or `rotate`"
            )
        return found


def asking(options: Namespace) -> Callable[[str], str] | None:
    """How to ask without showing what is typed; None where nobody may be asked."""
    return getpass.getpass if getattr(options, "ask", None) else None


def outbound_arn(run: Run) -> str | None:
    """Where the proxy's own client secret is (`#KEY` included), or None where there is none."""
    return Secret(run, None, None).value()

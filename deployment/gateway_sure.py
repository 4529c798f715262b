"""Asking before something is deleted."""

from __future__ import annotations

from argparse import Namespace

from deployment.errors import DeployError


def be_sure(options: Namespace, what: str) -> None:
    """`options.yes` answers beforehand; else `options.ask` does. Raises DeployError where neither says yes."""
    if options.yes:
        return
    ask = getattr(options, "ask", None)
    if ask is None:
        raise DeployError(f"nobody is there to be asked whether to {what}; give --yes")
    if ask(f"{what}? [y/N] ").strip().lower() not in ("y", "yes"):
        raise DeployError("nothing was deleted")

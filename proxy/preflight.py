"""What only a try can find before a start: a missing secret, command or folder, a policy that does not open.

Each function yields findings; none of them holds a value.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from policies.chain import Chain, PolicyOpenError
from policies.detect.detecting import Detecting
from policies.finding import PolicyConfigError
from policies.line import Entry
from policies.policy import Secrets
from proxy.announcement import program
from proxy.auth_modes import Anonymous
from proxy.connect import connect
from proxy.errors import ConfigError
from proxy.references import unusable
from proxy.settings import Settings

_SECRET_OF: Final = {"jwt": "client_secret", "identity": "client_secret", "api_key": "api_key"}


def places(settings: Settings) -> Iterator[str]:
    """The upstream's URL or command, and the folder of the snapshot."""
    if settings.upstream or settings.stdio:
        yield from _upstream(settings)
    if settings.snapshot and not settings.snapshot.parent.is_dir():
        yield f"setting snapshot: there is no folder {settings.snapshot.parent}"


async def secrets(settings: Settings, lent: Secrets, *, offline: bool) -> AsyncIterator[str]:
    """The secret that `auth_mode` needs. With `offline` only what is on this machine is read."""
    name = _SECRET_OF.get(settings.auth_mode, "")
    reference = getattr(settings, name) if name else None
    if reference is None or unusable(reference) or (offline and reference.startswith("arn:")):
        return
    try:
        await lent.get(reference)
    except LookupError as error:
        yield f"setting {name}: {error}"


async def opening(entries: Sequence[Entry]) -> AsyncIterator[str]:
    """Open and close each policy."""
    for entry in entries:
        chain = Chain([entry])
        try:
            await chain.open()
            if isinstance(entry.policy, Detecting):
                await entry.policy.loaded()
        except PolicyOpenError as error:
            yield str(error)
        except PolicyConfigError as error:
            yield f"policy {entry.name!r} cannot be loaded: {error}"
        finally:
            await chain.close()


def _upstream(settings: Settings) -> Iterator[str]:
    try:
        connect(settings, Anonymous())
    except ConfigError as error:
        yield from error.findings
        return
    if settings.stdio and shutil.which(shlex.split(settings.stdio)[0]) is None:
        yield f"setting stdio: the command {program(settings.stdio)!r} cannot be found"

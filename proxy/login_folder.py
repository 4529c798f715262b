"""The folder that registrations and logins are kept in: what has ended is removed, and there is an end to its size."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from policies.policy import Behind

if TYPE_CHECKING:
    from key_value.aio.stores.filetree import FileTreeStore

_T = TypeVar("_T")

MOST: Final = 100_000
"""Files. Above that no client is registered; who is registered logs in, and the files of logins end by themselves."""

LOOK_S: Final = 60.0
_LOOKS: Final = 60
"""Every so many looks at the size, the first included, what has ended is removed."""
CULL_S: Final = 600.0

_log = logging.getLogger(__name__)


class LoginFolder:
    """`full` while it holds more than MOST files."""

    def __init__(self, path: Path, behind: Behind) -> None:
        self.path = path
        self._behind = behind
        self.full = False
        self._said = ""

    async def keep(self) -> None:
        """Looks after it until cancelled."""
        for look in itertools.count():
            await asyncio.sleep(LOOK_S)
            try:
                if look % _LOOKS == 0:
                    async with asyncio.timeout(CULL_S):
                        await (await self._in_thread(_store)).cull()
                self._found(await self._in_thread(_files))
            except Exception as error:  # noqa: BLE001 - a library's, or of any file system
                self._failed(type(error).__name__)

    async def _in_thread(self, work: Callable[[Path], _T]) -> _T:
        """Behind the calls: it imports, and a file system that hangs must not hold up the end of the process."""
        return await asyncio.wrap_future(self._behind.start(partial(work, self.path)))

    def _failed(self, kind: str) -> None:
        if kind != self._said:
            _log.error("the folder of logins (oauth_storage) was not cleaned up: %s", kind)
        self._said = kind

    def _found(self, files: int) -> None:
        full, self._said = files > MOST, ""
        if full and not self.full:
            _log.error("the folder of logins (oauth_storage) holds more than %d files: no client is registered", MOST)
        self.full = full


def _store(path: Path) -> FileTreeStore:
    from proxy.oauth_provider import files

    return files(path)


def _files(path: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(path))

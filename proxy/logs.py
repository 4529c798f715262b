"""Logging: one line a record on standard error, and nothing of a call in it.

Our own messages hold no argument, result or credential. A library's may (the MCP SDK logs tracebacks of handlers,
pydantic errors echo input), so of a record that is not ours only its place and its exception's type are written.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Final

_OURS: Final = ("proxy", "policies", "mcp_policy_proxy", "__main__")


class Discreet(logging.Formatter):
    """Writes our messages, and of any other library's record just the place and the exception's type."""

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        head = f"{at}.{record.msecs:03.0f}Z {record.levelname.lower()} {record.name}"
        if record.name.split(".")[0] in _OURS:
            return f"{head}: {record.getMessage()}"
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        return f"{head}: {record.module}:{record.lineno} {kind}".rstrip()


def configure(level: str) -> None:
    """Write every record on standard error, ours from `level` on, the others' from `warning` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Discreet())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    take_over()
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())


def take_over() -> None:
    """Leave every record to the root logger. Call it after importing FastMCP, which installs a handler of its own."""
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        if name.split(".")[0] not in _OURS:
            logger.setLevel(logging.NOTSET)

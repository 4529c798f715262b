"""A file with the tools and the hello of the upstream, to answer from while the upstream is away at start."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from policies.jsontext import JsonError, dumps, loads
from policies.model import JsonObject
from proxy.upstream import Hello

log = logging.getLogger(__name__)


class Snapshot:
    """Reads the file once; writes it whole or not at all. A file that cannot be used is said so and ignored."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = _read(path)
        self._written: bytes | None = None

    def tools(self) -> list[JsonObject]:
        listed = self._held.get("tools")
        return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []

    def hello(self) -> Hello | None:
        held = self._held.get("hello")
        if not isinstance(held, dict) or held.get("era") not in ("handshake", "modern"):
            return None
        body = held.get("body")
        if not isinstance(body, dict):
            return None
        return Hello(era=held["era"], version=str(held.get("version", "")), body=body, sessions=False)

    def write(self, tools: Sequence[JsonObject], hello: Hello | None) -> None:
        held = {"era": hello.era, "version": hello.version, "body": hello.body} if hello else None
        try:
            text = dumps({"tools": list(tools), "hello": held})
            if text != self._written:
                _replace(self._path, text)
                self._written = text
        except (OSError, JsonError) as error:
            log.warning("the snapshot %s cannot be written: %s", self._path, type(error).__name__)


def _read(path: Path) -> JsonObject:
    try:
        held = loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, JsonError) as error:
        log.warning("the snapshot %s cannot be read, and is not used: %s", path, type(error).__name__)
        return {}
    return held if isinstance(held, dict) else {}


def _replace(path: Path, text: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise

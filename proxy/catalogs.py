"""Which catalog a caller sees.

A proxy with a credential of its own keeps one. In passthrough mode each caller's token sees its own tools: one catalog
a token, bounded, never shared, never written to disk.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable

from proxy.bounds import Bounds
from proxy.catalog import Catalog
from proxy.eras import MODERN
from proxy.inbound import Inbound
from proxy.publishing import Publishing
from proxy.snapshot import Snapshot
from proxy.upstream import Origin, Upstream


class Catalogs:
    """Which catalog a caller sees."""

    def __init__(
        self,
        upstream: Upstream,
        bounds: Bounds,
        *,
        per_token: bool = False,
        snapshot: Snapshot | None = None,
        publishing: Callable[[], Publishing] = Publishing,
    ) -> None:
        self._upstream = upstream
        self._bounds = bounds
        self._per_token = per_token
        self._publishing = publishing
        self._by_token: OrderedDict[bytes, Catalog] = OrderedDict()
        self.main = Catalog(upstream, bounds, Origin(version=MODERN, own=True), snapshot, publishing())

    def of(self, inbound: Inbound) -> Catalog:
        if not self._per_token:
            return self.main
        token = inbound.headers.get("authorization")
        key = hashlib.sha256((token or "").encode()).digest()
        catalog = self._by_token.get(key)
        if catalog is None:
            origin = Origin(version=MODERN, own=True, authorization=token)
            publishing = self._publishing()
            catalog = self._by_token[key] = Catalog(self._upstream, self._bounds, origin, None, publishing)
            if len(self._by_token) > self._bounds.catalogs:
                self._by_token.popitem(last=False)
        self._by_token.move_to_end(key)
        return catalog

    def noticed(self, method: str, inbound: Inbound) -> None:
        if method == "notifications/tools/list_changed":
            self.of(inbound).forget()

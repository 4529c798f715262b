"""The ways of proving to the upstream who calls, one class each. They implement `proxy.auth.Auth`."""

from __future__ import annotations

from collections.abc import Mapping

from yarl import URL

from proxy.lease import Leased
from proxy.sigv4 import Credentials, Signer


class Anonymous:
    """No credential."""

    async def sign(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes,
        authorization: str | None,
        workload: str | None = None,
    ) -> Mapping[str, str]:
        return {}

    async def refused(self, status: int, workload: str | None = None) -> bool:
        return False

    async def open(self) -> None:
        """Nothing is fetched before the first request: a source that is away must not delay the start."""

    async def ready(self) -> None:
        """Whoever calls, there is the same credential: nothing is waited for."""

    async def close(self) -> None:
        """Nothing to end."""


class Passthrough(Anonymous):
    """The caller's own Authorization value, as it came. A caller without one goes up without one."""

    async def sign(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes,
        authorization: str | None,
        workload: str | None = None,
    ) -> Mapping[str, str]:
        return {} if authorization is None else {"Authorization": authorization}


class Bearer(Anonymous):
    """An access token of the proxy's own. A 401 fetches a new one; on a 403 a new one would lack the same right."""

    def __init__(self, token: Leased[str]) -> None:
        self._token = token

    async def sign(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes,
        authorization: str | None,
        workload: str | None = None,
    ) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {await self._token.get()}"}

    async def refused(self, status: int, workload: str | None = None) -> bool:
        return status == 401 and await self._token.renew()

    async def close(self) -> None:
        await self._token.close()


class ApiKey(Anonymous):
    """A key in a header. When it is refused the reference is read again."""

    def __init__(self, header: str, key: Leased[str]) -> None:
        self._header = header
        self._key = key

    async def sign(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes,
        authorization: str | None,
        workload: str | None = None,
    ) -> Mapping[str, str]:
        return {self._header: await self._key.get()}

    async def refused(self, status: int, workload: str | None = None) -> bool:
        return await self._key.renew()

    async def close(self) -> None:
        await self._key.close()


class Iam(Anonymous):
    """An AWS signature. AWS says 403 for expired and for insufficient credentials alike: both read them again."""

    def __init__(self, signer: Signer, keys: Leased[Credentials]) -> None:
        self.signer = signer
        self._keys = keys

    async def sign(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes,
        authorization: str | None,
        workload: str | None = None,
    ) -> Mapping[str, str]:
        return self.signer.sign(await self._keys.get(), method, url, headers, body)

    async def refused(self, status: int, workload: str | None = None) -> bool:
        return await self._keys.renew()

    async def close(self) -> None:
        await self._keys.close()

"""AgentCore on loopback, whole: its control plane and data planes, Cognito's front, and moto for all other services.

The planes share one event loop in a thread of their own, so that blocking clients work in the thread that started
the emulator. Who talks to it needs `environment` and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Final

from aiohttp import web

from tests.agentcore import control, emulator_moto, gateway_plane, runtime_plane, tokens, xray
from tests.agentcore.control_state import ListTools
from tests.agentcore.emulator_remains import Remain, remains
from tests.agentcore.signatures_iam import DEPLOYER, moto_client
from tests.agentcore.world import REGION, World

START_S: Final = 10.0
CLOSE_S: Final = 15.0
_PLANES: Final = ("control", "data", "gateway", "cognito", "xray")


class Emulator:
    """Started and ended by `async with`, or by `start` and `close`. A moto that runs already is given by its URL.

    `world` is what it holds, and takes the faults that a test asks for.
    """

    def __init__(self, *, moto: str | None = None, list_tools: ListTools | None = None) -> None:
        """`list_tools` stands in for the gateway's own way of asking a target for its tools."""
        self.world = World()
        self.environment: dict[str, str] = {}
        self.applications: dict[str, web.Application] = {}
        """The planes, by the names of `url`; what a plane lets a test reach is under its keys."""
        self._moto = moto
        self._list_tools = list_tools
        self._ends = contextlib.ExitStack()
        self._sockets: dict[str, socket.socket] = {}

    async def __aenter__(self) -> Emulator:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    def start(self) -> None:
        """Up and answering when it returns. Ends what it started where a part does not start."""
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            moto = self._moto or self._ends.enter_context(emulator_moto.running())
            for name in _PLANES:
                self._sockets[name] = self._ends.enter_context(socket.create_server(("127.0.0.1", 0)))
            self.environment = {**self._addresses(moto), **self._keys(moto)}
            self.applications = self._applications(moto)
            serving = _Serving(self.applications, self._sockets)
            self._ends.callback(serving.stop)
            serving.start()
            undo.pop_all()

    def close(self) -> None:
        """Ends everything that it started, the proxies of its runtimes included. A second time does nothing."""
        self._ends.close()

    def url(self, plane: str) -> str:
        """Where a plane answers: `control`, `data`, `gateway`, `cognito` or `xray`."""
        return "http://{}:{}".format(*self._sockets[plane].getsockname()[:2])

    def left_over(self, *names: str) -> list[Remain]:
        """What a deployment has left, here or in moto: with our tag, or named after it or after one of `names`."""
        return remains(self.world, self.environment["AWS_ENDPOINT_URL"], names)

    def _addresses(self, moto: str) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": moto,
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL": self.url("control"),
            "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE": self.url("data"),
            "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": self.url("cognito"),
            "AWS_ENDPOINT_URL_XRAY": self.url("xray"),
            "AWS_DEFAULT_REGION": REGION,
            # A developer's own profile must not reach in here, nor anything of here reach an account.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def _keys(self, moto: str) -> dict[str, str]:
        """A key of the user `deployer`, known to moto and to the planes as the same principal."""
        user = DEPLOYER.rpartition("/")[2]
        iam = moto_client("iam", moto)
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_user(UserName=user)
        for old in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=user, AccessKeyId=old["AccessKeyId"])
        key = iam.create_access_key(UserName=user)["AccessKey"]
        access, secret = str(key["AccessKeyId"]), str(key["SecretAccessKey"])
        self.world.keys[access] = (secret, None)
        self.world.principals[access] = DEPLOYER
        return {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}

    def _applications(self, moto: str) -> dict[str, web.Application]:
        """The last one ends first: whoever asks before who answers."""
        data, gateways = self.url("data"), self.url("gateway")
        gateway = gateway_plane.app(self.world, moto, runtimes=lambda: data)
        return {
            "xray": xray.app(),
            "cognito": tokens.app(self.world, moto),
            "data": runtime_plane.app(self.world, moto, environment=lambda: self._addresses(moto)),
            "gateway": gateway,
            "control": control.app(
                self.world,
                moto,
                list_tools=self._list_tools or gateway[gateway_plane.PLANE].targets.list_tools,
                gateway_url=lambda name: f"{gateways}/{name}/mcp",
            ),
        }


class _Serving:
    """Applications on sockets, by name, in an event loop in a thread."""

    def __init__(self, applications: dict[str, web.Application], sockets: dict[str, socket.socket]) -> None:
        self._applications = applications
        self._sockets = sockets
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="agentcore", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.result(START_S)

    def stop(self) -> None:
        if self._thread.ident is None:
            return
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # It ended by itself.
                self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(CLOSE_S)
        assert not self._thread.is_alive(), f"the emulator did not end within {CLOSE_S:g} s"

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            for name, application in self._applications.items():
                runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=0.2)
                await runner.setup()
                stack.push_async_callback(runner.cleanup)
                await web.SockSite(runner, self._sockets[name]).start()
            self._ready.set_result(None)
            await self._over.wait()
            await self._take_no_more()

    async def _take_no_more(self) -> None:
        """A connection on its way from the socket to its protocol, four passes of the loop, would be lost unclosed if
        its server closed meanwhile."""
        for each in self._sockets.values():
            asyncio.get_running_loop().remove_reader(each)
        for _ in range(5):
            await asyncio.sleep(0)

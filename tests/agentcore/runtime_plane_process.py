"""The code of a runtime as a process: its zip from moto's S3, its output in a bounded file and in moto's logs."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import os
import shutil
import signal
import socket
import stat
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from tests.agentcore.runtime_plane_instances import StartError
from tests.agentcore.runtime_plane_output import Output
from tests.agentcore.signatures import mint
from tests.agentcore.signatures_iam import moto_client
from tests.agentcore.world import Json, Runtime, World

STOP_S = 3.0
"""How long a process may take to end after SIGTERM."""

_LOOK_S = 0.02


@dataclass
class Process:
    """A started process of its own group, with the folder that it runs in."""

    url: str
    folder: Path
    process: asyncio.subprocess.Process
    output: Output

    def alive(self) -> bool:
        return self.process.returncode is None

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL to the whole group; the folder goes too."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), STOP_S)
        self._signal(signal.SIGKILL)
        await self.process.wait()
        await self.output.close()
        await asyncio.to_thread(shutil.rmtree, self.folder, True)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


class Processes:
    """Starts code. `environment` gives the SDK's endpoint variables; nothing else of this process's own is passed."""

    def __init__(self, world: World, moto: str, environment: Callable[[], Mapping[str, str]] = dict) -> None:
        self._world = world
        self._environment = environment
        self._s3 = moto_client("s3", moto)
        self._logs = moto_client("logs", moto)

    async def __call__(self, runtime: Runtime, endpoint: str, version: int) -> Process:
        """Implements Start."""
        request = runtime.versions[version - 1]
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="runtime-"))
        try:
            entry = await asyncio.to_thread(self._unpack, request, folder / "code")
            return await self._run(runtime, endpoint, request, folder, entry)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, folder, True)
            raise

    def _unpack(self, request: Json, folder: Path) -> str:
        code = request["agentRuntimeArtifact"].get("codeConfiguration")
        if code is None:
            raise StartError("only artifacts of code are started here, not images")
        where = code["code"]["s3"]
        version = {"VersionId": where["versionId"]} if "versionId" in where else {}
        try:
            found = self._s3.get_object(Bucket=where["bucket"], Key=where["prefix"], **version)["Body"].read()
        except ClientError as error:
            place = f"s3://{where['bucket']}/{where['prefix']}"
            raise StartError(f"{place} cannot be read: {error.response['Error']['Code']}") from None
        twin = self._world.twins.get(hashlib.sha256(found).hexdigest())
        if twin is not None:
            shutil.copytree(twin, folder, copy_function=_linked)
        else:
            unpacked(found, folder)
        return str(code["entryPoint"][-1])

    async def _run(self, runtime: Runtime, endpoint: str, request: Json, folder: Path, entry: str) -> Process:
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            entry,
            cwd=folder / "code",
            env=self._variables(runtime, request, port),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        assert process.stdout is not None
        group = f"/aws/bedrock-agentcore/runtimes/{runtime.id}-{endpoint}"
        output = Output(process.stdout, folder / "output.log", self._logs, group)
        started = Process(f"http://127.0.0.1:{port}", folder, process, output)
        try:
            await _listening(started, port, group)
        except BaseException:
            await started.stop()
            raise
        return started

    def _variables(self, runtime: Runtime, request: Json, port: int) -> dict[str, str]:
        """The request's own variables, the way to the emulated services, and a key of the runtime's role."""
        endpoints = {name: value for name, value in self._environment().items() if name.startswith("AWS_ENDPOINT_URL")}
        keys = mint(self._world, request["roleArn"], f"runtime-{runtime.id[-10:]}")
        own = {"PATH": os.environ.get("PATH", os.defpath), "MCP_PROXY_PORT": str(port)}
        return {**request.get("environmentVariables", {}), **endpoints, **own, **keys.environment()}


async def _listening(started: Process, port: int, group: str) -> None:
    """Returns once the port takes connections. The caller bounds the time. Raises StartError when the code ended."""
    while True:
        if not started.alive():
            await started.output.drained()
            raise StartError(f"the code ended with {started.process.returncode} before it listened; see {group}")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(_LOOK_S)
            continue
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        return


def _linked(source: str, place: str) -> None:
    """Nothing writes to these files, so that another name for them does."""
    try:
        os.link(source, place)
    except OSError:
        shutil.copyfile(source, place)


def unpacked(archive: bytes, folder: Path) -> None:
    """Unpack a zip with its modes. Raises StartError for what is none, or leaves the folder."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as found:
            for item in found.infolist():
                target = (folder / item.filename).resolve()
                if not target.is_relative_to(folder.resolve()):
                    raise StartError("the zip has a name that leaves its folder")
                found.extract(item, folder)
                mode = stat.S_IMODE(item.external_attr >> 16)
                if mode and not item.is_dir():
                    target.chmod(mode)
    except zipfile.BadZipFile:
        raise StartError("the artifact is not a zip") from None


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])

"""What tests of the planes stand on: applications on ports of their own, keys of principals, things in a world."""

from __future__ import annotations

import contextlib
import io
import json
import secrets
import zipfile
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tests.agentcore.signatures import SERVICE, Keys
from tests.agentcore.signatures_iam import DEPLOYER, moto_client, session
from tests.agentcore.world import ACCOUNT, REGION, Endpoint, Gateway, Json, Runtime, Target, World

ROOT = Path(__file__).parents[2]


@contextlib.asynccontextmanager
async def serving(application: web.Application, port: int = 0) -> AsyncIterator[str]:
    """The URL at which `application` answers. Its raw request targets reach it as they were sent."""
    runner = web.AppRunner(application, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield "http://{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


def user_keys(world: World, arn: str = DEPLOYER) -> Keys:
    """A long-lived key of a user, known to `world` from now on."""
    keys = Keys(access_key=f"AKIA{secrets.token_hex(8).upper()}", secret_key=secrets.token_hex(20))
    world.keys[keys.access_key] = (keys.secret_key, None)
    world.principals[keys.access_key] = arn
    return keys


def role(moto_url: str, name: str, statements: list[dict[str, Any]]) -> str:
    """The ARN of a role in moto, with these statements as its one inline policy."""
    iam = moto_client("iam", moto_url)
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="given", PolicyDocument=document)
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def allow(actions: list[str], resources: list[str], effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Action": actions, "Resource": resources}


class Signed(httpx2.Auth):
    """botocore's signature for clients on httpx2, over the request as it goes out."""

    requires_request_body = True

    def __init__(self, keys: Keys) -> None:
        self._keys = Credentials(keys.access_key, keys.secret_key, keys.token)

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        url = f"{request.url.scheme}://{request.url.netloc.decode()}{request.url.raw_path.decode()}"
        kept = {"Host": request.headers["host"]}
        if "content-type" in request.headers:
            kept["Content-Type"] = request.headers["content-type"]
        signing = AWSRequest(request.method, url, data=request.content, headers=kept)
        SigV4Auth(self._keys, SERVICE, REGION).add_auth(signing)
        request.headers.update({name: str(value) for name, value in signing.headers.items()})
        yield request


def invocation_url(plane: str, runtime: Runtime, qualifier: str = "DEFAULT") -> str:
    return f"{plane}/runtimes/{quote(runtime.arn, safe='')}/invocations?qualifier={qualifier}"


def runtime_in(world: World, name: str, role_arn: str, **request: Any) -> Runtime:
    """A runtime that is READY, with its DEFAULT endpoint, as a Create and an Update for MMDSv2 leave it."""
    runtime_id = f"{name}-{secrets.token_hex(5)}"
    arn = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:runtime/{runtime_id}"
    asked = {"roleArn": role_arn, "protocolConfiguration": {"serverProtocol": "MCP"}, **request}
    runtime = Runtime(id=runtime_id, arn=arn, name=name, versions=[asked], status="READY", requires_mmdsv2=True)
    runtime.workload_identity = runtime_id
    runtime.endpoints["DEFAULT"] = Endpoint(name="DEFAULT", live_version="1", target_version="1", status="READY")
    world.runtimes[runtime_id] = runtime
    return runtime


PROXY_MAIN = f"import sys\nsys.path[:0] = [{str(ROOT)!r}]\nfrom proxy.__main__ import main\nsys.exit(main(['serve']))\n"
"""A main.py that runs the proxy of this source tree."""


def code_in(moto_url: str, key: str, main: str = PROXY_MAIN, **files: str) -> Json:
    """An `agentRuntimeArtifact`: a zip in moto's S3 with `main.py`, and `files` by name, beside it."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in {"main.py": main, **files}.items():
            archive.writestr(name, text)
    s3 = moto_client("s3", moto_url)
    s3.create_bucket(Bucket="artifacts")
    s3.put_object(Bucket="artifacts", Key=key, Body=held.getvalue())
    code = {"s3": {"bucket": "artifacts", "prefix": key}}
    return {"codeConfiguration": {"code": code, "runtime": "PYTHON_3_11", "entryPoint": ["main.py"]}}


def agentcore(plane: str, keys: Keys) -> Any:
    """boto3's client of the data plane."""
    return session().client(
        SERVICE,
        region_name=REGION,
        endpoint_url=plane,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
        config=Config(retries={"total_max_attempts": 1}),
    )


def gateway_in(world: World, plane: str, role_arn: str, mcp: Json | None = None, **request: Any) -> Gateway:
    """A gateway that is READY, served by the gateway plane at URL `plane`."""
    gateway_id = f"shop-{secrets.token_hex(5)}"
    asked = {"name": "shop", "roleArn": role_arn, "authorizerType": "NONE", **request}
    asked["protocolConfiguration"] = {"mcp": mcp or {}}
    arn = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:gateway/{gateway_id}"
    gateway = Gateway(id=gateway_id, arn=arn, name="shop", url=f"{plane}/{gateway_id}/mcp", request=asked)
    gateway.status = "READY"
    world.gateways[gateway_id] = gateway
    return gateway


def target_in(gateway: Gateway, name: str, configuration: Json, **request: Any) -> Target:
    """A READY target: `configuration` is the `mcp` of its targetConfiguration. Tools of an inline schema are listed."""
    tools = configuration.get("lambda", {}).get("toolSchema", {}).get("inlinePayload", [])
    asked = {"name": name, "targetConfiguration": {"mcp": configuration}, **request}
    target = Target(id=secrets.token_hex(5).upper(), name=name, request=asked, status="READY", tools=list(tools))
    gateway.targets[target.id] = target
    return target

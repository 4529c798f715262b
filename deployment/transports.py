"""Two ways of calling the runtime by its ARN: signed by boto3, or with a token over HTTPS, which boto3 cannot send."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from deployment import faults
from deployment.errors import ConfigError, DeployError
from deployment.run import Run
from proxy.arns import invocation_url

ACCEPT: Final = "application/json, text/event-stream"
ANSWER_BYTES: Final = 32 * 2**20
_READ_S: Final = 910
_SESSION: Final = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"
_REFERENCE: Final = re.compile(r"(file|env):(.+)")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a call is sent with. `session` names a runtime session, that is a microVM; any new one starts one."""

    body: bytes = field(repr=False)
    session: str
    protocol: str
    endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`body` is JSON or, with a `kind` of text/event-stream, events. `said` is AWS's own message of a refusal."""

    status: int
    kind: str
    body: bytes = field(repr=False)
    said: str = ""


class Transport(Protocol):
    def send(self, sent: Sent) -> Answer:
        """The answer, whatever its status. Raises botocore's errors where there is none, and DeployError."""
        ...


class Signed:
    """SigV4, by boto3: for runtimes with IAM in front."""

    def __init__(self, run: Run, arn: str) -> None:
        self._arn = arn
        self._client = run.account.client("bedrock-agentcore")

    def send(self, sent: Sent) -> Answer:
        try:
            answer = self._client.invoke_agent_runtime(
                agentRuntimeArn=self._arn,
                qualifier=sent.endpoint,
                runtimeSessionId=sent.session,
                mcpProtocolVersion=sent.protocol,
                contentType="application/json",
                accept=ACCEPT,
                payload=sent.body,
            )
        except ClientError as error:
            return Answer(status=_status(error), kind="", body=b"", said=faults.message(error))
        body = answer["response"].read(ANSWER_BYTES + 1)
        answer["response"].close()
        return Answer(status=answer.get("statusCode", 200), kind=answer["contentType"], body=_capped(body))


class WithToken:
    """A bearer token over HTTPS: for runtimes with a JWT authorizer."""

    def __init__(self, arn: str, token: str) -> None:
        self._arn = arn
        self._token = token
        self._http = URLLib3Session(verify=os.environ.get("AWS_CA_BUNDLE") or True, timeout=(10, _READ_S))

    def send(self, sent: Sent) -> Answer:
        url = invocation_url(self._arn, sent.endpoint)
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise DeployError("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: a token is sent over https:// alone")
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Accept": ACCEPT,
            "MCP-Protocol-Version": sent.protocol,
            _SESSION: sent.session,
        }
        request: Any = AWSRequest(method="POST", url=url, data=sent.body, headers=headers, stream_output=True)
        answer: Any = self._http.send(request.prepare())
        body = answer.raw.read(ANSWER_BYTES + 1, decode_content=True)
        answer.raw.close()
        return Answer(status=answer.status_code, kind=answer.headers.get("Content-Type", ""), body=_capped(body))


def transport(run: Run, arn: str, reference: str | None) -> Transport:
    """The one that the runtime's inbound mode asks for. Raises ConfigError."""
    if run.config.inbound.mode == "iam":
        if reference:
            raise ConfigError(["--token: inbound.mode is iam, so calls are signed, and no token is looked at"])
        return Signed(run, arn)
    if not reference:
        raise ConfigError(["--token: inbound.mode is jwt: give the caller's token as file:PATH or env:NAME"])
    return WithToken(arn, token(reference, os.environ))


def token(reference: str, environ: Mapping[str, str]) -> str:
    """The text behind `file:PATH` or `env:NAME`. Raises ConfigError without repeating what may be a token."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise ConfigError(["--token: must be file:PATH or env:NAME, not the token itself"])
    try:
        text = Path(found[2]).read_text() if found[1] == "file" else environ[found[2]]
    except KeyError:
        raise ConfigError([f"--token: the environment has no variable {found[2]}"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"--token: {found[2]} cannot be read ({type(error).__name__})"]) from None
    if not re.fullmatch(r"[\x21-\x7e]+", text.strip()):
        raise ConfigError([f"--token: {reference} holds no token"])
    return text.strip()


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _capped(body: bytes) -> bytes:
    if len(body) > ANSWER_BYTES:
        raise DeployError(f"the runtime answered more than {ANSWER_BYTES} bytes")
    return body

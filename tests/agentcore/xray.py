"""X-Ray, as far as a deployment asks it: whether Transaction Search is on (it is not), and a place for spans."""

from __future__ import annotations

from aiohttp import web

PAYLOAD_BYTES = 2**20


def app() -> web.Application:
    """What AWS_ENDPOINT_URL_XRAY points to. Spans are taken and forgotten."""
    application = web.Application(client_max_size=PAYLOAD_BYTES)
    application.router.add_post("/GetTraceSegmentDestination", _destination)
    application.router.add_post("/v1/traces", _traces)
    return application


async def _destination(_: web.Request) -> web.Response:
    return web.json_response({"Destination": "XRay", "Status": "ACTIVE"})


async def _traces(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(content_type="application/x-protobuf")

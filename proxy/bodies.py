"""Reading an upstream's HTTP body under a cap, inflating piece by piece: a bomb stops at the cap, not after it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

from proxy.http1_response import Response
from proxy.wire import WireError

_PIECE: Final = 256 * 2**10


async def whole(response: Response, cap: int) -> bytes:
    """The inflated body. Raises WireError: too_large over `cap` bytes, malformed for an unknown encoding."""
    if response.header("content-encoding") is not None:
        return await _joined(_inflating(response), cap)
    length = response.content_length
    if length is not None and length > cap:
        raise _too_large(cap)
    first = await response.read()
    if response.at_eof:
        if len(first) > cap:
            raise _too_large(cap)
        return first
    return await _joined(pieces(response), cap, first)


async def _joined(parts: AsyncIterator[bytes], cap: int, first: bytes = b"") -> bytes:
    found, size = [first], len(first)
    async for part in parts:
        size += len(part)
        if size > cap:
            raise _too_large(cap)
        found.append(part)
    return b"".join(found)


def plain(response: Response) -> AsyncIterator[bytes]:
    """A stream of events as it is read. Raises WireError for a compressed one: a kilobyte may be a million events."""
    if _encoding(response) != "identity":
        raise WireError("malformed", "the upstream's event stream has a Content-Encoding that was not asked for")
    return pieces(response)


async def pieces(response: Response) -> AsyncIterator[bytes]:
    """The body as it is read."""
    while piece := await response.read():
        yield piece


def _encoding(response: Response) -> str:
    return (response.header("content-encoding") or "").lower() or "identity"


async def _inflating(response: Response) -> AsyncIterator[bytes]:
    """The inflated body in pieces of at most 256 KiB or what one read gave. Raises WireError (malformed)."""
    encoding = _encoding(response)
    if encoding == "identity":
        async for chunk in pieces(response):
            yield chunk
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise WireError("malformed", "the upstream's answer has a Content-Encoding that was not asked for")
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    async for chunk in pieces(response):
        for piece in _inflated(inflater, chunk):
            yield piece
            await asyncio.sleep(0)  # one read may hold hundreds of them
    if not inflater.eof:
        raise WireError("malformed", "the upstream's compressed answer is cut short")


def _inflated(inflater: zlib._Decompress, chunk: bytes) -> Iterator[bytes]:
    try:
        piece = inflater.decompress(chunk, _PIECE)
        while piece:
            yield piece
            piece = inflater.decompress(inflater.unconsumed_tail, _PIECE)
    except zlib.error:
        raise WireError("malformed", "the upstream's compressed answer cannot be inflated") from None
    if inflater.unused_data:
        raise WireError("malformed", "the upstream's compressed answer goes on after its end")


def _too_large(cap: int) -> WireError:
    return WireError("too_large", f"the upstream's answer is larger than {cap} bytes (MCP_PROXY_BOUNDS__ANSWER_BYTES)")

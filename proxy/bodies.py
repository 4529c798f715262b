"""Reading an upstream's HTTP body under a cap, inflating piece by piece: a bomb stops at the cap, not after it."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

import aiohttp

from proxy.wire import WireError

_PIECE: Final = 256 * 2**10


async def whole(response: aiohttp.ClientResponse, cap: int) -> bytes:
    """The inflated body. Raises WireError: too_large over `cap` bytes, malformed for an unknown encoding."""
    if "Content-Encoding" in response.headers:
        return await _joined(_pieces(response), cap)
    length = response.content_length
    if length is not None and length > cap:
        raise _too_large(cap)
    content = response.content
    first = await content.readany()
    if content.at_eof():
        if len(first) > cap:
            raise _too_large(cap)
        return first
    return await _joined(content.iter_any(), cap, first)


async def _joined(parts: AsyncIterator[bytes], cap: int, first: bytes = b"") -> bytes:
    found, size = [first], len(first)
    async for part in parts:
        size += len(part)
        if size > cap:
            raise _too_large(cap)
        found.append(part)
    return b"".join(found)


def plain(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """A stream of events as it is read. Raises WireError for a compressed one: a kilobyte may be a million events."""
    if _encoding(response) != "identity":
        raise WireError("malformed", "the upstream's event stream has a Content-Encoding that was not asked for")
    return response.content.iter_any()


def _encoding(response: aiohttp.ClientResponse) -> str:
    return response.headers.get("Content-Encoding", "").strip().lower() or "identity"


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The inflated body in pieces of at most 256 KiB or what one read gave. Raises WireError (malformed)."""
    encoding = _encoding(response)
    if encoding == "identity":
        async for chunk in response.content.iter_any():
            yield chunk
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise WireError("malformed", "the upstream's answer has a Content-Encoding that was not asked for")
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    async for chunk in response.content.iter_any():
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

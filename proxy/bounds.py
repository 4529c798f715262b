"""The one table of bounds: every wait and every buffer of a process."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Bounds(BaseModel):
    """Every wait and every buffer. Seconds and bytes; set one with `MCP_PROXY_BOUNDS__NAME`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    request_bytes: int = Field(default=4 * 2**20, gt=0, description="request body")
    answer_bytes: int = Field(default=32 * 2**20, gt=0, description="an upstream's answer, inflated")
    depth: int = Field(default=200, gt=0, le=200, description="levels of nesting, both ways")
    tool_name: int = Field(default=256, gt=0, description="characters of a tool name (128 warns)")
    tools: int = Field(default=20_000, gt=0, description="tools in the catalog")
    sessions: int = Field(default=1_000, gt=0, description="upstream sessions kept")
    catalogs: int = Field(default=100, gt=0, description="catalogs kept in passthrough mode, one a token")
    in_flight: int = Field(default=1_000, gt=0, description="calls in flight")
    streams: int = Field(default=1_000, gt=0, description="subscriptions open")
    body_s: float = Field(default=30, gt=0, description="the whole request body")
    stall_s: float = Field(default=30, gt=0, description="a client sends no request head, or takes no answer")
    notice_s: float = Field(default=15, gt=0, description="a client takes a notification, or gets no more of them")
    connect_s: float = Field(default=5, gt=0, description="connecting to the upstream")
    call_read_s: float = Field(default=60, gt=0, description="between reads of the answer to tools/call and listen")
    read_s: float = Field(default=15, gt=0, description="between reads of any other answer")
    call_s: float = Field(default=900, gt=0, description="a whole tools/call")
    first_list_s: float = Field(default=10, gt=0, description="the first list waits for discovery")
    hello_s: float = Field(default=5, gt=0, description="initialize or discover waits for the upstream")
    drain_s: float = Field(default=10, gt=0, description="after SIGTERM")
    refresh_s: float = Field(default=5, gt=0, description="a refresh of the catalog for an unknown name")
    unknown_s: float = Field(default=1, gt=0, description="between two refreshes for unknown names")
    ttl_min_s: float = Field(default=15, gt=0, description="least age of the catalog before a refresh")
    ttl_s: float = Field(default=60, gt=0, description="age of the catalog before a refresh, without a ttlMs")
    blocked_s: float = Field(default=10, gt=0, description="a policy that blocks the event loop ends the process")

"""Server-sent events from bytes that arrive in any pieces."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sse import Events, EventSizeError


def read(*chunks: bytes, cap: int = 10_000) -> list[bytes]:
    events = Events(cap)
    return [event.data for chunk in chunks for event in events.feed(chunk)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [b"a", b"b", b"c"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data: a\n\ndata: unfinished\n", [b"a"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b": comment\n\n: another\ndata: a\n\n", [b"a"]),
        (b"id: 1\ndata:\n\ndata: a\n\n", [b"a"]),
        (b"event: message\ndata: a\n\nevent: ping\ndata: b\n\ndata: c\n\n", [b"a", b"c"]),
        (b"unknown: x\ndata\n\ndata: a\n\n", [b"a"]),
        (
            "data: x\u2028y\u2029z\x85\u0085\x0b\x0c\x1c\n\n".encode(),
            ["x\u2028y\u2029z\x85\u0085\x0b\x0c\x1c".encode()],
        ),
    ],
)
def test_a_stream_gives_the_same_events_however_it_is_cut(stream: bytes, expected: list[bytes]) -> None:
    assert read(stream) == expected
    assert read(*(bytes([byte]) for byte in stream)) == expected
    for cut in range(len(stream)):
        assert read(stream[:cut], stream[cut:]) == expected


@given(
    st.lists(st.text(alphabet="aü\u2028 :", min_size=1), min_size=1),
    st.sampled_from(["\n", "\r", "\r\n"]),
    st.integers(1, 7),
)
def test_what_was_written_is_read(texts: list[str], end: str, step: int) -> None:
    stream = "".join(f"data: {text}{end}{end}" for text in texts).encode()
    pieces = [stream[at : at + step] for at in range(0, len(stream), step)]
    assert read(*pieces) == [text.encode() for text in texts]


def test_id_and_retry_are_kept_and_survive_a_new_connection() -> None:
    events = Events(100)
    list(events.feed(b"id: 7\nretry: 250\ndata:\n\nretry: soon\nid: a\0b\ndata: unfin"))
    assert (events.last_id, events.retry_ms, events.seen) == ("7", 250, 1)
    events.restart()
    assert [event.data for event in events.feed(b"data: a\n\n")] == [b"a"]
    assert (events.last_id, events.retry_ms) == ("7", 250)


@pytest.mark.parametrize(
    "chunks",
    [
        *([b"data: " + b"x" * 200], [b"data: xxxxxxxxx\n"] * 20, [b": " + b"x" * 200], [b"x" * 30] * 10),
        *([b"\n" * 101], [b": x\n"] * 30, [b"id: 1\n\n"] * 20, [b"event: x\ndata: yyyyyyyyyy\n\n"] * 5),
    ],
)
def test_an_event_over_the_cap_is_refused(chunks: list[bytes]) -> None:
    with pytest.raises(EventSizeError):
        read(*chunks, cap=100)


def test_a_stream_without_end_is_fine_while_its_events_are_small() -> None:
    assert len(read(*[b": ping\n", b"data: x\n\n"] * 1_000, cap=100)) == 1_000


def test_many_short_lines_of_one_event_are_not_taken_for_silence() -> None:
    assert read(*[b"data: x\n"] * 40, b"\n", cap=100) == [b"\n".join([b"x"] * 40)]


def test_empty_lines_cost_next_to_nothing() -> None:
    began = time.process_time()
    assert read(b"data: a\n", *[b"\n" * 2**20] * 32, b"data: b\n\n", cap=2**26) == [b"a", b"b"]
    assert time.process_time() - began < 1


def test_time_is_linear_in_what_is_read() -> None:
    def cost(size: int) -> float:
        began = time.process_time()
        read(b"data: ", *[b"x" * 1_000] * size, b"\n", *[b"data: y\n"] * size, b"\n", cap=10**8)
        return time.process_time() - began

    quick = max(min(cost(1_000) for _ in range(3)), 0.002)
    assert min(cost(20_000) for _ in range(2)) < 100 * quick, "quadratic would be 400 times"

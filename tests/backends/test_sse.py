"""Events out of bytes, however they are cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccchat_tui.backends.ndjson import LineTooLongError
from ccchat_tui.backends.sse import SseReader


def events_of(*pieces: bytes) -> list[str]:
    reader = SseReader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.close()


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b"", []),
        (b"\n\n\n", []),
        (b": nothing but comments\n\n:\n\n", []),
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data:a\n\ndata:  b \n\n", ["a", "b"]),
        (b"data: a\ndata: b\ndata\ndata: c\n\n", ["a\nb\n\nc"]),
        (b"data\n\ndata:\n\n", []),
        (b"event: x\nid: 1\nretry: 5\ndata: a\nunknown: y\nunknown\n\n", ["a"]),
        (b"database: x\n\nerrors: y\n\n", []),
        (b"event: error\n\n", []),
        (b"error: a\n\n", ["a"]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\r\n", ["a", "b", "c"]),
        (b"data: a\r\ndata: b\r\n\r\n", ["a\nb"]),
        (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
        (b"\xef\xbb\xbf{1}", ["{1}"]),
        (b"data: a\n\ndata: b", ["a", "b"]),
        (b"data: a\n\ndata: b\n", ["a", "b"]),
        (b"data: \xff\n\n", ["\ufffd"]),
        ("data: a\u0085b\u2028c\n\n".encode(), ["a\u0085b\u2028c"]),
        (b'data: a\n{"error":1}\ndata: b\n\n', ["a", '{"error":1}', "b"]),
        (b'{"a":\n\n1,\n"b":2}\n', ['{"a":\n\n1,\n"b":2}']),
        (b'\n \n{"a":\ndata: x}', ['{"a":\ndata: x}']),
        (b"<html>\n<p>x", ["<html>\n<p>x"]),
        (b"one\ntwo\n", []),
    ],
)
def test_what_comes_out(body: bytes, events: list[str]) -> None:
    assert events_of(body) == events
    assert events_of(*(body[n : n + 1] for n in range(len(body)))) == events


@given(
    st.lists(
        st.sampled_from([b"data: ", b"x", b"\n", b"\r", b"\r\n", b": c", b"error:", "é".encode()])
    ).map(b"".join),
    st.lists(st.integers(0, 60), max_size=6),
)
def test_no_cut_changes_anything(body: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[a:b] for a, b in itertools.pairwise(edges)]
    assert events_of(*pieces) == events_of(body)


@pytest.mark.parametrize(
    "over",
    [
        b"data: 12345\n\n",
        b"data: 123\ndata: 45\ndata: 678\ndata: 90\n\n",
        b"data: 12345",
        b'{"a": 123}',
        b'{"a": 123}\n',
        b"x" * 20,
    ],
)
def test_an_event_or_a_line_over_the_limit_ends_it(over: bytes) -> None:
    reader = SseReader(limit=9)
    assert reader.feed(b"data: a\n\n" + over) == ["a"]
    assert reader.too_long
    with pytest.raises(LineTooLongError):
        reader.feed(b"data: b\n\n")
    with pytest.raises(LineTooLongError):
        reader.close()


def test_one_at_the_limit_is_none_over_it() -> None:
    reader = SseReader(limit=9)
    assert reader.feed(b"data: 123\ndata: 456\ndata: 789\n\n") == ["123\n456\n789"]
    assert reader.feed(b"data: 789\n\n") == ["789"]
    assert not reader.too_long


def test_a_whole_answer_over_the_limit_ends_it() -> None:
    reader = SseReader(limit=9)
    assert reader.feed(b'{"a":\n') == reader.feed(b"1,\n") == []
    assert reader.feed(b"2") == []
    assert reader.too_long


def test_many_small_pieces_cost_no_more_than_their_bytes() -> None:
    """Not timed: 4 MB in pieces of one byte would take minutes if each of them were copied."""
    reader = SseReader()
    for _ in range(1 << 20):
        reader.feed(b"xxxx")
    assert reader.feed(b"\n") == []

"""The reader gives the same lines however its bytes are cut."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccchat_tui.backends.ndjson import LINE_LIMIT, LineTooLongError, NdjsonReader


def read_all(pieces: list[bytes], limit: int = LINE_LIMIT) -> tuple[list[str], bool, int]:
    """The lines of a stream, whether it broke at a long line, and how much was replaced."""
    reader = NdjsonReader(limit)
    lines: list[str] = []
    for piece in pieces:
        lines += reader.feed(piece)
        if reader.too_long:
            return lines, True, reader.replaced
    if rest := reader.close():
        lines.append(rest)
    return lines, False, reader.replaced


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The same bytes in pieces, some of them empty."""
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(marks)]


streams = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.text(max_size=8).map(str.encode),
        st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\xef\xbb\xbf", b"\xe2\x80", b"\xa8", b"{}"]),
    ),
    max_size=20,
).map(b"".join)


@given(data=streams, places=st.lists(st.integers(0, 1000), max_size=30), limit=st.integers(0, 40))
@example(data=b"\xf0\x9f\x98\x80\n", places=[1, 2, 3], limit=40)
@example(data=b"a\nbbbb\nc", places=[2, 4], limit=3)
def test_the_pieces_do_not_matter(data: bytes, places: list[int], limit: int) -> None:
    assert read_all(cut(data, places), limit) == read_all([data], limit)


@given(streams)
def test_lines_are_those_between_line_feeds_and_no_others(data: bytes) -> None:
    plain = [line.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r") for line in data.split(b"\n")]
    assert read_all([data])[0] == [line.decode(errors="replace") for line in plain if line]


def test_only_a_line_feed_ends_a_line() -> None:
    text = '{"a":"\u0085\u2028\u2029\x0b\x0c\x1c"}'
    assert read_all([text.encode() + b"\n"])[0] == [text]


def test_blank_lines_carriage_returns_and_byte_order_marks_are_dropped() -> None:
    assert read_all([b"\xef\xbb\xbf{1}\r\n\r\n\n \t\n{2}\r\n{3}"]) == (
        ["{1}", "{2}", "{3}"],
        False,
        0,
    )


def test_bytes_that_are_no_text_are_replaced_and_counted() -> None:
    lines, _, replaced = read_all([b"a\xffb\n", "\ufffd\n".encode(), b"\xe2\x82"])
    assert lines == ["a\ufffdb", "\ufffd", "\ufffd"]
    assert replaced == 2, "the one the server sent itself is not counted"


def test_a_line_over_the_limit_ends_it_after_the_lines_before() -> None:
    reader = NdjsonReader(limit=4)
    assert reader.feed(b"abcd\nabcde\nx\n") == ["abcd"]
    assert reader.too_long
    with pytest.raises(LineTooLongError):
        reader.feed(b"more\n")
    with pytest.raises(LineTooLongError):
        reader.close()


def test_a_line_that_never_ends_is_not_kept() -> None:
    reader = NdjsonReader(limit=1000)
    for _ in range(10):
        if reader.too_long:
            break
        assert reader.feed(b"x" * 300) == []
    assert reader.too_long


def _seconds(pieces: list[bytes]) -> float:
    reader = NdjsonReader(limit=1 << 30)
    start = time.thread_time()
    for piece in pieces:
        reader.feed(piece)
    reader.close()
    return time.thread_time() - start


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda n: [b"{}\n" * n], id="many lines in one piece"),
        pytest.param(lambda n: [b"x" * 16] * n, id="one line in many pieces"),
        pytest.param(lambda n: [b"x" * 15 + b"\n" + b"y"] * n, id="a line and a bit in each"),
    ],
)
def test_the_cost_is_linear(build: object) -> None:
    assert callable(build)
    small, large = 20_000, 160_000
    # Eight times the bytes cost 64 times the work if the reader is quadratic. The processor time
    # of this thread is counted, and the best of five, so that a busy machine is no matter.
    ratio = min(_seconds(build(large)) for _ in range(5)) / min(
        _seconds(build(small)) for _ in range(5)
    )
    assert ratio < 24

"""Tables that fit, and a measure of text."""

from __future__ import annotations

import io

import pytest

from ccchat_tui.cli.models import size_in_words
from ccchat_tui.cli.output import cells, is_terminal, table, visible


class TestTable:
    def test_columns_are_aligned_and_nothing_trails(self) -> None:
        text = table(("a", "bb"), [("longer", "1"), ("x", "22")], right={1})
        assert text.splitlines() == ["a       bb", "longer   1", "x       22"]

    def test_wide_characters_count_double(self) -> None:
        lines = table(("n", "x"), [("你好", "1"), ("ab", "2")]).splitlines()
        assert lines[1:] == ["你好  1", "ab    2"]

    def test_without_a_width_nothing_is_folded(self) -> None:
        assert len(table(("n",), [("x" * 500,)]).splitlines()) == 2

    @pytest.mark.parametrize("width", [30, 40, 60, 100])
    def test_it_fits_and_loses_nothing(self, width: int) -> None:
        words = [f"word{number}" for number in range(40)]
        text = table(("a", "b", "c"), [("x" * 25, " ".join(words), "你" * 20)], width=width)
        assert max(map(cells, text.splitlines())) <= width
        joined = "".join(text.split())
        assert joined.count("x") == 25
        assert joined.count("你") == 20
        assert joined.count("word") == 40

    def test_the_widest_column_gives_way_first(self) -> None:
        head, row, *_ = table(("a", "b"), [("short", "y" * 80)], width=40).splitlines()
        assert row == "short  " + "y" * 33
        assert head == "a      b"

    def test_a_terminal_too_narrow_for_anything_ends_too(self) -> None:
        assert table(("a", "b", "c"), [("x" * 30, "y" * 30, "z" * 30)], width=5)


def test_a_line_break_in_a_value_is_seen() -> None:
    assert visible("a\nb\tc\x1b") == "a\\nb\\tc\u241b"


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (None, ""),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949_999, "999.9 MB"),
        (999_990_000, "1.0 GB"),
        (4_661_224_676, "4.7 GB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_sizes(size: int | None, words: str) -> None:
    assert size_in_words(size) == words


def test_a_closed_or_missing_stream_is_no_terminal() -> None:
    closed = io.StringIO()
    closed.close()
    assert not is_terminal(closed)
    assert not is_terminal(None)

"""Titles made from the first words of a message, whatever those are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccchat_tui.sessions.titles import TITLE_LENGTH, UNTITLED, title_from
from ccchat_tui.text import one_line


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Hello", "Hello"),
        ("  Hello \n\n there\t", "Hello there"),
        ("What is the difference between a list and a tuple?", "What is the difference between a…"),
        ("x" * 32, "x" * 32),
        ("x" * 33, "x" * 31 + "…"),
        ("", UNTITLED),
        (" \n ", UNTITLED),
        ("a " * 100, "a " * 15 + "a…"),
    ],
)
def test_first_words(text: str, title: str) -> None:
    assert title_from(text) == title


@given(st.text())
def test_it_is_short_one_line_and_never_empty(text: str) -> None:
    title = title_from(text)
    assert 0 < len(title) <= TITLE_LENGTH + 1
    assert "\n" not in title


@pytest.mark.parametrize("text", ["\x1b]0;owned\x07", "[/b][link=x]", "\u202eevil", "a\x9b2J"])
def test_a_hostile_one_is_harmless_where_it_is_shown(text: str) -> None:
    shown = one_line(title_from(text), 40)
    assert not set(shown) & set("\x1b\x07\x9b\u202e")

"""The signs and words of states: all there, one cell wide, told apart."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from ccchat_tui.engine.request import RequestState
from ccchat_tui.sessions.model import SessionStatus, TurnState
from ccchat_tui.tui.glyphs import ASCII_GLYPHS, GLYPHS, WORDS, glyph, prefers_ascii, word
from ccchat_tui.tui.widgets.tab_bar import STATUS_GLYPHS


@pytest.mark.parametrize("states", [RequestState, TurnState, SessionStatus])
@pytest.mark.parametrize("signs", [GLYPHS, ASCII_GLYPHS])
def test_every_state_has_a_sign_of_its_own_and_a_word(
    signs: dict[str, str], states: type[TurnState]
) -> None:
    assert len({signs[state] for state in states}) == len(states)
    assert len({WORDS[state] for state in states}) == len(states)


def test_signs_are_one_cell_and_the_plain_ones_are_plain() -> None:
    assert set(GLYPHS) == set(ASCII_GLYPHS) == set(WORDS)
    assert all(cell_len(sign) == 1 and len(sign) == 1 for sign in GLYPHS.values())
    assert all(sign.isascii() and sign.isprintable() for sign in ASCII_GLYPHS.values())
    assert all(word(state, ascii_only=True).isascii() for state in WORDS)


def test_a_tab_uses_the_same_signs_and_none_while_nothing_happens() -> None:
    for status, sign in STATUS_GLYPHS.items():
        if status is SessionStatus.IDLE:
            assert sign == " "
        elif status in {SessionStatus.WAITING, SessionStatus.STREAMING, SessionStatus.FAILED}:
            assert sign == GLYPHS[status]


def test_words_and_signs_of_what_is_not_known() -> None:
    assert glyph("brand_new") == "?"
    assert glyph("brand_new", ascii_only=True) == "?"
    assert word("brand_new") == "brand new"
    assert word("timed_out") == "timed out"
    assert word("cancelling", ascii_only=True) == "cancelling..."


@pytest.mark.parametrize(
    ("environ", "encoding", "plain"),
    [
        ({}, "utf-8", False),
        ({"TERM": "xterm-256color"}, "UTF-8", False),
        ({"TERM": "linux"}, "utf-8", True),
        ({"TERM": "dumb"}, "utf-8", True),
        ({}, "US-ASCII", True),
        ({}, "ANSI_X3.4-1968", True),
        ({}, None, True),
        ({"CCCHAT_ASCII": "1"}, "utf-8", True),
        ({"CCCHAT_ASCII": " yes "}, "utf-8", True),
        ({"CCCHAT_ASCII": "0", "TERM": "linux"}, "ascii", False),
        ({"CCCHAT_ASCII": "No", "TERM": "dumb"}, "utf-8", False),
        ({"CCCHAT_ASCII": ""}, "utf-8", False),
    ],
)
def test_where_the_plain_signs_serve_better(
    environ: dict[str, str], encoding: str | None, plain: bool
) -> None:
    assert prefers_ascii(environ, encoding) is plain

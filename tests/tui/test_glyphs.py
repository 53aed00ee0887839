"""The signs and words of states: all there, one cell wide, told apart."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from ccchat_tui.engine.request import RequestState
from ccchat_tui.sessions.model import SessionStatus, TurnState
from ccchat_tui.tui.glyphs import GLYPHS, WORDS, glyph, word
from ccchat_tui.tui.widgets.tab_bar import STATUS_GLYPHS


@pytest.mark.parametrize("states", [RequestState, TurnState, SessionStatus])
def test_every_state_has_a_sign_of_its_own_and_a_word(states: type[TurnState]) -> None:
    assert len({GLYPHS[state] for state in states}) == len(states)
    assert len({WORDS[state] for state in states}) == len(states)


def test_signs_are_one_cell() -> None:
    assert set(GLYPHS) == set(WORDS)
    assert all(cell_len(sign) == 1 and len(sign) == 1 for sign in GLYPHS.values())


def test_a_tab_uses_the_same_signs_and_none_while_nothing_happens() -> None:
    for status, sign in STATUS_GLYPHS.items():
        if status is SessionStatus.IDLE:
            assert sign == " "
        elif status in {SessionStatus.WAITING, SessionStatus.STREAMING, SessionStatus.FAILED}:
            assert sign == GLYPHS[status]


def test_words_and_signs_of_what_is_not_known() -> None:
    assert glyph("brand_new") == "?"
    assert word("brand_new") == "brand new"
    assert word("timed_out") == "timed out"

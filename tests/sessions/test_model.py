"""Turns, their states, and the identifiers of everything."""

from __future__ import annotations

from datetime import UTC, datetime

from ccchat_tui.engine.request import RequestState
from ccchat_tui.sessions.ids import counted_ids, random_id
from ccchat_tui.sessions.model import Turn, TurnState


def test_a_turn_can_be_in_every_state_of_a_request() -> None:
    assert {state.value for state in RequestState} == {
        state.value for state in TurnState if state is not TurnState.INTERRUPTED
    }
    for state in RequestState:
        assert TurnState(state.value).alive != state.ended
    assert not TurnState.INTERRUPTED.alive


def test_a_reply_is_its_pieces_and_turns_are_told_apart_by_themselves() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    one, other = (Turn("t", "q", "m", moment) for _ in range(2))
    assert one.reply == ""
    one.parts += ["a", "", "b"]
    assert one.reply == "ab"
    assert other.parts == []
    assert one != other


def test_identifiers_differ_or_can_be_repeated() -> None:
    assert len({random_id() for _ in range(1000)}) == 1000
    assert all(len(random_id()) == 16 for _ in range(10))
    first, second = counted_ids("r-"), counted_ids("r-")
    assert [first() for _ in range(3)] == [second() for _ in range(3)] == ["r-1", "r-2", "r-3"]

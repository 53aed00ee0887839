"""How a turn ends."""

from __future__ import annotations

from ccchat_tui.engine.events import RequestEnded
from ccchat_tui.engine.request import RequestState
from ccchat_tui.sessions.model import Turn, TurnState
from ccchat_tui.sessions.words import words_for, words_for_cancelled


def end_turn(turn: Turn, event: RequestEnded, known_models: tuple[str, ...]) -> None:
    """Set how its request has ended, with words where that was not well.

    Args:
        turn: Whose request has ended.
        event: Says how.
        known_models: What the server has, for one that has asked for another.
    """
    turn.state = TurnState(event.state.value)
    turn.stats, turn.duration = event.stats, event.duration
    turn.note, turn.hints = "", ()
    has_reply = any(turn.parts)
    if event.state is RequestState.CANCELLED:
        turn.note = words_for_cancelled(has_reply=has_reply).note
    elif event.state is not RequestState.COMPLETED:
        words = words_for(event.failure, has_reply=has_reply, known_models=known_models)
        turn.note, turn.hints = words.note, words.hints

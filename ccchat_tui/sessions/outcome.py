"""How a turn ends."""

from __future__ import annotations

from dataclasses import replace

from ccchat_tui.engine.events import RequestEnded
from ccchat_tui.engine.request import ReplyStats, RequestState
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
    turn.stats, turn.duration = _with_what_was(turn, event)
    turn.note, turn.hints = "", ()
    has_reply = any(_fresh(turn))
    if event.state is RequestState.CANCELLED:
        turn.note = words_for_cancelled(has_reply=has_reply).note
    elif event.state is not RequestState.COMPLETED:
        words = words_for(event.failure, has_reply=has_reply, known_models=known_models)
        turn.note, turn.hints = words.note, words.hints
    _as_it_was(turn)


def cancel_held(turn: Turn) -> None:
    """Set that a turn was cancelled before it was asked."""
    turn.state = TurnState.CANCELLED
    turn.note = words_for_cancelled(has_reply=any(_fresh(turn))).note
    _as_it_was(turn)


def _as_it_was(turn: Turn) -> None:
    """Where the model was asked to go on with a reply and nothing came of that, the reply is what
    it was, and only the note says that it was tried."""
    before = turn.resumed
    if before is None or turn.state is TurnState.COMPLETED or any(_fresh(turn)):
        return
    turn.state, turn.stats, turn.duration = before.state, before.stats, before.duration
    turn.note = f"Not continued. {turn.note}"


def _fresh(turn: Turn) -> list[str]:
    """The pieces of its reply that came since it was asked last."""
    return turn.parts[turn.resumed.parts :] if turn.resumed else turn.parts


def _with_what_was(turn: Turn, event: RequestEnded) -> tuple[ReplyStats | None, float | None]:
    """The figures of the whole reply, of which there was a part before it was gone on with."""
    before, stats, duration = turn.resumed, event.stats, event.duration
    if before is None:
        return stats, duration
    if before.duration is not None:
        duration += before.duration
    if stats is not None and stats.tokens is not None:
        stats = replace(stats, tokens=stats.tokens + before.tokens)
    return stats, duration

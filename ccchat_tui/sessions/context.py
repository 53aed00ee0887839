"""What a model is told of a conversation when it is asked."""

from __future__ import annotations

from ccchat_tui.backends.base import ChatMessage, Prompt
from ccchat_tui.sessions.model import Session, Turn, TurnState


def prompt_for(session: Session, turn: Turn) -> Prompt:
    """What the model is asked, fixed now: the system prompt, every turn that has completed by
    now, and this question.

    Turns that were asked before and still run are left out; `turn.left_out` is set to how many
    they are, so that the pane can say so.
    """
    messages = [ChatMessage("system", session.system)] if session.system.strip() else []
    for other in session.turns:
        if other is not turn and other.state is TurnState.COMPLETED:
            messages.append(ChatMessage("user", other.question))
            messages.append(ChatMessage("assistant", other.reply))
    messages.append(ChatMessage("user", turn.question))
    turn.left_out = running_before(session, turn)
    return Prompt(
        model=turn.model,
        messages=tuple(messages),
        options=dict(session.options),
        think=session.think,
        keep_alive=session.keep_alive,
        user=session.user,
    )


def running_before(session: Session, turn: Turn) -> int:
    """How many turns that were asked before this one still run."""
    before = session.turns[: session.turns.index(turn)] if turn in session.turns else session.turns
    return sum(1 for other in before if other.state.alive)

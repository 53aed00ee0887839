"""What a model is told of a conversation when it is asked."""

from __future__ import annotations

from collections.abc import Sequence

from ccchat_tui.backends.base import ChatMessage, Prompt
from ccchat_tui.sessions import tree
from ccchat_tui.sessions.attachments import Attachment, fenced
from ccchat_tui.sessions.model import Session, Turn, TurnState


def prompt_for(session: Session, turn: Turn, *, sees: bool = True) -> Prompt:
    """What the model is asked, fixed now: the system prompt, every turn before this one in its
    branch that has completed by now, and this question, each question with its files. Where the
    model is to go on with a reply, what there is of that stands last.

    Turns that were asked before and still run are left out; `turn.left_out` is set to how many
    they are, so that the pane can say so.

    Args:
        session: The conversation.
        turn: The question.
        sees: Whether the model takes pictures; one that does not is told their names.
    """
    messages = [ChatMessage("system", session.system)] if session.system.strip() else []
    for other in tree.before(session.every, turn):
        if other.state is TurnState.COMPLETED:
            messages.append(question_with(other.question, other.attachments, sees=sees))
            messages.append(ChatMessage("assistant", other.reply))
    messages.append(question_with(turn.question, turn.attachments, sees=sees))
    if turn.resumed is not None:
        messages.append(ChatMessage("assistant", "".join(turn.parts[: turn.resumed.parts])))
    turn.left_out = running_before(session, turn)
    return Prompt(
        model=turn.model,
        messages=tuple(messages),
        options=dict(session.options),
        think=session.think,
        keep_alive=session.keep_alive,
        user=session.user,
        version=tree.versions(session.every, turn).index(turn) if turn in session.every else 0,
    )


def question_with(
    text: str, attachments: Sequence[Attachment], *, sees: bool = True
) -> ChatMessage:
    """A question with its files: texts stand above it, each as a block with its name, and pictures
    go beside it."""
    if not attachments:
        return ChatMessage("user", text)
    blocks = [
        f"({each.name}: a picture that you cannot see)" if each.is_picture else fenced(each)
        for each in attachments
        if not (each.is_picture and sees)
    ]
    pictures = [each.content for each in attachments if each.is_picture and sees]
    return ChatMessage("user", "\n\n".join((*blocks, text)), tuple(pictures))


def running_before(session: Session, turn: Turn) -> int:
    """How many turns before this one in its branch still run."""
    return sum(other.state.alive for other in tree.before(session.every, turn))

"""Refusals of the engine, in the words of the person."""

from __future__ import annotations

from collections.abc import Callable

from ccchat_tui.engine.request import Rejected
from ccchat_tui.sessions.model import Session
from ccchat_tui.sessions.together import Sent
from ccchat_tui.text import one_line


def words_of(refusal: Rejected) -> str:
    """The reason of a refusal, with when to try again if it does not say so itself."""
    message = refusal.message.strip()
    if refusal.retry_after is not None and "again" not in message.lower():
        seconds = max(1, round(refusal.retry_after))
        message = f"{message.rstrip('.')}. Try again in {seconds} s."
    return message


def not_sent_words(sent: Sent, name: Callable[[Session], str]) -> str:
    """Who has not taken a message, and why; those with one reason together.

    Args:
        sent: What became of it.
        name: What a conversation is called.
    """
    reasons: dict[str, list[str]] = {}
    for session, refusal in sent.refused:
        reasons.setdefault(words_of(refusal), []).append(name(session))
    return " ".join(f"Not sent to {', '.join(names)}: {why}" for why, names in reasons.items())


def compared_words(sent: Sent) -> str:
    """What to say where some models of a comparison have not taken a question."""
    told = not_sent_words(sent, lambda session: one_line(session.model, 30))
    if not sent.turns:
        return told
    asked = len(sent.turns) + len(sent.refused)
    return f"Sent to {len(sent.turns)} of {asked}; Enter asks the rest. {told}"

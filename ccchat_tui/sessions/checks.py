"""Whether a question, and the settings it is asked with, are of the kinds that they should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ccchat_tui.engine.request import Rejected
from ccchat_tui.sessions.model import Session
from ccchat_tui.text import shown_value


def check_question(session: Session, text: str) -> None:
    """Make sure that a question can be asked in a session.

    What goes to the model only, such as the values of options, is looked at when it is sent.

    Raises:
        Rejected: It cannot; the field, its value, and what to give.
    """
    asked: Any = text
    if not isinstance(asked, str):
        raise _refused(f"the message is {shown_value(asked)}; give a text")
    if not asked.strip():
        raise Rejected("invalid", "There is nothing to send. Type a message first.")
    for name in ("user", "model", "system"):
        value = getattr(session, name)
        if not isinstance(value, str):
            raise _refused(f"{name} is {shown_value(value)}; give a text")
    options: Any = session.options
    if not isinstance(options, Mapping):
        raise _refused(f"options is {shown_value(options)}; give values by their names")


def _refused(words: str) -> Rejected:
    return Rejected("invalid", f"This cannot be sent: {words}")

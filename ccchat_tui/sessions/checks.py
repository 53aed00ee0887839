"""Whether a question, and the settings it is asked with, are of the kinds that they should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.engine.request import Rejected
from ccchat_tui.sessions.attachments import Attachment
from ccchat_tui.sessions.model import Session
from ccchat_tui.text import one_line, shown_value


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


def check_pictures(model: str, attachments: Sequence[Attachment], sightless: set[str]) -> None:
    """Make sure that a model is asked about pictures only if it may see them.

    Args:
        model: What is asked.
        attachments: What goes with the question.
        sightless: The models that are known to see none, by their full names.

    Raises:
        Rejected: It sees none.
    """
    pictures = [each.name for each in attachments if each.is_picture]
    if pictures and full_name(model) in sightless:
        raise Rejected("invalid", blind_words(model, pictures))


def blind_words(model: str, pictures: Sequence[str]) -> str:
    """What is said where pictures are for a model that sees none."""
    names = ", ".join(one_line(name, 40) for name in pictures[:3])
    more = f" and {len(pictures) - 3} more" if len(pictures) > 3 else ""
    return (
        f"{one_line(model, 60)} sees no pictures, such as {names}{more}. "
        "Choose a model with vision, or take them out."
    )


def _refused(words: str) -> Rejected:
    return Rejected("invalid", f"This cannot be sent: {words}")

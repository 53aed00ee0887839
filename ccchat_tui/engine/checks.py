"""What a request must be like to be taken at all."""

from __future__ import annotations

import math
from typing import Any, Final

from ccchat_tui.engine.request import ChatRequest, Priority
from ccchat_tui.text import shown_value

NOBODY: Final = "?"
"""Whose the refusals are of requests that do not say in a text whose they are."""


def wrong_in(request: ChatRequest) -> str | None:
    """What is wrong with a request: the field, its value, and what to give; `None` if it is right.

    Types are checked too, for what comes from a file or from another program has any.
    """
    asked: Any = request
    for name, text in (("id", asked.id), ("user", asked.user)):
        if not isinstance(text, str) or not text.strip():
            return f"{name} is {shown_value(text)}; give a text that is not empty"
    others = ("session_id", asked.session_id), ("model", asked.model), ("preview", asked.preview)
    for name, text in others:
        if not isinstance(text, str):
            return f"{name} is {shown_value(text)}; give a text"
    if not callable(asked.prompt):
        return f"prompt is {shown_value(asked.prompt)}; give what makes it when it is called"
    if not isinstance(asked.priority, Priority):
        known = ", ".join(priority.name for priority in Priority)
        return f"priority is {shown_value(asked.priority)}; give one of Priority: {known}"
    seconds = asked.timeout
    if seconds is not None:
        number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not number or not 0 < seconds < math.inf:
            return f"timeout is {shown_value(seconds)}; give seconds above 0, or None"
    return None


def user_of(request: ChatRequest) -> str:
    """Whose a request is, as far as it can be counted."""
    user: Any = request.user
    return user if isinstance(user, str) else NOBODY

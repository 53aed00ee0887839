"""`/set`: the options of a chat, by name and value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from ccchat_tui.backends.base import Think
from ccchat_tui.sessions.model import Session
from ccchat_tui.text import one_line
from ccchat_tui.tui.slash import SlashError

UNSET: Final = ("default", "unset")
"""Values that leave an option to the model."""
_ON: Final = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
_LEVELS: Final[dict[str, Think]] = {
    "low": "low",
    "medium": "medium",
    "high": "high",
    "max": "max",
}


def _number(low: float, high: float) -> tuple[Callable[[str], Any], str]:
    def read(text: str) -> float:
        value = float(text.replace(",", "."))
        if not (math.isfinite(value) and low <= value <= high):
            raise ValueError(text)
        return value

    return read, f"a number from {low:g} to {high:g}"


def _whole(low: int, high: int) -> tuple[Callable[[str], Any], str]:
    def read(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read, f"a whole number from {low} to {high}"


OPTIONS: Final[dict[str, tuple[Callable[[str], Any], str]]] = {
    "temperature": _number(0, 2),
    "top_p": _number(0, 1),
    "top_k": _whole(0, 1_000_000),
    "min_p": _number(0, 1),
    "repeat_penalty": _number(0, 10),
    "num_ctx": _whole(1, 100_000_000),
    "num_predict": _whole(-2, 100_000_000),
    "seed": _whole(-1, 2**63 - 1),
    "stop": (lambda text: [text.replace("\\n", "\n")], "a text at which replies end"),
}
"""By Ollama's names; how each is read, and what it may be."""

OTHERS: Final = ("keep_alive", "ordered", "think")
"""What is set in the same way and is no option of the model's."""


def set_option(session: Session, argument: str) -> str:
    """Set an option of a chat.

    Args:
        session: Whose.
        argument: Name and value.

    Returns:
        What it is now, in words.

    Raises:
        SlashError: There is none of that name, or it cannot have that value.
    """
    name, _, value = argument.replace("=", " ", 1).partition(" ")
    name, value = name.strip().lower(), value.strip()
    names = ", ".join(sorted((*OPTIONS, *OTHERS)))
    if name not in OPTIONS and name not in OTHERS:
        raise SlashError(f"There is no option “{one_line(name, 30)}”. There are {names}.")
    if not value:
        raise SlashError(f"/set {name} needs a value: {_may_be(name)}, or “default”.")
    if value.lower() in UNSET:
        _unset(session, name)
        return f"{name} is left to the model."
    try:
        shown = _set(session, name, value)
    except ValueError:
        raise SlashError(
            f"{name} cannot be “{one_line(value, 30)}”; give {_may_be(name)}, or “default”."
        ) from None
    return f"{name} is {one_line(shown, 60)} in this chat."


def _may_be(name: str) -> str:
    if name in OPTIONS:
        return OPTIONS[name][1]
    if name == "think":
        return f"on, off, {', '.join(_LEVELS)}"
    return "on or off" if name == "ordered" else "a time such as 10m, or seconds"


def _set(session: Session, name: str, value: str) -> str:
    if name in OPTIONS:
        session.options[name] = OPTIONS[name][0](value)
        return value
    lower = value.lower()
    if name == "ordered":
        if lower not in _ON:
            raise ValueError(value)
        session.ordered = _ON[lower]
    elif name == "think":
        if lower not in _ON and lower not in _LEVELS:
            raise ValueError(value)
        session.think = _LEVELS[lower] if lower in _LEVELS else _ON[lower]
    else:
        session.keep_alive = _keep_alive(lower)
    return lower


def _keep_alive(text: str) -> str | float:
    """Seconds as a number, other times as Ollama reads them: a text of digits alone it refuses."""
    try:
        seconds = float(text)
    except ValueError:
        import re  # noqa: PLC0415 - only for who sets this

        if not re.fullmatch(r"-?(\d+(\.\d+)?(ns|us|ms|s|m|h))+", text):
            raise
        return text
    if not math.isfinite(seconds):
        raise ValueError(text)
    return seconds


def _unset(session: Session, name: str) -> None:
    if name == "ordered":
        session.ordered = False
    elif name == "think":
        session.think = None
    elif name == "keep_alive":
        session.keep_alive = None
    else:
        session.options.pop(name, None)

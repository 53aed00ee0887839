"""`/set`: the options of a chat, by name and value."""

from __future__ import annotations

from typing import Final

from ccchat_tui.sessions.model import Session
from ccchat_tui.sessions.options import (
    KEEP_ALIVE,
    OPTIONS,
    THINK,
    OptionError,
    check_keep_alive,
    check_think,
    refused,
    shown_option,
    think_word,
)
from ccchat_tui.text import one_line
from ccchat_tui.tui.slash import SlashError

UNSET: Final = ("default", "unset")
"""Values that leave an option to the model."""
OTHERS: Final = ("keep_alive", "ordered", "think")
"""What is set in the same way and is no option of the model's."""

_ON: Final = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


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
    # The first equals sign or space ends the name.
    name, _, value = argument.replace("=", " ", 1).partition(" ")
    name, value = name.strip().lower(), value.strip()
    if name not in OPTIONS and name not in OTHERS:
        names = ", ".join((*OPTIONS, *OTHERS))
        raise SlashError(f"There is no option “{one_line(name, 30)}”. There are {names}.")
    if not value:
        raise SlashError(f"/set {name} needs a value: {_allowed(name)}, or “default”.")
    if value.lower() in UNSET:
        _unset(session, name)
        return f"{name} is left to the model."
    try:
        shown = _set(session, name, value)
    except OptionError as error:
        raise SlashError(error.message) from None
    said = f"{name} is {one_line(shown, 60)} in this chat."
    if name in OPTIONS and OPTIONS[name].reloads:
        said += " A server such as Ollama loads the model again for that."
    return said


def _allowed(name: str) -> str:
    if name in OPTIONS:
        return OPTIONS[name].allowed
    return {"think": ", ".join(THINK), "ordered": "on or off"}.get(name, KEEP_ALIVE)


def _set(session: Session, name: str, value: str) -> str:
    if name in OPTIONS:
        session.options[name] = OPTIONS[name].read(value)
        return shown_option(session.options[name])
    if name == "think":
        session.think = check_think(value.lower())
        return think_word(session.think)
    if name == "keep_alive":
        session.keep_alive = check_keep_alive(value)
        return value
    if value.lower() not in _ON:
        raise OptionError(name, refused(name, value, _allowed(name)))
    session.ordered = _ON[value.lower()]
    return "on" if session.ordered else "off"


def _unset(session: Session, name: str) -> None:
    if name == "ordered":
        session.ordered = False
    elif name == "think":
        session.think = None
    elif name == "keep_alive":
        session.keep_alive = None
    else:
        session.options.pop(name, None)

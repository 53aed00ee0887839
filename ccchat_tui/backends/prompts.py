"""Whether a prompt is one that can be asked: what comes from a file, a screen or another program
may be of any type, and a server's own words for it name fields that nobody here knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, get_args

from ccchat_tui.backends.base import BackendError, ChatMessage, ErrorKind, Prompt, Role
from ccchat_tui.text import shown_value

_ROLES: Final = get_args(Role)
_THINKS: Final = (None, True, False, "low", "medium", "high", "max")


def check_prompt(prompt: Prompt) -> None:
    """Make sure that a prompt is what its types say.

    Raises:
        BackendError: It is not; the field, its value, and what to give.
    """
    asked: Any = prompt
    if not isinstance(asked, Prompt):
        raise _refused(f"the prompt is {shown_value(asked)}; give a Prompt")
    model: Any = prompt.model
    if not isinstance(model, str):
        raise _refused(f"model is {shown_value(model)}; give the name of a model")
    messages: Any = prompt.messages
    if not isinstance(messages, tuple | list):
        raise _refused(f"messages is {shown_value(messages)}; give a tuple of messages")
    for number, message in enumerate(messages, 1):
        _check_message(f"message {number}", message)
    options: Any = prompt.options
    if not isinstance(options, Mapping):
        raise _refused(f"options is {shown_value(options)}; give values by their names")
    for name in options:
        if not isinstance(name, str):
            raise _refused(f"options has the name {shown_value(name)}; give names that are texts")
    think: Any = prompt.think
    if not any(think is known or (think == known and isinstance(think, str)) for known in _THINKS):
        raise _refused(f"think is {shown_value(think)}; give true, false, low, medium, high or max")
    keep: Any = prompt.keep_alive
    number_kept = isinstance(keep, int | float) and not isinstance(keep, bool)
    if not (keep is None or isinstance(keep, str) or (number_kept and math.isfinite(keep))):
        raise _refused(
            f'keep_alive is {shown_value(keep)}; give seconds, or a duration such as "10m"'
        )


def _check_message(which: str, message: Any) -> None:
    if not isinstance(message, ChatMessage):
        raise _refused(f"{which} is {shown_value(message)}; give a ChatMessage")
    if message.role not in _ROLES:
        known = ", ".join(_ROLES)
        raise _refused(f"{which} has the role {shown_value(message.role)}; give one of {known}")
    if not isinstance(message.content, str):
        raise _refused(f"{which} has the content {shown_value(message.content)}; give a text")
    images: Any = message.images
    if not isinstance(images, tuple | list) or not all(isinstance(each, str) for each in images):
        raise _refused(f"{which} has the images {shown_value(images)}; give texts in base64")


def _refused(words: str) -> BackendError:
    return BackendError(ErrorKind.BAD_REQUEST, f"This cannot be asked: {words}")

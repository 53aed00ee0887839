"""The names of keys, as people write them and as terminals send them."""

from __future__ import annotations

import difflib
from typing import Final

from textual.keys import REPLACED_KEYS, Keys, _character_to_key, key_to_character

MODIFIERS: Final = ("ctrl", "alt", "shift", "super", "meta", "hyper")
_SAME: Final = {
    "control": "ctrl",
    "ctl": "ctrl",
    "c": "ctrl",
    "option": "alt",
    "opt": "alt",
    "cmd": "super",
    "win": "super",
    "esc": "escape",
    "return": "enter",
    "del": "delete",
    "ins": "insert",
    "pgup": "pageup",
    "page_up": "pageup",
    "pgdn": "pagedown",
    "pgdown": "pagedown",
    "page_down": "pagedown",
    "bs": "backspace",
    "period": "full_stop",
    "dot": "full_stop",
    "hyphen": "minus",
    "dash": "minus",
    "equals": "equals_sign",
    "equal": "equals_sign",
}
"""Other names in use, and ours."""

NAMED: Final = frozenset(
    key.value for key in Keys if key.value.isalnum() and key is not Keys.Return
)
"""Keys that write nothing, and have names."""

_ARRIVE_AS: Final = {
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+left_square_bracket": "escape",
    "ctrl+h": "backspace",
}
"""What terminals send for two keys alike."""


class KeyNameError(ValueError):
    """There is no such key, or it cannot be told from another. Says what to write instead."""


def read_key(text: str) -> str:
    """The name that a key arrives by.

    Args:
        text: Such as `ctrl+k`, `F5`, `?` or `alt+.`.

    Raises:
        KeyNameError: There is none of that name.
    """
    text = text.strip()
    if text.endswith("+") and text != "+":
        # The plus itself, as in `alt++`.
        text = text[:-1] + "plus"
    *before, last = text.split("+") if text != "+" else [text]
    modifiers = [_SAME.get(each.strip().lower(), each.strip().lower()) for each in before]
    for modifier in modifiers:
        if modifier not in MODIFIERS:
            raise KeyNameError(
                f"there is no {modifier!r} to hold down; there are {', '.join(MODIFIERS)}"
            )
    key = _last(last.strip(), modifiers)
    if "shift" in modifiers and len(key) == 1 and len(set(modifiers)) == 1:
        raise KeyNameError(f"it arrives as {key.upper()!r}: write that")
    name = "+".join([*(each for each in MODIFIERS if each in modifiers), key])
    if name in _ARRIVE_AS:
        raise KeyNameError(f"terminals send it as {_ARRIVE_AS[name]}: give another key")
    return name


def _last(text: str, modifiers: list[str]) -> str:
    if len(text) == 1:
        key = _character_to_key(text)
        return key.lower() if modifiers and len(key) == 1 else key
    lower = text.lower()
    if lower in NAMED or (lower not in _SAME and writes(lower)):
        return lower
    meant = _SAME.get(lower) or next(iter(difflib.get_close_matches(lower, NAMED, 1)), "")
    whole = "+".join([*modifiers, meant])
    raise KeyNameError(
        f"there is no such key; did you mean {whole}?"
        if meant
        else "there is no such key; write it as ctrl+k, alt+1, f5, pageup or ?"
    )


def writes(key: str) -> bool:
    """Whether a key writes something where one can write."""
    character = _character(key)
    return character is not None and character.isprintable()


def _character(key: str) -> str | None:
    """What a key writes, if anything; Textual has names of its own for some."""
    return key_to_character(REPLACED_KEYS.get(key, key))


def in_words(key: str) -> str:
    """A key as texts tell of it: `Ctrl+R`."""
    *modifiers, last = key.split("+")
    character = _character(last)
    if character is not None and character.isprintable() and character != " ":
        shown = character.upper() if modifiers else character
    else:
        shown = {"pageup": "PgUp", "pagedown": "PgDn", "escape": "Esc"}.get(last, last.capitalize())
    return "+".join([*(each.capitalize() for each in modifiers), shown])

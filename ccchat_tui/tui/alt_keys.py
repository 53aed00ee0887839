"""Alt with a digit or a sign, on terminals that send them as Esc and the character."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from textual import _ansi_sequences
from textual.binding import Binding, BindingType
from textual.keys import REPLACED_KEYS, key_to_character

from ccchat_tui.quick import dataclass


@dataclass(frozen=True, slots=True)
class _Key:
    """What Textual's table has for a sequence."""

    value: str
    """The key's name."""


def teach_alt_keys(bindings: Iterable[BindingType]) -> None:
    """Let the keys with Alt that are bound be known by the sequences of old terminals.

    Most terminals, and tmux, send Alt+1 as Esc and `1`. Textual takes that for what Option+1 types
    on some Mac, and Alt with another sign for the sign alone; letters it knows only once nothing
    has followed for a tenth of a second. Terminals with the kitty protocol need none of this.

    Args:
        bindings: Of the screen that they work on.
    """
    known = cast("dict[str, Any]", _ansi_sequences.ANSI_SEQUENCES_KEYS)
    for binding in bindings:
        keys = binding.key if isinstance(binding, Binding) else binding[0]
        for key in map(str.strip, keys.split(",")):
            modifier, _, name = key.rpartition("+")
            character = key_to_character(REPLACED_KEYS.get(name, name))
            if modifier == "alt" and character:
                known[f"\x1b{character}"] = (_Key(key),)

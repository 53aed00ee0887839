"""The `[keys]` table of the config file: which keys do what. Its form only; what actions and keys
there are, only the app knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from pydantic import BeforeValidator

WHAT: Final = (
    'a [keys] table such as new_chat = "ctrl+n", each with a key, several separated by commas, '
    'or "" for none'
)


def _flat(table: Mapping[object, object], before: str = "") -> Iterator[tuple[str, object]]:
    """The entries of a table, those of tables within it by names with dots."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _keys(value: object) -> object:
    """Each action with its keys."""
    if not isinstance(value, Mapping):
        raise ValueError("it is no table")
    actions: dict[str, tuple[str, ...]] = {}
    for name, given in _flat(value):
        keys = _split(given) if isinstance(given, str) else given
        if not isinstance(keys, (list, tuple)) or not all(isinstance(key, str) for key in keys):
            raise ValueError(f"{name} has no keys")
        actions[name] = tuple(dict.fromkeys(key.strip() for key in keys if key.strip()))
    return actions


def _split(text: str) -> list[str]:
    """Keys separated by commas; a comma by itself is the key."""
    return [","] if text.strip() == "," else text.split(",")


KeyTable = Annotated[dict[str, tuple[str, ...]], BeforeValidator(_keys)]
"""By the name of the action; an action with no keys at all has none."""

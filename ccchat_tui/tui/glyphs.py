"""The signs and words of every state. State is told by shape and word, never by colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

GLYPHS: Mapping[str, str] = MappingProxyType(
    {
        "queued": "◌",
        "connecting": "◔",
        "streaming": "●",
        "waiting_to_retry": "↻",
        "completed": "✓",
        "cancelled": "⊘",
        "failed": "✗",
        "timed_out": "◷",
        "interrupted": "¦",
        # What only a tab or the panel says.
        "idle": "○",
        "waiting": "◌",
        "unread": "◆",
        "cancelling": "⊘",
        "paused": "‖",
        "sequential": "↧",
        "concurrent": "⇉",
    }
)
"""A sign of one cell for each state. Keys are the values of `RequestState`, `TurnState` and
`SessionStatus`, which are strings and so can be looked up as they are."""

ASCII_GLYPHS: Mapping[str, str] = MappingProxyType(
    {
        "queued": ".",
        "connecting": "~",
        "streaming": "*",
        "waiting_to_retry": "@",
        "completed": "+",
        "cancelled": "/",
        "failed": "x",
        "timed_out": "%",
        "interrupted": "!",
        "idle": "o",
        "waiting": ".",
        "unread": "#",
        "cancelling": "/",
        "paused": "=",
        "sequential": "1",
        "concurrent": "&",
    }
)
"""The same, for terminals that have nothing but ASCII."""

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "queued": "queued",
        "connecting": "connecting",
        "streaming": "streaming",
        "waiting_to_retry": "waiting to retry",
        "completed": "completed",
        "cancelled": "cancelled",
        "failed": "failed",
        "timed_out": "timed out",
        "interrupted": "interrupted",
        "idle": "idle",
        "waiting": "waiting",
        "unread": "unread",
        "cancelling": "cancelling…",
        "paused": "paused",
        "sequential": "sequential",
        "concurrent": "concurrent",
    }
)
"""A word for each state, to stand beside its sign."""


def glyph(state: str, *, ascii_only: bool = False) -> str:
    """The sign of a state, one cell wide.

    Args:
        state: A state's value; one that is not known gets `?`, never an error, since a screen
            must not fall over a word it has not learned.
        ascii_only: Whether the terminal can show nothing but ASCII.
    """
    return (ASCII_GLYPHS if ascii_only else GLYPHS).get(state, "?")


def word(state: str, *, ascii_only: bool = False) -> str:
    """The word of a state; one that is not known is its own word, with spaces for underscores.

    Args:
        state: A state's value.
        ascii_only: Whether the terminal can show nothing but ASCII.
    """
    text = WORDS.get(state, state.replace("_", " "))
    return text.replace("…", "...") if ascii_only else text


def prefers_ascii(environ: Mapping[str, str], encoding: str | None) -> bool:
    """Whether this terminal is better served by the ASCII signs.

    Args:
        environ: The process's environment. `CCCHAT_ASCII=1` asks for ASCII outright and
            `CCCHAT_ASCII=0` forbids it; without it, the Linux console (`TERM=linux`) and a dumb
            terminal get ASCII, because their fonts lack most of these signs.
        encoding: The encoding of standard output, as Python names it; `None` if there is none.
    """
    asked = environ.get("CCCHAT_ASCII", "").strip().lower()
    if asked:
        return asked not in {"0", "false", "no", "off"}
    if environ.get("TERM", "") in {"linux", "dumb"}:
        return True
    return (encoding or "ascii").lower().replace("_", "-").startswith(("ascii", "us-ascii", "ansi"))

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
        # Model servers; boxes, where requests are round.
        "server_up": "■",
        "server_tried": "◧",
        "server_out": "□",
    }
)
"""A sign of one cell for each state. Keys are the values of `RequestState`, `TurnState` and
`SessionStatus`, which are strings and so can be looked up as they are."""

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
        "server_up": "up",
        "server_tried": "trying",
        "server_out": "left out",
    }
)
"""A word for each state, to stand beside its sign."""


def glyph(state: str) -> str:
    """The sign of a state, one cell wide.

    Args:
        state: A state's value; one that is not known gets `?`, never an error, since a screen
            must not fall over a word it has not learned.
    """
    return GLYPHS.get(state, "?")


def word(state: str) -> str:
    """The word of a state; one that is not known is its own word, with spaces for underscores."""
    return WORDS.get(state, state.replace("_", " "))

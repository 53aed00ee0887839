"""Titles that conversations get by themselves."""

from __future__ import annotations

TITLE_LENGTH = 32
"""A title made from the first words is cut at about so many characters."""

UNTITLED = "New chat"
"""What a session is called before anything was said in it."""


def title_from(text: str) -> str:
    """A short title from the first words of a message."""
    title = ""
    for word in text.split(maxsplit=TITLE_LENGTH):  # the rest of a long text need not be looked at
        longer = f"{title} {word}".strip()
        if len(longer) > TITLE_LENGTH:
            return f"{title}…" if title else f"{word[: TITLE_LENGTH - 1]}…"
        title = longer
    return title or UNTITLED

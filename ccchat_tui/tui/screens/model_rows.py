"""A model as a row of a list, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo

from rich.cells import cell_len
from textual.content import Content

from ccchat_tui.backends.base import LoadedModel, ModelInfo
from ccchat_tui.text import one_line
from ccchat_tui.tui.pull_words import size_words

_COLUMNS = (("kind", 16), ("size", 9), ("context", 6))
"""What a row says beside the name, with its cells; the last is left out first."""
NARROWEST_NAME = 24
"""Cells that the name keeps."""
LOADED = "■"
CANNOT_CHAT = "embedding only"


def matches(word: str, model: ModelInfo, *, loaded: bool) -> bool:
    """Whether a typed word, in lower case, is in what is known of a model: its name, family,
    quantisation, abilities or servers; `loaded` finds what is loaded."""
    known = (
        model.name,
        model.family or "",
        model.quantization or "",
        *model.capabilities,
        # Typing the name of a server leaves what that one has.
        *model.servers,
        "" if model.can_chat else CANNOT_CHAT,
    )
    return any(word in each.lower() for each in known) or (loaded and word == "loaded")


def context_words(tokens: int) -> str:
    """A length of context in few cells: `128k` for 131,072."""
    return f"{tokens // 1024}k" if tokens >= 1024 else str(tokens)


def row_of(model: ModelInfo, width: int, *, present: bool, loaded: bool) -> Content:
    """A model in one row, and in a second one the servers that have it.

    Args:
        model: Which.
        width: Cells there are.
        present: Whether it is the one that the chat talks to.
        loaded: Whether it is loaded anywhere.
    """
    told = {
        "kind": " ".join(filter(None, (model.parameter_size, model.quantization))),
        "size": size_words(model.size) if model.size else "",
        "context": context_words(model.context_length) if model.context_length else "",
    }
    columns = list(_COLUMNS)
    room = width - 4
    while columns and room - sum(cells + 1 for _, cells in columns) < NARROWEST_NAME:
        columns.pop()
    room -= sum(cells + 1 for _, cells in columns)
    note = "" if model.can_chat else f" ({CANNOT_CHAT})"
    name = one_line(model.name, max(4, room - len(note)))
    pad = " " * max(0, room - cell_len(name) - len(note))
    pieces: list[tuple[str, str] | str] = [
        "● " if present else "  ",
        (name, "bold" if model.can_chat else "italic"),
        note,
        pad,
    ]
    for key, cells in columns:
        text = one_line(told[key], cells)
        gap = " " * (cells - cell_len(text))
        pieces.append(f" {text}{gap}" if key == "kind" else f" {gap}{text}")
    pieces.append(f" {LOADED if loaded else ' '}")
    row = Content.assemble(*pieces)
    if not model.servers:
        return row
    where = one_line(f"on {', '.join(model.servers)}", width - 2)
    return Content.assemble(row, "\n  ", where)


def facts_of(
    model: ModelInfo,
    loaded: Mapping[str, LoadedModel],
    *,
    known: bool,
    zone: tzinfo | None = None,
) -> Content:
    """What there is to say of one model.

    Args:
        model: Which.
        loaded: How it is loaded, by server; the server has no name where there is only one.
        known: Whether any server has told what it has loaded.
        zone: Whose hours are shown; `None` for the machine's own.
    """
    quiet = "$text-muted"
    facts = []
    if model.family:
        facts.append(f"family {one_line(model.family, 20)}")
    if model.context_length:
        facts.append(f"context of {model.context_length:,} tokens")
    if abilities := [one_line(each, 16) for each in model.capabilities if each != "completion"]:
        facts.append(f"can also do {', '.join(abilities)}" if model.can_chat else CANNOT_CHAT)
    lines = [(" · ".join(facts) or "The server says nothing more of it.", quiet)]
    for server, each in loaded.items():
        where = f" on {one_line(server, 20)}" if server else ""
        how = [f"{LOADED} loaded{where}{until_words(each, zone)}"]
        if each.size:
            how.append(size_words(each.size))
        if each.context_length:
            how.append(f"context {each.context_length:,}")
        lines.append((" · ".join(how), "$text-success"))
    if known and not loaded:
        lines.append(("not loaded: the first reply begins later", quiet))
    pieces: list[tuple[str, str] | str] = []
    for line in lines:
        pieces += [line, "\n"]
    return Content.assemble(*pieces[:-1])


def until_words(loaded: LoadedModel, zone: tzinfo | None) -> str:
    """Until when a model is loaded, as the end of a sentence; empty where that is not known."""
    if loaded.stays:
        return " for good"
    when = loaded.expires_at
    if when is None:
        return ""
    try:
        local = (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        # Moments at the ends of time are in no zone.
        return ""
    return f" until {local:%H:%M}"

"""A pull as rows of the screen, and in the few words of the header."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len

from ccchat_tui.text import one_line, sanitize
from ccchat_tui.tui.pulls import Layer, Pull, PullState
from ccchat_tui.tui.widgets.line import Piece
from ccchat_tui.tui.widgets.transcript_words import duration_words

_UNITS = ("B", "kB", "MB", "GB", "TB")
_STATUS = {
    "": "asking for it…",
    "pulling manifest": "looking it up…",
    "verifying sha256 digest": "checking what has come…",
    "writing manifest": "almost there…",
    "removing unused layers": "tidying up…",
}
SILENT = 10.0
"""Seconds without a word of the server after which that is said."""
SIGNS = {
    PullState.RUNNING: ("⇣", "$primary"),
    PullState.DONE: ("✓", "$text-success"),
    PullState.FAILED: ("✗", "$text-error"),
    PullState.CANCELLED: ("⊘", "$text-muted"),
}
_BAR = (8, 40)
"""The least and the most cells of a bar."""


def size_words(size: float) -> str:
    """Bytes as people read them, in powers of 1000 as Ollama shows them."""
    for unit in _UNITS[:-1]:
        if size < 999.95:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} {_UNITS[-1]}"


def header_words(pulls: Sequence[Pull]) -> tuple[str, str]:
    """What the header says of the pulls that run, in full and in short; empty for none."""
    if not pulls:
        return "", ""
    total = sum(pull.total for pull in pulls)
    share = f"{100 * sum(pull.completed for pull in pulls) // total} %" if total else "…"
    name = one_line(pulls[0].model, 24) if len(pulls) == 1 else f"{len(pulls)} models"
    return f"⇣ {name} {share}", f"⇣ {share}"


def rows_of(pull: Pull, now: float, width: int, *, selected: bool) -> list[tuple[Piece, ...]]:
    """A pull as rows: a heading, then its layers or what came of it."""
    sign, colour = SIGNS[pull.state]
    name = one_line(pull.model, max(8, width // 2))
    if pull.server:
        name += f" on {one_line(pull.server, 20)}"
    heading = [
        Piece("▎" if selected else " ", "$primary"),
        Piece(f"{sign} ", colour),
        Piece(name, "bold"),
    ]
    target = f"pull:{id(pull)}"
    room = max(0, width - sum(piece.width for piece in heading) - 2)
    heading.append(Piece(f"  {one_line(_doing(pull, now), room)}", "$text-muted"))
    rows = [tuple(Piece(piece.text, piece.style, target) for piece in heading)]
    if pull.running:
        rows += [_layer(layer, width, target) for layer in pull.layers.values()]
    elif pull.problem:
        text = " ".join(sanitize(pull.problem).split())
        for line in textwrap.wrap(text, max(20, width - 4)):
            rows.append((Piece(f"   {line}", "$text-error", target),))
    return rows


def _doing(pull: Pull, now: float) -> str:
    """What it does, or what came of it."""
    if pull.state is PullState.DONE:
        took = duration_words((pull.ended or now) - pull.begun)
        return f"fetched, {size_words(pull.total)} in {took}" if pull.total else "is there"
    if pull.state is PullState.CANCELLED:
        return "cancelled; fetched again, it goes on from there"
    if pull.state is PullState.FAILED:
        return "failed"
    known = pull.status.startswith("pulling ") and pull.share is not None
    facts = [_STATUS.get(pull.status, sanitize(pull.status))]
    if known and pull.share is not None and pull.status not in _STATUS:
        facts = [f"{int(100 * pull.share)} %"]
        if (rate := pull.rate(now)) is not None:
            facts.append(f"{size_words(rate)}/s")
        if (left := pull.left(now)) is not None:
            facts.append(f"{duration_words(left)} left")
    if now - pull.heard >= SILENT:
        facts.append(f"nothing heard for {duration_words(now - pull.heard)}")
    return " · ".join(facts)


def _layer(layer: Layer, width: int, target: str) -> tuple[Piece, ...]:
    """A layer with its bar; where there is little room, the bar gives way."""
    name = one_line(layer.digest.removeprefix("sha256:"), 100)[:12]
    share = layer.completed / layer.total if layer.total else 1.0
    done, whole = size_words(layer.completed), size_words(layer.total)
    if done.split()[1] == whole.split()[1]:
        done = done.split()[0]
    tail = f" {int(100 * share):3d} %  {done} of {whole}"
    room = min(_BAR[1], width - 3 - 13 - cell_len(tail))
    bar = "" if room < _BAR[0] else f"{'█' * int(room * share):░<{room}}"
    return (
        Piece(f"   {name:<12} ", "$text-muted", target),
        Piece(bar, "$primary", target),
        Piece(tail, "", target),
    )

"""The buttons under the list: the limit, pause, cancel all."""

from __future__ import annotations

from ccchat_tui.engine.stats import QueueSnapshot
from ccchat_tui.tui.glyphs import glyph
from ccchat_tui.tui.widgets.line import Piece
from ccchat_tui.tui.widgets.piece_rows import PieceRow

BUTTON = "$foreground on $foreground 12%"
CALLING = "bold $background on $warning"
"""A button that ends an unusual state."""


def tool_rows(snapshot: QueueSnapshot, width: int) -> list[PieceRow]:
    """The buttons: in one row where they fit, else in two."""
    limit = [
        Piece(" \u2212 ", BUTTON, "less"),
        Piece(f" {snapshot.limits.max_concurrent} ", "bold $foreground"),
        Piece(" + ", BUTTON, "more"),
    ]
    pause = (
        Piece(" ▸ resume ", CALLING, "pause")
        if snapshot.paused
        else Piece(f" {glyph('paused')} pause ", BUTTON, "pause")
    )
    living = snapshot.in_flight + snapshot.waiting_to_retry + snapshot.queue_length
    style = BUTTON if living else "$text-muted on $foreground 6%"
    all_of_them = Piece(" ✕ cancel all ", style, "all" if living else "")
    inner = width - 2
    one_row = _width(limit) + pause.width + all_of_them.width + 2
    if inner >= one_row:
        label = [Piece("limit ", "$text-muted")] if inner >= one_row + 6 else []
        left = [Piece(" "), *label, *limit]
        gap = inner + 1 - _width(left) - pause.width - all_of_them.width - 1
        return [(*left, Piece(" " * gap), pause, Piece(" "), all_of_them)]
    if pause.width + all_of_them.width + 1 > inner:
        all_of_them = Piece(" ✕ all ", style, all_of_them.target)
    label_piece = Piece("limit", "$text-muted")
    gap = inner - label_piece.width - _width(limit)
    rest = inner - pause.width - all_of_them.width
    return [
        (Piece(" "), label_piece, Piece(" " * gap), *limit),
        (Piece(" "), pause, Piece(" " * rest), all_of_them),
    ]


def _width(pieces: list[Piece]) -> int:
    return sum(piece.width for piece in pieces)

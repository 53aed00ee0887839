"""The figures of the queue: laid out by the width there is, the same ones at every width."""

from __future__ import annotations

from rich.cells import cell_len

from ccchat_tui.engine.stats import QueueSnapshot
from ccchat_tui.quick import dataclass
from ccchat_tui.text import one_line
from ccchat_tui.tui.glyphs import glyph
from ccchat_tui.tui.widgets.line import Piece
from ccchat_tui.tui.widgets.piece_rows import PieceRow
from ccchat_tui.tui.widgets.queue_words import count, duration, rate

LABEL = "$text-muted"
VALUE = "bold $foreground"
QUIET = "$text-muted"
"""A value that says nothing yet."""

_THREE_COLUMNS = 60
"""Cells from which the figures stand in three columns, one for each kind."""
_WORDS = 36
"""Cells from which the labels are written out."""
_WIDEST_COLUMN = 30


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its name."""

    label: str
    short: str
    """Its name where there is little room."""
    value: str
    style: str = VALUE


def title_row(snapshot: QueueSnapshot, width: int) -> PieceRow:
    """The first row: what this is, and how requests are run."""
    title = Piece(" Queue", "bold $primary")
    sequential = snapshot.mode != "concurrent"
    style = "bold $text-warning" if sequential else LABEL
    sign = glyph("sequential" if sequential else "concurrent")
    mode = Piece(f"{sign} {one_line(snapshot.mode, max(4, width - 12))} ", style)
    return (title, _space(width - title.width - mode.width), mode)


def status_row(snapshot: QueueSnapshot, width: int) -> PieceRow:
    """The second row: what is unusual, and why, or what the limit has found by itself. It is there
    when it is empty too, so that nothing moves when something comes to be told."""
    pieces: list[Piece] = [_space(1)]
    room = width - 2
    if snapshot.paused:
        words = "paused" if room < _WORDS or snapshot.mode_reason else "paused: nothing is started"
        pieces.append(Piece(f"{glyph('paused')} {words}", "bold $text-warning"))
        room -= pieces[-1].width
    if snapshot.mode_reason and room > 5:
        joiner = " · " if snapshot.paused else ""
        reason = one_line(snapshot.mode_reason, room - len(joiner))
        pieces.append(Piece(f"{joiner}{reason}", "$text-warning"))
    elif not snapshot.paused and snapshot.adaptive is not None and room > 5:
        pieces.append(Piece(one_line(snapshot.adaptive.words, room), LABEL))
    elif not snapshot.paused and _waits_for_users(snapshot) and room > 5:
        each = snapshot.limits.max_concurrent_per_user
        words = f"each user may run {each} at once" if room >= _WORDS else f"{each} for each user"
        pieces.append(Piece(one_line(words, room), LABEL))
    return tuple(pieces)


def _waits_for_users(snapshot: QueueSnapshot) -> bool:
    """Whether requests wait although there is room: their users have all they may have."""
    return bool(snapshot.queue_length) and snapshot.in_flight < snapshot.limits.max_concurrent


def figure_rows(snapshot: QueueSnapshot, width: int) -> list[PieceRow]:
    """The numbers, in two or three columns.

    In three columns each holds one kind: what is going on, what became of requests, how fast.
    """
    inner = width - 2
    flow, ends, speed, retry = _figures(snapshot)
    table: list[tuple[Figure, ...]]
    if inner >= _THREE_COLUMNS:
        table = list(zip(flow, ends, speed, strict=True))
        gap = 4
    else:
        average, first, tokens = speed
        table = [*zip(flow, ends, strict=True), (average, first), (tokens, retry)]
        gap = 3 if inner >= _WORDS else 1
    columns = len(table[0])
    column = min(_WIDEST_COLUMN, (inner - gap * (columns - 1)) // columns)
    return [_row(figures, column, gap) for figures in table]


def _row(figures: tuple[Figure, ...], column: int, gap: int) -> PieceRow:
    pieces = [_space(1)]
    for number, figure in enumerate(figures):
        label = figure.label if column >= _WORDS // 2 - 1 else figure.short
        value = one_line(figure.value, column)
        if cell_len(label) + 1 + cell_len(value) > column:
            label = figure.short
        label = one_line(label, column - cell_len(value) - 1)
        pieces.append(Piece(label, LABEL))
        pieces.append(_space(column - cell_len(label) - cell_len(value)))
        pieces.append(Piece(value, figure.style))
        if number + 1 < len(figures):
            pieces.append(_space(gap))
    return tuple(pieces)


def _figures(
    snapshot: QueueSnapshot,
) -> tuple[tuple[Figure, ...], tuple[Figure, ...], tuple[Figure, ...], Figure]:
    totals = snapshot.totals
    failed = totals.failed + totals.timed_out

    def number(label: str, short: str, value: int, style: str = VALUE) -> Figure:
        return Figure(label, short, count(value, 6), style if value else QUIET)

    def time(label: str, short: str, milliseconds: float) -> Figure:
        text = duration(milliseconds / 1000) if milliseconds > 0 else "\u2013"
        return Figure(label, short, text, VALUE if milliseconds > 0 else QUIET)

    flight = Figure(
        "in flight",
        "slots",
        f"{snapshot.in_flight}/{snapshot.limits.max_concurrent}",
        "bold $state-streaming" if snapshot.in_flight else QUIET,
    )
    speed = snapshot.tokens_per_second
    return (
        (
            flight,
            number("queued", "queue", snapshot.queue_length, "bold $state-queued"),
            number("peak", "peak", snapshot.peak_concurrency),
        ),
        (
            number("completed", "done", totals.completed),
            number("failed", "failed", failed, "bold $state-failed"),
            number("cancelled", "cancel", totals.cancelled),
        ),
        (
            time("average", "avg", snapshot.average_processing_ms),
            time("first token", "first", snapshot.average_first_token_ms),
            Figure("tokens", "rate", rate(speed), VALUE if speed > 0 else QUIET),
        ),
        number("to retry", "retry", snapshot.waiting_to_retry, "bold $state-waiting-to-retry"),
    )


def _space(cells: int) -> Piece:
    return Piece(" " * max(cells, 0))

"""A lane of the timeline as rows: a sign for each span of time, and how many requests there are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import groupby

from ccchat_tui.runs.course import Course
from ccchat_tui.runs.lane import END_MARKS, PHASE_MARKS, Cell, Lane, Mark
from ccchat_tui.text import one_line
from ccchat_tui.tui.glyphs import glyph
from ccchat_tui.tui.timeline.axis import Window
from ccchat_tui.tui.timeline.rows import Row, filled
from ccchat_tui.tui.widgets.queue_words import count

SIGNS = {
    0: " ",
    Mark.WAITING.value: "─",
    Mark.CONNECTING.value: "▒",
    Mark.STREAMING.value: "█",
    Mark.RETRYING.value: glyph("waiting_to_retry"),
    Mark.COMPLETED.value: glyph("completed"),
    Mark.CANCELLED.value: glyph("cancelled"),
    Mark.TIMED_OUT.value: glyph("timed_out"),
    Mark.FAILED.value: glyph("failed"),
}
"""Bars for what lasts, the usual signs for the rest: each is another shape."""
CHOSEN = {
    **SIGNS,
    Mark.WAITING.value: "═",
    Mark.CONNECTING.value: "▓",
    Mark.STREAMING.value: "▆",
}
"""Those of the request under the cursor, which is told by its shape as well."""
COLOURS = {
    0: "",
    Mark.WAITING.value: "$state-queued",
    Mark.CONNECTING.value: "$state-connecting",
    Mark.STREAMING.value: "$state-streaming",
    Mark.RETRYING.value: "$state-waiting-to-retry",
    Mark.COMPLETED.value: "$state-completed",
    Mark.CANCELLED.value: "$state-cancelled",
    Mark.TIMED_OUT.value: "$state-timed-out",
    Mark.FAILED.value: "$state-failed",
}
WORDS = {
    Mark.WAITING.value: "waiting",
    Mark.CONNECTING.value: "first token",
    Mark.STREAMING.value: "streaming",
    Mark.RETRYING.value: "retry",
    Mark.COMPLETED.value: "done",
    Mark.CANCELLED.value: "cancelled",
    Mark.TIMED_OUT.value: "timed out",
    Mark.FAILED.value: "failed",
}


def lane_rows(
    lane: Lane,
    window: Window,
    *,
    began: float,
    now: float,
    names: int,
    chosen: Course | None,
    marked: bool,
    density: bool,
    said: str = "sent",
) -> list[Row]:
    """One or two rows.

    Args:
        lane: The lane.
        window: What is in view.
        began: When the run began.
        now: The moment until which it is shown.
        names: Cells for the name.
        chosen: The request under the cursor, if it is in this lane.
        marked: Whether the cursor is in this lane.
        density: Whether to say in a second row how many requests there are in each cell.
        said: What is said of the number of requests that came into the lane.
    """
    width, start = window.seconds, began + window.left * window.seconds
    cells = lane.cells(start, width, window.columns, now)
    own = {} if chosen is None else own_marks(chosen, window, began, now)
    look = "bold $primary" if marked else "$foreground"
    name = filled(one_line(lane.name, names - 2), names - 2)
    row: list[tuple[str, str]] = [("▎" if marked else " ", "$primary"), (f"{name} ", look)]
    shown = [(own.get(column, cell.worst), column in own) for column, cell in enumerate(cells)]
    for (mark, mine), group in groupby(shown):
        style = f"bold {COLOURS[mark]} on $foreground 30%" if mine else COLOURS[mark]
        row.append(((CHOSEN if mine else SIGNS)[mark] * len(list(group)), style))
    if not density:
        return [tuple(row)]
    many = bisect_right(lane.entries, now)
    told = filled(one_line(f"{count(many, 6)} {said}" if many else "", names - 2), names - 2)
    return [tuple(row), ((f" {told} ", "$text-muted"), (numbers(cells), "$text-muted"))]


def numbers(cells: Sequence[Cell]) -> str:
    """How many requests each cell has, where it is more than one."""
    return "".join(
        " " if cell.requests < 2 else "+" if cell.requests > 9 else str(cell.requests)
        for cell in cells
    )


def own_marks(course: Course, window: Window, began: float, now: float) -> dict[int, int]:
    """The marks of one request alone, by column in view."""
    found: dict[int, int] = {}
    ended = course.ended_at is not None and course.ended_at <= now
    end = course.ended_at if ended and course.ended_at is not None else now
    stops = [*(at for _, at in course.phases[1:]), end]
    for (phase, begin), stop in zip(course.phases, stops, strict=True):
        if begin > now:
            break
        first = max(0, window.column_of(begin - began) - window.left)
        last = min(window.columns - 1, window.column_of(min(stop, now) - began) - window.left)
        for column in range(first, last + 1):
            if stop > begin or column not in found:
                found[column] = PHASE_MARKS[phase]
    if ended and course.state is not None:
        column = window.column_of(end - began) - window.left
        if 0 <= column < window.columns:
            found[column] = END_MARKS[course.state]
    return found


def legend(width: int) -> Row:
    """Which sign means what."""
    told = WORDS if width >= 88 else _SHORT
    gap = " " * (3 if width >= 100 else 2 if width >= 70 else 1)
    row: list[tuple[str, str]] = [(" ", "")]
    for mark, said in told.items():
        row += [(SIGNS[mark], COLOURS[mark]), (f" {said}{gap}", "$text-muted")]
    return tuple(row)


_SHORT = dict(
    zip(WORDS, ("wait", "first", "run", "retry", "done", "cancel", "late", "fail"), strict=True)
)

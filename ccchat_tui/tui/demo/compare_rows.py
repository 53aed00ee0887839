"""What a comparison shows, as rows of styled text: two runs under way, and what differed."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from ccchat_tui.runs.lane import Mark
from ccchat_tui.scenarios.compare import COMPARED, factor, in_time
from ccchat_tui.scenarios.formulas import FORMULAS
from ccchat_tui.text import one_line, sanitize
from ccchat_tui.tui.glyphs import glyph

if TYPE_CHECKING:
    from ccchat_tui.scenarios.report import Report
    from ccchat_tui.scenarios.worlds import World

Span = tuple[str, str]
"""Text and its style."""

MARKS: Mapping[int, Span] = {
    0: (" ", ""),
    Mark.COMPLETED: ("▌", "$state-completed"),
    Mark.STREAMING: ("█", "$state-streaming"),
    Mark.CONNECTING: ("▒", "$state-connecting"),
    Mark.WAITING: ("·", "$state-queued"),
    Mark.RETRYING: ("↻", "$state-waiting-to-retry"),
    Mark.CANCELLED: ("⊘", "$state-cancelled"),
    Mark.TIMED_OUT: ("◷", "$state-timed-out"),
    Mark.FAILED: ("✗", "$state-failed"),
}
"""The worst of what went on in a span of time, as `runs.lane` has it."""

LEGEND = (
    (Mark.WAITING, "waits"),
    (Mark.CONNECTING, "no token yet"),
    (Mark.STREAMING, "streams"),
    (Mark.COMPLETED, "done"),
    (Mark.RETRYING, "tried again"),
    (Mark.FAILED, "failed"),
)
NAMES = ("one at a time", "at once")
STYLES = ("$warning", "$success")
KEYS = "f: what each figure is · v: the runs · r: again · Esc: back"
_STEPS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
_NAME = 9
"""Cells of a user's name before a lane."""
_EIGHTHS = " ▏▎▍▌▋▊▉"
HEAD = 5
"""Rows of a column before its lanes."""


def step_of(seconds: float, cells: int) -> float:
    """Seconds that one cell stands for, if so many seconds are to fit into so many cells."""
    return next((step for step in _STEPS if step * cells >= seconds), seconds / max(1, cells))


def lane_cells(width: int) -> int:
    """Cells that a lane has in a column of this width."""
    return max(1, width - _NAME - 1)


def bar(share: float, width: int) -> str:
    """A bar of so much of a width, to an eighth of a cell. Anything at all is seen."""
    eighths = min(8 * width, round(share * 8 * width))
    if share > 0:
        eighths = max(1, eighths)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(width)


def column(world: World, now: float, step: float, width: int, height: int) -> list[Content]:
    """One run as it stands: its queue, its lanes, and the ends of replies on their way.

    Args:
        world: The run.
        now: The moment, in seconds from its beginning.
        step: Seconds of one cell of a lane.
        width: Cells there are.
        height: Rows there are; exactly so many come.
    """
    rows = _head(world, step, width)
    if world.problem:
        words = textwrap.wrap(sanitize(world.problem), max(1, width))
        rows += [Content.styled(line, "$text-error") for line in words]
    users = world.load.scenario.names if not world.problem else ()
    room = max(0, height - len(rows))
    least = 3 if room >= 6 else 0
    shown = min(len(users), room - least)
    if shown < len(users):
        shown = max(0, shown - 1)
    rows += [_lane(world, name, now, step, lane_cells(width)) for name in users[:shown]]
    if shown < len(users) and len(rows) < height:
        rows.append(Content.styled(f"and {len(users) - shown} more", "$text-muted"))
    left = height - len(rows)
    if left > 1:
        rows.append(Content(""))
    for seen in world.glimpses(max(0, left - 1)):
        rows.append(_glimpse(seen.user, seen.state, seen.text, width))
    rows += [Content("")] * (height - len(rows))
    return rows[:height]


def _head(world: World, step: float, width: int) -> list[Content]:
    place = int(world.concurrent)
    figures, snapshot = world.figures, world.snapshot
    limit = world.load.limits.max_concurrent
    name = f"at once, up to {limit}" if world.concurrent and width >= 40 else NAMES[place]
    sign = glyph("concurrent" if world.concurrent else "sequential")
    after = "over after" if width >= 40 else "over:"
    ended = f"  {after} {in_time(world.elapsed * 1000)}" if world.over else ""
    total = world.load.scenario.expected
    done = figures["completed"]
    said = f"done {done} of {total} "
    flying, queued, again = (
        (snapshot.in_flight, snapshot.queue_length, snapshot.waiting_to_retry)
        if snapshot is not None
        else (0, 0, 0)
    )
    lost = 0 if snapshot is None else snapshot.totals.failed + snapshot.totals.timed_out
    stands: list[Span] = [
        (f"{glyph('streaming')} {flying} in flight", "$state-streaming"),
        (f"  {glyph('queued')} {queued} wait", "$state-queued"),
    ]
    if again:
        stands.append((f"  {glyph('waiting_to_retry')} {again}", "$state-waiting-to-retry"))
    if lost:
        stands.append((f"  {glyph('failed')} {lost} failed", "$state-failed"))
    waits = figures["wait_ms"]
    told = f"waits: median {in_time(waits['median'])}, longest {in_time(waits['longest'])}"
    if cell_len(told) > width:
        told = f"waits {in_time(waits['median'])}, most {in_time(waits['longest'])}"
    share = done / total if total else 0.0
    return [
        _fit([(f"{sign} {name}", f"bold {STYLES[place]}"), (ended, "$text")], width),
        _fit([(said, "$text"), (bar(share, max(0, width - cell_len(said))), STYLES[place])], width),
        _fit(stands, width),
        _fit([(told, "$text-muted")], width),
        _fit([(" " * (_NAME + 1), ""), (f"{step:g} s a mark", "$text-muted")], width),
    ]


def _lane(world: World, user: str, now: float, step: float, cells: int) -> Content:
    name = one_line(user, _NAME)
    pieces: list[Span] = [(name + " " * (_NAME - cell_len(name) + 1), "$text-muted")]
    lane = next((each for each in world.lanes.users if each.name == user), None)
    if lane is not None:
        seen = lane.cells(world.began, step, cells, world.began + now)
        pieces += [MARKS[cell.worst] for cell in seen]
    return Content.assemble(*pieces)


def _glimpse(user: str, state: str, text: str, width: int) -> Content:
    head = f"{glyph(state)} {one_line(user, _NAME)}: "
    room = max(0, width - cell_len(head))
    words = one_line(" ".join(sanitize(text).split())[-room:] if room else "", room)
    return Content.assemble((head, "$state-streaming"), (words, "$text"))


def legend(width: int) -> Content:
    """What the marks of a lane mean."""
    pieces: list[Span] = []
    used = 0
    for mark, word in LEGEND:
        sign, style = MARKS[mark]
        if used + len(word) + 4 > width:
            break
        pieces += [(f" {sign}", style), (f" {word} ", "$text-muted")]
        used += len(word) + 4
    return Content.assemble(*pieces)


# What differed ----------------------------------------------------------------------------


def result(before: Report, after: Report, width: int) -> list[Content]:
    """The figures of both runs beside each other, as bars and numbers.

    Args:
        before: One at a time.
        after: At once.
        width: Cells there are.
    """
    rows = [*_sentence(before, after, width), Content.styled(one_line(KEYS, width), "$text-muted")]
    rows += [Content(""), _titles(width)]
    rows += [
        _both(each.name, each.of(before), each.of(after), each.told, width) for each in COMPARED
    ]
    rows += [Content(""), Content.styled("a user's speed, in tokens a second", "bold $primary")]
    speeds = {user["user"]: float(user["speed"]) for user in before["users"]}
    rows += [
        _both(user["user"], speeds.get(user["user"], 0.0), float(user["speed"]), _number, width)
        for user in after["users"]
    ]
    return rows


def formulas() -> list[Content]:
    """What each figure is."""
    return [
        Content.assemble((name, "bold $primary"), (f"\n  {formula}\n", "$text"))
        for name, formula in FORMULAS.items()
    ]


def _number(value: float) -> str:
    return f"{value:.1f}"


def _sentence(before: Report, after: Report, width: int) -> list[Content]:
    """What it comes to. No factor where the two did not do the same."""
    first, second = in_time(before["wall_ms"]), in_time(after["wall_ms"])
    words = f"{before['requests']} requests: {first} one at a time, {second} at once"
    same = before["completed"] == after["completed"] == before["requests"] == after["requests"]
    if same and after["wall_ms"] > 0:
        words += f", {before['wall_ms'] / after['wall_ms']:.1f} times as fast"
    elif not same:
        words += f"; {before['completed']} and {after['completed']} were whole"
    return [Content.styled(row, "bold $text") for row in textwrap.wrap(words, width)]


def _parts(width: int) -> tuple[int, int, int]:
    """Cells of a name, of a bar, and of a number."""
    name, number, last = 21, 8, 8
    return name, max(2, (width - name - 2 * (number + 2) - last) // 2), number


def _titles(width: int) -> Content:
    first, cells, number = _parts(width)
    pieces: list[Span] = [(" " * first, "")]
    for place in (0, 1):
        sign = glyph(("sequential", "concurrent")[place])
        name = "one by one" if not place and cells < 5 else NAMES[place]
        text = one_line(f"{sign} {name}", cells + number + 1)
        pieces.append((text + " " * (cells + number + 2 - cell_len(text)), f"bold {STYLES[place]}"))
    return Content.assemble(*pieces)


def _both(
    name: str, before: float, after: float, told: Callable[[float], str], width: int
) -> Content:
    name_cells, cells, number = _parts(width)
    most = max(before, after)
    label = one_line(name, name_cells - 1)
    pieces: list[Span] = [(label + " " * (name_cells - cell_len(label)), "$text")]
    for place, value in enumerate((before, after)):
        share = value / most if most > 0 else 0.0
        pieces.append((bar(share, cells), STYLES[place]))
        pieces.append((f" {told(value):>{number}} ", "$text"))
    pieces.append((factor(before, after).rjust(8), "$text-muted"))
    return Content.assemble(*pieces)


def _fit(pieces: Sequence[Span], width: int) -> Content:
    """As much of a row as there is room for."""
    shown: list[Span] = []
    for text, style in pieces:
        cut = text if cell_len(text) <= width else one_line(text, max(0, width))
        shown.append((cut, style))
        width -= cell_len(cut)
    return Content.assemble(*shown)

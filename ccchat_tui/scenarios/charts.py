"""Charts of a run as SVG that stands in a page: colours and patterns come from the page's style."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from ccchat_tui.engine.request import RequestState
from ccchat_tui.runs.course import Course, Phase
from ccchat_tui.text import sanitize

WIDTH = 960
LEFT = 110
"""Where the time begins, right of the names."""
BUCKETS = 425
"""Parts of the time in a chart; each shows its highest value, so that no peak is lost."""
DRAWN = 2000
"""Requests that the Gantt chart draws."""
ROW = 9
MARKS = {
    RequestState.FAILED: "\u2717",
    RequestState.TIMED_OUT: "\u29d6",
    RequestState.CANCELLED: "\u2298",
}
"""What stands at the end of a request that did not complete."""


def safe(text: str, longest: int = 100) -> str:
    """A text from outside as it may stand in a page."""
    return escape(plain(text, longest))


def plain(text: str, longest: int) -> str:
    """A text from outside in one harmless line of at most so many characters."""
    line = " ".join(sanitize(text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}\u2026"


def levels(courses: Iterable[Course], began: float, wall: float) -> tuple[list[float], list[float]]:
    """The most that were in flight and queued in each part of the time."""
    flying: list[tuple[float, int]] = []
    queued: list[tuple[float, int]] = []
    for course in courses:
        ends = [at for _, at in course.phases[1:]]
        ends.append(began + wall if course.ended_at is None else course.ended_at)
        for (phase, start), end in zip(course.phases, ends, strict=True):
            if phase is not Phase.RETRYING:
                steps = queued if phase is Phase.WAITING else flying
                steps += ((start, 1), (end, -1))
    return _highest(flying, began, wall), _highest(queued, began, wall)


def tokens(courses: Iterable[Course], began: float, wall: float) -> list[float]:
    """Tokens a second in each part of the time, each reply's spread evenly from its first token to
    its end: events do not tell of every token."""
    length = wall / BUCKETS
    found = [0.0] * BUCKETS
    for course in courses:
        if course.first_token_at is None or course.ended_at is None or not course.tokens:
            continue
        # What is shorter than a part of the time is shown as long as one.
        first = min(course.first_token_at - began, wall - length)
        last = max(course.ended_at - began, first + length)
        rate = course.tokens / (last - first)
        for part in range(_part(first, length), _part(last, length) + 1):
            inside = min(last, (part + 1) * length) - max(first, part * length)
            found[part] += rate * max(0.0, inside) / length
    return found


def waits(courses: Iterable[Course], began: float, wall: float) -> list[float]:
    """The longest wait, in seconds, of those that got a slot in each part of the time."""
    length = wall / BUCKETS
    found = [0.0] * BUCKETS
    for course in courses:
        if course.started_at is not None:
            part = _part(course.started_at - began, length)
            found[part] = max(found[part], course.started_at - course.sent_at)
    return found


def line_chart(title: str, lines: Mapping[str, Sequence[float]], wall: float) -> str:
    """Values over time, as steps.

    Args:
        title: For those who do not see it.
        lines: The values in each part of the time, by what they are.
        wall: Seconds that all parts take.
    """
    height, top = 150, max((max(values) for values in lines.values()), default=0.0) or 1.0
    step = (WIDTH - LEFT) / BUCKETS
    parts = [_axis(wall, height)]
    parts += [
        f'<text class="t" x="{LEFT - 6}" y="{y}" text-anchor="end">{value:g}</text>'
        for y, value in ((14, round(top, 1)), (height, 0))
    ]
    for number, (name, values) in enumerate(lines.items()):
        path = [f"M{LEFT},{height}"]
        for part, value in enumerate(values):
            path.append(
                f"V{height - value / top * (height - 8):.1f}H{LEFT + (part + 1) * step:.1f}"
            )
        parts.append(f'<path class="l l{number}" d="{"".join(path)}"/>')
        x, y = 4, 34 + 18 * number
        parts.append(f'<path class="l l{number}" d="M{x},{y - 4}h18"/>')
        parts.append(f'<text class="t" x="{x + 22}" y="{y}">{safe(name)}</text>')
    return _svg(title, height + 20, parts)


def gantt(courses: Sequence[Course], began: float, wall: float) -> str:
    """Every request in the lane of its user: what it spent its time with and how it ended."""
    by_user: dict[str, list[Course]] = {}
    for course in courses[:DRAWN]:
        by_user.setdefault(course.user, []).append(course)
    scale = (WIDTH - LEFT) / wall if wall > 0 else 0.0
    parts: list[str] = []
    y = 4
    for user, theirs in by_user.items():
        parts.append(f'<text class="t" x="0" y="{y + ROW}">{safe(user, 16)}</text>')
        free: list[float] = []
        for course in theirs:
            end = began + wall if course.ended_at is None else course.ended_at
            row = next((n for n, at in enumerate(free) if at <= course.sent_at), len(free))
            free[row : row + 1] = [end + 6 / scale if scale else end]
            parts.append(_bar(course, y + row * (ROW + 2), began, end, scale))
        y += max(1, len(free)) * (ROW + 2) + 5
    return _svg("Every request over time", y + 20, [_axis(wall, y), *parts])


def _bar(course: Course, y: int, began: float, end: float, scale: float) -> str:
    """One request."""
    told = course.state.value if course.state else "not ended"
    why = f": {course.failure}" if course.failure else ""
    title = (
        f"{safe(course.id)}, sent at {course.sent_at - began:.1f} s, {told} after "
        f"{end - course.sent_at:.1f} s, {course.tokens} tokens{safe(why, 300)}"
    )
    parts = [f"<title>{title}</title>"]
    ends = [*(at for _, at in course.phases[1:]), end]
    for (phase, start), stop in zip(course.phases, ends, strict=True):
        x, wide = LEFT + (start - began) * scale, (stop - start) * scale
        if wide > 0:
            parts.append(
                f'<rect class="{phase.value}" x="{x:.2f}" y="{y}" width="{wide:.2f}" '
                f'height="{ROW}"/>'
            )
    mark = MARKS.get(course.state) if course.state else None
    if mark:
        x = LEFT + (end - began) * scale
        parts.append(f'<text class="m" x="{x:.2f}" y="{y + ROW - 1}">{mark}</text>')
    return f"<g>{''.join(parts)}</g>"


def _axis(wall: float, height: float) -> str:
    """The time below, with a round number of seconds between two marks."""
    rough = max(wall, 0.001) / 8
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= rough)
    parts = []
    for number in range(int(wall / step) + 1):
        x = LEFT + number * step / max(wall, 0.001) * (WIDTH - LEFT)
        parts.append(f'<path class="g" d="M{x:.1f},0V{height}"/>')
        if x < WIDTH - 24:
            parts.append(
                f'<text class="t" x="{x + 2:.1f}" y="{height + 14}">{number * step:g} s</text>'
            )
    return "".join(parts)


def _svg(title: str, height: float, parts: Iterable[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{safe(title)}">'
        f"{''.join(parts)}</svg>"
    )


def _part(moment: float, length: float) -> int:
    return min(BUCKETS - 1, max(0, int(moment / length))) if length > 0 else 0


def _highest(steps: list[tuple[float, int]], began: float, wall: float) -> list[float]:
    """The highest level in each part of the time. At one moment, what ends comes first."""
    length = wall / BUCKETS
    found = [0.0] * BUCKETS
    level = at = 0
    for moment, step in sorted(steps):
        part = _part(moment - began, length)
        for between in range(at, part + 1):
            found[between] = max(found[between], level)
        level, at = level + step, part
        found[part] = max(found[part], level)
    return found

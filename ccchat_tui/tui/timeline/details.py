"""What there is to say of one request on the timeline."""

from __future__ import annotations

from rich.cells import cell_len

from ccchat_tui.engine.request import Priority
from ccchat_tui.runs.course import Course, Phase
from ccchat_tui.text import one_line
from ccchat_tui.tui.glyphs import glyph, word
from ccchat_tui.tui.timeline.rows import Row
from ccchat_tui.tui.widgets.queue_words import count, duration

PHASE_STATES = {
    Phase.WAITING: "queued",
    Phase.CONNECTING: "connecting",
    Phase.STREAMING: "streaming",
    Phase.RETRYING: "waiting_to_retry",
}
_PHASE_WORDS = {
    Phase.WAITING: "waited",
    Phase.CONNECTING: "first token",
    Phase.STREAMING: "streamed",
    Phase.RETRYING: "retry after",
}
ROWS = 3


def details(course: Course, now: float, began: float, tokens: int | None, width: int) -> list[Row]:
    """Three rows on a request, as it was at a moment.

    Args:
        course: The request; what it does after the moment is not told.
        now: The moment.
        began: When the run began.
        tokens: How many it has so far, where that is known.
        width: Cells there are.
    """
    ended = course.ended_at is not None and course.ended_at <= now
    passed = [(phase, at) for phase, at in course.phases if at <= now]
    state = course.state.value if ended and course.state else ""
    if not state:
        state = PHASE_STATES[passed[-1][0]] if passed else "queued"
    who = one_line(course.user, max(4, width // 4))
    head = [
        (f" {glyph(state)} ", _colour(state)),
        (who, "bold $foreground"),
        (f"  {word(state)}", _colour(state)),
    ]
    more = [one_line(course.id, 40), one_line(course.model, 30)]
    if course.priority is not Priority.NORMAL:
        more.append(f"{course.priority.name.lower()} priority")
    if course.attempts > 1:
        more.append(f"attempt {course.attempts}")
    head.append((_cut("  " + " · ".join(filter(None, more)), width, head), "$text-muted"))
    times = [f"sent at {duration(course.sent_at - began, 7)}"]
    stops = [*(at for _, at in passed[1:]), course.ended_at if ended else now]
    for (phase, begin), end in zip(passed, stops, strict=True):
        length = (end or now) - begin
        if length > 0 or phase is not Phase.WAITING:
            times.append(f"{_PHASE_WORDS[phase]} {duration(length)}")
    if ended and course.ended_at is not None:
        times.append(f"in all {duration(course.ended_at - course.sent_at)}")
    known = course.tokens if ended else tokens
    if known:
        times.append(f"{count(known)} tokens")
    reason = course.failure if ended or state == "waiting_to_retry" else ""
    room = max(1, width - 4)
    return [
        tuple(head),
        ((f"   {one_line(' · '.join(times), room)}", "$foreground"),),
        ((f"   {one_line(reason, room)}", _colour(state)),) if reason else (),
    ]


def _cut(text: str, width: int, before: list[tuple[str, str]]) -> str:
    room = width - sum(cell_len(each) for each, _ in before)
    return "  " + one_line(text.strip(), max(1, room - 2)) if room > 4 else ""


def _colour(state: str) -> str:
    return f"$state-{state.replace('_', '-')}"

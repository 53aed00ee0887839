"""The figures by which two runs of one load are compared. `formulas` says what each of them is."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from ccchat_tui.engine.request import RequestState
from ccchat_tui.quick import dataclass
from ccchat_tui.runs.course import Course
from ccchat_tui.scenarios.report import Report


def figures_of(courses: Sequence[Course], wall: float) -> Report:
    """The figures of a run, as JSON has them; times in milliseconds, rates in tokens a second.

    Args:
        courses: Its requests.
        wall: Seconds that it took.
    """
    tokens = sum(course.tokens for course in courses)
    speeds = user_speeds(courses)
    return {
        "requests": len(courses),
        "completed": sum(course.state is RequestState.COMPLETED for course in courses),
        "wall_ms": _ms(wall),
        "wait_ms": _spread(c.started_at - c.sent_at for c in courses if c.started_at is not None),
        "first_token_ms": _spread(
            c.first_token_at - c.sent_at for c in courses if c.first_token_at is not None
        ),
        "tokens": tokens,
        "tokens_per_second": round(tokens / wall, 3) if wall > 0 else 0.0,
        "fairness": round(jain(speeds.values()), 4),
        "users": [{"user": name, "speed": round(speed, 3)} for name, speed in speeds.items()],
    }


def user_speeds(courses: Iterable[Course]) -> dict[str, float]:
    """Tokens that each user got for a second of waiting for a reply, in the order of their first
    requests. What has not ended yet does not count."""
    tokens: defaultdict[str, int] = defaultdict(int)
    seconds: defaultdict[str, float] = defaultdict(float)
    for course in courses:
        if course.ended_at is not None:
            tokens[course.user] += course.tokens
            seconds[course.user] += course.ended_at - course.sent_at
    return {name: tokens[name] / time if time > 0 else 0.0 for name, time in seconds.items()}


def jain(shares: Iterable[float]) -> float:
    """Jain's index of fairness, 1/n to 1; 1 where nobody has anything (Jain, Chiu and Hawe, "A
    Quantitative Measure of Fairness and Discrimination", 1984)."""
    values = list(shares)
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


def quantile(ordered: Sequence[float], part: float) -> float:
    """The value that this part (0 to 1) of all does not exceed; 0 for none.

    Args:
        ordered: From the smallest on.
        part: How much of them.
    """
    return ordered[max(1, math.ceil(part * len(ordered))) - 1] if ordered else 0.0


def in_time(milliseconds: float) -> str:
    """A span of time, in the unit that suits it."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 600_000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds / 60_000:.0f} min"


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure by which two runs are compared."""

    name: str
    """As people are told it."""
    of: Callable[[Report], float]
    """Its value among those of a run."""
    told: Callable[[float], str]
    """The value as people read it."""


COMPARED = (
    Compared("completed", lambda f: float(f["completed"]), lambda n: f"{n:.0f}"),
    Compared("wall time", lambda f: float(f["wall_ms"]), in_time),
    Compared("wait, median", lambda f: float(f["wait_ms"]["median"]), in_time),
    Compared("wait, p95", lambda f: float(f["wait_ms"]["p95"]), in_time),
    Compared("wait, longest", lambda f: float(f["wait_ms"]["longest"]), in_time),
    Compared("first token, median", lambda f: float(f["first_token_ms"]["median"]), in_time),
    Compared("first token, p95", lambda f: float(f["first_token_ms"]["p95"]), in_time),
    Compared("first token, longest", lambda f: float(f["first_token_ms"]["longest"]), in_time),
    Compared("tokens a second", lambda f: float(f["tokens_per_second"]), lambda n: f"{n:.1f}"),
    Compared("fairness (Jain)", lambda f: float(f["fairness"]), lambda n: f"{n:.3f}"),
)
"""In the order in which they are told."""


def factor(before: float, after: float) -> str:
    """What the second is of the first, in words; nothing where that cannot be said."""
    return f"x {after / before:.2f}" if before > 0 else ""


def _spread(seconds: Iterable[float]) -> Report:
    ordered = sorted(seconds)
    return {
        "median": _ms(quantile(ordered, 0.5)),
        "p95": _ms(quantile(ordered, 0.95)),
        "longest": _ms(quantile(ordered, 1.0)),
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)

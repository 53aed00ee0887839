"""Charts of the whole run: what was in flight and queued, how fast tokens came, how long it took to
get a slot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ccchat_tui.quick import dataclass
from ccchat_tui.tui.timeline.axis import ticks
from ccchat_tui.tui.timeline.rows import Row, StyledRows
from ccchat_tui.tui.timeline.sampling import sampled
from ccchat_tui.tui.widgets.queue_chart import bars, dots, round_up
from ccchat_tui.tui.widgets.queue_words import count, duration, rate

if TYPE_CHECKING:
    from ccchat_tui.engine.series import HistoryBucket
    from ccchat_tui.engine.stats import QueueSnapshot
    from ccchat_tui.tui.timeline.source import RunSource

SCALE = 7
"""Cells for the numbers of the scale."""
_MUTED = "$text-muted"


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart."""

    title: str
    values: list[float]
    """One for each bucket of time."""
    now: str
    style: str
    said: Callable[[float], str]
    """A value in words."""
    solid: bool = False
    """Whether it is drawn in bars, and not in dots."""
    least: float = 1.0
    """The scale reaches to here at least."""


def charts_of(
    buckets: Sequence[HistoryBucket], seconds: float, lasted: float, snapshot: QueueSnapshot
) -> list[Chart]:
    """The four charts.

    Args:
        buckets: Of the whole run, oldest first.
        seconds: What one of them spans.
        lasted: Seconds since the beginning; the last bucket is still growing.
        snapshot: The queue now.
    """
    spans = [seconds] * len(buckets)
    if spans:
        # Never less than a second, in which one token would be a peak.
        spans[-1] = min(seconds, max(1.0, lasted - seconds * (len(buckets) - 1)))
    rates = [bucket.tokens / span for bucket, span in zip(buckets, spans, strict=True)]
    waits = [bucket.waited for bucket in buckets]
    return [
        Chart(
            "In flight",
            [float(bucket.in_flight) for bucket in buckets],
            f"{snapshot.in_flight} of {snapshot.limits.max_concurrent}",
            "$state-streaming",
            lambda value: count(round(value), 6),
            solid=True,
            least=float(snapshot.limits.max_concurrent),
        ),
        Chart(
            "Queued",
            [float(bucket.queue_length) for bucket in buckets],
            count(snapshot.queue_length, 6),
            "$state-queued",
            lambda value: count(round(value), 6),
            least=4.0,
        ),
        Chart("Tokens a second", rates, rate(snapshot.tokens_per_second), "$state-completed", rate),
        Chart(
            "Longest wait for a slot",
            waits,
            duration(waits[-1]) if waits else duration(0),
            "$state-connecting",
            duration,
        ),
    ]


def chart_rows(chart: Chart, width: int, height: int, lasted: float) -> list[Row]:
    """A chart: a row that says what it is, and `height` rows of it.

    Args:
        chart: What is drawn.
        width: Cells there are.
        height: Rows for the values.
        lasted: Seconds that all values span.
    """
    cells = max(1, width - SCALE - 1)
    peak = max(chart.values, default=0.0)
    top = float(max(round_up(peak), chart.least)) if peak > chart.least else chart.least
    told = f"now {chart.now}"
    if peak > 0:
        at = chart.values.index(peak) / len(chart.values) * lasted
        told += f" · most {chart.said(peak)} at {duration(at, 7)}"
    title = f" {chart.title}"
    gap = max(2, width - len(title) - len(told) - 1)
    rows: list[Row] = [
        ((title, f"bold {chart.style}"), (" " * gap, ""), (told[: width - len(title)], _MUTED))
    ]
    if chart.solid:
        lines = bars(sampled(chart.values, cells), top, height)
    else:
        lines = dots(sampled(chart.values, 2 * cells), top, height)
    for number, line in enumerate(lines):
        mark = chart.said(top) if number == 0 else "0" if number == len(lines) - 1 else ""
        rows.append(((f"{mark:>{SCALE}} ", _MUTED), (line, chart.style)))
    return rows


class Charts(StyledRows, can_focus=True):
    """All charts, one above the other over one line of time.

    Args:
        run: What is shown.
    """

    DEFAULT_CSS = """
    Charts { height: 1fr; background: $background; color: $foreground; }
    """

    def __init__(self, run: RunSource) -> None:
        super().__init__()
        self._run = run

    def draw(self) -> None:
        """Lay out the run as it is now."""
        width, height = self.size
        if width <= 0 or height <= 0:
            return
        run = self._run
        seconds, buckets = run.whole()
        snapshot = run.snapshot()
        lasted = max(run.now - run.began, 0.001)
        charts = charts_of(buckets, seconds, lasted, snapshot)
        shown = max(1, min(len(charts), (height - 2) // 3))
        each, over = divmod(max(2 * shown, height - 2), shown)
        rows: list[Row] = []
        for number, chart in enumerate(charts[:shown]):
            rows += chart_rows(chart, width, each - 1 + (number < over), lasted)
        cells = max(1, width - SCALE - 1)
        marks = ticks(0, cells, lasted / cells)
        rows.append(((" " * (SCALE + 1), ""), (marks, _MUTED)))
        said = f" Peak {snapshot.peak_concurrency} in flight. Kept to {seconds:g} s"
        said += "; each column tells the highest value of its time." if width >= 84 else "."
        rows.append(((said, _MUTED),))
        self.show(rows)

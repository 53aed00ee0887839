"""What the whole app costs while replies stream into it, and while nothing happens.

    python -m tests.benchmarks.bench_app [--quick] [--seconds N] [--json]

The real app on 200 x 60 cells with the queue panel shown, over a model in the same process that
sends 100 tokens a second to everybody. Somebody types all the time. Four cases: eight chats side
by side, all in sight; twenty at 50 tokens a second, of which eight are side by side in sight, with
signs in the text that tell how late it is drawn; twenty in tabs, one in sight; ten in tabs while
nothing streams and nobody types. Each runs in a process of its own. Beside each wall time stands
the processor time in it, which is the fairer figure where others use the machine too. It exits with
1 if an aim is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from textual import events

from ccchat_tui.tui.memory import set_startup_aside
from tests.benchmarks.drawing_app import cpu, run, settled
from tests.benchmarks.marks import Marks
from tests.benchmarks.rows import Row, table
from tests.benchmarks.streaming_app import SIZE, PacedModel, StreamingApp, until

KEY_EVERY = 0.083
"""Seconds between two keys of a quick writer."""
LETTERS = "".join(chr(code) for code in range(0x0400, 0x052F))
"""Each key is another letter, so that none is taken for one that stands on the screen already."""
KEY_AIM, BLOCK_AIM = 50.0, 15.0
GRID_KEY_AIM, GRID_LATE_AIM, GRID_SHARE_AIM = 33.0, 100.0, 0.5
GRID_SIGHT, GRID_RATE = 8, 50.0
LOWER = (250, 36)
"""Of twenty panes, eight have room."""
GRID_CASE = "twenty panes, eight in sight"
IDLE_FRAMES = "idle, ten tabs: frames written in 10 s"


@dataclass
class Typing:
    """What was measured while somebody typed; milliseconds."""

    waits: list[float] = field(default_factory=list)
    """From each key to the screen."""
    work: list[float] = field(default_factory=list)
    """Of these, processor time."""
    blocks: list[float] = field(default_factory=list)
    """For which the event loop did not answer, each time."""
    block_work: list[float] = field(default_factory=list)
    """Of these, processor time."""
    share: float = 0.0
    frames: int = 0
    seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        """What the report says."""
        return {
            "share_of_a_core": round(self.share, 3),
            "key_median_ms": round(statistics.median(self.waits), 1),
            "key_p99_ms": round(high(self.waits, 99), 1),
            "key_median_cpu_ms": round(statistics.median(self.work), 1),
            "key_p99_cpu_ms": round(high(self.work, 99), 1),
            "block_ms": round(max(self.blocks), 1),
            "block_p999_ms": round(high(self.blocks, 99.9), 1),
            "block_cpu_ms": round(max(self.block_work), 1),
            "block_p999_cpu_ms": round(high(self.block_work, 99.9), 1),
            "writes_a_second": round(self.frames / self.seconds, 1),
            "keys": len(self.waits),
        }


def high(values: list[float], percent: float) -> float:
    """The value that all but so many in a hundred stay below."""
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


async def settle(app: StreamingApp) -> None:
    """Wait until the app is what it is after a while: connected, drawn, its start set aside."""
    await settled(app)
    await until(lambda: not app.sessions.connecting)
    await asyncio.sleep(0.5)
    set_startup_aside()


async def watch(result: Typing, stop: asyncio.Event) -> None:
    """Note for how long the loop does not come round."""
    while not stop.is_set():
        before, used = time.perf_counter(), cpu()
        await asyncio.sleep(0.001)
        result.blocks.append((time.perf_counter() - before - 0.001) * 1000)
        result.block_work.append((cpu() - used) * 1000)


async def type_for(app: StreamingApp, result: Typing, seconds: float) -> None:
    """Type letters into the chat that is worked in, and wait for each to be on the screen."""
    driver = app.sink
    driver.arrived = asyncio.Event()
    letters = iter(LETTERS)
    began, used, writes = time.perf_counter(), cpu(), driver.writes
    while time.perf_counter() - began < seconds:
        await asyncio.sleep(KEY_EVERY)
        letter = next(letters, None)
        if letter is None:
            letters = iter(LETTERS)
            letter = next(letters)
            app.chats.active.composer.clear()
        driver.awaited = letter
        driver.arrived.clear()
        pressed, worked = time.perf_counter(), cpu()
        driver.process_message(events.Key(letter, letter))
        async with asyncio.timeout(10):
            await driver.arrived.wait()
        result.waits.append((time.perf_counter() - pressed) * 1000)
        result.work.append((cpu() - worked) * 1000)
        driver.awaited = ""
    result.seconds = time.perf_counter() - began
    result.share = (cpu() - used) / result.seconds
    result.frames = driver.writes - writes


def typing(
    chats: int,
    seconds: float,
    *,
    grid: bool,
    streams: bool,
    rate: float = 100.0,
    marks: Marks | None = None,
) -> dict[str, float]:
    """Somebody types in one of so many chats, while all of them stream or none does.

    Args:
        chats: How many there are.
        seconds: For how long.
        grid: Whether they are side by side, at most eight of them in sight.
        streams: Whether replies come.
        rate: Tokens a second of each.
        marks: Signs in the replies by which one sees when they are drawn.
    """
    result = Typing()

    async def body(app: StreamingApp) -> None:
        await settle(app)
        if grid:
            app.chats.action_toggle_grid()
            await settled(app)
            sight = len(app.chats.deck.in_sight)
            assert sight == min(chats, GRID_SIGHT), f"{sight} are in sight"
        assert app.chats.panel.display, "the panel is not shown"
        if streams:
            await app.stream_in_all()
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            await asyncio.sleep(1.5)
            if marks is not None:
                marks.begin()
                app.sink.look = marks.look
            tasks.create_task(watch(result, stop))
            await type_for(app, result, seconds)
            stop.set()
        if marks is not None:
            seen = {f"chat {pane.number}" for pane in app.chats.deck.in_sight}
            if missing := marks.missing(seen):
                raise RuntimeError(f"{missing} signs were never drawn")
        if streams:
            await app.end_all()
            await asyncio.sleep(1.0)
            await settled(app)
            if lost := app.lost():
                raise RuntimeError("\n".join(lost))

    run(StreamingApp(chats, PacedModel(rate, marks=marks)), body, SIZE if marks is None else LOWER)
    return {**result.figures(), **({} if marks is None else marks.figures())}


def half_in_sight(seconds: float) -> dict[str, float]:
    """Twenty chats, of which eight are in sight."""
    return typing(20, seconds, grid=True, streams=True, rate=GRID_RATE, marks=Marks())


def idle(chats: int, seconds: float) -> dict[str, float]:
    """What is drawn and what is used while nothing happens at all."""
    figures: dict[str, float] = {}

    async def body(app: StreamingApp) -> None:
        await settle(app)
        # A reply has come and gone, as in earnest.
        await app.stream_in_all()
        await asyncio.sleep(1.0)
        await app.end_all()
        assert app.chats.panel.display, "the panel is not shown"
        # What has ended fades from the panel for some seconds.
        await until(lambda: not app.chats.panel.queue.fading and not app.watch_queue.running)
        await asyncio.sleep(1.0)
        writes, written, used = app.sink.writes, app.sink.written, cpu()
        await asyncio.sleep(seconds)
        figures["writes"] = app.sink.writes - writes
        figures["bytes"] = app.sink.written - written
        figures["cpu_ms"] = round((cpu() - used) * 1000, 2)
        figures["seconds"] = seconds

    run(StreamingApp(chats, PacedModel()), body, SIZE)
    return figures


CASES: dict[str, Callable[[float], dict[str, float]]] = {
    "eight panes": partial(typing, 8, grid=True, streams=True),
    "eight panes, nothing streams": partial(typing, 8, grid=True, streams=False),
    GRID_CASE: half_in_sight,
    "twenty tabs": partial(typing, 20, grid=False, streams=True),
    "twenty tabs, nothing streams": partial(typing, 20, grid=False, streams=False),
    "idle": partial(idle, 10),
}


def apart(case: str, seconds: float) -> dict[str, float]:
    """A case in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name, "--case", case, "--seconds", str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    report: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return report


def measure(seconds: float, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Every case, so many times, in turns."""
    report: dict[str, list[dict[str, float]]] = {case: [] for case in CASES}
    for _ in range(rounds):
        for case, runs in report.items():
            # What the others stand beside varies less.
            half = case.endswith("nothing streams")
            runs.append(apart(case, 10.0 if case == "idle" else seconds / 2 if half else seconds))
    return report


def rows_of(report: dict[str, list[dict[str, float]]]) -> Iterator[Row]:
    """The figures that stand beside others, each the median of its runs."""

    def figure(case: str, name: str) -> tuple[float, str]:
        values = [run[name] for run in report[case]]
        words = f"median of {len(values)}" if len(values) > 1 else "one run"
        return statistics.median(values), f"{words}: {', '.join(f'{v:g}' for v in values)}"

    for case in ("eight panes", "twenty tabs"):
        for name, words, unit, aim in (
            ("key_p99_ms", "key to screen, p99", "ms", KEY_AIM),
            ("key_median_ms", "key to screen, median", "ms", None),
            ("key_p99_cpu_ms", "key to screen, p99, processor time", "ms", None),
            ("block_ms", "longest block of the loop", "ms", BLOCK_AIM),
            ("block_cpu_ms", "longest block, processor time", "ms", BLOCK_AIM),
            ("share_of_a_core", "share of a core", "", None),
        ):
            ours, how = figure(case, name)
            beside = aim if aim is not None else figure(f"{case}, nothing streams", name)[0]
            beside_name = "aim" if aim is not None else "the same, nothing streams"
            yield Row(f"{case}: {words}", ours, beside, beside_name, unit, how)
    for name, words, unit, aim in (
        ("late_p99_ms", "token to screen, p99", "ms", GRID_LATE_AIM),
        ("late_worst_ms", "token to screen, the latest", "ms", GRID_LATE_AIM),
        ("key_p99_ms", "key to screen, p99", "ms", GRID_KEY_AIM),
        ("key_p99_cpu_ms", "key to screen, p99, processor time", "ms", GRID_KEY_AIM),
        ("block_ms", "longest block of the loop", "ms", BLOCK_AIM),
        ("block_cpu_ms", "longest block, processor time", "ms", BLOCK_AIM),
        ("share_of_a_core", "share of a core", "", GRID_SHARE_AIM),
    ):
        ours, how = figure(GRID_CASE, name)
        yield Row(f"{GRID_CASE}: {words}", ours, aim, "aim", unit, how)
    for name, words, unit in (
        ("writes", IDLE_FRAMES, ""),
        ("cpu_ms", "idle, ten tabs: processor time in 10 s", "ms"),
    ):
        ours, how = figure("idle", name)
        yield Row(words, ours, 0.0, "aim", unit, how)


def rows(quick: bool) -> list[Row]:
    """The figures for the table of all benchmarks."""
    return list(rows_of(measure(4.0 if quick else 15.0, 1 if quick else 3)))


def main() -> int:
    """Measure, and print; the exit code says whether the aims were met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short, once, less exact")
    parser.add_argument("--seconds", type=float, help="of each case")
    parser.add_argument("--rounds", type=int, help="how often each case runs")
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    parser.add_argument("--case", choices=list(CASES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    seconds = options.seconds or (4.0 if options.quick else 15.0)
    if options.case:
        sys.stdout.write(json.dumps(CASES[options.case](seconds)) + "\n")
        return 0
    report = measure(seconds, options.rounds or (1 if options.quick else 3))
    found = list(rows_of(report))
    missed = [
        row.name
        for row in found
        if (row.other_name == "aim" and row.other and row.ours > row.other)
        or (row.name == IDLE_FRAMES and row.ours)
    ]
    if options.json:
        rows_json: list[dict[str, Any]] = [row.as_json() for row in found]
        sys.stdout.write(json.dumps({"runs": report, "rows": rows_json, "missed": missed}) + "\n")
    else:
        sys.stdout.write(table(found))
        for name in missed:
            sys.stdout.write(f"MISSED: {name}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""What drawing streams costs: `python -m tests.benchmarks.bench_drawing [--quick] [--json]`.

Three parts: processor time per flush of our transcript beside `textual.widgets.Markdown.append`
in one run, at several lengths of the reply; the same for the hard cases, ours alone; and eight
panes in sight that stream at 100 tokens a second each. Only the ratios can be compared between
machines. It exits with 1 if an aim is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

from textual import events

from ccchat_tui.tui.memory import set_startup_aside
from tests.benchmarks.drawing_app import (
    MarkdownApp,
    PanesApp,
    SinkDriver,
    TranscriptApp,
    cpu,
    make_turn,
    run,
    settled,
)
from tests.benchmarks.prose import prose, tokens_of
from tests.benchmarks.rows import Row
from tests.benchmarks.ways_to_draw import WAYS

SIZE = (120, 40)
PER_FLUSH = 4
"""Tokens that come between two flushes, about 100 a second at 30 flushes a second."""

WORDS = "the queue hands out slots in turn and *nobody* waits for `much` that is not his "
CASES = {
    "fence of 2,000 lines": "```python\n"
    + "".join(f"    value_{n} = compute({n}, 'text')  # step {n}\n" for n in range(2000)),
    "list of 500 items": "".join(f"- item {n} with **some** words in it\n" for n in range(500)),
    "table of 500 rows": "| a | b | c |\n|---|---|---|\n"
    + "".join(f"| row {n} | `{n * n}` | some words |\n" for n in range(500)),
    "paragraph of 50,000 characters": (WORDS * 1000)[:50_000],
    "nested list of 500 items": "1. outer\n"
    + "".join(f"   - item {n} with **some** words in it\n" for n in range(500)),
}


def measure_transcript(prefill: list[str], flushes: list[list[str]]) -> float:
    """Milliseconds of processor time per flush of our transcript."""
    result: list[float] = []

    async def body(app: TranscriptApp) -> None:
        turn = make_turn()
        await settled(app)
        app.transcript.set_turns([turn])
        turn.parts.extend(prefill)
        app.transcript.on_frame()
        await settled(app)
        begin = cpu()
        for pieces in flushes:
            turn.parts.extend(pieces)
            app.transcript.on_frame()
            await settled(app)
        result.append((cpu() - begin) / len(flushes) * 1000)

    run(TranscriptApp(), body, SIZE)
    return result[0]


def measure_markdown(prefill: list[str], flushes: list[list[str]]) -> float:
    """Milliseconds of processor time per flush of `Markdown.append`."""
    result: list[float] = []

    async def body(app: MarkdownApp) -> None:
        await settled(app)
        await app.markdown.update("".join(prefill))
        app.scroll.anchor()
        await settled(app)
        begin = cpu()
        for pieces in flushes:
            await app.markdown.append("".join(pieces))
            await settled(app)
        result.append((cpu() - begin) / len(flushes) * 1000)

    run(MarkdownApp(), body, SIZE)
    return result[0]


def chunked(source: Iterator[str], count: int) -> list[list[str]]:
    """So many flushes' worth of tokens."""
    return [list(islice(source, PER_FLUSH)) for _ in range(count)]


def compare(quick: bool) -> dict[str, Any]:
    """Ours beside Textual's, at several lengths. Rounds alternate, and the median counts."""
    lengths = (1000, 4000) if quick else (1000, 4000, 16_000)
    rounds = 1 if quick else 3
    report: dict[str, Any] = {}
    for length in lengths:
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(rounds):
            source = prose()
            prefill = list(islice(source, length))
            flushes = chunked(source, 40 if quick else 120)
            ours.append(measure_transcript(prefill, flushes))
            if theirs and length >= 16_000:
                continue
            theirs.append(measure_markdown(prefill, flushes[: 20 if quick else 40]))
        mine, other = statistics.median(ours), statistics.median(theirs)
        report[str(length)] = {
            "transcript_ms": round(mine, 3),
            "markdown_ms": round(other, 3),
            "ratio": round(mine / other, 4),
        }
    figures = [entry["transcript_ms"] for entry in report.values()]
    report["flat"] = round(figures[-1] / figures[0], 2)
    return report


def other_ways(quick: bool) -> list[Row]:
    """A flush of ours at 4,000 tokens beside Textual's other ways, and beside the floor."""
    rounds = 1 if quick else 3
    ours: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        source = prose()
        prefill = list(islice(source, 4000))
        batches = chunked(source, 20 if quick else 80)
        ours.append(measure_transcript(prefill, batches))
        texts = ["".join(pieces) for pieces in batches]
        for name, way in WAYS.items():
            theirs[name].append(way("".join(prefill), texts))
    how = "one run" if quick else f"medians of {rounds} rounds"
    mine = statistics.median(ours)
    return [
        Row(
            "transcript: a flush at 4,000 tokens, processor time",
            mine,
            statistics.median(taken),
            name,
            "ms",
            how,
        )
        for name, taken in theirs.items()
    ]


def hard_cases(quick: bool) -> dict[str, Any]:
    """Each case in whole, flush by flush: the mean of the last tenth beside the first tenth."""
    report: dict[str, Any] = {}
    for name, text in CASES.items():
        pieces = list(tokens_of(text))
        per_flush = 40
        batches = [pieces[at : at + per_flush] for at in range(0, len(pieces), per_flush)]
        tenth = max(1, len(batches) // 10)
        begin_with = [token for batch in batches[:tenth] for token in batch]
        end_with = [token for batch in batches[:-tenth] for token in batch]
        first = measure_transcript(begin_with, batches[tenth : 2 * tenth])
        last = measure_transcript(end_with, batches[-tenth:])
        report[name] = {
            "early_ms": round(first, 3),
            "late_ms": round(last, 3),
            "growth": round(last / first, 2),
        }
    return report


@dataclass
class Typing:
    """What was measured while somebody typed."""

    waits: list[float] = field(default_factory=list)
    """Milliseconds from each key to the screen."""
    work: list[float] = field(default_factory=list)
    """Of these, processor time; on a machine shared with others the fairer figure."""
    blocks: list[float] = field(default_factory=list)
    """Milliseconds for which the event loop did not answer, each time."""
    block_work: list[float] = field(default_factory=list)
    """Of these, processor time."""
    share: float = 0.0
    tokens: int = 0

    def figures(self) -> dict[str, Any]:
        """The figures of the report."""
        return {
            "share_of_a_core": round(self.share, 3),
            "longest_block_ms": round(max(self.blocks), 1),
            "longest_block_cpu_ms": round(max(self.block_work), 1),
            "key_to_screen_median_ms": round(statistics.median(self.waits), 1),
            "key_to_screen_p99_ms": round(p99(self.waits), 1),
            "key_to_screen_median_cpu_ms": round(statistics.median(self.work), 1),
            "key_to_screen_p99_cpu_ms": round(p99(self.work), 1),
            "keys": len(self.waits),
            "tokens_per_pane": self.tokens,
        }


def p99(values: list[float]) -> float:
    """The value that one in a hundred exceeds."""
    return sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]


def type_beside(streams: int, seconds: float) -> dict[str, Any]:
    """Eight panes in sight, so many of them streaming at 100 tokens a second, somebody typing."""
    result = Typing()

    async def body(app: PanesApp) -> None:
        await settled(app)
        driver = app._driver
        assert isinstance(driver, SinkDriver)
        driver.arrived = asyncio.Event()
        stop = asyncio.Event()
        live = [(turn, prose()) for turn in app.turns[:streams]]
        # As the app does when its first screen stands.
        set_startup_aside()

        async def stream() -> None:
            due = time.perf_counter()
            while not stop.is_set():
                due += 0.01
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                for turn, source in live:
                    turn.parts.append(next(source))
                if live:
                    app.clock.wake()

        async def watch() -> None:
            while not stop.is_set():
                before, used = time.perf_counter(), cpu()
                await asyncio.sleep(0.001)
                result.blocks.append((time.perf_counter() - before - 0.001) * 1000)
                result.block_work.append((cpu() - used) * 1000)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stream())
            tasks.create_task(watch())
            await asyncio.sleep(1.0)
            result.blocks.clear()
            result.block_work.clear()
            began, used = time.perf_counter(), cpu()
            keys = cycle("\u03b1\u03b2\u03b3\u03b4\u03b5\u03b6\u03b7\u03b8")
            while time.perf_counter() - began < seconds:
                await asyncio.sleep(0.083)
                char = next(keys)
                driver.awaited = char
                driver.arrived.clear()
                pressed, worked = time.perf_counter(), cpu()
                driver.process_message(events.Key(char, char))
                async with asyncio.timeout(10):
                    await driver.arrived.wait()
                result.waits.append((time.perf_counter() - pressed) * 1000)
                result.work.append((cpu() - worked) * 1000)
                driver.awaited = ""
            result.share = (cpu() - used) / (time.perf_counter() - began)
            stop.set()
        result.tokens = len(app.turns[0].parts)

    thresholds = gc.get_threshold()
    try:
        run(PanesApp(8), body, (200, 60))
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
    return result.figures()


def eight_panes(quick: bool) -> dict[str, Any]:
    """Somebody types while eight panes stream, and for comparison while none does."""
    seconds = 4 if quick else 15
    return {"streaming": type_beside(8, seconds), "idle": type_beside(0, seconds / 2)}


def rows(quick: bool) -> list[Row]:
    """The figures for the table of all benchmarks."""
    how = "one run" if quick else "medians of 3 rounds"
    flush = compare(quick)
    lengths = [name for name, row in flush.items() if isinstance(row, dict)]
    out = [
        Row(
            f"transcript: a flush at {int(length):,} tokens, processor time",
            flush[length]["transcript_ms"],
            flush[length]["markdown_ms"],
            "Markdown.append",
            "ms",
            how,
        )
        for length in lengths
    ]
    first, last = (flush[length]["transcript_ms"] for length in (lengths[0], lengths[-1]))
    out.append(
        Row(
            f"transcript: a flush at {int(lengths[-1]):,} tokens",
            last,
            first,
            f"at {int(lengths[0]):,}",
            "ms",
            how,
        )
    )
    out += other_ways(quick)
    out += [
        Row(
            f"transcript: a flush late in a {name}",
            case["late_ms"],
            case["early_ms"],
            "early in it",
            "ms",
            "one run",
        )
        for name, case in hard_cases(quick).items()
    ]
    return out


def print_tables(report: dict[str, Any]) -> None:
    """The report for people."""
    out = sys.stdout.write
    out("\nOne flush, ms of processor time: our transcript beside Markdown.append\n")
    out(f"  {'tokens':>8}{'ours':>10}{'Markdown':>12}{'ratio':>9}\n")
    flush = report["flush"]
    for length, row in flush.items():
        if isinstance(row, dict):
            ours, theirs = row["transcript_ms"], row["markdown_ms"]
            out(f"  {length:>8}{ours:>10.2f}{theirs:>12.2f}{row['ratio']:>9.4f}\n")
    out(f"  the longest beside the shortest: {flush['flat']:.2f}x\n")
    out("\nHard cases, ms of processor time for a flush of 40 tokens\n")
    out(f"  {'':<32}{'early':>8}{'late':>8}{'growth':>9}\n")
    for name, row in report["hard_cases"].items():
        out(f"  {name:<32}{row['early_ms']:>8.2f}{row['late_ms']:>8.2f}{row['growth']:>8.2f}x\n")
    out("\nEight panes in sight, somebody typing\n")
    out(f"  {'':<32}{'streaming':>10}{'idle':>8}{'ratio':>8}\n")
    streaming, idle = report["eight_panes"]["streaming"], report["eight_panes"]["idle"]
    for name, value in streaming.items():
        beside = idle[name]
        ratio = f"{value / beside:>7.1f}x" if beside else f"{'':>8}"
        out(f"  {name:<32}{value:>10}{beside:>8}{ratio}\n")


def main() -> int:
    """Run everything and print it; the exit code says whether the aims were met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, less exact")
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    options = parser.parse_args()
    report = {
        "flush": compare(options.quick),
        "hard_cases": hard_cases(options.quick),
        "eight_panes": eight_panes(options.quick),
    }
    grown = max(case["growth"] for case in report["hard_cases"].values())
    aims = {
        "at most a tenth of Markdown.append at 1,000 tokens": (
            report["flush"]["1000"]["ratio"] <= 0.1
        ),
        "flat within 1.3x": report["flush"]["flat"] <= 1.3,
        "hard cases: late at most twice early": grown <= 2,
        "key to screen p99 under 50 ms": (
            report["eight_panes"]["streaming"]["key_to_screen_p99_ms"] < 50
        ),
    }
    if options.json:
        sys.stdout.write(json.dumps({**report, "aims": aims}) + "\n")
    else:
        print_tables(report)
        sys.stdout.write("\n")
        for name, met in aims.items():
            sys.stdout.write(f"{'met' if met else 'MISSED'}: {name}\n")
    return 0 if all(aims.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""What it costs that conversations last: searching, starting, and keeping five streams.

    python -m tests.benchmarks.bench_store [--quick] [--json] [--file FILE]

Makes 10,000 conversations of 50 turns (a tenth of that with --quick), of words drawn as often as
in a language, and measures in turns: a search for each beginning of some words, as they are typed;
the list; the start of the program in a pseudo-terminal beside one on an empty file; tabs that come
back; and how long the event loop stands still while five replies are kept.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from ccchat_tui.sessions.database import open_database, open_for_reading, transaction
from ccchat_tui.sessions.rows import TurnRow, add_pieces, save_turn
from ccchat_tui.sessions.search import page, search
from ccchat_tui.sessions.store import Store
from ccchat_tui.tui.widgets.composer import PLACEHOLDER
from tests.benchmarks.first_screen import PYTHON, Start, clean_environment, start
from tests.benchmarks.rows import Row, spread, table
from tests.sessions.stored import MOMENT, conversation, write

ROOT = Path(__file__).parents[2]
SYLLABLES = [
    *("ka", "lo", "mi", "ter", "an", "ver", "con", "pro", "sta", "re", "in", "de", "com", "pu"),
    *("tion", "er", "al", "is", "ous", "ble", "the", "s", "t", "wh", "qu", "im", "o", "be", "a"),
]
AIM_MS = 50.0
"""What a search while one types may take."""


class Language:
    """Words that are made up; the shorter they are, the more often they are said."""

    def __init__(self, seed: int = 1, words: int = 30_000) -> None:
        self._rng = random.Random(seed)
        made = {
            "".join(self._rng.choices(SYLLABLES, k=1 + number % 5)) for number in range(4 * words)
        }
        # What is said most often is short.
        self.words = sorted(sorted(made), key=len)[:words]
        self._weights = list(itertools.accumulate(1 / (rank + 1) for rank in range(words)))

    def text(self, count: int) -> str:
        """So many words."""
        return " ".join(self._rng.choices(self.words, cum_weights=self._weights, k=count))


def generate(path: Path, conversations: int, turns: int = 50) -> Language:
    """Fill a new file with conversations, the last of which was open in three tabs."""
    language = Language()
    with closing(open_database(path)) as database:
        database.execute("PRAGMA synchronous = OFF")
        for begun in range(0, conversations, 200):
            with transaction(database):
                for number in range(begun, min(begun + 200, conversations)):
                    said = tuple((language.text(10), language.text(60)) for _ in range(turns))
                    session = conversation(number, title=language.text(4), turns=said)
                    session.created_at = MOMENT + timedelta(minutes=number)
                    write(database, session)
        with transaction(database):
            database.execute(
                "UPDATE sessions SET tab = NULL WHERE number <= ?", (conversations - 3,)
            )
    return language


def searches(database: sqlite3.Connection, language: Language) -> dict[str, float]:
    """Milliseconds of a search for each beginning of what is typed: the median of three."""
    short, common, rare = (language.words[rank] for rank in (20, 300, 25_000))
    typed = (common, rare, f"{short} {common}", f"{common} {rare}", f"{rare} {short}", "zzz")
    took: dict[str, float] = {}
    for text in typed:
        for end in range(1, len(text) + 1):
            runs = []
            for _ in range(3):
                began = time.perf_counter()
                search(database, text[:end])
                runs.append((time.perf_counter() - began) * 1000)
            took[text[:end]] = statistics.median(runs)
    return took


def listing(database: sqlite3.Connection, conversations: int) -> list[float]:
    """Milliseconds of a page of the list: at its beginning, in the middle and at its end."""
    took = []
    for first in (0, conversations // 2, conversations - 100):
        began = time.perf_counter()
        page(database, first, 100)
        took.append((time.perf_counter() - began) * 1000)
    return took


def starts(path: Path, rounds: int) -> tuple[list[Start], list[Start], list[Start]]:
    """The start on the full file, on a new one, and without any, in turns; and until a title of
    a tab that came back is on the screen."""
    full: list[Start] = []
    empty: list[Start] = []
    none: list[Start] = []
    sign = PLACEHOLDER[1:15]
    command = [PYTHON, "-m", "ccchat_tui", "--demo"]
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        env = clean_environment(folder, ROOT)
        for number in range(rounds + 1):
            full.append(start(command, sign, {**env, "CCCHAT_STORE": str(path)}, folder))
            fresh = {**env, "CCCHAT_STORE": str(folder / f"{number}.db")}
            empty.append(start(command, sign, fresh, folder))
            none.append(start([*command, "--no-store"], sign, env, folder))
    return full[1:], empty[1:], none[1:]


def tabs_back(path: Path, rounds: int) -> list[float]:
    """Milliseconds from the start until a tab of last time is on the screen."""
    with closing(open_for_reading(path)) as database:
        title = database.execute(
            "SELECT title FROM sessions WHERE tab IS NOT NULL ORDER BY tab LIMIT 1"
        ).fetchone()[0]
    took = []
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        env = {**clean_environment(folder, ROOT), "CCCHAT_STORE": str(path)}
        for _ in range(rounds + 1):
            began = start([PYTHON, "-m", "ccchat_tui", "--demo"], title[:8], env, folder)
            took.append(began.shown)
    return took[1:]


async def streams(path: Path, seconds: float, *, keep: bool) -> tuple[list[float], int]:
    """How long the loop stands still, in milliseconds, while five replies of 100 tokens a second
    are kept once a second and a turn ten times a second; and how many were. The same without
    keeping anything shows what else the machine does."""
    store = Store(path)
    store.open()
    session = conversation(1_000_000, turns=tuple((f"q{n}", "") for n in range(5)))
    await store.write(partial(write, session=session, owner=store.owner.token))
    gaps: list[float] = []
    kept = 0
    ends = time.perf_counter() + seconds
    last = time.perf_counter()
    tick = 0
    while last < ends:
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        gaps.append((now - last) * 1000 - 1)
        last = now
        if now - (ends - seconds) > tick / 10:
            tick += 1
            if not keep:
                continue
            for turn in session.turns if tick % 10 == 0 else ():
                parts = ["token "] * 100
                store.put(partial(add_pieces, turn=turn.id, tokens=tick, parts=parts, thinking=[]))
            row = TurnRow.of(conversation(tick, turns=(("x" * 100, "y" * 1000),)).turns[0])
            store.put(partial(save_turn, session=session.id, row=row, updated=MOMENT))
            kept += 1
    await store.aclose()
    return gaps, kept


def measure(quick: bool, file: Path | None) -> dict[str, Any]:
    """Everything, as plain data."""
    conversations = 1_000 if quick else 10_000
    with tempfile.TemporaryDirectory() as folder:
        path = file or Path(folder, "c.db")
        began = time.perf_counter()
        language = Language() if path.exists() else generate(path, conversations)
        made = time.perf_counter() - began
        with closing(open_for_reading(path)) as database:
            took = searches(database, language)
            pages = listing(database, conversations)
        full, empty, none = starts(path, 3 if quick else 9)
        back = tabs_back(path, 3 if quick else 9)
        gaps, kept = asyncio.run(streams(path, 2 if quick else 10, keep=True))
        idle, _ = asyncio.run(streams(path, 2 if quick else 10, keep=False))
        size = path.stat().st_size
    return {
        "conversations": conversations,
        "made_s": made,
        "bytes": size,
        "search_ms": took,
        "page_ms": pages,
        "start_cpu_ms": {
            "full": [each.cpu for each in full],
            "empty": [each.cpu for each in empty],
            "none": [each.cpu for each in none],
        },
        "start_ms": {
            "full": [each.usable for each in full],
            "empty": [each.usable for each in empty],
            "none": [each.usable for each in none],
        },
        "tabs_back_ms": back,
        "gap_ms": max(gaps),
        "gap_p99_ms": statistics.quantiles(gaps, n=100)[98],
        "idle_gap_ms": max(idle),
        "idle_gap_p99_ms": statistics.quantiles(idle, n=100)[98],
        "kept": kept,
    }


def rows_of(report: dict[str, Any]) -> Iterator[Row]:
    """The figures that stand beside others."""
    took = list(report["search_ms"].values())
    many = f"{report['conversations']:,} conversations of 50 turns"
    how = f"{len(took)} beginnings of words, medians of 3; {spread(took, 1)}; {many}"
    yield Row("search as one types, slowest", max(took), AIM_MS, "the aim", "ms", how)
    yield Row("search as one types, median", statistics.median(took), AIM_MS, "the aim", "ms", how)
    pages = report["page_ms"]
    yield Row("a page of the list, slowest", max(pages), AIM_MS, "the aim", "ms", many)
    for key, name in (("start_ms", "start to usable"), ("start_cpu_ms", "start, processor time")):
        for other, words in (("empty", "a new file"), ("none", "--no-store")):
            mine, beside = report[key]["full"], report[key][other]
            yield Row(
                f"{name}, 3 tabs to bring back",
                statistics.median(mine),
                statistics.median(beside),
                words,
                "ms",
                f"medians of {len(mine)}; {spread(mine)} / {spread(beside)}",
            )
    back = report["tabs_back_ms"]
    yield Row(
        "start until the tabs are back",
        statistics.median(back),
        statistics.median(report["start_ms"]["none"]),
        "usable with --no-store",
        "ms",
        f"medians of {len(back)}; {spread(back)}",
    )
    how = f"{report['kept']} turns written, five replies kept; the aim is below 10 ms"
    for key, name in (("gap_ms", "longest"), ("gap_p99_ms", "99 of 100")):
        yield Row(
            f"the loop stands still, {name}",
            report[key],
            report[f"idle_{key}"],
            "nothing kept",
            "ms",
            how,
        )


def rows(quick: bool) -> list[Row]:
    """The figures for the table of all benchmarks."""
    return list(rows_of(measure(quick, None)))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, less exact")
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    parser.add_argument("--file", type=Path, help="use this file, and make it if it is not there")
    options = parser.parse_args()
    report = measure(options.quick, options.file)
    if options.json:
        rows = [row.as_json() for row in rows_of(report)]
        sys.stdout.write(json.dumps({**report, "rows": rows}) + "\n")
        return
    sys.stdout.write(
        f"made in {report['made_s']:.0f} s, {report['bytes'] / 1e6:,.0f} MB\n\n"
        f"{table(rows_of(report))}\nthe slowest searches\n"
    )
    for text, took in sorted(report["search_ms"].items(), key=lambda item: -item[1])[:8]:
        sys.stdout.write(f"  {took:>7.1f} ms  {text}\n")


if __name__ == "__main__":
    main()

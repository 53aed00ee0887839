"""One reply through ccchat and through other chat clients for the terminal, side by side.

    python -m tests.benchmarks.peers [--tokens 1000 4000 16000] [--pace 0 100] [--json FILE]

Each runs by itself in a pseudo-terminal of 120 x 40 cells, with an empty home, and is asked for the
same reply by the same server on this machine. Somebody types all the while: four keys a second,
each taken back. What counts is processor time of the program and all that it started: wall times,
and those of keys, are worth little where others use the machine. Peers are installed into
environments of their own below `--cache`; one that cannot be installed, or takes no key, is left
out, which is said. Runs go in turns; the table has medians, with the lowest and the highest.

Linux only: what a program has used is read from /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks.peers.programs import (
    PROGRAMS,
    NoEnvironmentError,
    Program,
    python_of,
)
from tests.benchmarks.peers.session import NotUsableError, Reply, five_at_once, one_reply

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ccchat-peers"
Case = tuple[int, float]
"""Tokens, and how many a second; 0 for as fast as it goes."""


def middle(values: Sequence[float], digits: int) -> str:
    """The median, and the lowest and the highest."""
    if not values:
        return "-"
    words = f"{statistics.median(values):,.{digits}f}"
    if len(values) > 1:
        words += f" ({min(values):,.{digits}f} to {max(values):,.{digits}f})"
    return words


def p99(runs: Sequence[Reply]) -> float:
    """Milliseconds that one key in a hundred exceeds, of all runs."""
    keys = sorted(key for run in runs for key in run.keys)
    return keys[min(len(keys) - 1, len(keys) * 99 // 100)] if keys else 0.0


def row(program: Program, runs: Sequence[Reply]) -> list[str]:
    """A line of the table."""
    late = sum(run.lost for run in runs)
    keys = [key for run in runs for key in run.keys]
    return [
        program.name,
        ("" if all(run.whole for run in runs) else "over ") + middle([r.cpu for r in runs], 2),
        middle([run.wall for run in runs], 1),
        middle([run.memory for run in runs], 0),
        f"{statistics.median(keys):,.0f}" if keys else "-",
        f"{p99(runs):,.0f}" + (f", {late} over 10 s" if late else ""),
        middle([run.start for run in runs], 1),
        middle([run.start_cpu for run in runs], 1),
    ]


HEAD = ["", "CPU s", "wall s", "peak MB", "key ms", "key p99 ms", "start s", "start CPU s"]


def table(lines: Sequence[Sequence[str]]) -> str:
    """Columns for people, as Markdown."""
    rows = [HEAD, ["---"] * len(HEAD), *lines]
    widths = [max(len(line[at]) for line in rows) for at in range(len(HEAD))]
    pieces = []
    for line in rows:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        pieces.append("| " + " | ".join(cells) + " |\n")
    return "".join(pieces)


def title(case: Case) -> str:
    """What was asked, in words."""
    tokens, rate = case
    return f"{tokens:,} tokens, " + (f"{rate:g} a second" if rate else "as fast as they come")


def say(words: str) -> None:
    """A word to who waits."""
    sys.stderr.write(words + "\n")
    sys.stderr.flush()


async def measure(
    pythons: dict[Program, Path],
    cases: Sequence[Case],
    runs: int,
    limit: float,
    keep: Callable[[dict[Case, dict[Program, list[Reply]]]], None],
) -> dict[Case, dict[Program, list[Reply]]]:
    """Every program in every case, in turns; what is found is kept as it comes."""
    found: dict[Case, dict[Program, list[Reply]]] = {}
    for case in cases:
        by_program = found.setdefault(case, {program: [] for program in pythons})
        for _ in range(runs):
            for program, python in pythons.items():
                if any(not run.whole for run in by_program[program]):
                    continue  # once over the limit is enough
                load = os.getloadavg()[0]
                try:
                    reply = await one_reply(program, python, *case, limit)
                except NotUsableError as error:
                    say(str(error))
                    continue
                by_program[program].append(reply)
                words = f"{reply.cpu:.2f} s of CPU" + ("" if reply.whole else ", over the limit")
                words += "" if reply.drawn else ", its end was not on the screen"
                say(f"{title(case)}: {program.name}: {words} (load {load:.1f})")
                keep(found)
    return found


async def at_once(pythons: dict[Program, Path]) -> dict[str, dict[str, int]]:
    """What becomes of five messages that are sent one after the other."""
    found = {}
    for program, python in pythons.items():
        try:
            found[program.name] = await five_at_once(program, python)
        except NotUsableError as error:
            say(str(error))
    return found


def main() -> int:
    """Install what is missing, measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, nargs="+", default=[1000, 4000, 16_000])
    parser.add_argument("--pace", type=float, nargs="+", default=[0.0, 100.0], help="0: no pauses")
    parser.add_argument("--runs", type=int, default=3, help="of each (3)")
    parser.add_argument("--limit", type=float, default=240.0, help="seconds beyond the pace (240)")
    names = [program.name for program in PROGRAMS]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--no-five", action="store_true", help="do not send five messages, too")
    parser.add_argument("--cache", type=Path, default=CACHE, help="of the environments")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there as well")
    chosen = parser.parse_args()
    if not sys.platform.startswith("linux"):
        sys.exit("this reads from /proc what a program has used, which only Linux has")
    pythons: dict[Program, Path] = {}
    for program in PROGRAMS:
        if program.name in chosen.only:
            try:
                pythons[program] = python_of(program, chosen.cache.absolute())
            except NoEnvironmentError as error:
                say(f"left out: {error}")
    cases = [(tokens, rate) for rate in chosen.pace for tokens in chosen.tokens]

    def keep(found: dict[Case, dict[Program, list[Reply]]]) -> None:
        if chosen.json is not None:
            report = [
                {"tokens": tokens, "pace": rate, "program": program.name, **run.as_json()}
                for (tokens, rate), by_program in found.items()
                for program, runs in by_program.items()
                for run in runs
            ]
            chosen.json.write_text(json.dumps({"runs": report}, indent=1) + "\n", encoding="utf-8")

    found = asyncio.run(measure(pythons, cases, chosen.runs, chosen.limit, keep))
    for case, by_program in found.items():
        lines = [row(program, runs) for program, runs in by_program.items() if runs]
        sys.stdout.write(f"\n{title(case)}\n\n{table(lines)}")
    if chosen.no_five:
        return 0
    sys.stdout.write("\nFive messages into one chat, while the first has its reply:\n\n")
    for name, said in asyncio.run(at_once(pythons)).items():
        words = f"{said['asked']} reached the server, {said['peak']} replies at once"
        sys.stdout.write(f"- {name}: {words}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

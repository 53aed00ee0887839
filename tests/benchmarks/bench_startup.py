"""How long `ccchat` takes to its first usable screen, beside an empty Textual app.

    python -m tests.benchmarks.bench_startup [--quick] [--json]

Both are started in a pseudo-terminal, in turns. The clock runs from the start of the process
until the placeholder of the text area has been written, a key has been typed then, and that key
has been written too. Besides: `ccchat --version`, and which modules cost most to import that the
empty app does not import.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccchat_tui.tui.widgets.composer import PLACEHOLDER
from tests.benchmarks.first_screen import (
    PYTHON,
    Start,
    clean_environment,
    run_to_end,
    start,
)
from tests.benchmarks.rows import Row, middle, spread, table

ROOT = Path(__file__).parents[2]
SIGN = PLACEHOLDER[1:15]
"""The first letter lies under the cursor, and is written apart from the others."""
OURS = [PYTHON, "-m", "ccchat_tui", "--demo"]
EMPTY = [PYTHON, "-m", "tests.benchmarks.empty_app", PLACEHOLDER]
VERSION = [PYTHON, "-m", "ccchat_tui", "--version"]
NOTHING = [PYTHON, "-c", "pass"]

_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| ( *)(\S+)")


def starts(rounds: int) -> tuple[list[Start], list[Start]]:
    """Ours and the empty app, started in turns; the first round only warms the disk's cache."""
    ours: list[Start] = []
    empty: list[Start] = []
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        env = clean_environment(folder, ROOT)
        for _ in range(rounds + 1):
            empty.append(start(EMPTY, SIGN, env, folder))
            ours.append(start(OURS, SIGN, env, folder))
    return ours[1:], empty[1:]


def versions(rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of `ccchat --version`, and of Python that does nothing."""
    ours: list[float] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        env = clean_environment(folder, ROOT)
        for _ in range(rounds + 1):
            bare.append(run_to_end(NOTHING, env, folder)[0])
            ours.append(run_to_end(VERSION, env, folder)[0])
    return ours[1:], bare[1:]


def imports(modules: str) -> dict[str, tuple[int, int, str]]:
    """What importing some modules loads: microseconds alone, with what it loads, and by whom it
    was loaded first."""
    done = subprocess.run(
        [PYTHON, "-X", "importtime", "-c", f"import gc; gc.disable(); import {modules}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, tuple[int, int, str]] = {}
    waiting: list[tuple[int, str]] = []
    # A module is told after all that it has loaded, which stands deeper.
    for own, whole, indent, name in _IMPORT.findall(done.stderr):
        depth = len(indent)
        while waiting and waiting[-1][0] > depth:
            _, inner = waiting.pop()
            found[inner] = (*found[inner][:2], name)
        waiting.append((depth, name))
        found[name] = (int(own), int(whole), "")
    return found


def costly(rounds: int) -> list[tuple[str, float, str]]:
    """The modules that only ours loads: name, milliseconds alone (the median), loaded by."""
    empty = set(imports("textual.app, textual.widgets._text_area"))
    ours = "ccchat_tui.cli.main, ccchat_tui.config, ccchat_tui.tui.run"
    runs = [imports(ours) for _ in range(rounds)]
    mine = [name for name in runs[0] if name not in empty and all(name in run for run in runs)]
    return sorted(
        (
            (name, statistics.median(run[name][0] for run in runs) / 1000, runs[0][name][2])
            for name in mine
        ),
        key=lambda entry: -entry[1],
    )


def packages(modules: list[tuple[str, float, str]]) -> list[tuple[str, float]]:
    """The same added up by package."""
    sums: dict[str, float] = {}
    for name, took, _ in modules:
        package = name.partition(".")[0]
        sums[package] = sums.get(package, 0.0) + took
    return sorted(sums.items(), key=lambda entry: -entry[1])


def measure(quick: bool) -> dict[str, Any]:
    """Everything, as plain data."""
    rounds = 5 if quick else 15
    ours, empty = starts(rounds)
    version, nothing = versions(rounds)
    modules = costly(1 if quick else 5)
    return {
        "usable_ms": {"ours": [s.usable for s in ours], "empty": [s.usable for s in empty]},
        "shown_ms": {"ours": [s.shown for s in ours], "empty": [s.shown for s in empty]},
        "cpu_ms": {"ours": [s.cpu for s in ours], "empty": [s.cpu for s in empty]},
        "version_ms": {"ours": version, "python": nothing},
        "imports_ms": dict(packages(modules)),
        "modules_ms": [
            {"name": name, "ms": took, "loaded_by": by} for name, took, by in modules[:25]
        ],
    }


def rows_of(report: dict[str, Any]) -> Iterator[Row]:
    """The figures that stand beside others."""
    for key, name in (
        ("usable_ms", "start to first usable screen"),
        ("cpu_ms", "start: processor time until then"),
    ):
        mine, other = report[key]["ours"], report[key]["empty"]
        yield Row(
            name,
            statistics.median(mine),
            statistics.median(other),
            "empty Textual app",
            "ms",
            f"medians of {len(mine)} starts each; {spread(mine)} / {spread(other)}",
        )
    mine, other = report["version_ms"]["ours"], report["version_ms"]["python"]
    yield Row(
        "ccchat --version",
        statistics.median(mine),
        statistics.median(other),
        "python -c pass",
        "ms",
        f"medians of {len(mine)} runs each; {spread(mine)} / {spread(other)}",
    )


def rows(quick: bool) -> list[Row]:
    """The figures for the table of all benchmarks."""
    return list(rows_of(measure(quick)))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, less exact")
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    options = parser.parse_args()
    report = measure(options.quick)
    out = sys.stdout.write
    if options.json:
        out(json.dumps({**report, "rows": [row.as_json() for row in rows_of(report)]}) + "\n")
        return
    out(middle(report["shown_ms"]["ours"], "ccchat --demo, screen written", "ms"))
    out(middle(report["shown_ms"]["empty"], "empty app, screen written", "ms"))
    out(f"\n{table(rows_of(report))}")
    out("\nmilliseconds of imports that the empty app does without, by package\n")
    for name, took in list(report["imports_ms"].items())[:12]:
        out(f"  {took:>7.1f}  {name}\n")
    out("\nthe dearest of these modules, each alone\n")
    for module in report["modules_ms"]:
        out(f"  {module['ms']:>7.1f}  {module['name']}  <- {module['loaded_by']}\n")


if __name__ == "__main__":
    main()

"""Every benchmark there is, one after the other, and one table at the end.

    python -m tests.benchmarks [--quick] [--within SECONDS] [--json FILE] [--only NAME ...]

Each module named `bench_*` beside this one offers `rows(quick)`, and runs in a process of its own.
The table has ratios: of ours to what it stands beside, measured in the same run. Figures of
another machine, or of one that others use at the same time, mean little without them. `--quick`
takes less than two minutes on two cores and is less exact.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests import benchmarks
from tests.benchmarks.rows import Row, table


def names() -> list[str]:
    """The benchmarks there are."""
    found = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return [name.removeprefix("bench_") for name in found if name.startswith("bench_")]


def run_here(name: str, quick: bool) -> None:
    """Run one in this process, and write its rows to standard output."""
    module = importlib.import_module(f"tests.benchmarks.bench_{name}")
    rows: list[Row] = module.rows(quick)
    sys.stdout.write("\n" + json.dumps([row.as_json() for row in rows]) + "\n")


def run_apart(name: str, quick: bool) -> list[Row]:
    """Run one in a process of its own; its rows, or none if it failed, which is told."""
    command = [sys.executable, "-m", "tests.benchmarks", "--here", name]
    done = subprocess.run(
        [*command, *(["--quick"] if quick else [])],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        sys.stderr.write(f"{name} failed with exit code {done.returncode}\n")
        return []
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    for row in rows:
        del row["ratio"]  # it follows from the others
    return [Row(**row) for row in rows]


def main() -> int:
    """Run them; the exit code is 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under two minutes, less exact")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    parser.add_argument("--only", nargs="+", choices=names(), metavar="NAME", help=str(names()))
    parser.add_argument(
        "--within", type=float, metavar="SECONDS", help="begin none after so long, and say which"
    )
    parser.add_argument("--here", choices=names(), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        run_here(options.here, options.quick)
        return 0
    rows: list[Row] = []
    failed = False
    started = time.perf_counter()
    for name in options.only or names():
        if options.within is not None and time.perf_counter() - started > options.within:
            sys.stderr.write(f"{name} is left out: there is no time for it\n")
            continue
        sys.stderr.write(f"{name} ...")
        sys.stderr.flush()
        began = time.perf_counter()
        found = run_apart(name, options.quick)
        sys.stderr.write(f" {time.perf_counter() - began:.0f} s\n")
        failed = failed or not found
        rows += found
    sys.stdout.write(table(rows))
    if options.json is not None:
        report = {"rows": [row.as_json() for row in rows]}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

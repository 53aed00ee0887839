"""Looks for broken promises of the engine for as long as it is told to. Run it as a module:

    python -m tests.engine.long_run [--seed N] [--examples N]

Examples are drawn in batches, each from a seed of its own, counting up from the one that is
printed. What is found is told with the seed of its batch, which draws and shrinks the same again.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Sequence

from hypothesis import settings

from tests.engine.machine import PromisesMachine
from tests.engine.steady import run, steady

BATCH = 100
"""Examples from one seed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 1 if a promise was found broken."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, help="the first one; drawn and printed if left out")
    parser.add_argument("--examples", type=int, default=10_000, help="altogether")
    chosen = parser.parse_args(argv)
    first = secrets.randbelow(10**9) if chosen.seed is None else chosen.seed
    batches = max(1, -(-chosen.examples // BATCH))
    sys.stdout.write(f"seed {first}, {batches} batches of {BATCH} examples\n")
    began = time.perf_counter()
    for number in range(first, first + batches):
        try:
            run(PromisesMachine, number, settings(steady, max_examples=BATCH))
        except Exception as fault:
            for line in (*getattr(fault, "__notes__", ()), f"{type(fault).__name__}: {fault}"):
                sys.stdout.write(f"{line}\n")
            again = f"python -m tests.engine.long_run --seed {number} --examples {BATCH}"
            sys.stdout.write(f"a broken promise; the same again: {again}\n")
            return 1
        done = number - first + 1
        took = time.perf_counter() - began
        sys.stdout.write(f"\r{done * BATCH} examples, {took:.0f} s" + "\n" * (done == batches))
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())

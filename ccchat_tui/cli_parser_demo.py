"""What the command line says and takes for `ccchat demo`."""

from __future__ import annotations

import argparse
import sys

from ccchat_tui.cli_parser_base import whole

DEMO = """\
Plays a scenario in the app: a tab for each simulated user, who types, sends and reads as people do,
in the same queue as always. You may write in any chat at any moment: the user of that chat stops,
and goes on when you press Alt+B. Alt+G stops the show and lets it go on, Alt+V and Alt+F make it
slower and faster, Alt+R begins it anew, Alt+M plays the next scenario.

With no server named the built-in demo model answers, and the app says so; --host has a real one
asked, which goes at its own pace: the speed is then only that of the users. Nothing that you keep
is read or written.

With --compare the load is run twice, one at a time and at once, side by side under one clock, and
at the end stands what differed. The figures are those of `ccchat simulate --compare`. A real server
is asked one after the other.
"""

DEMO_EXAMPLES = """\
examples:
  ccchat demo                            hello, three people at once
  ccchat demo rush-hour --speed 2        twelve people, twice as fast
  ccchat demo --compare rush-hour        what running at once buys
  ccchat demo hello --host 192.168.1.7   on that machine's Ollama

`ccchat scenarios` lists what there is.
"""

NOT_OF_DEMO = frozenset({"demo", "users", "store", "enable_concurrent_processing"})
"""Settings that a scenario or the command itself decides."""


def demo_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `ccchat demo`."""
    group = parser.add_argument_group("the show")
    group.add_argument(
        "scenario", metavar="NAME", nargs="?", help="the scenario, or its .toml file (hello)"
    )
    group.add_argument(
        "--seed", type=whole(0, sys.maxsize), metavar="N", help="begins every choice"
    )
    group.add_argument(
        "--speed", type=_speed, metavar="X", help="how many times faster, 0.5 to 8 (1)"
    )
    group.add_argument(
        "--compare", action="store_true", help="run it one at a time and at once, side by side"
    )


def _speed(text: str) -> float:
    """A type for argparse: how many times faster a demo is played."""
    try:
        value = float(text.removesuffix("x"))
    except ValueError:
        value = 0.0
    if 0.5 <= value <= 8:
        return value
    raise argparse.ArgumentTypeError(f"cannot be {text[:60]!a}; give a number from 0.5 to 8")

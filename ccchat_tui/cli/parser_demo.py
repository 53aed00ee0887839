"""What the command line says and takes for `ccchat demo`."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any

from ccchat_tui.cli.output import CommandError
from ccchat_tui.cli.parser_base import whole

DEMO = """\
Plays a scenario in the app: a tab for each simulated user, who types, sends and reads as people do,
in the same queue as always. You may write in any chat at any moment: the user of that chat stops,
and goes on when you press Alt+B. Alt+G stops the show and lets it go on, Alt+V and Alt+F make it
slower and faster, Alt+R begins it anew, Alt+M plays the next scenario,
Alt+Y has another one chosen.

With no server named the built-in demo model answers, and the app says so; --host has a real one
asked, which goes at its own pace: the speed is then only that of the users. Nothing that you keep
is read or written.

With --compare the load is run twice, one at a time and at once, side by side under one clock, and
at the end stands what differed. The figures are those of `ccchat simulate --compare`. A real server
is asked one after the other.

--svg, --cast and --animated record a demo instead of showing it: no terminal is needed, nothing
waits, and the same scenario, seed, size, speed and step give the same files, byte for byte. It is
the demo model that is recorded.
"""

DEMO_EXAMPLES = """\
examples:
  ccchat demo                            hello, three people at once
  ccchat demo rush-hour --speed 2        twelve people, twice as fast
  ccchat demo --compare rush-hour        what running at once buys
  ccchat demo hello --host 192.168.1.7   on that machine's Ollama
  ccchat demo hello --svg pictures --every 2s         a picture of every other second
  ccchat demo hello --cast hello.cast                 for `asciinema play` and its player
  ccchat demo hello --animated hello.svg --every 1s   one picture that moves

`ccchat scenarios` lists what there is.
"""

RECORDINGS = ("svg", "cast", "animated")
"""Options that record a demo, each with what is written."""

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
    record = parser.add_argument_group("recording")
    record.add_argument("--svg", metavar="FOLDER", help="write pictures of the screen into it")
    record.add_argument("--cast", metavar="FILE", help="write an asciicast, version 2")
    record.add_argument("--animated", metavar="FILE", help="write one SVG picture that moves")
    record.add_argument(
        "--every",
        type=_span,
        metavar="S",
        help="seconds of the scenario between two pictures, 0.1 to 3600, as in 2s "
        "(2s; 0.5s in one that moves)",
    )
    record.add_argument(
        "--until", type=_span, metavar="S", help="stop there, in seconds of the scenario (its end)"
    )
    record.add_argument(
        "--size", type=_size, metavar="CxR", help="columns and rows of the screen (120x34)"
    )


def check_demo(values: dict[str, Any]) -> None:
    """Raise `CommandError` where options of a recording stand where nothing is recorded."""
    if values.get("command") != "demo":
        return
    recordings = [name for name in RECORDINGS if name in values]
    if recordings:
        for name, option in (("ollama_host", "--host"), ("api", "--api")):
            if name in values:
                raise CommandError(
                    f"--{recordings[0]} records the demo model, in a time of its own, and {option} "
                    "goes by real time; leave one out",
                    2,
                )
        return
    for name in ("every", "until", "size"):
        if name in values:
            raise CommandError(
                f"--{name} is for a recording; add --svg FOLDER, --cast FILE or --animated FILE", 2
            )


def _span(text: str) -> float:
    """A type for argparse: so many seconds."""
    try:
        value = float(text.removesuffix("s"))
    except ValueError:
        value = 0.0
    if 0.1 <= value <= 3600:
        return value
    raise argparse.ArgumentTypeError(
        f"cannot be {text[:60]!a}; give seconds from 0.1 to 3600, as in 2s"
    )


def _size(text: str) -> tuple[int, int]:
    """A type for argparse: columns and rows."""
    found = re.fullmatch(r"([0-9]{2,3})x([0-9]{2,3})", text, re.IGNORECASE)
    if found:
        columns, rows = int(found[1]), int(found[2])
        if 20 <= columns <= 400 and 10 <= rows <= 200:
            return columns, rows
    raise argparse.ArgumentTypeError(
        f"cannot be {text[:60]!a}; give columns and rows from 20x10 to 400x200, as in 120x34"
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

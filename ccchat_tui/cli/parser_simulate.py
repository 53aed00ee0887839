"""What the command line says and takes for `ccchat simulate`."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable
from typing import Any

from ccchat_tui.cli.output import CommandError
from ccchat_tui.cli.parser_base import Parser, quoted, whole

SIMULATE = """\
Simulated users send their messages through the same queue as the app, and a report says what
became of them. A user sends all messages at once, waiting for no reply; each message is a
conversation of its own. The same seed makes the same users and messages, and with --demo the
same replies and counts.

The limit of requests a minute (REQUESTS_PER_MINUTE) is lifted where only its default stands
against more messages than that, and so is the bound of the queue. Where you have set them they
hold: a user who is refused waits as long as the refusal says and sends again, and the refusal is
counted as rejected.

With --scenario a scenario is played instead, `ccchat scenarios` lists them: its users think and
type between their messages, and things go wrong when it says so. It is played by the demo model,
which also plays its server, unless --host names another. What you have set counts more than the
limits that it names.

With --virtual the demo model's time is no real time: nothing waits, and an hour takes seconds. The
same seed then gives the same events to the last digit, on every machine.

With --compare the same load is run twice, one at a time and then at once, and the figures of both
stand side by side; each is explained below.

Ctrl+C cancels what runs, prints what there is so far and exits with 130. SIGTERM sends nothing
more and lets what was sent come to its end, for as long as CCCHAT_DRAIN_TIMEOUT says; a second one
does not wait; the exit code is 143 then. Otherwise it is 0 if every request completed, and 1 if
not; of a scenario, in which requests may be meant to fail, it is 0 once it has been played to its
end.
"""

SIMULATE_EXAMPLES = """\
examples:
  ccchat simulate --users 6 --messages 3 --demo
  ccchat simulate --users 6 --messages 3 --demo --sequential     the same load, one at a time
  ccchat simulate --users 4 --messages 2 --host 192.168.1.7 --model llama3.2
  ccchat simulate --users 20 --messages 5 --demo --pace 20 --json > report.json
  ccchat simulate --scenario rush-hour --virtual
  ccchat simulate --scenario rush-hour --virtual --compare       what running at once buys
"""


def simulate_options(parser: Parser) -> None:
    """Add the options of `ccchat simulate`."""
    group = parser.add_argument_group("the load")

    def add(option: str, dest: str, kind: Callable[[str], object], text: str) -> None:
        group.add_argument(
            option, dest=dest, metavar="X" if option == "--pace" else "N", type=kind, help=text
        )

    add("--users", "user_count", whole(1, 1000), "simulated users (3)")
    add("--messages", "messages", whole(1, 10_000), "messages that each of them sends (3)")
    add("--seed", "seed", whole(0, sys.maxsize), "begins every choice (0, or the scenario's)")
    add("--pace", "pace", _pace, "how many times faster than in the app the demo model is (1)")
    add("--slots", "slots", whole(1, 1000), "requests that the demo model works on at once (any)")
    group.add_argument(
        "--scenario", metavar="NAME", help="play this scenario, or the one in this .toml file"
    )
    group.add_argument(
        *("--virtual", "--fast"),
        dest="virtual",
        action="store_true",
        help="wait for nothing: the demo model in virtual time",
    )
    group.add_argument(
        "--compare", action="store_true", help="run the load one at a time and then at once"
    )
    group.add_argument(
        "--events", metavar="FILE", help="write every event of the engine there, as lines of JSON"
    )
    group.add_argument(
        "--json", action="store_true", help="print one JSON object instead of a table"
    )


def check_simulate(values: dict[str, Any]) -> None:
    """Raise `CommandError` where options of `ccchat simulate` exclude each other."""
    if values.get("command") != "simulate":
        return
    if "users" in values:
        raise CommandError(
            f"--users {quoted(values['users'])} stands before `simulate`, where it names "
            "the chats of the app; give the number of simulated users after it",
            2,
        )
    for name in ("pace", "slots", "virtual"):
        if name in values and "ollama_host" in values:
            raise CommandError(
                f"--{name} is for the demo model, and --host asks a server; leave one of them out",
                2,
            )
    for name, option in (
        ("events", "--events"),
        ("enable_concurrent_processing", "--sequential"),
    ):
        if name in values and "compare" in values:
            raise CommandError(
                f"{option} and --compare exclude each other: the load is run twice, one at "
                "a time and at once; leave one of them out",
                2,
            )
    for name, option in (("user_count", "--users"), ("messages", "--messages")):
        if name in values and "scenario" in values:
            raise CommandError(
                f"{option} and --scenario exclude each other: a scenario says itself who "
                "asks how much; leave one of them out",
                2,
            )


def formulas() -> str:
    """What the figures of `--compare` mean."""
    from ccchat_tui.scenarios.formulas import FORMULAS  # noqa: PLC0415 - only for the help

    lines = (f"  {name}: {formula}" for name, formula in FORMULAS.items())
    filled = (textwrap.fill(line, 88, subsequent_indent="    ") for line in lines)
    return "\n".join(("the figures of --compare:", *filled, ""))


def _pace(text: str) -> float:
    """A type for argparse: how many times faster."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if 0.01 <= value <= 1_000_000:
        return value
    raise argparse.ArgumentTypeError(
        f"cannot be {quoted(text)}; give a number from 0.01 to 1000000"
    )

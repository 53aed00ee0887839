"""What may stand on the command line, what the help says of it, and what mistakes are told."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ccchat_tui import __version__
from ccchat_tui.cli_output import CommandError
from ccchat_tui.cli_parser_api import (
    ACCESS,
    DOCTOR,
    SERVE,
    SHOWN,
    WEB,
    check_api,
    check_connect,
    connect_option,
    dashboard_option,
    listen_options,
    token_options,
)
from ccchat_tui.cli_parser_demo import DEMO, DEMO_EXAMPLES, NOT_OF_DEMO, demo_options

OPTIONS = {
    "demo": "--demo",
    "ollama_host": "--host",
    "model": "--model",
    "users": "--users",
    "max_concurrent_chats": "--max-concurrent",
    "max_concurrent_per_user": "--per-user",
    "enable_concurrent_processing": "--sequential",
    "theme": "--theme",
    "store": "--no-store",
}
"""The options that are settings, by the field of `Settings` that they set."""

COMMANDS = (
    *("config", "models", "simulate", "demo", "scenarios", "replay", "report", "serve", "web"),
    *("token", "doctor"),
    *("list", "search", "export", "import"),
)

_EXAMPLES = """\
examples:
  ccchat                               chat; with no server there, with the demo model
  ccchat --demo                        the built-in demo model, which needs no server
  ccchat --users Ada,Bob,Cleo          one chat for each name
  ccchat --host 192.168.1.7            the Ollama of another machine
  ccchat --max-concurrent 2            at most two requests in flight at once
  ccchat demo rush-hour                simulated users in the app; --compare shows what it buys
  ccchat simulate --users 6 --demo     simulated users, without a screen
  ccchat serve 11435                   the queue over HTTP, without a screen
  ccchat --connect 127.0.0.1:11435     the app on the queue of that one, with others
  ccchat search herring soup           what was said of both, in any conversation
  ccchat export 3fa2 -o soup.html      a conversation as a web page

Every setting can also stand in the config file or in the environment; `ccchat config` shows each
value and where it came from. Press F1 in the app for its keys.
"""

_SIMULATE = """\
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

_SIMULATE_EXAMPLES = """\
examples:
  ccchat simulate --users 6 --messages 3 --demo
  ccchat simulate --users 6 --messages 3 --demo --sequential     the same load, one at a time
  ccchat simulate --users 4 --messages 2 --host 192.168.1.7 --model llama3.2
  ccchat simulate --users 20 --messages 5 --demo --pace 20 --json > report.json
  ccchat simulate --scenario rush-hour --virtual
  ccchat simulate --scenario rush-hour --virtual --compare       what running at once buys
"""


class Parser(argparse.ArgumentParser):
    """A parser that says nothing of what was not given, and tells of mistakes by
    `CommandError`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        kwargs.setdefault("argument_default", argparse.SUPPRESS)
        super().__init__(*args, **kwargs)

    more: Callable[[], str] | None = None
    """Makes what the help says at its end, where that is too much to load for nothing."""

    def format_help(self) -> str:
        """The help."""
        if self.more is not None:
            self.epilog, self.more = f"{self.epilog}\n{self.more()}", None
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line."""
        raise CommandError(f"{message.removeprefix('argument ')}; see `{self.prog} --help`", 2)


class CommandLine:
    """The whole command line.

    Attributes:
        parser: The parser of `ccchat` itself.
        commands: Those of the sub-commands, by name.
    """

    def __init__(self) -> None:
        app = _settings_options(*OPTIONS)
        self.parser = Parser(
            prog="ccchat",
            description="A terminal chat client in which many chats stream at once.",
            epilog=_EXAMPLES,
            parents=[app],
        )
        listen_options(self.parser, "--api")
        connect_option(self.parser)
        self.parser.add_argument(
            "--events", metavar="FILE", help="write every event of the engine there, as JSON lines"
        )
        self.parser.add_argument(
            "--version",
            action="version",
            version=f"ccchat {__version__}",
            help="print the version and exit",
        )
        sub = self.parser.add_subparsers(
            dest="command", metavar="COMMAND", title="commands, instead of the app"
        )
        config = sub.add_parser(
            "config",
            help="print each setting, its value and where it came from",
            description="Print each setting, its value and where it came from: the default, the "
            "config file, the environment or the command line. Secrets are not shown.",
            parents=[app],
        )
        config.add_argument(
            "--markdown", action="store_true", help="the table of all settings, as in the README"
        )
        config.add_argument(
            "--keys", action="store_true", help="every key, by the names for the [keys] table"
        )
        sub.add_parser(
            "models",
            help="list the models of the server",
            description="List the models that the server has. Exits with 1 if it does not answer.",
            parents=[_settings_options("demo", "ollama_host")],
        )
        sub.add_parser(
            "scenarios",
            help="list the scenarios that can be played",
            description="List the scenarios that `ccchat simulate --scenario NAME` plays: those "
            "that come with the program, and your own. Exits with 1 if one of them cannot be "
            "played, and says why.",
        )
        replay = sub.add_parser(
            "replay",
            help="play a run back, from its event log, or say what became of it",
            description="Read the file that `--events` has written, and play the run that it tells "
            "of: queue, timeline, charts and events as they were at any moment. With --table or "
            "--json, and where there is no terminal, the report of the run is printed. No server "
            "is asked. Exits with 2 if the file cannot be read.",
        )
        replay.add_argument("file", metavar="FILE", help="the event log")
        replay.add_argument("--json", action="store_true", help="print one JSON object")
        replay.add_argument("--table", action="store_true", help="print the report as a table")
        report = sub.add_parser(
            "report",
            help="a run as a web page with charts, or as Markdown, from its event log",
            description="Read the file that `--events` has written, and write a report: a web page "
            "with charts and every request on a line of time, which needs nothing else, or "
            "Markdown. Without -o, Markdown is printed.",
        )
        report.add_argument("file", metavar="FILE", help="the event log")
        report.add_argument(
            "-o", "--output", metavar="FILE", help="write there; it ends in .html or .md"
        )
        simulate = sub.add_parser(
            "simulate",
            help="put simulated users through the queue, without a screen",
            description=_SIMULATE,
            epilog=_SIMULATE_EXAMPLES,
            parents=[
                _settings_options(*(name for name in OPTIONS if name not in {"users", "theme"}))
            ],
        )
        _simulate_options(simulate)
        simulate.more = _formulas
        listen_options(simulate, "--api")
        demo = sub.add_parser(
            "demo",
            help="play a scenario in the app, or one at a time and at once side by side",
            description=DEMO,
            epilog=DEMO_EXAMPLES,
            parents=[_settings_options(*(name for name in OPTIONS if name not in NOT_OF_DEMO))],
        )
        demo_options(demo, _whole(0, sys.maxsize))
        listen_options(demo, "--api")
        serve = sub.add_parser(
            "serve",
            help="serve the queue over HTTP, without a screen",
            description=SERVE,
            parents=[_settings_options(*(name for name in OPTIONS if name not in SHOWN))],
        )
        listen_options(serve)
        dashboard_option(serve)
        web = sub.add_parser(
            "web",
            help="the app in browsers, all visitors on one queue",
            description=WEB,
            parents=[_settings_options(*(name for name in OPTIONS if name != "store"))],
        )
        listen_options(web, usual="127.0.0.1:11436")
        token_options(
            sub.add_parser(
                "token", help="show, make and revoke tokens of the API", description=ACCESS
            )
        )
        doctor = sub.add_parser(
            "doctor",
            help="look at everything that could be wrong, and say what helps",
            description=DOCTOR,
            parents=[_settings_options("demo", "ollama_host", "model", "store")],
        )
        doctor.add_argument("--json", action="store_true", help="print one JSON object")
        for name, (said, more, add) in _HISTORY.items():
            add(sub.add_parser(name, help=said, description=more, parents=[_settings_options()]))
        self.commands = dict(sub.choices)

    def parse(self, argv: Sequence[str]) -> dict[str, Any]:
        """What was given, and nothing that was not; `command` is there if a sub-command was.

        Raises:
            CommandError: If there is anything that cannot be used.
            SystemExit: After `--help` and `--version`.
        """
        self._look_for_strangers(argv)
        values = vars(self.parser.parse_args(argv))
        self._check(values)
        return {name: value for name, value in values.items() if value is not None}

    def _look_for_strangers(self, argv: Sequence[str]) -> None:
        """Refuse mistyped options and commands in better words than argparse has for them."""
        parser = self.parser
        words = iter(argv)
        for word in words:
            name, equals, _ = word.partition("=")
            if not re.match(r"--?[^\W\d]", word):
                if parser is not self.parser:
                    if any(not action.option_strings for action in parser._actions):
                        continue  # it takes words
                    raise CommandError(
                        f"{_quoted(word)} is not expected here; see `{parser.prog} --help`", 2
                    )
                if word not in self.commands:
                    raise CommandError(_no_command(word), 2)
                parser = self.commands[word]
            elif name not in _options(parser):
                raise CommandError(self._no_option(name, parser), 2)
            elif _options(parser)[name].nargs != 0 and not equals:
                next(words, None)

    def _no_option(self, name: str, parser: Parser) -> str:
        owners = [f"`{p.prog}`" for p in self.commands.values() if name in _options(p)]
        if owners and not difflib.get_close_matches(name, _options(parser), 1, 0.9):
            where = " and ".join(owners)
            return f"{name} is no option of `{parser.prog}`; it may stand after {where}"
        close = difflib.get_close_matches(name, _options(parser), 1)
        hint = f"did you mean {close[0]}?" if close else f"`{parser.prog} --help` lists them"
        return f"{_quoted(name)} is no option; {hint}"

    def _check(self, values: dict[str, Any]) -> None:
        """What no parser sees, because options may stand on both sides of the sub-command."""
        if values.get("demo") and "ollama_host" in values:
            raise CommandError(
                "--demo and --host exclude each other: the demo model asks no server; "
                "leave one of them out",
                2,
            )
        check_api(values)
        check_connect(values)
        if "events" in values and values.get("command") not in {None, "simulate"}:
            raise CommandError(f"--events is not for `ccchat {values['command']}`; leave it out", 2)
        if values.get("command") == "simulate":
            if "users" in values:
                raise CommandError(
                    f"--users {_quoted(values['users'])} stands before `simulate`, where it names "
                    "the chats of the app; give the number of simulated users after it",
                    2,
                )
            for name in ("pace", "slots", "virtual"):
                if name in values and "ollama_host" in values:
                    raise CommandError(
                        f"--{name} is for the demo model, and --host asks a server; "
                        "leave one of them out",
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


def _options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """What a parser knows, by each of its options."""
    return {option: action for action in parser._actions for option in action.option_strings}


def _quoted(text: str) -> str:
    return ascii(text if len(text) <= 60 else text[:57] + "...")


def _no_command(word: str) -> str:
    close = difflib.get_close_matches(word, COMMANDS, 1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(COMMANDS)}"
    return f"{_quoted(word)} is no command; {hint}"


def _settings_options(*fields: str) -> Parser:
    """A parser of these settings' options, to be a parent of others.

    Numbers stay text here: `Settings` checks them all, wherever they come from.
    """
    wanted = set(fields)
    parser = Parser(add_help=False)
    group = parser.add_argument_group("settings")

    def add(field: str, **kwargs: Any) -> None:
        if field in wanted:
            group.add_argument(OPTIONS[field], dest=field, **kwargs)

    add("demo", action="store_true", help="use the built-in demo model and ask no server")
    add(
        "ollama_host",
        metavar="URL",
        help="the model server, by the rules of OLLAMA_HOST, or with its kind before it, as in "
        "openai+http://127.0.0.1:8080/v1; several separated by commas",
    )
    add("model", metavar="NAME", help="model of new chats (otherwise the first the server has)")
    add("users", metavar="A,B", help="open a chat for each of these users")
    add(
        "max_concurrent_chats",
        metavar="N",
        help="requests in flight at once, all users together; auto finds out how many are worth it",
    )
    add("max_concurrent_per_user", metavar="N", help="requests in flight at once, one user")
    add(
        "enable_concurrent_processing",
        action="store_const",
        const=False,
        help="one request at a time",
    )
    add("theme", metavar="NAME", help="colours of the app")
    add(
        "store",
        action="store_const",
        const="off",
        help="keep conversations in memory only, and bring none back",
    )
    group.add_argument("--config", metavar="FILE", help="read this config file, not the usual one")
    return parser


def _formulas() -> str:
    from ccchat_tui.scenarios.formulas import FORMULAS  # noqa: PLC0415 - only for the help

    lines = (f"  {name}: {formula}" for name, formula in FORMULAS.items())
    filled = (textwrap.fill(line, 88, subsequent_indent="    ") for line in lines)
    return "\n".join(("the figures of --compare:", *filled, ""))


def _list_options(parser: Parser) -> None:
    parser.add_argument("--limit", metavar="N", type=_whole(1, 1_000_000), help="how many (20)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _search_options(parser: Parser) -> None:
    parser.add_argument("words", metavar="WORD", nargs="+", help="what to look for")
    _list_options(parser)


def _export_options(parser: Parser) -> None:
    parser.add_argument(
        "ids", metavar="ID", nargs="*", help="the beginning of an id, as `ccchat list` shows it"
    )
    parser.add_argument("--format", dest="form", choices=("md", "json", "html"), help="(md)")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write there; its ending may say how"
    )


def _import_options(parser: Parser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="what was exported; - for input")


_HISTORY: dict[str, tuple[str, str, Callable[[Parser], None]]] = {
    "list": (
        "list the conversations that were kept",
        "List the conversations that were kept: pinned ones first, then the newest.",
        _list_options,
    ),
    "search": (
        "search in all conversations",
        """\
Search in all that was ever said. All the words must stand in a title, or together in one turn; the
last may be the beginning of one. Exits with 1 if nothing is found.
""",
        _search_options,
    ),
    "export": (
        "write conversations as Markdown, JSON or a web page",
        """\
Write conversations as Markdown, as JSON that `ccchat import` reads, or as a web page that needs
nothing else. Without an id: all of them.
""",
        _export_options,
    ),
    "import": (
        "read conversations that were exported as JSON",
        """\
Read conversations that were exported as JSON. Those that are there already are left alone.
""",
        _import_options,
    ),
}
"""The commands about conversations: what the help says of each in few words and in more, and what
adds its options."""


def _simulate_options(parser: Parser) -> None:
    group = parser.add_argument_group("the load")

    def add(option: str, dest: str, kind: Callable[[str], object], text: str) -> None:
        group.add_argument(
            option, dest=dest, metavar="X" if option == "--pace" else "N", type=kind, help=text
        )

    add("--users", "user_count", _whole(1, 1000), "simulated users (3)")
    add("--messages", "messages", _whole(1, 10_000), "messages that each of them sends (3)")
    add("--seed", "seed", _whole(0, sys.maxsize), "begins every choice (0, or the scenario's)")
    add("--pace", "pace", _pace, "how many times faster than in the app the demo model is (1)")
    add("--slots", "slots", _whole(1, 1000), "requests that the demo model works on at once (any)")
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


def _whole(low: int, high: int) -> Callable[[str], int]:
    """A type for argparse: a whole number between bounds."""

    def read(text: str) -> int:
        if re.fullmatch(r"[+-]?[0-9]{1,20}", text) and low <= int(text) <= high:
            return int(text)
        raise argparse.ArgumentTypeError(
            f"cannot be {_quoted(text)}; give a whole number from {low} to {high}"
        )

    return read


def _pace(text: str) -> float:
    """A type for argparse: how many times faster."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if 0.01 <= value <= 1_000_000:
        return value
    raise argparse.ArgumentTypeError(
        f"cannot be {_quoted(text)}; give a number from 0.01 to 1000000"
    )

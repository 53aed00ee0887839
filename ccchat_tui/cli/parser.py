"""What may stand on the command line, what the help says of it, and what mistakes are told."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Any

from ccchat_tui import __version__
from ccchat_tui.cli.output import CommandError
from ccchat_tui.cli.parser_api import (
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
from ccchat_tui.cli.parser_base import Parser, options_of, quoted
from ccchat_tui.cli.parser_demo import (
    DEMO,
    DEMO_EXAMPLES,
    NOT_OF_DEMO,
    check_demo,
    demo_options,
)
from ccchat_tui.cli.parser_history import HISTORY
from ccchat_tui.cli.parser_simulate import (
    SIMULATE,
    SIMULATE_EXAMPLES,
    check_simulate,
    formulas,
    simulate_options,
)

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
            description=SIMULATE,
            epilog=SIMULATE_EXAMPLES,
            parents=[
                _settings_options(*(name for name in OPTIONS if name not in {"users", "theme"}))
            ],
        )
        simulate_options(simulate)
        simulate.more = formulas
        listen_options(simulate, "--api")
        demo = sub.add_parser(
            "demo",
            help="play a scenario in the app, or one at a time and at once side by side",
            description=DEMO,
            epilog=DEMO_EXAMPLES,
            parents=[_settings_options(*(name for name in OPTIONS if name not in NOT_OF_DEMO))],
        )
        demo_options(demo)
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
        for name, (said, more, add) in HISTORY.items():
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
                        f"{quoted(word)} is not expected here; see `{parser.prog} --help`", 2
                    )
                if word not in self.commands:
                    raise CommandError(_no_command(word), 2)
                parser = self.commands[word]
            elif name not in options_of(parser):
                raise CommandError(self._no_option(name, parser), 2)
            elif options_of(parser)[name].nargs != 0 and not equals:
                next(words, None)

    def _no_option(self, name: str, parser: Parser) -> str:
        owners = [f"`{p.prog}`" for p in self.commands.values() if name in options_of(p)]
        if owners and not difflib.get_close_matches(name, options_of(parser), 1, 0.9):
            where = " and ".join(owners)
            return f"{name} is no option of `{parser.prog}`; it may stand after {where}"
        close = difflib.get_close_matches(name, options_of(parser), 1)
        hint = f"did you mean {close[0]}?" if close else f"`{parser.prog} --help` lists them"
        return f"{quoted(name)} is no option; {hint}"

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
        check_simulate(values)
        check_demo(values)
        if "events" in values and values.get("command") not in {None, "simulate"}:
            raise CommandError(f"--events is not for `ccchat {values['command']}`; leave it out", 2)


def _no_command(word: str) -> str:
    close = difflib.get_close_matches(word, COMMANDS, 1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(COMMANDS)}"
    return f"{quoted(word)} is no command; {hint}"


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

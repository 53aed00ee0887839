"""What the command line knows of the API: where it listens, and who may come in."""

from __future__ import annotations

import argparse
from typing import Any

from ccchat_tui.cli.output import CommandError

SERVE = """\
The queue over HTTP, without a screen: a control API under /api/ai, and Ollama's own protocol, so
that clients of Ollama that are pointed here share the queue and its limits. Only this machine
reaches it unless told otherwise, and only who has a token: `ccchat token` shows them, and Ollama's
clients send the one in OLLAMA_API_KEY. /openapi.json describes it all.

Ctrl+C or SIGTERM lets what runs come to its end, for as long as CCCHAT_DRAIN_TIMEOUT says; a second
one does not wait. It takes the extra `api`: pip install 'ccchat-tui[api]'.
"""

WEB = """\
The app itself in browsers, through textual-serve: each visitor has a process of the app, and all of
them share the one queue. Who comes in gives a token, as `ccchat token --user NAME` prints it, and
sees what is that user's. Each user's conversations are kept in a file of their own on this machine.

SIGTERM or Ctrl+C lets what runs come to its end, for as long as CCCHAT_DRAIN_TIMEOUT says. It takes
the extra `web`: pip install 'ccchat-tui[web]'.
"""

ACCESS = """\
A token lets into the API: each user's to what is theirs, the admin's to everything. With --user or
--admin that token is printed alone, and made where there is none. What is changed counts at once,
also for a server that runs; --revoke ends what was begun with the token.
"""

DOCTOR = """\
Looks at the terminal, the settings, the model servers, the store, the tokens and what is installed,
says what is wrong and what helps. It changes nothing, and prints what a report of a bug needs: no
key, no token and nothing that was said. Exits with 1 if something does not work.
"""

SHOWN = frozenset({"theme", "store"})
"""Settings of the screen, which is not there."""


def listen_options(
    parser: argparse.ArgumentParser, option: str = "", usual: str = "127.0.0.1:11435"
) -> None:
    """Where the API listens, if that is an option, and by whom it is reached."""
    group = parser.add_argument_group("the API")
    if option:
        group.add_argument(
            option, dest="api", metavar="[HOST:]PORT", help="serve the API there meanwhile"
        )
    else:
        parser.add_argument(
            "address", metavar="[HOST:]PORT", nargs="?", help=f"where to listen ({usual})"
        )
    group.add_argument(
        "--expose-without-tls",
        action="store_true",
        help="listen beyond this machine, where everybody on the way can read what is said",
    )
    group.add_argument(
        "--allow-host", metavar="A,B", help="further names by which clients reach it"
    )


def connect_option(parser: argparse.ArgumentParser) -> None:
    """Another ccchat to work on."""
    parser.add_argument(
        "--connect",
        metavar="URL",
        help="work on the engine of the ccchat there, with the token in CCCHAT_TOKEN",
    )


def check_connect(values: dict[str, Any]) -> None:
    """Raise `CommandError` where options of an engine of one's own stand beside `--connect`."""
    if "connect" not in values:
        return
    if values.get("command") is not None:
        raise CommandError(f"--connect is not for `ccchat {values['command']}`; leave it out", 2)
    for name, option in _ENGINES.items():
        if name in values:
            raise CommandError(
                f"{option} is a matter of the engine, which --connect leaves to another ccchat; "
                f"give {option} there",
                2,
            )


_ENGINES = {
    "api": "--api",
    "events": "--events",
    "demo": "--demo",
    "ollama_host": "--host",
    "max_concurrent_chats": "--max-concurrent",
    "max_concurrent_per_user": "--per-user",
    "enable_concurrent_processing": "--sequential",
}


def dashboard_option(parser: argparse.ArgumentParser) -> None:
    """Print something instead of serving."""
    parser.add_argument(
        "--dashboard",
        action="store_true",
        help="print a dashboard for Grafana, of what /metrics tells, and serve nothing",
    )


def token_options(parser: argparse.ArgumentParser) -> None:
    """Whose token, and what becomes of it."""
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--user", metavar="NAME", help="print the token of this user")
    who.add_argument("--admin", action="store_true", help="print the admin's token")
    parser.add_argument(
        "--revoke", action="store_true", help="have that token count no longer, and print none"
    )


def check_api(values: dict[str, Any]) -> None:
    """Raise `CommandError` where the options of the API stand beside what has none."""
    command = values.get("command")
    if "api" in values and values.get("virtual"):
        raise CommandError("--virtual waits for nobody, and --api for clients; leave one out", 2)
    if "api" in values and command == "demo" and values.get("compare"):
        raise CommandError("--compare runs two engines, and --api serves one; leave one out", 2)
    if "api" in values and command not in API_BESIDE:
        raise CommandError(f"--api is not for `ccchat {command}`; leave it out", 2)
    if command not in {"serve", "web"} and "api" not in values:
        for name in ("expose_without_tls", "allow_host"):
            if name in values:
                option = f"--{name.replace('_', '-')}"
                raise CommandError(f"{option} is for the API; add --api [HOST:]PORT", 2)


API_BESIDE = frozenset({None, "simulate", "demo"})
"""The commands beside which the API can be served; `None` is the app."""

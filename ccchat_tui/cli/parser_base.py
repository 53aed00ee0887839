"""What all parts of the command line are read and told with."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any, NoReturn

from ccchat_tui.cli.output import CommandError


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


def options_of(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """What a parser knows, by each of its options."""
    return {option: action for action in parser._actions for option in action.option_strings}


def quoted(text: str) -> str:
    """What somebody wrote, as a message may show it."""
    return ascii(text if len(text) <= 60 else text[:57] + "...")


def whole(low: int, high: int) -> Callable[[str], int]:
    """A type for argparse: a whole number between bounds."""

    def read(text: str) -> int:
        if re.fullmatch(r"[+-]?[0-9]{1,20}", text) and low <= int(text) <= high:
            return int(text)
        raise argparse.ArgumentTypeError(
            f"cannot be {quoted(text)}; give a whole number from {low} to {high}"
        )

    return read

"""The README promises nothing that is not there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from ccchat_tui.cli.parser import OPTIONS, CommandLine
from ccchat_tui.config import NOT_SETTINGS, setting_rows

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def between(start: str, end: str) -> str:
    return README.split(start)[1].split(end)[0]


def commands() -> list[str]:
    """Every `ccchat ...` that stands as code: in a line, or as a line of a block."""
    found = re.findall(r"`(ccchat(?: [^`]*)?)`", README)
    for block in re.findall(r"^```\w*\n(.*?)^```$", README, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            for part in line.split("&&"):
                if words := re.match(r"\s*(?:\S*[/\\])?(ccchat(?: .*)?)$", part):
                    found.append(words[1])
    return sorted(set(found))


def test_commands_are_found_at_all() -> None:
    assert {"ccchat", "ccchat --demo", "ccchat config"} <= set(commands())


@pytest.mark.parametrize("command", commands())
def test_every_command_is_taken(command: str) -> None:
    words = shlex.split(command, comments=True)
    assert words[0] == "ccchat"
    CommandLine().parse(words[1:])


def test_every_option_spoken_of_is_one() -> None:
    spoken = set(re.findall(r"`(--[a-z-]+)", README))
    cli = CommandLine()
    known = {
        option
        for parser in (cli.parser, *cli.commands.values())
        for option in re.findall(r"--[a-z-]+", parser.format_help())
    }
    others = {"--fault"}  # of our test server
    assert spoken <= known | others


def test_every_variable_spoken_of_is_one() -> None:
    spoken = set(re.findall(r"`((?:CCCHAT|CHAT|MAX|REQUESTS|ENABLE)_[A-Z_]+)", README))
    assert spoken
    assert spoken <= {row.env for row in setting_rows()} | NOT_SETTINGS


def test_every_option_that_is_a_setting_is_one() -> None:
    assert set(OPTIONS) <= {row.name for row in setting_rows()}


def test_the_settings_table_is_there() -> None:
    """That it is the right one is held by tests/test_config.py, which must not skip."""
    table = between("<!-- settings -->", "<!-- /settings -->")
    assert len(table.strip().splitlines()) == len(setting_rows()) + 2


def test_the_gate_runs_the_test_command_of_the_readme() -> None:
    block = between("<!-- test command -->", "<!-- /test command -->")
    (command,) = block.strip().removeprefix("```sh\n").removesuffix("\n```").splitlines()
    assert command.endswith("-m pytest -n auto")
    assert command.startswith("python3 -m venv .venv && ")
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "<!-- test command -->" in gate
    assert "eval" in gate

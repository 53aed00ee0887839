"""What the README gives for running it as a service, and what it says to watch, is right."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ccchat_tui.cli.parser import CommandLine
from ccchat_tui.config import Settings
from tests.api.test_dashboard import exposed

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def given(name: str) -> str:
    """The text between two marks, without its fences."""
    text = README.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0]
    return re.sub(r"^```.*\n", "", text.strip(), flags=re.MULTILINE).removesuffix("```")


UNIT = given("unit")
CONTAINER = given("container")


def test_the_unit_waits_longer_than_draining_takes() -> None:
    found = re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert found
    assert int(found[1]) > Settings().drain_timeout


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here to check it")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "ccchat.service"
    unit.write_text(UNIT.replace("/opt/ccchat/bin/ccchat", sys.executable), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    mine = [line for line in done.stderr.splitlines() if unit.name in line]
    assert mine == []


def test_the_container_is_made_of_what_is_there_and_serves() -> None:
    lines = dict(re.findall(r"^(ENTRYPOINT|CMD|FROM|EXPOSE) (.*)$", CONTAINER, re.MULTILINE))
    words = json.loads(lines["ENTRYPOINT"])[1:] + json.loads(lines["CMD"])
    assert CommandLine().parse(words)["command"] == "serve"
    assert words[1].endswith(f":{lines['EXPOSE']}")
    least = re.search(r'requires-python = ">=3\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    tag = re.search(r"python:3\.(\d+)-slim", lines["FROM"])
    assert least
    assert tag
    assert int(tag[1]) >= int(least[1])
    (check,) = re.findall(r"^HEALTHCHECK CMD (.*)$", CONTAINER, re.MULTILINE)
    compile(json.loads(check)[2], "healthcheck", "exec")


async def test_the_metrics_that_are_named_are_there(tmp_path: Path) -> None:
    watched = README.split("| what grows |")[1].split("\n\n")[0]
    named = set(re.findall(r"`([a-z]+_[a-z_]+)`", watched))
    assert len(named) > 8
    there = await exposed(tmp_path)
    for name in named:
        assert {name, f"{name}_bucket"} & set(there), name

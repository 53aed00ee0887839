"""`ccchat scenarios` and `ccchat simulate --scenario`."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ccchat_tui.cli.main import main
from ccchat_tui.config import load_settings
from ccchat_tui.paths import scenarios_folder
from ccchat_tui.scenarios.files import load
from ccchat_tui.scenarios.limits import limits_of
from ccchat_tui.testing.ollama_server import OllamaServer

pytestmark = pytest.mark.usefixtures("clean_environment")

ROOT = Path(__file__).parents[2]
FAST = ("simulate", "--fast", "--json", "--scenario")


def report_of(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main([*FAST, *words]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


class TestList:
    def test_ours_are_listed(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["scenarios"]) == 0
        out = capsys.readouterr().out
        assert [line.split()[:3] for line in out.splitlines() if line.startswith("hello")] == [
            ["hello", "3", "8"]
        ]
        assert str(scenarios_folder()) in out

    def test_one_that_cannot_be_played_is_told_and_the_others_are_listed(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        scenarios_folder().mkdir(parents=True)
        (scenarios_folder() / "bad.toml").write_text('title = ""', encoding="utf-8")
        assert main(["scenarios"]) == 1
        out, err = capsys.readouterr()
        assert "hello" in out
        assert "bad.toml: title cannot be ''" in err


class TestPlay:
    def test_it_needs_no_server_and_says_what_it_plays(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["simulate", "--scenario", "hello", "--fast"]) == 0
        out, err = capsys.readouterr()
        assert out.startswith("8 of 8 requests completed, in 2")
        assert err.startswith("Hello: 3 users, 8 messages, to demo:medium (demo model")

    def test_one_of_the_persons_own(self, capsys: pytest.CaptureFixture[str]) -> None:
        scenarios_folder().mkdir(parents=True)
        (scenarios_folder() / "mine.toml").write_text(
            'title = "Mine"\n[[users]]\nname = "Ada"\nmessages = 2\n', encoding="utf-8"
        )
        assert report_of(capsys, "mine")["totals"]["completed"] == 2

    def test_what_may_fail_in_it_is_no_failure(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert report_of(capsys, "server-trouble")["totals"]["failed"] > 0

    def test_the_seed_is_that_of_the_file_unless_another_is_given(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        told = report_of(capsys, "hello")
        assert told == report_of(capsys, "hello", "--seed", "0")
        assert told != report_of(capsys, "hello", "--seed", "1")

    def test_the_slots_and_the_pace_can_be_given(self, capsys: pytest.CaptureFixture[str]) -> None:
        usual = report_of(capsys, "hello")
        quick = report_of(capsys, "hello", "--pace", "10")
        tight = report_of(capsys, "hello", "--slots", "1")
        assert quick["average_processing_ms"] < usual["average_processing_ms"] / 5
        assert tight["average_first_token_ms"] > 2 * usual["average_first_token_ms"]

    def test_in_real_time(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        file = tmp_path / "quick.toml"
        file.write_text(
            'title = "Q"\n[server]\ntokens_per_second = 9000\nfirst_token = 0\n'
            '[[users]]\nname = "Ada"\nthink = [0, 0.01]\ntyping = 0\n',
            encoding="utf-8",
        )
        assert main(["simulate", "--json", "--scenario", str(file)]) == 0
        assert json.loads(capsys.readouterr().out)["totals"]["completed"] == 3

    def test_the_users_of_no_scenario_may_be_fast_too(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["simulate", "--demo", "--fast", "--json"]
        assert main(words) == 0
        first = capsys.readouterr().out
        assert main(words) == 0
        assert capsys.readouterr().out == first
        assert json.loads(first)["totals"]["completed"] == 9

    def test_the_same_to_the_last_digit_whatever_the_hash_seed(self, tmp_path: Path) -> None:
        def told(hash_seed: str) -> bytes:
            return subprocess.run(
                [sys.executable, "-m", "ccchat_tui", *FAST, "server-trouble"],
                env={**os.environ, "PYTHONHASHSEED": hash_seed},
                check=True,
                capture_output=True,
            ).stdout

        assert told("1") == told("2")

    async def test_on_a_real_server(self, capsys: pytest.CaptureFixture[str]) -> None:
        async with OllamaServer() as server:
            file = Path(os.environ["XDG_CONFIG_HOME"]) / "quick.toml"
            file.write_text(
                'title = "Q"\n[[users]]\nname = "Ada"\nthink = [0, 0.01]\ntyping = 0\n',
                encoding="utf-8",
            )
            process = await start(
                "simulate", "--host", server.url, "--json", "--scenario", str(file)
            )
            out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        assert json.loads(out)["totals"]["completed"] == 3


async def start(*words: str) -> asyncio.subprocess.Process:
    """The real command, its output in pipes."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ccchat_tui", *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


class TestLimits:
    def test_those_of_the_scenario_stand_in_place_of_the_defaults(self) -> None:
        limits = limits_of(load("long-haul", None), load_settings({}, {}, None))
        assert (limits.max_concurrent, limits.max_concurrent_per_user) == (8, 2)
        assert limits.requests_per_minute == 0
        assert limits.max_queue == 1776
        assert limits.user_weights["Desk 2"] == 2

    def test_what_the_person_has_set_counts_more(self) -> None:
        env = {
            "MAX_CONCURRENT_CHATS": "3",
            "REQUESTS_PER_MINUTE": "9",
            "CCCHAT_USER_WEIGHTS": "Desk 2=7",
            "CCCHAT_MAX_QUEUE": "10",
        }
        limits = limits_of(load("long-haul", None), load_settings({}, env, None))
        assert (limits.max_concurrent, limits.max_concurrent_per_user) == (3, 2)
        assert limits.requests_per_minute == 9
        assert limits.max_queue == 10
        assert limits.user_weights["Desk"] == 2
        assert limits.user_weights["Desk 2"] == 7


class TestMistakes:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--scenario", "helo"], "there is no scenario 'helo'; did you mean hello?"),
            (["--scenario", "hello", "--users", "2"], "--users and --scenario exclude each other"),
            (["--scenario", "hello", "--messages", "2"], "--messages and --scenario exclude"),
            (["--scenario", "hello", "--fast", "--host", "x"], "--virtual is for the demo model"),
            (["--fast"], "--pace, --slots and --virtual are for the demo model; add --demo"),
        ],
    )
    def test_each_is_told_and_ends_with_2(
        self, capsys: pytest.CaptureFixture[str], words: list[str], said: str
    ) -> None:
        assert main(["simulate", *words]) == 2
        assert said in capsys.readouterr().err

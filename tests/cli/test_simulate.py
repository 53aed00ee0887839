"""`ccchat simulate`: what it prints, where, and how it ends."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.cli.main import main
from ccchat_tui.cli.report import report_table
from ccchat_tui.cli.simulate import Load, limits_for
from ccchat_tui.config import load_settings
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.scenarios.simulate import Simulation
from ccchat_tui.scenarios.users import make_users
from ccchat_tui.testing.ollama_server import Model, OllamaServer
from ccchat_tui.testing.virtual_time import LoopClock, run_virtual

pytestmark = pytest.mark.usefixtures("clean_environment")

ROOT = Path(__file__).parents[2]
QUICK = ("simulate", "--demo", "--pace", "500")
CLOSED = "127.0.0.1:9"


def report_of(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    """The report of a run in this process."""
    assert main([*QUICK, "--json", *words]) == code
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    report: dict[str, Any] = json.loads(out)
    return report


async def start(*words: str) -> asyncio.subprocess.Process:
    """The real command, its output in pipes."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ccchat_tui", *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


class TestRun:
    def test_one_json_object_and_exit_code_0(self, capsys: pytest.CaptureFixture[str]) -> None:
        report = report_of(capsys, "--users", "4", "--messages", "2", "--max-concurrent", "2")
        assert report["totals"]["completed"] == report["totals"]["submitted"] == 8
        assert report["limits"]["max_concurrent"] == 2
        assert report["peak_concurrency"] == 2
        assert report["mode"] == "concurrent"
        assert len(report["users"]) == 4

    def test_three_users_with_three_messages_unless_told_otherwise(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        report = report_of(capsys)
        assert len(report["users"]) == 3
        assert report["totals"]["completed"] == 9
        assert report["limits"] == {
            "max_concurrent": 5,
            "max_concurrent_per_user": 3,
            "requests_per_minute": 20,
            "timeout_ms": 300_000,
            "retry_attempts": 2,
        }

    def test_one_at_a_time(self, capsys: pytest.CaptureFixture[str]) -> None:
        report = report_of(capsys, "--sequential")
        assert report["mode"] == "sequential"
        assert report["peak_concurrency"] == 1

    def test_the_limit_of_one_user(self, capsys: pytest.CaptureFixture[str]) -> None:
        report = report_of(capsys, "--users=1", "--messages=6", "--per-user=2")
        assert report["peak_concurrency"] == 2
        assert report["limits"]["max_concurrent_per_user"] == 2

    def test_the_seed_decides_what_is_said(self, capsys: pytest.CaptureFixture[str]) -> None:
        def told(seed: str) -> tuple[Any, ...]:
            report = report_of(capsys, "--seed", seed)
            users = [(user["user"], user["tokens"]) for user in report["users"]]
            return (report["totals"], report["tokens"], users)

        assert told("1") == told("1")
        assert told("1") != told("2")

    def test_the_seed_is_that_of_the_demo_model_too(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async def run() -> int:
            service = ConcurrentChatService(DemoBackend(seed=4), clock=LoopClock())
            users = make_users(3, 3, 4)
            await Simulation(service, users, model="demo:medium", clock=LoopClock()).run()
            await service.aclose()
            return service.snapshot(0).tokens

        assert report_of(capsys, "--seed", "4")["tokens"] == run_virtual(run())

    def test_the_slots_of_the_demo_model_are_waited_for(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Two runs of one load: with a single slot requests wait inside the server."""
        load = ("--users=3", "--messages=1", "--pace=20")
        free = report_of(capsys, *load)
        tight = report_of(capsys, *load, "--slots=1")
        assert tight["peak_concurrency"] == free["peak_concurrency"] == 3
        assert tight["average_first_token_ms"] > free["average_first_token_ms"]

    def test_a_table_for_people(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([*QUICK, "--users=2", "--messages=2"]) == 0
        out, err = capsys.readouterr()
        assert out.startswith("4 of 4 requests completed, in ")
        assert "concurrent; limits: 5 at once, 3 of one user, 20 a minute" in out
        assert [line.split()[0] for line in out.splitlines()[4:]] == ["Ada", "Bob", "all"]
        assert "demo:medium" in err

    def test_progress_without_a_terminal_is_a_few_plain_lines(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        main([*QUICK, "--users=2", "--messages=2"])
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 2
        assert lines[0].startswith("2 users, 2 messages each")
        assert lines[1].startswith("4 of 4 completed, 0 in flight, 0 queued")

    def test_more_messages_than_a_minute_allows_by_default_are_no_surprise(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        report = report_of(capsys, "--users=1", "--messages=25")
        assert report["totals"]["rejected"] == 0
        assert report["limits"]["requests_per_minute"] == 0

    def test_what_does_not_complete_ends_with_1(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CHAT_TIMEOUT", "1")
        monkeypatch.setenv("CHAT_RETRY_ATTEMPTS", "0")
        report = report_of(capsys, "--users=1", "--messages=2", "--pace=1", code=1)
        assert report["totals"]["timed_out"] == 2
        assert report["success_rate"] == 0


class TestLimits:
    def limits(self, load: Load, **env: str) -> tuple[int, int]:
        limits = limits_for(load, load_settings({}, env, None))
        return limits.requests_per_minute, limits.max_queue

    def test_defaults_stand_while_they_do_not_stand_in_the_way(self) -> None:
        assert self.limits(Load(10, 20)) == (20, 1000)

    def test_defaults_give_way_to_the_load(self) -> None:
        assert self.limits(Load(100, 21)) == (0, 2100)

    def test_what_was_set_holds(self) -> None:
        env = {"REQUESTS_PER_MINUTE": "20", "CCCHAT_MAX_QUEUE": "1000"}
        assert self.limits(Load(100, 21), **env) == (20, 1000)


class TestServer:
    async def ask(self, server: OllamaServer, *words: str) -> tuple[int, str, str]:
        process = await start("simulate", "--host", server.url, *words)
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def test_a_real_load_over_a_real_socket(self) -> None:
        async with OllamaServer(slots=2) as server:
            code, out, err = await self.ask(server, "--users=4", "--messages=3", "--json")
        assert code == 0, err
        report = json.loads(out)
        assert report["totals"]["completed"] == 12
        assert report["peak_concurrency"] == 5
        assert report["tokens"] > 0

    async def test_a_model_that_it_does_not_have(self) -> None:
        async with OllamaServer() as server:
            code, out, err = await self.ask(server, "--model", "nope")
        assert (code, out) == (1, "")
        assert "has no model 'nope'; there are " in err
        assert "Traceback" not in err

    async def test_a_model_needs_no_tag_if_that_is_latest(self) -> None:
        models = [Model("new:1b"), Model("tiny:latest")]
        async with OllamaServer(models=models) as server:
            code, _, err = await self.ask(server, "--model", "tiny")
        assert code == 0, err
        assert "to tiny (" in err

    async def test_without_a_model_the_first_that_can_chat_is_asked(self) -> None:
        models = [Model("embed:1b", capabilities=("embedding",)), Model("tiny:1b")]
        async with OllamaServer(models=models) as server:
            code, _, err = await self.ask(server, "--users=1")
        assert code == 0, err
        assert "to tiny:1b (" in err

    async def test_why_requests_failed_is_told(self) -> None:
        async with OllamaServer(models=[Model("embed:1b", capabilities=("embedding",))]) as server:
            code, out, err = await self.ask(server, "--users=1", "--messages=2", "--json")
        assert code == 1
        assert json.loads(out)["totals"]["failed"] == 2
        assert "ccchat: 2 failed: " in err
        assert "does not support chat" in err

    def test_without_a_server_it_says_so_and_asks_no_demo_model(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["simulate", "--host", CLOSED, "--json"]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert "127.0.0.1:9" in err
        assert "--demo" in err


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals to one process")
class TestInterrupt:
    async def interrupted(self, number: int, *words: str) -> tuple[int, str, str]:
        """Send a signal once two requests run and two wait in the queue."""
        async with OllamaServer(manual=True) as server:
            process = await start(
                *("simulate", "--host", server.url, "--users=2", "--messages=2"),
                *("--max-concurrent=2", *words),
            )
            await server.arrived(2)
            process.send_signal(number)
            async with asyncio.timeout(30):
                out, err = await process.communicate()
            await server.settled()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def test_it_cancels_and_prints_what_there_is(self) -> None:
        code, out, err = await self.interrupted(signal.SIGINT, "--json")
        assert code == 130, err
        report = json.loads(out)
        assert report["totals"]["cancelled"] == report["totals"]["submitted"] == 4
        assert report["in_flight"] == report["queue_length"] == 0
        assert "Traceback" not in err

    async def test_sigterm_lets_what_was_sent_come_to_its_end(self) -> None:
        async with OllamaServer(manual=True) as server:
            process = await start(
                *("simulate", "--host", server.url, "--users=2", "--messages=2", "--json"),
                "--max-concurrent=2",
            )
            await server.arrived(2)
            process.send_signal(signal.SIGTERM)
            server.manual = False
            for chat in tuple(server.chats):
                await chat.finish()
            async with asyncio.timeout(30):
                out, err = await process.communicate()
        assert process.returncode == 128 + signal.SIGTERM, err
        totals = json.loads(out)["totals"]
        assert totals["completed"] == totals["submitted"] == 4
        assert b"Traceback" not in err

    async def test_the_table_says_it_too(self) -> None:
        _, out, _ = await self.interrupted(signal.SIGINT)
        assert out.startswith("0 of 4 requests completed, 4 cancelled, in ")

    async def test_while_the_server_is_being_asked(self) -> None:
        """A server that takes the connection and says nothing."""
        asked = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            asked.set()
            await reader.read()
            writer.close()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            process = await start("simulate", "--host", f"127.0.0.1:{port}")
            async with asyncio.timeout(30):
                await asked.wait()
                process.send_signal(signal.SIGINT)
                out, err = await process.communicate()
        assert process.returncode == 130
        assert out == b""
        assert b"Traceback" not in err


class TestTerminal:
    def test_progress_is_one_line_drawn_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Tty(io.StringIO):
            def isatty(self) -> bool:
                return True

        drawn = Tty()
        monkeypatch.setattr(sys, "stderr", drawn)
        monkeypatch.setenv("COLUMNS", "30")
        assert main([*QUICK, "--pace=50"]) == 0
        title, progress = drawn.getvalue().split("\n")
        assert title.startswith("3 users, 3 messages each")
        frames = [frame for frame in progress.split("\r") if frame.strip()]
        assert frames
        assert all(re.match(r"\d of 9 completed, ", frame) for frame in frames)
        assert max(map(len, frames)) == 29
        assert progress.endswith("\r")
        assert "\x1b" not in progress


def test_the_table_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    report = report_of(capsys, "--users", "30", "--messages", "1")
    report["users"][0]["user"] = "x" * 100
    lines = report_table(report, 80).splitlines()
    assert max(map(len, lines[3:])) <= 80
    assert "".join(line.split()[0] for line in lines[4:]).count("x") == 100

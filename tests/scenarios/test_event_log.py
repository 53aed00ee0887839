"""The event log: whole, the same on every machine, read back to the same figures, and bounded."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import io
import json
import math
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.cli.main import main
from ccchat_tui.clock import SystemClock
from ccchat_tui.engine import events
from ccchat_tui.engine.events import (
    EngineEvent,
    LimitsChanged,
    ModeChanged,
    Paused,
    RequestEnded,
    RequestEvent,
    RequestFirstToken,
    RequestQueued,
    RequestRejected,
    RequestRetrying,
    RequestStarted,
    Resumed,
)
from ccchat_tui.engine.request import Failure, Priority, ReplyStats, RequestState
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.event_log import writer
from ccchat_tui.event_log.lines import KINDS, line_of, text_of
from ccchat_tui.event_log.reader import LINES, Begin, End, EventLogError, Lost, read_log
from ccchat_tui.event_log.writer import EventLog
from ccchat_tui.scenarios.replay import replay_log
from ccchat_tui.scenarios.simulate import Simulation
from ccchat_tui.scenarios.users import make_users
from ccchat_tui.testing.app import until

pytestmark = pytest.mark.usefixtures("clean_environment")

ROOT = Path(__file__).parents[2]
OF = ("id 1", "Ada \u2028 \u00e9", "s")
FAILURE = Failure("busy", "full \x1b[2J", True, 1.5, False, True, ("a", "b"))
EVENTS: tuple[EngineEvent, ...] = (
    RequestQueued(0.1 + 0.2, *OF, "m", Priority.HIGH, 0),
    RequestStarted(1.0, *OF, 1, 0.7),
    RequestRetrying(2.0, *OF, FAILURE, 0.5, 1, False),
    RequestFirstToken(3.0, *OF, 0.25),
    RequestEnded(4.0, *OF, RequestState.COMPLETED, None, ReplyStats(3, 2, 1.5, "stop"), 3, 2.0),
    RequestEnded(4.0, *OF, RequestState.FAILED, FAILURE, None, 0, 0.0),
    RequestRejected(5.0, "Bob", "queue_full", "no", None),
    LimitsChanged(6.0, 2, 1),
    ModeChanged(7.0, "sequential", "fallback"),
    Paused(8.0),
    Resumed(9.0),
)
ODD: tuple[EngineEvent, ...] = (
    RequestStarted(1e22, '"\\\x00\x7f', "\ud83d\ude00", "", True, 5e-324),
    RequestStarted(-0.0, "", "", "", 10**30, math.inf),
    RequestRejected(3, "", "", "", math.nan),
    RequestEnded(1, *OF, RequestState.TIMED_OUT, None, None, 0, 0),
)
"""Values that no engine tells of, or seldom."""
ABOUT: dict[str, Any] = {
    "program": "1",
    "date": "2026",
    "mode": "concurrent",
    "mode_reason": "",
    "limits": {
        "max_concurrent": 5,
        "max_concurrent_per_user": 3,
        "requests_per_minute": 0,
        "timeout_ms": 1,
        "retry_attempts": 2,
    },
    "users": [{"name": "Ada", "colour": "#ffffff"}],
}


MORNING = "b555258d8c0ad1fd1a09146e766f4a5b3919272a98cfc6f2672338586c0f7cd4"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def written(file: Path, *told: EngineEvent) -> Path:
    log = EventLog(file, ABOUT, 0.0)
    for event in told:
        log(event)
    log.close(10.0, 0.5)
    return file


class TestForm:
    def test_every_event_of_the_engine_has_its_line(self) -> None:
        there = {kind for kind in vars(events).values() if isinstance(kind, type)}
        told = {kind for kind in there if issubclass(kind, EngineEvent)}
        assert set(KINDS) == told - {EngineEvent, RequestEvent}
        assert {type(event) for event in EVENTS} == set(KINDS)

    def test_every_field_of_every_event_is_read(self) -> None:
        lines = {line.model_fields["event"].annotation.__args__[0]: line for line in LINES}  # type: ignore[union-attr]
        for kind, name in KINDS.items():
            expected = {field.name for field in fields(kind)} | {"event"}
            assert set(lines[name].model_fields) == expected, name

    def test_what_is_written_is_read_to_the_last_digit(self, file: Path) -> None:
        first, *told, last = read_log(written(file, *EVENTS))
        assert isinstance(first, Begin)
        assert first.users[0].colour == "#ffffff"
        assert tuple(told) == EVENTS
        assert isinstance(last, End)
        assert (last.at, last.began) == (10.0, 0.5)

    @pytest.mark.parametrize("event", [*EVENTS, *ODD], ids=lambda event: type(event).__name__)
    def test_the_quick_way_writes_what_json_does(self, event: EngineEvent) -> None:
        expected = json.dumps(line_of(event), ensure_ascii=False, separators=(",", ":"))
        assert text_of(event) == expected + "\n"

    @pytest.mark.parametrize("aside", [True, False])
    def test_one_thread_or_two_make_no_difference(self, file: Path, aside: bool) -> None:
        before = threading.active_count()
        log = EventLog(file, ABOUT, 0.0, aside=aside)
        assert threading.active_count() - before == aside
        for event in EVENTS:
            log(event)
        log.close(10.0, 0.5)
        log.close(11.0)
        assert threading.active_count() == before
        assert file.read_bytes() == written(file.with_name("other"), *EVENTS).read_bytes()

    def test_each_line_is_one_json_object_whatever_is_in_it(self, file: Path) -> None:
        lines = written(file, *EVENTS).read_bytes().split(b"\n")
        assert lines.pop() == b""
        assert len(lines) == len(EVENTS) + 2
        assert all(json.loads(line)["event"] for line in lines)
        assert b"\x1b" not in b"".join(lines)

    def test_no_event_has_what_anybody_said(self, file: Path) -> None:
        assert main(["simulate", "--scenario=hello", "--fast", f"--events={file}"]) == 0
        text = file.read_text(encoding="utf-8")
        assert "coffee" not in text
        assert "gravity" not in text

    def test_the_readme_tells_of_every_line_and_field(self) -> None:
        told = (ROOT / "README.md").read_text(encoding="utf-8")
        table = told.split("<!-- events -->")[1].split("<!-- /events -->")[0]
        rows = {}
        for row in table.splitlines():
            cells = [cell.strip() for cell in row.split("|")[1:-1]]
            if len(cells) == 3 and cells[0].startswith("`"):
                rows[cells[0].strip("`")] = set(re.findall(r"`(\w+)`", cells[1]))
        expected = {}
        for line in LINES:
            names = {info.alias or name for name, info in line.model_fields.items()}
            kind = line.model_fields["event"].annotation.__args__[0]  # type: ignore[union-attr]
            of_request = {"request_id", "user", "session_id"}
            if of_request <= names:
                names -= of_request
            expected[kind] = names - {"event", "at"}
        assert rows == expected


class TestReplay:
    @pytest.mark.parametrize(
        "name", ["hello", "rush-hour", "noisy-neighbour", "server-trouble", "cancel-storm"]
    )
    def test_it_shows_what_the_run_showed(
        self, capsys: pytest.CaptureFixture[str], file: Path, name: str
    ) -> None:
        words = ["simulate", "--scenario", name, "--fast", "--json", "--events", str(file)]
        assert main(words) == 0
        run = capsys.readouterr().out
        assert main(["replay", str(file), "--json"]) == 0
        assert capsys.readouterr().out == run
        assert json.loads(run)["totals"]["submitted"] > 0

    def test_of_a_run_in_real_time_too(
        self, capsys: pytest.CaptureFixture[str], file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_PER_MINUTE", "0")
        words = ["simulate", "--demo", "--pace", "500", "--json", f"--events={file}"]
        assert main([*words, "--users=4", "--messages=5"]) == 0
        run = json.loads(capsys.readouterr().out)
        assert main(["replay", str(file), "--json"]) == 0
        again = json.loads(capsys.readouterr().out)
        assert again == run

    def test_refusals_are_counted(self, capsys: pytest.CaptureFixture[str], file: Path) -> None:
        words = ["simulate", "--demo", "--fast", "--json", "--users=2", "--messages=5"]
        config = file.with_suffix(".toml")
        config.write_text("requests_per_minute = 3\n", encoding="utf-8")
        assert main([*words, f"--config={config}", f"--events={file}"]) == 0
        run = capsys.readouterr().out
        assert json.loads(run)["totals"]["rejected"] > 0
        assert main(["replay", str(file), "--json"]) == 0
        assert capsys.readouterr().out == run

    def test_a_table_for_people(self, capsys: pytest.CaptureFixture[str], file: Path) -> None:
        words = ["simulate", "--scenario=hello", "--fast", f"--events={file}"]
        assert main(words) == 0
        run = capsys.readouterr().out
        assert main(["replay", str(file)]) == 0
        assert capsys.readouterr().out == run

    def test_the_same_file_byte_for_byte_whatever_the_machine_draws(self, tmp_path: Path) -> None:
        def log(number: str, **environment: str) -> bytes:
            file = tmp_path / number
            subprocess.run(
                [
                    *(sys.executable, "-m", "ccchat_tui", "simulate", "--scenario"),
                    *("server-trouble", "--virtual", "--seed", "5", "--events", str(file)),
                ],
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "PYTHONHASHSEED": number,
                    **environment,
                },
                check=True,
                capture_output=True,
            )
            return file.read_bytes()

        here = log("1")
        assert here == log("2", TZ="Asia/Kathmandu", LC_ALL="C", PYTHONUTF8="0", PYTHONOPTIMIZE="1")
        assert b"\r" not in here

    def test_the_same_file_on_every_machine(self, file: Path) -> None:
        """What it was where it was written down. Where the engine, the demo model or the form of
        the log were changed on purpose, write down the new one."""
        scenario = ROOT / "tests" / "testing" / "morning.toml"
        words = ["simulate", f"--scenario={scenario}", "--virtual", "--events", str(file)]
        assert main(words) == 0
        lines = file.read_bytes().split(b"\n")[1:]  # the first has our version
        assert hashlib.sha256(b"\n".join(lines)).hexdigest() == MORNING


class TestApp:
    def test_the_app_writes_one_too(
        self, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async def used(beside: Any) -> None:
            service = ConcurrentChatService(DemoBackend(tokens_per_second=math.inf, first_token=0))
            users = make_users(2, 2, 0)
            async with beside(service):
                await Simulation(service, users, model="", clock=SystemClock()).run()
                await service.aclose()

        def run_app(loaded: object, beside: Any) -> int:
            asyncio.run(used(beside))
            return 0

        monkeypatch.setattr("ccchat_tui.cli.main.is_terminal", lambda _: True)
        monkeypatch.setattr("ccchat_tui.tui.run.run_app", run_app)
        assert main(["--demo", "--events", str(file)]) == 0
        assert main(["replay", str(file), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["totals"]["completed"] == 4
        run = replay_log(file)
        assert run.whole
        assert run.begin.title == "ccchat"

    def test_other_commands_write_none(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--events=x", "models"]) == 2
        assert "--events is not for `ccchat models`" in capsys.readouterr().err


class TestUnwhole:
    def told(self, file: Path, text: str) -> tuple[list[str], bool]:
        file.write_text(text, encoding="utf-8")
        said: list[str] = []
        return said, replay_log(file, said.append).whole

    def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(self, file: Path) -> None:
        text = written(file, *EVENTS[:2]).read_text(encoding="utf-8")
        half = text[: text.rindex('"began"')]
        said, whole = self.told(file, half)
        assert not whole
        assert "its last line is cut off" in said[0]
        assert "has no end" in said[1]

    def test_half_a_first_line_is_no_log(self, file: Path) -> None:
        text = written(file).read_text(encoding="utf-8")
        with pytest.raises(EventLogError, match="line 1: is not JSON"):
            self.told(file, text[:20])

    async def test_others_may_follow_it_while_it_is_written(self, file: Path) -> None:
        log = EventLog(file, ABOUT, 0.0)
        log(EVENTS[0])
        await until(lambda: file.read_bytes().count(b"\n") == 2)
        log.close(1.0)

    def test_kinds_and_fields_that_are_not_known_are_passed_over(self, file: Path) -> None:
        text = written(file).read_text(encoding="utf-8")
        first, end = text.splitlines()
        strange = '{"event":"danced","at":1}'
        more = end.replace("}", ',"mood":"good"}')
        assert self.told(file, f"{first}\n{strange}\n{more}\n") == ([], True)

    def test_what_the_disk_was_too_slow_for_is_told(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writer, "WAITING", 4)
        hold, held = threading.Event(), threading.Event()
        log = _slow(file, hold, held)
        for event in EVENTS:
            log(event)
        assert log.lost > 0
        hold.set()
        log.close(10.0)
        told = list(read_log(file))
        assert [line.count for line in told if isinstance(line, Lost)] == [log.lost]
        assert sum(isinstance(line, RequestEvent) for line in told) < 6
        said: list[str] = []
        assert not replay_log(file, said.append).whole
        assert said == [
            f"event log {file}: {log.lost} events are missing, for the disk was too slow for them"
        ]

    @pytest.mark.parametrize("aside", [True, False])
    def test_a_full_disk_ends_the_log_and_nothing_else(self, file: Path, aside: bool) -> None:
        class Full(io.StringIO):
            def write(self, text: str) -> int:
                raise OSError(errno.ENOSPC, "No space left on device")

        log = _writing_to(file, Full(), aside=aside)
        for event in EVENTS:
            log(event)
        log.close(10.0)
        assert log.problem == "No space left on device"

    @pytest.mark.parametrize("aside", [True, False])
    def test_a_log_has_no_hole(self, file: Path, aside: bool) -> None:
        """What comes after a fault would be read as if nothing were missing before it."""

        class Shaky(io.StringIO):
            def write(self, text: str) -> int:
                if '"started"' in text:
                    raise OSError(errno.EIO, "Input/output error")
                kept.append(text)
                return len(text)

        kept: list[str] = []
        log = _writing_to(file, Shaky(), aside=aside)
        for event in EVENTS:
            log(event)
        log.close(10.0)
        assert log.problem == "Input/output error"
        assert [json.loads(line)["event"] for line in kept] == ["log", "queued"]

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda text: "", ": is empty"),
            (lambda text: "hello\n", ", line 1: is not JSON"),
            (lambda text: "[]\n", ", line 1: is no JSON object"),
            (lambda text: '{"event":"queued"}\n', ", line 1: is not the beginning of an event log"),
            (
                lambda text: text.replace('"version":1', '"version":2'),
                ", line 1: version cannot be '2': this program reads 1; a newer ccchat may",
            ),
            (
                lambda text: text.replace('"waited":0.7', '"waited":"long"'),
                ", line 3: waited cannot be 'long': Input should be a valid number",
            ),
            (
                lambda text: text.replace('"waited":0.7', '"waited":NaN'),
                ", line 3: waited cannot be nan: ",
            ),
            (
                lambda text: text.replace('"attempt":1,"waited":0.7', '"attempt":1'),
                ", line 3: waited is missing",
            ),
            (
                lambda text: text.replace('"priority":"high"', '"priority":"x"'),
                ", line 2: priority cannot be 'x': ",
            ),
            (lambda text: text.replace("{", "{" + " " * 1_000_000, 1), ", line 1: is longer than"),
        ],
    )
    def test_a_mistake_is_told_with_its_line(
        self,
        capsys: pytest.CaptureFixture[str],
        file: Path,
        change: Callable[[str], str],
        said: str,
    ) -> None:
        text = written(file, *EVENTS).read_text(encoding="utf-8")
        file.write_text(change(text), encoding="utf-8")
        with pytest.raises(EventLogError) as caught:
            list(read_log(file))
        assert caught.value.message.startswith(f"event log {file}{said}")
        assert main(["replay", str(file)]) == 2
        assert said in capsys.readouterr().err

    def test_what_is_no_text_or_is_not_there(
        self, capsys: pytest.CaptureFixture[str], file: Path
    ) -> None:
        file.write_bytes(b"\xff\xfe")
        assert main(["replay", str(file)]) == 2
        assert "is not UTF-8 text" in capsys.readouterr().err
        assert main(["replay", f"{file}.none"]) == 2
        assert "cannot be read: No such file" in capsys.readouterr().err

    def test_a_place_that_cannot_be_written(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        words = ["simulate", "--demo", "--fast", "--events", str(tmp_path / "none" / "e")]
        assert main(words) == 2
        assert "--events cannot be" in capsys.readouterr().err


def _writing_to(file: Path, stream: io.StringIO, *, aside: bool = True) -> EventLog:
    """A log that believes this to be its file."""

    class Elsewhere(type(file)):  # type: ignore[misc]
        def open(self, *args: Any, **kwargs: Any) -> io.StringIO:
            return stream

    return EventLog(Elsewhere(file), ABOUT, 0.0, aside=aside)


def _slow(file: Path, hold: threading.Event, held: threading.Event) -> EventLog:
    """A log on a disk that stands still until `hold` is set."""

    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            held.set()
            assert hold.wait(30)
            return super().write(text)

        def close(self) -> None:
            file.write_text(self.getvalue(), encoding="utf-8")
            super().close()

    log = _writing_to(file, Slow())
    assert held.wait(30)
    return log

"""A replay: at any moment, reached in whatever way, it shows what the run showed then."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccchat_tui.cli.main import main
from ccchat_tui.clock import ManualClock
from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.engine.history import QueueHistory
from ccchat_tui.engine.stats import LimitsView, QueueSnapshot
from ccchat_tui.event_log.reader import EventLogError
from ccchat_tui.event_log.writer import EventLog
from ccchat_tui.runs import logged
from ccchat_tui.runs.figures import Figures
from ccchat_tui.runs.levels import Levels
from ccchat_tui.runs.logged import LoggedRun
from ccchat_tui.runs.player import Player
from ccchat_tui.scenarios.replay import replay_log
from tests.runs.plays import made_up
from tests.scenarios.test_event_log import ABOUT

pytestmark = pytest.mark.usefixtures("clean_environment")

LIMITS = LimitsView(**ABOUT["limits"])


@pytest.fixture
def few_events_between_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logged, "EVERY", 16)


def written(file: Path, told: list[EngineEvent], *, end: bool = True) -> Path:
    log = EventLog(file, ABOUT, 99.0, patient=True)
    for event in told:
        log(event)
    log.close(told[-1].at + 1.0)
    if not end:
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        file.write_text("".join(lines[:-1]), encoding="utf-8")
    return file


def counted(
    events: list[EngineEvent], moment: float, figures: Figures | None = None
) -> QueueSnapshot:
    """What the run showed at a moment: its events one by one, and no checkpoint."""
    figures = figures or Figures(LIMITS, at=99.0, by_user=False)
    for event in events:
        if event.at <= moment:
            figures.feed(event)
    return figures.snapshot(1000, now=moment)


def shown(player: Player) -> QueueSnapshot:
    while not player.catch_up():
        pass
    return replace(player.snapshot(1000), tokens_per_second=0.0)


class TestRun:
    """Against the program itself."""

    @pytest.mark.parametrize("scenario", ["rush-hour", "server-trouble", "cancel-storm"])
    @pytest.mark.parametrize("cut", [None, 0.6, "torn"])
    def test_counts_are_those_of_the_run(
        self,
        scenario: str,
        cut: float | str | None,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        few_events_between_checkpoints: None,
    ) -> None:
        file = tmp_path / "events.jsonl"
        words = ["simulate", f"--scenario={scenario}", "--virtual", f"--events={file}", "--json"]
        assert main(words) == 0
        report = json.loads(capsys.readouterr().out)
        if cut is not None:
            data = file.read_bytes()
            lines = data.splitlines(keepends=True)
            part = b"".join(lines[: int(len(lines) * 0.6)])
            file.write_bytes(part + lines[-1][:9] if cut == "torn" else part)
            report = replay_log(file).figures.report()
        run = LoggedRun(file)
        assert bool(run.problems) is (cut is not None)
        player = Player(run)
        rng = random.Random(5)
        for _ in range(30):
            player.seek(player.began + rng.random() * (player.end - player.began))
            assert shown(player) == counted(run.events, player.now, figures_of(run))
        player.seek(player.end)
        told = shown(player)
        assert asdict(told.totals) == report["totals"]
        for name in ("peak_concurrency", "in_flight", "queue_length", "p95_ms", "tokens"):
            assert getattr(told, name) == pytest.approx(report[name]), name


def figures_of(run: LoggedRun) -> Figures:
    begin = run.begin
    return Figures(
        LimitsView(**begin.limits.model_dump()),
        mode=begin.mode,
        mode_reason=begin.mode_reason,
        at=begin.at,
        by_user=False,
    )


@given(st.integers(0, 1000), st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1)), max_size=12))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_whatever_way_one_came(
    tmp_path_factory: pytest.TempPathFactory, seed: int, ways: list[tuple[int, float]]
) -> None:
    events = list(made_up(120, seed=seed))
    file = written(tmp_path_factory.mktemp("log") / "events.jsonl", events)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logged, "EVERY", 7)
        patch.setattr(logged, "MOST_CHECKPOINTS", 8)
        run = LoggedRun(file)
    player = Player(run)
    assert not run.problems
    for way, part in ways:
        match way:
            case 0:
                player.seek(player.began + part * (player.end - player.began))
            case 1:
                player.step(1 if part > 0.4 else -1)
            case 2:
                player.playing = True
                player.advance(part * 5)
            case _:
                player.catch_up(0)
                continue
        assert shown(player) == counted(events, player.now)
        assert list(player.events(0, player.next_event)) == [
            event for event in events if event.at <= player.now
        ]


def test_steps_go_from_moment_to_moment_and_back(tmp_path: Path) -> None:
    events = list(made_up(30, seed=1))
    player = Player(LoggedRun(written(tmp_path / "e", events)))
    moments = sorted({event.at for event in events})
    forth = []
    while player.next_event < len(events):
        player.step(1)
        forth.append(player.now)
    assert forth == moments
    player.step(1)
    assert player.now == player.end
    back = []
    while player.next_event:
        player.step(-1)
        back.append(player.now)
    assert back == [*reversed(moments), 99.0]


def test_it_plays_at_any_speed_and_stops_at_the_end(tmp_path: Path) -> None:
    player = Player(LoggedRun(written(tmp_path / "e", list(made_up(30, seed=1)))))
    assert player.now == player.began == 99.0
    player.advance(5.0)
    assert player.now == 99.0, "it stands still until it is played"
    player.toggle()
    player.advance(0.5)
    assert player.now == 99.5
    for _ in range(20):
        player.change_speed(1)
    assert player.speed == 64
    player.advance(0.25)
    assert player.now == min(player.end, 99.5 + 16)
    player.advance(1e6)
    assert (player.now, player.playing) == (player.end, False)
    player.toggle()
    assert (player.now, player.playing) == (99.0, True), "played again from the beginning"
    for _ in range(20):
        player.change_speed(-1)
    assert player.speed == 0.5


def test_going_back_costs_a_slice_at_a_time(
    tmp_path: Path, few_events_between_checkpoints: None
) -> None:
    events = list(made_up(3000, seed=1))
    run = LoggedRun(written(tmp_path / "e", events))
    ticks = iter(range(10**9))
    player = Player(run, time_source=lambda: float(next(ticks)))
    player.seek(player.end)
    assert not player.settled or player.next_event % 16 == 0
    while not player.catch_up(2.0):
        pass
    player.seek(events[len(events) // 2].at)
    assert player.next_event - player._fed <= run.every, "from the checkpoint before it"
    assert run.every < len(events) / 8
    assert len(run._checkpoints) <= logged.MOST_CHECKPOINTS


class TestLevels:
    """The charts of a replay are those of the run."""

    @given(
        st.lists(
            st.tuples(st.sampled_from([0.25, 0.5, 2.0, 9.0]), st.integers(0, 5), st.integers(0, 9)),
            max_size=60,
        ),
        st.lists(st.floats(0, 1), min_size=1, max_size=6),
    )
    @settings(max_examples=120, derandomize=True, deadline=None)
    def test_at_any_moment(self, moves: list[tuple[float, int, int]], parts: list[float]) -> None:
        moments, now = [], 100.0
        for wait, flying, queued in moves:
            now += wait
            moments.append((now, flying, queued))
        end = now + 3.0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ccchat_tui.runs.levels.MOST", 8)
            levels = Levels(100.0, end, moments, ())
            for part in parts:
                moment = 100.0 + part * (end - 100.0)
                clock = ManualClock(100.0)
                history = QueueHistory(clock.monotonic)
                history._run._most = 8
                for at, flying, queued in moments:
                    if at <= moment:
                        clock.advance(at - clock.monotonic())
                        history.levels(at, flying, queued)
                clock.advance(moment - clock.monotonic())
                assert levels.whole(moment) == history.whole()
                assert levels.recent(5, moment) == history.buckets(5)

    def test_tokens_and_waits(self, tmp_path: Path) -> None:
        run = LoggedRun(written(tmp_path / "e", list(made_up(200, seed=3))))
        _, found = run.levels.whole(run.end)
        tokens = sum(course.tokens for course in run.lanes.courses)
        assert sum(bucket.tokens for bucket in found) == pytest.approx(tokens, rel=0.02)
        longest = max(
            course.started_at - course.sent_at
            for course in run.lanes.courses
            if course.started_at is not None
        )
        assert max(bucket.waited for bucket in found) == longest


class TestFiles:
    """What can be wrong with a file is told, and what is there is played."""

    def test_no_end(self, tmp_path: Path) -> None:
        run = LoggedRun(written(tmp_path / "e", list(made_up(9)), end=False))
        where = tmp_path / "e"
        assert run.problems == [f"{where}: has no end: the program was cut off, or still runs"]
        assert run.end == run.events[-1].at

    @pytest.mark.parametrize(
        "line", ['{"event":"ended"', "[]", '{"event":"started","at":"x"}', '{"event":"queued"}']
    )
    def test_damage_in_the_middle(self, tmp_path: Path, line: str) -> None:
        events = list(made_up(20))
        file = written(tmp_path / "e", events)
        lines = file.read_text(encoding="utf-8").splitlines()
        lines[10] = line
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        run = LoggedRun(file)
        assert run.events == events[:9]
        assert len(run.problems) == 1
        assert "line 11: " in run.problems[0]
        assert run.problems[0].endswith("what stands before it is played")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda line: line.replace('"version":1', '"version":2'), "a newer ccchat may read it"),
            (lambda line: "{}", "line 1: is not the beginning of an event log"),
            (lambda line: "\x00", "line 1: is not JSON"),
        ],
    )
    def test_what_cannot_be_played(
        self, tmp_path: Path, change: Callable[[str], str], words: str
    ) -> None:
        file = written(tmp_path / "e", list(made_up(5)))
        first, *rest = file.read_text(encoding="utf-8").splitlines(keepends=True)
        file.write_text(change(first.rstrip("\n")) + "\n" + "".join(rest), encoding="utf-8")
        with pytest.raises(EventLogError, match=words):
            LoggedRun(file)

    def test_time_that_goes_back_stands_still(self, tmp_path: Path) -> None:
        events = list(made_up(20))
        events[7] = replace(events[7], at=0.0)
        run = LoggedRun(written(tmp_path / "e", events))
        assert run.ats == sorted(run.ats)
        assert len(run.events) == len(events)

    def test_a_log_without_events(self, tmp_path: Path) -> None:
        log = EventLog(tmp_path / "e", ABOUT, 5.0)
        log.close(5.0)
        player = Player(LoggedRun(tmp_path / "e"))
        player.toggle()
        player.advance(1.0)
        player.step(1)
        player.step(-1)
        assert shown(player).totals.submitted == 0
        assert player.whole()[1][0].in_flight == 0

    def test_more_events_than_are_played(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(logged, "MOST_EVENTS", 10)
        run = LoggedRun(written(tmp_path / "e", list(made_up(20))))
        assert len(run.events) == 10
        assert "only its first 10 events are played" in run.problems[0]

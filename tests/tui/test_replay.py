"""A logged run in the screens that showed it: played, stepped, searched, and left."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccchat_tui.engine.events import RequestEnded
from ccchat_tui.event_log.writer import EventLog
from ccchat_tui.runs.logged import LoggedRun
from ccchat_tui.runs.player import Player
from ccchat_tui.testing.app import THEMES, demo_app, drawn
from ccchat_tui.tui.keymap import Keymap, read_keymap
from ccchat_tui.tui.screens.help import HelpScreen
from ccchat_tui.tui.timeline.event_words import read_wanted
from ccchat_tui.tui.timeline.replay_app import ReplayApp
from ccchat_tui.tui.timeline.replay_bar import read_moment
from ccchat_tui.tui.timeline.screen import RunScreen
from tests.runs.plays import made_up
from tests.runs.test_player import written
from tests.scenarios.test_event_log import ABOUT
from tests.tui.test_snapshots import five_at_once

SIZE = (100, 30)


def replayed(file: Path, keymap: Keymap | None = None) -> ReplayApp:
    """A replay whose time the test makes pass, by `beat`."""
    app = ReplayApp(Player(LoggedRun(file)), THEMES, keymap=keymap, time_source=lambda: 0.0)
    app.animation_level = "none"
    return app


def beats(app: ReplayApp) -> bool:
    return app._timer is not None


def focused(app: ReplayApp) -> object:
    return app.focused


async def views(app: ReplayApp) -> dict[str, str]:
    """What each view shows."""
    found = {}
    screen = app.run_screen
    for name in ("timeline", "charts", "events"):
        screen.action_view(name)
        await drawn(app)
        screen.show_news()
        view = screen.view
        found[name] = view.text if not hasattr(view, "list") else ""
    return found


async def test_it_shows_what_the_run_showed(tmp_path: Path) -> None:
    """The same events, once heard by the app and once read from the log that it wrote."""
    file = tmp_path / "events.jsonl"
    live = demo_app(users=("Ada", "Bob", "Cleo"), notify="off")
    log = EventLog(file, ABOUT, 1000.0, patient=True)
    shown: dict[str, str] = {}
    async with live.run_test(size=SIZE) as pilot:
        assert live.engine is not None
        live.engine.subscribe(log)
        await live.settle()
        await five_at_once(live, pilot)
        await live.pass_time(4)
        live.cancel_user("Bob")
        await live.pass_time(1)
        moment = live.time.monotonic()
        await pilot.press("alt+t")
        await live.settle()
        screen = live.screen
        assert isinstance(screen, RunScreen)
        for name in ("timeline", "charts", "events"):
            screen.action_view(name)
            await live.settle()
            shown[name] = getattr(screen.view, "text", "")
        snapshot = live.engine.snapshot()
        await live.pass_time(20)
    log.close(live.time.monotonic())

    # One row less for the bar of the replay.
    app = replayed(file)
    async with app.run_test(size=(SIZE[0], SIZE[1] + 1)):
        app.player.seek(moment)
        app.look()
        await drawn(app)
        assert app.player.now < app.player.end
        there = await views(app)
        assert there["timeline"] == shown["timeline"]
        assert there["events"] == shown["events"]
        # Tokens are spread evenly here, for no event tells of each.
        parts = [chart.split("Tokens a second")[0] for chart in (there["charts"], shown["charts"])]
        assert parts[0] == parts[1]
        told = app.player.snapshot(100)
        assert told.totals == snapshot.totals
        assert (told.in_flight, told.queue_length) == (snapshot.in_flight, snapshot.queue_length)
        assert told.peak_concurrency == snapshot.peak_concurrency
        assert [(row.id, row.state) for row in told.requests] == [
            (row.id, row.state) for row in snapshot.requests
        ]


async def test_keys_and_bar(tmp_path: Path) -> None:
    events = list(made_up(120, seed=2))
    app = replayed(written(tmp_path / "e", events))
    player = app.player
    async with app.run_test(size=SIZE) as pilot:
        await drawn(app)
        assert app.bar.has_focus
        assert "Nothing was asked yet. Space plays the run." in app.run_screen.timeline.text
        assert not beats(app), "while it stands still nobody is woken"
        await pilot.press("space")
        assert beats(app)
        app._then -= 2.0
        app.beat()
        assert player.now == pytest.approx(player.began + 2.0)
        await pilot.press("greater_than_sign", "greater_than_sign")
        app._then -= 2.0
        app.beat()
        assert player.now == pytest.approx(player.began + 10.0)
        assert "▶ 4x" in app.bar.text
        await pilot.press("space", "full_stop")
        assert not beats(app)
        assert player.now in {event.at for event in events}
        await pilot.press("end")
        assert player.now == player.end
        assert "─" not in app.bar.text
        await pilot.press("left")
        total = player.end - player.began
        assert player.now == pytest.approx(player.end - total / 50)
        await pilot.click(app.bar, offset=(SIZE[0] // 2, 0))
        assert abs((player.now - player.began) / total - 0.5) < 0.1
        await pilot.press("g", *"10%", "enter")
        assert player.now == pytest.approx(player.began + total / 10)
        await pilot.press("4")
        await drawn(app)
        app.look()
        told = player.snapshot()
        panel = app.queue
        assert f"{told.in_flight}/{told.limits.max_concurrent}" in panel._head.text
        assert "cancel all" not in panel._tools.text
        assert "✕" not in panel.list.text
        app.run_screen.action_view("events")
        app.run_screen.events.want(read_wanted("kind:ended"))
        for part in (0.9, 0.2, 0.5):
            player.seek(player.began + total * part)
            app.look()
            await drawn(app)
            ended = [e for e in events if isinstance(e, RequestEnded) and e.at <= player.now]
            assert f" of {len(ended)} events that are asked for" in app.run_screen.events.text
        assert focused(app) is app.run_screen.events, "at once, for what is pressed right behind"
        app.action_bar()
        assert focused(app) is app.bar
        await pilot.press("f1")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape", "1", "right", "enter")
        assert app.is_running, "there is no chat to go to"
        await pilot.press("escape")
        assert app._exit


async def test_what_is_missing_is_said_and_keys_are_ones_own(tmp_path: Path) -> None:
    keymap = read_keymap({"replay.play": ("z",), "quit": ("alt+q",), "timeline.fit": ("w",)})
    file = written(tmp_path / "[x", list(made_up(30)), end=False)
    app = replayed(file, keymap)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await drawn(app)
        assert [toast.message for toast in app._notifications] == app.player.run.problems
        await pilot.press("space")
        assert not beats(app)
        await pilot.press("z")
        assert beats(app)
        await pilot.press("1", "w")
        assert app.run_screen.timeline.window.fit


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("12.5", 12.5),
        ("3m05", 185.0),
        ("3m05s", 185.0),
        ("1:30", 90.0),
        ("1:02:03", 3723.0),
        ("1h20m", 4800.0),
        ("2h", 7200.0),
        ("50%", 500.0),
        ("101%", None),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("nan%", None),
    ],
)
def test_moments_as_people_write_them(typed: str, moment: float | None) -> None:
    assert read_moment(typed, 1000.0) == moment

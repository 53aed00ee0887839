"""The run under way, in the app: opened by a key, looked at, and left for a chat."""

from __future__ import annotations

import json

from ccchat_tui.event_log.lines import line_of
from ccchat_tui.testing.app import AppUnderTest, scripted_app
from ccchat_tui.tui.screens.help import HelpScreen
from ccchat_tui.tui.timeline.screen import RunScreen
from ccchat_tui.tui.widgets.fields import Line


def opened(app: AppUnderTest) -> RunScreen:
    screen = app.screen
    assert isinstance(screen, RunScreen)
    return screen


async def two_users(app: AppUnderTest) -> None:
    """Ada's first reply is whole and the second comes; Bob's is cancelled."""
    await app.ask("first of Ada", 1)
    await app.script.emit(0, "one ")
    await app.pass_time(2)
    await app.script.finish(0)
    await app.ask("second of Ada", 1)
    await app.script.emit(1, "two ")
    await app.ask("first of Bob", 2)
    await app.pass_time(1)
    app.cancel_user("[/Bob]")
    await app.pass_time(1)


async def test_every_request_its_details_and_its_chat() -> None:
    app = scripted_app(users=("Ada", "[/Bob]"))
    async with app.run_test(size=(100, 30)) as pilot:
        await app.settle()
        await two_users(app)
        await pilot.press("alt+t")
        await app.settle()
        screen = opened(app)
        text = screen.timeline.text
        assert "2 users" in text
        assert "[/Bob]" in text
        assert "⊘" in text
        await pilot.press("left")
        assert "second of Ada" not in text, "no line holds what anybody said"
        assert "streaming" in screen.timeline.text
        assert screen.timeline.chosen is not None
        assert screen.timeline.chosen.id == app.session(1).turns[1].request_id
        await pilot.press("left")
        assert screen.timeline.chosen.id == app.session(1).turns[0].request_id
        assert "completed" in screen.timeline.text
        await pilot.press("down")
        assert screen.timeline.chosen.user == "[/Bob]"
        await pilot.press("up", "home", "left", "left", "left", "enter")
        await app.settle()
        await app.settle()
        assert app.screen is app.chats
        assert app.pane.session is app.session(1)
        chosen = app.pane.transcript.chosen_turn
        assert chosen is not None
        assert chosen.question == "first of Ada"


async def test_what_comes_is_drawn_and_what_is_out_of_sight_is_not() -> None:
    app = scripted_app(users=("Ada",))
    async with app.run_test(size=(100, 30)) as pilot:
        await app.settle()
        await pilot.press("alt+t")
        await app.settle()
        screen = opened(app)
        assert "Nothing was asked yet" in screen.timeline.text
        await app.ask("Hello?")
        assert "Ada" in screen.timeline.text
        before = screen.charts.text
        await app.script.emit(0, "one ")
        await app.pass_time(3)
        assert screen.charts.text == before == ""
        await pilot.press("s")
        assert "slot 1" in screen.timeline.text
        await pilot.press("tab")
        await app.settle()
        assert "In flight" in screen.charts.text
        assert "now 1 of 5" in screen.charts.text


async def test_events_are_filtered_held_copied_and_found_on_the_timeline() -> None:
    app = scripted_app(users=("Ada", "[/Bob]"))
    async with app.run_test(size=(100, 30)) as pilot:
        heard: list[str] = []
        app.service.subscribe(lambda event: heard.append(json.dumps(line_of(event))))
        await app.settle()
        await two_users(app)
        await pilot.press("alt+t", "3")
        await app.settle()
        events = opened(app).events
        assert f"{len(heard)} of {len(heard)} events · following" in events.text
        await pilot.press("slash")
        line = opened(app).query_one("#filter", Line)
        assert line.has_focus
        line.value = "kind:ended"
        await app.settle()
        assert "2 of 2 events that are asked for" in events.text
        await pilot.press("enter", "up", "c")
        assert json.loads(app.clipboard)["event"] == "ended"
        assert json.loads(app.clipboard)["user"] == "Ada"
        await pilot.press("C")
        ended = [json.loads(line) for line in heard if json.loads(line)["event"] == "ended"]
        assert [json.loads(line) for line in app.clipboard.splitlines()] == ended
        await pilot.press("p")
        app.cancel_user("Ada")
        await app.settle()
        assert "2 of 2" in events.text or "1 of 2" in events.text
        assert "held, 1 came since" in events.text
        await pilot.press("p", "end")
        assert "3 of 3" in events.text
        await pilot.press("enter")
        await app.settle()
        assert opened(app).shown == "timeline"
        chosen = opened(app).timeline.chosen
        assert chosen is not None
        assert chosen.id == app.session(1).turns[1].request_id
        await pilot.press("f1")
        assert type(app.screen_stack[-1]) is HelpScreen
        await pilot.press("escape", "escape")
        assert app.screen_stack == [app.chats]

"""The app as it is used: keys, clicks, and what becomes of them."""

from __future__ import annotations

import pytest
from textual import events
from textual.widgets import Input, OptionList

from ccchat_tui.backends.base import BackendError, ErrorKind
from ccchat_tui.sessions.model import SessionStatus, TurnState
from ccchat_tui.testing.app import AppUnderTest, demo_app, drawn, idle, scripted_app, until
from ccchat_tui.tui.commands import commands
from ccchat_tui.tui.screens.ask_text import AskTextScreen
from ccchat_tui.tui.screens.chat_settings import ChatSettingsScreen
from ccchat_tui.tui.screens.confirm import ConfirmScreen
from ccchat_tui.tui.screens.help import HelpScreen
from ccchat_tui.tui.screens.model_picker import ModelPickerScreen

SIZE = (140, 44)


class TestWriting:
    """The message box, while all else goes on."""

    async def test_five_messages_in_one_chat_are_five_requests_under_their_own_questions(
        self,
    ) -> None:
        app = scripted_app(max_concurrent_per_user=5)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            for number in range(5):
                await pilot.press(*f"q{number}", "enter")
            await app.settle()
            await app.script.arrived(5)
            for number in reversed(range(5)):
                await app.script.emit(f"q{number}", f"answer {number}")
            turns = app.session(1).turns
            assert [turn.question for turn in turns] == [f"q{number}" for number in range(5)]
            assert [turn.reply for turn in turns] == [f"answer {number}" for number in range(5)]

    async def test_what_is_typed_before_anything_stands_is_written_in_its_order(self) -> None:
        app = scripted_app(users=("Ada", "Bob"))
        early = "pause x A u + early"
        for char in early:
            app.post_message(events.Key(char, char))
        async with app.run_test(size=SIZE):
            await app.settle()
            assert app.pane is app.chats.deck.panes[0]
            assert app.pane.composer.text == early
            assert app.pane.composer.has_focus
            assert not app.service.snapshot(0).paused
            assert app.service.snapshot(0).limits.max_concurrent == 5

    async def test_what_is_being_typed_is_not_touched_by_replies(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await app.ask("One")
            await app.ask("Two")
            await pilot.press(*"draft text", "left", "left", "shift+left", "shift+left")
            composer = app.pane.composer
            before = (composer.text, composer.selection, len(composer.history.undo_stack))
            for piece in range(40):
                await app.script.emit("One", f"piece {piece}\n\n")
                await app.script.emit("Two", "| a | b |\n")
                await app.settle()
            await app.script.finish("One")
            await app.script.fail("Two", ErrorKind.DISCONNECTED, "broke")
            await app.settle()
            assert (
                composer.text,
                composer.selection,
                len(composer.history.undo_stack),
            ) == before
            assert composer.has_focus
            assert not composer.disabled
            assert not composer.read_only

    async def test_a_refused_message_stays_and_can_be_sent_later(self) -> None:
        app = scripted_app(requests_per_minute=1)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press(*"one", "enter")
            await app.settle()
            await pilot.press(*"two", "enter")
            await app.settle()
            assert app.pane.composer.text == "two"
            assert "Not sent" in app.pane.news
            assert len(app.session(1).turns) == 1
            app.time.advance(61)
            await pilot.press("enter")
            await app.settle()
            assert app.pane.composer.text == ""
            assert app.pane.news == ""
            assert len(app.session(1).turns) == 2

    async def test_escape_cancels_the_newest_and_keeps_what_came(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await app.ask("One")
            await app.ask("Two")
            await app.script.emit("One", "first ")
            await app.script.emit("Two", "second ")
            await pilot.press("escape")
            await app.settle()
            one, two = app.session(1).turns
            assert two.state is TurnState.CANCELLED
            assert two.reply == "second "
            assert one.state is TurnState.STREAMING
            await app.script.emit("One", "goes on")
            assert one.reply == "first goes on"
            await pilot.press("ctrl+r")
            await app.settle()
            again = await app.script.call("Two")
            assert not again.closed.is_set()
            assert [turn.reply for turn in app.session(1).turns] == ["first goes on", ""]
            assert two.reply == "second ", "kept, as another version"


class TestTabs:
    """Chats, and getting about between them."""

    async def test_a_chat_for_each_user_and_new_ones_for_the_same(self) -> None:
        app = scripted_app(users=("Ada", "Bob"))
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            assert [pane.session.user for pane in app.chats.deck.panes] == ["Ada", "Bob"]
            await pilot.press("alt+2", "ctrl+n")
            await app.settle()
            assert [pane.session.user for pane in app.chats.deck.panes] == ["Ada", "Bob", "Bob"]
            assert app.pane.number == 3
            assert app.pane.composer.has_focus

    async def test_a_new_chat_for_another_user_asks_for_the_name(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("alt+n")
            assert isinstance(app.screen, AskTextScreen)
            await pilot.press("enter")
            assert isinstance(app.screen, AskTextScreen)
            await pilot.press(*"Cleo", "enter")
            await app.settle()
            assert app.pane.session.user == "Cleo"

    async def test_going_about_by_key(self) -> None:
        app = scripted_app(users=("A", "B", "C"))
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            numbers = []
            for key in ("ctrl+pagedown", "ctrl+pagedown", "ctrl+pagedown", "ctrl+pageup", "alt+2",
                        "alt+left", "alt+right", "alt+9"):  # fmt: skip
                await pilot.press(key)
                numbers.append(app.pane.number)
                assert app.pane.composer.has_focus
            assert numbers == [2, 3, 1, 3, 2, 1, 2, 2]

    async def test_leaving_a_chat_in_mid_stream_changes_nothing_but_what_is_drawn(self) -> None:
        app = scripted_app(users=("A", "B"))
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await app.ask("Question", 1)
            await pilot.press(*"half a dra")
            await app.script.emit(0, "before ")
            await pilot.press("alt+2")
            await app.settle()
            hidden = app.chats.deck.panes[0].transcript
            drawn_before = hidden.virtual_size
            for _ in range(50):
                await app.script.emit(0, "line\n\n")
            await app.settle()
            assert hidden.virtual_size == drawn_before
            assert app.sessions.status(app.session(1)) is SessionStatus.STREAMING
            await app.script.finish(0)
            await app.settle()
            assert app.sessions.status(app.session(1)) is SessionStatus.UNREAD
            await pilot.press("alt+1")
            await app.settle()
            assert app.sessions.status(app.session(1)) is SessionStatus.IDLE
            assert hidden.virtual_size.height > drawn_before.height
            assert app.pane.composer.text == "half a dra"

    async def test_closing_asks_only_while_something_runs(self) -> None:
        app = scripted_app(users=("A", "B", "C"))
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("f9")
            await app.settle()
            assert [pane.session.user for pane in app.chats.deck.panes] == ["B", "C"]
            assert [pane.number for pane in app.chats.deck.panes] == [1, 2]
            await app.ask("Question")
            await pilot.press("f9")
            assert isinstance(app.screen, ConfirmScreen)
            await pilot.press("enter")
            await app.settle()
            assert len(app.chats.deck.panes) == 2
            await pilot.press("f9", "y")
            await app.settle()
            assert [pane.session.user for pane in app.chats.deck.panes] == ["C"]
            await until(app.script.calls[0].closed.is_set)
            await pilot.press("f9")
            await app.settle()
            assert [pane.session.user for pane in app.chats.deck.panes] == ["C"]
            assert app.pane.composer.has_focus

    async def test_renaming(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("f2")
            app.screen.query_one(Input).value = "[/x] My chat"
            await pilot.press("enter")
            await app.settle()
            assert app.session(1).title == "[/x] My chat"
            assert "[/x] My chat" in str(app.chats.tabs.render())

    async def test_the_grid_shows_several_and_follows_the_focus(self) -> None:
        app = scripted_app(users=("A", "B", "C", "D"))
        async with app.run_test(size=(200, 60)) as pilot:
            await app.settle()
            await pilot.press(*"draft A", "ctrl+g")
            await app.settle()
            assert len(app.chats.deck.in_sight) == 4
            assert app.pane.composer.text == "draft A"
            await pilot.press("alt+right")
            assert app.pane.number == 2
            await pilot.press("alt+down")
            assert app.pane.number == 4 or app.chats.deck.shape.rows == 1
            await pilot.click(app.chats.deck.panes[2].transcript)
            await app.settle()
            assert app.pane.number == 3
            await pilot.press("ctrl+g")
            await app.settle()
            assert app.chats.deck.in_sight == [app.chats.deck.panes[2]]


class TestQueue:
    """The panel steers the engine."""

    async def test_cancel_by_mouse_in_the_panel(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await app.ask("One")
            await app.ask("Two")
            await app.script.emit("One", "kept")
            await app.settle()
            rows = app.chats.panel.queue.list
            spot = next(
                (x, y)
                for y in range(rows.size.height)
                for x in range(rows.size.width)
                if rows.target_at(x, y) == f"cancel:{app.session(1).turns[0].request_id}"
            )
            await pilot.click(rows, offset=spot)
            await app.settle()
            one, two = app.session(1).turns
            assert one.state is TurnState.CANCELLED
            assert one.reply == "kept"
            assert two.state.alive

    async def test_what_failed_before_the_panel_looked_is_told_with_its_words(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE):
            await app.settle()
            app.session(1).model = "gone:1b"
            await app.ask("Too late for the panel")
            assert "✗ Ada  Too late for" in app.chats.panel.queue.list.text

    async def test_cancel_by_key_of_this_user_and_of_all(self) -> None:
        app = scripted_app(users=("Ada", "Bob"), max_concurrent_chats=1)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            for number in (1, 2):
                await app.ask(f"a{number}", number)
                await app.ask(f"b{number}", number)
            await pilot.press("alt+u")
            await app.settle()
            assert [turn.state for turn in app.session(1).turns] == [TurnState.CANCELLED] * 2
            assert all(turn.state.alive for turn in app.session(2).turns)
            assert [call.question for call in app.script.calls] == ["a1", "a2"]
            await pilot.press("alt+x")
            await app.settle()
            assert [turn.state for turn in app.session(2).turns] == [TurnState.CANCELLED] * 2
            assert [call.question for call in app.script.calls] == ["a1", "a2"]
            assert app.service.snapshot(0).totals.cancelled == 4

    async def test_the_limit_goes_up_and_down_while_it_runs(self) -> None:
        app = scripted_app(max_concurrent_chats=1)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            for number in range(3):
                await app.ask(f"q{number}")
            assert len(app.script.calls) == 1
            await pilot.press("alt+plus")
            await app.settle()
            assert len(app.script.calls) == 2
            await pilot.press("f6", "f6")
            assert app.chats.panel.queue.list.has_focus
            await pilot.press("plus")
            await app.settle()
            assert len(app.script.calls) == 3
            await pilot.press("minus", "minus", "minus", "minus")
            await app.settle()
            assert app.service.snapshot(0).limits.max_concurrent == 1
            assert app.service.snapshot(0).in_flight == 3

    async def test_a_paused_queue_starts_nothing_until_it_is_resumed(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("f10")
            await app.ask("Wait")
            assert app.script.calls == []
            assert "paused" in str(app.chats.header.render())
            await pilot.press("f10")
            await app.script.call("Wait")

    async def test_hiding_the_panel_gives_the_focus_back(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("f6", "f6")
            assert app.chats.panel.has_focus_within
            await pilot.press("ctrl+b")
            assert not app.chats.panel.display
            assert app.pane.composer.has_focus
            await app.ask("Still counted")
            await pilot.press("ctrl+b")
            await app.settle()
            assert "Still counted" in screen_text(app)

    async def test_opening_the_chat_of_a_request(self) -> None:
        app = scripted_app(users=("Ada", "Bob"))
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await app.ask("Over there", 2)
            await pilot.press("f6", "f6", "o")
            await app.settle()
            assert app.pane.session is app.session(2)

    async def test_an_idle_app_has_no_timer_running(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE):
            await app.settle()
            await app.ask("One")
            assert timers(app) == (True, True)
            await app.script.emit(0, "x")
            await app.script.finish(0)
            app.time.advance(10)
            for _ in range(12):
                await idle()
                app.frames.tick()
                app.watch_queue.tick()
            await drawn(app)
            assert timers(app) == (False, False)


class TestDialogs:
    """What is asked over the chats."""

    async def test_the_cursor_of_the_palette_stands_still(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("ctrl+p")
            await pilot.pause()
            assert [field.cursor_blink for field in app.screen.query(Input)] == [False]
            await pilot.press("escape", "ctrl+p", "escape")
            await pilot.pause()
            assert app.screen is app.chats

    async def test_choosing_a_model(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("f3")
            await app.workers.wait_for_complete()
            assert isinstance(app.screen, ModelPickerScreen)
            await pilot.press(*"qwen", "enter")
            await app.settle()
            assert app.session(1).model == "qwen3:8b"
            await app.ask("Hello")
            assert (await app.script.call("Hello")).prompt.model == "qwen3:8b"

    async def test_models_that_cannot_be_had_are_told(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            app.script.down = "nobody there"
            await pilot.press("f3")
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert "nobody there" in screen_text(app)
            assert not app.screen.query_one(OptionList).display
            await pilot.press("escape")
            assert app.session(1).model == "llama3.2:3b"

    async def test_settings_reach_the_model(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await pilot.press("f4")
            assert isinstance(app.screen, ChatSettingsScreen)
            await pilot.press("tab", *"Be brief.", "tab", *"0.3", "enter")
            await app.settle()
            await app.ask("Hello")
            prompt = (await app.script.call("Hello")).prompt
            assert prompt.options == {"temperature": 0.3}
            assert [(m.role, m.content) for m in prompt.messages] == [
                ("system", "Be brief."),
                ("user", "Hello"),
            ]

    async def test_leaving_asks_only_while_something_runs(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await app.ask("One")
            await pilot.press("ctrl+q")
            assert isinstance(app.screen, ConfirmScreen)
            await pilot.press("escape")
            assert app.is_running
            await app.script.finish(0)
            await app.settle()
            await pilot.press("ctrl+q")
            await until(lambda: app._exit)

    async def test_asked_twice_it_leaves(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await app.ask("One")
            await pilot.press("ctrl+q", "ctrl+q")
            await until(lambda: app._exit)

    async def test_help_tells_every_key_of_the_chats(self) -> None:
        app = scripted_app()
        async with app.run_test(size=(140, 200)) as pilot:
            await app.settle()
            await pilot.press("f1")
            await app.settle()
            assert isinstance(app.screen, HelpScreen)
            text = screen_text(app)
            for node in (app.chats, app.pane, app.pane.transcript, app.chats.panel.queue):
                for bindings in node._bindings.key_to_bindings.values():
                    for binding in bindings:
                        assert (binding.tooltip or binding.description) in text


class TestPalette:
    """Every command by its name."""

    async def test_every_command_names_an_action_that_there_is(self) -> None:
        app = demo_app(users=("A", "B"))
        async with app.run_test(size=SIZE):
            await app.settle()
            found = list(commands(app))
            for command in found:
                node, name, _ = app._parse_action(command.action, command.node)
                assert hasattr(node, f"action_{name}") or hasattr(node, f"_action_{name}"), command
            names = [command.name for command in found]
            assert len(names) == len(set(names))
            assert any("demo model" in name for name in names)
            assert "Theme: okabe" in names

    async def test_it_finds_a_chat_with_a_hostile_title(self) -> None:
        app = scripted_app(users=("A", "B"))
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            app.sessions.rename(app.session(2), "[/oops] [x=1: odd")
            await pilot.press("ctrl+p")
            await pilot.press(*"chat 2")
            await pilot.app.workers.wait_for_complete()
            await until(lambda: "[/oops] [x=1: odd" in screen_text(app))
            await pilot.press("enter")
            await until(lambda: app.screen is app.chats)
            await until(lambda: app.pane.number == 2)

    async def test_a_theme_is_changed_by_it(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE):
            await app.settle()
            await app.run_action("theme('paper')")
            await app.settle()
            assert app.theme == "paper"
            assert not app.current_theme.dark


@pytest.mark.parametrize("size", [(20, 6), (40, 10), (80, 24), (250, 80)], ids=str)
async def test_any_size_is_survived(size: tuple[int, int]) -> None:
    """Whatever room there is, nothing breaks, and the message box can be written in."""
    app = demo_app(users=("Ada", "Bob", "Cleo"))
    async with app.run_test(size=size) as pilot:
        await app.settle()
        await app.ask("Compare tea and coffee", 1)
        await app.pass_time(3)
        await pilot.press("ctrl+g")
        await app.settle()
        await pilot.resize_terminal(120, 40)
        await app.settle()
        await pilot.resize_terminal(*size)
        await app.settle()
        await pilot.press(*"hello")
        assert app.pane.composer.text == "hello"


async def test_text_of_faults_is_plain() -> None:
    """A failure's words with markup and escapes are shown, not obeyed."""
    app = scripted_app()
    async with app.run_test(size=SIZE):
        await app.settle()
        await app.ask("Hello [/b]")
        call = await app.script.call(0)
        call.pieces.put_nowait(BackendError(ErrorKind.BAD_REQUEST, "bad [/INST] \x1b[2J thing"))
        await until(lambda: app.session(1).turns[0].state is TurnState.FAILED)
        await app.settle()
        text = screen_text(app)
        assert "[/INST]" in text
        assert "\x1b" not in text


def timers(app: AppUnderTest) -> tuple[bool, bool]:
    """Whether the frame clock and the watch over the queue run."""
    return app.frames.running, app.watch_queue.running


def screen_text(app: AppUnderTest) -> str:
    """What stands on the screen, row by row."""
    width, height = app.size
    rows = app.screen._compositor.render_strips()
    return "\n".join(row.text.ljust(width) for row in rows[:height])

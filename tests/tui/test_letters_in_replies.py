"""Letters are for the message box: whoever selects in the replies and types on commands nothing."""

from __future__ import annotations

from textual import events

from ccchat_tui.sessions.model import TurnState
from ccchat_tui.testing.app import AppUnderTest, scripted_app

SIZE = (140, 44)


async def with_reply(app: AppUnderTest) -> int:
    """A reply that streams; returns the row in which it stands."""
    await app.settle()
    await app.ask("Question")
    await app.script.emit(0, "pick these words")
    await app.settle()
    transcript = app.pane.transcript
    rows = [transcript.render_line(y).text for y in range(transcript.size.height)]
    return next(y for y, row in enumerate(rows) if "pick these" in row)


async def test_letters_behind_a_selection_are_written_and_ctrl_c_copies_it() -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        row = await with_reply(app)
        transcript = app.pane.transcript
        await pilot.mouse_down(transcript, offset=(7, row))
        await pilot.hover(transcript, offset=(11, row))
        await pilot.mouse_up(transcript, offset=(11, row))
        await pilot.pause()
        assert app.screen.get_selected_text() == "these"
        assert app.pane.composer.has_focus
        await pilot.press("ctrl+c")
        assert app.clipboard == "these"
        assert [note.message for note in app._notifications] == ["Copied: the selection"]
        await pilot.press("x", "r", "y")
        assert app.pane.composer.text == "xry"
        assert app.session(1).turns[0].state is TurnState.STREAMING


async def test_a_selection_in_the_box_is_copied_before_one_in_the_replies() -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await with_reply(app)
        await pilot.press("o", "w", "n", "shift+home", "ctrl+c")
        assert app.clipboard == "own"


async def test_a_click_in_the_replies_of_another_pane_goes_to_its_box() -> None:
    app = scripted_app(users=("Ada", "Bob"))
    async with app.run_test(size=(200, 44)) as pilot:
        await app.settle()
        await pilot.press("ctrl+g")
        await app.settle()
        other = app.chats.deck.panes[1]
        await pilot.click(other.transcript)
        assert app.pane is other
        assert other.composer.has_focus


async def test_in_the_replies_what_means_nothing_there_is_written_in_the_box() -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await with_reply(app)
        await pilot.press("f6")
        assert app.pane.transcript.has_focus
        await pilot.press("k", "y")
        assert app.pane.transcript.has_focus
        assert app.clipboard == "pick these words"
        await pilot.press("h", "e", "y", "x")
        assert app.pane.composer.has_focus
        assert app.pane.composer.text == "heyx"
        assert app.session(1).turns[0].state.alive


async def test_letters_in_one_piece_keep_their_order() -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await with_reply(app)
        await pilot.press("f6")
        for char in "hello":
            app.post_message(events.Key(char, char))
        await app.settle()
        await pilot.pause()
        assert app.pane.composer.text == "hello"


async def test_what_is_pasted_in_the_replies_goes_to_the_box() -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await with_reply(app)
        await pilot.press("f6")
        app.post_message(events.Paste("x marks the spot"))
        await pilot.pause()
        assert app.pane.composer.text == "x marks the spot"
        assert app.session(1).turns[0].state.alive


async def test_a_failed_reply_tells_the_key_that_works_where_one_writes() -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await with_reply(app)
        await pilot.press("escape")
        await app.settle()
        transcript = app.pane.transcript
        rows = [transcript.render_line(y).text for y in range(transcript.size.height)]
        assert any("Retry   press Ctrl+R" in row for row in rows)
        await pilot.press("ctrl+r")
        await app.settle()
        assert app.session(1).turns[0].state.alive

"""What was just sent is in sight, wherever one was reading; and who may see a picture is known."""

from __future__ import annotations

from pathlib import Path

from ccchat_tui.testing.app import scripted_app, until
from tests.sessions.pictures import png
from tests.tui.test_attaching import give, with_eyes

SIZE = (140, 30)


async def test_what_is_sent_while_one_reads_further_up_is_in_sight() -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        for number in range(3):
            await app.ask(f"Question {number}")
            await app.script.emit(number, "line\n\n" * 30)
            await app.script.finish(number)
        await app.settle()
        transcript = app.pane.transcript
        transcript.focus()
        await pilot.press("left_square_bracket", "left_square_bracket")
        app.pane.focus_composer()
        await give(app, pilot, "/retyr")
        assert "/retry" in app.pane.news
        assert not transcript.following
        await give(app, pilot, "The newest")
        assert app.pane.transcript.following
        assert transcript.chosen_turn is app.pane.session.turns[-1]
        rows = [transcript.render_line(y).text for y in range(transcript.size.height)]
        assert any("The newest" in row for row in rows)


async def test_every_pane_of_a_comparison_shows_what_is_asked_of_all() -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        await app.settle()
        await give(app, pilot, "/compare llama3 qwen3 -- Why?")
        panes = list(app.chats.deck.in_sight)
        for number in range(2):
            await app.script.emit(number, "line\n\n" * 40)
            await app.script.finish(number)
        await app.settle()
        for pane in panes:
            pane.transcript.action_go_home()
        assert not any(pane.transcript.following for pane in panes)
        await give(app, pilot, "And now?")
        assert all(pane.transcript.following for pane in panes)


async def test_a_picture_for_several_models_goes_to_none_that_sees_nothing(tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(png())
    app = scripted_app()
    with_eyes(app, llama=("completion",), qwen=("completion",), gemma=("completion", "vision"))
    async with app.run_test(size=SIZE) as pilot:
        await app.settle()
        await give(app, pilot, "/model gemma3:4b")
        await give(app, pilot, f"/attach {tmp_path / 'red.png'}")
        await until(lambda: bool(app.pane.session.attached))
        await give(app, pilot, "/compare gemma3 qwen3 -- What is it?")
        asked = {pane.session.model: pane.session.turns for pane in app.chats.deck.in_sight}
        assert [len(turns) for turns in asked.values()] == [1, 0]
        assert "qwen3" in app.pane.news
        assert "sees no pictures" in app.pane.news
        assert app.pane.composer.text == "What is it?"

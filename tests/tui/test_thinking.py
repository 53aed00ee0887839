"""What a model thinks aloud: apart, closed when it answers, with its time, and opened again."""

from __future__ import annotations

import pytest

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.sessions.model import Turn
from ccchat_tui.testing.app import AppUnderTest, scripted_app

SIZE = (140, 44)


def shown(app: AppUnderTest) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def thinking(app: AppUnderTest, seconds: float = 0.0) -> Turn:
    """Ask something, and let it be thought about for so long."""
    await app.settle()
    await app.ask("Is 91 prime?")
    await app.script.emit(0, "", thinking="By 7: ")
    app.time.advance(seconds)
    await app.script.emit(0, "", thinking="91 = 7 · 13.")
    await app.settle()
    return app.session(1).turns[0]


async def test_it_closes_when_the_answer_begins_and_says_how_long_it_was() -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        turn = await thinking(app, 12)
        assert "▾ thinking" in shown(app)
        assert "┊ By 7: 91 = 7 · 13." in shown(app)
        before = turn.thinking_seconds
        assert before is None, "it still thinks"
        await app.script.emit(0, "No. ")
        app.time.advance(30)
        await app.settle()
        assert "▸ thought for 12 s" in shown(app)
        assert "┊ By 7" not in shown(app)
        assert turn.thinking_seconds == 12
        await app.script.finish(0)
        await app.settle()
        assert turn.thought_for == 12
        assert "▸ thought for 12 s" in shown(app)

        app.pane.transcript.focus()
        await pilot.press("t")
        await app.settle()
        assert "▾ thought for 12 s" in shown(app)
        assert "┊ By 7" in shown(app)
        await pilot.press("t")
        await app.settle()
        assert "┊ By 7" not in shown(app)


async def test_it_is_timed_while_its_pane_is_out_of_sight() -> None:
    app = scripted_app(users=("Ada", "Bob"))
    async with app.run_test(size=SIZE) as pilot:
        await app.settle()
        await pilot.press("alt+2")
        await app.ask("Is 91 prime?", 1)
        await app.script.emit(0, "", thinking="By 7: ")
        app.time.advance(5)
        await app.script.emit(0, "No.")
        app.time.advance(60)
        await pilot.press("alt+1")
        await app.settle()
        assert "▸ thought for 5.0 s" in shown(app)


@pytest.mark.parametrize("how", ["cancel", "fail"])
async def test_one_that_never_answers_was_thought_about_until_its_end(how: str) -> None:
    app = scripted_app(chat_retry_attempts=0)
    async with app.run_test(size=SIZE) as pilot:
        turn = await thinking(app, 4)
        if how == "cancel":
            await pilot.press("escape")
        else:
            await app.script.fail(0, ErrorKind.SERVER, "It broke.")
        await app.settle()
        assert turn.thought_for == 4
        assert "▾ thought for 4.0 s" in shown(app), "there is nothing else to read"


async def test_one_that_does_not_think_has_no_time() -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE):
        await app.settle()
        await app.ask("Hi")
        await app.script.emit(0, "Hello.")
        app.time.advance(3)
        await app.script.finish(0)
        await app.settle()
        turn = app.session(1).turns[0]
        assert turn.thought_for is None
        assert "thought" not in shown(app)


async def test_another_attempt_is_timed_anew() -> None:
    app = scripted_app()
    async with app.run_test(size=SIZE) as pilot:
        turn = await thinking(app, 9)
        await pilot.press("escape")
        await app.settle()
        await pilot.press("ctrl+r")
        await app.settle()
        await app.script.arrived(2)
        again = app.session(1).turns[0]
        assert again is not turn
        assert again.thinking_seconds is None
        await app.script.emit(1, "", thinking="Again: ")
        app.time.advance(2)
        await app.script.emit(1, "No.")
        await app.settle()
        assert "▸ thought for 2.0 s" in shown(app)

"""Regenerating, editing, going on, deleting and quoting, as a person does them."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from ccchat_tui.sessions.model import Session, TurnState
from ccchat_tui.testing.app import AppUnderTest, scripted_app, until
from ccchat_tui.testing.scripted import ScriptedBackend
from ccchat_tui.tui.commands import commands
from ccchat_tui.tui.widgets.transcript import Transcript
from tests.sessions.stored import conversation, fill, kept
from tests.tui.history_app import kept_app


def rows(app: AppUnderTest) -> str:
    transcript = app.pane.transcript
    lines = [transcript.render_line(y).text.rstrip() for y in range(transcript.size.height)]
    return "\n".join(lines)


def shown(session: Session) -> list[tuple[str, str]]:
    return [(turn.question, turn.reply) for turn in session.turns]


async def replied(
    app: AppUnderTest, script: ScriptedBackend, call: int, text: str, reason: str = "stop"
) -> None:
    """Let a request have its whole reply, and have it drawn."""
    await script.emit(call, text)
    await script.finish(call, reason=reason)
    await app.settle()


async def typed(app: AppUnderTest, pilot: Pilot[None], text: str) -> None:
    """Type a line into the message box, and send it."""
    app.pane.focus_composer()
    app.pane.composer.insert(text)
    await pilot.press("enter")
    await app.settle()


async def drag(pilot: Pilot[None], start: tuple[int, int], end: tuple[int, int]) -> None:
    """Select with the mouse."""
    transcript = pilot.app.screen.query_one(Transcript)
    await pilot.mouse_down(transcript, offset=start)
    await pilot.hover(transcript, offset=end)
    await pilot.mouse_up(transcript, offset=end)
    await pilot.pause()


async def to_replies(app: AppUnderTest) -> None:
    app.chats.set_focus(app.pane.transcript)
    await app.settle()


async def test_versions_are_walked_with_left_and_right_and_what_follows_stays() -> None:
    app = scripted_app(script := ScriptedBackend())
    async with app.run_test(size=(80, 40)) as pilot:
        await app.settle()
        await app.ask("q1")
        await replied(app, script, 0, "first try")
        await app.ask("q2")
        await replied(app, script, 1, "behind")
        await to_replies(app)
        assert "1/1" not in rows(app)
        await pilot.press("[", "[", "g")
        await replied(app, script, 2, "second try")
        assert shown(app.pane.session) == [("q1", "second try"), ("q2", "behind")]
        assert " 2/2 " in rows(app)
        await pilot.press("left")
        await app.settle()
        seen = rows(app)
        assert "first try" in seen
        assert "second try" not in seen
        assert " 1/2 " in seen
        assert "behind" in seen
        await pilot.press("left")
        assert app.pane.news == "This is the first version."
        y = next(n for n, row in enumerate(seen.split("\n")) if " 1/2 " in row)
        await pilot.click(app.pane.transcript, offset=(seen.split("\n")[y].index("›"), y))
        await app.settle()
        assert "second try" in rows(app)


async def test_an_edited_question_is_asked_in_a_branch_and_the_draft_comes_back() -> None:
    app = scripted_app(script := ScriptedBackend())
    async with app.run_test(size=(80, 40)) as pilot:
        await app.settle()
        for number in (1, 2):
            await app.ask(f"q{number}")
            await replied(app, script, number - 1, f"r{number}")
        app.pane.composer.insert("a draft")
        await to_replies(app)
        await pilot.press("[", "[", "e")
        await app.settle()
        box = app.pane.composer
        assert box.has_focus
        assert (box.text, str(box.border_title)) == ("q1", "editing turn 1 · Esc leaves it")
        await pilot.press(*" and")
        assert box.kept_text == "a draft\n\nq1 and", "neither is lost if we end now"
        await pilot.press("escape")
        assert (box.text, str(box.border_title)) == ("a draft", "")
        await to_replies(app)
        await pilot.press("e", *" now", "enter")
        await app.settle()
        assert box.text == "a draft"
        assert str(box.border_title) == ""
        assert shown(app.pane.session) == [("q1 now", "")]
        assert "q2" not in rows(app)
        await replied(app, script, 2, "other")
        await to_replies(app)
        await pilot.press("left")
        await app.settle()
        assert shown(app.pane.session) == [("q1", "r1"), ("q2", "r2")]
        assert "r2" in rows(app)


async def test_to_delete_what_is_edited_loses_neither_the_edit_nor_the_draft() -> None:
    app = scripted_app(script := ScriptedBackend())
    async with app.run_test() as pilot:
        await app.settle()
        await app.ask("q1")
        await replied(app, script, 0, "r1")
        app.pane.composer.insert("a draft")
        for name in ("edit", "delete"):  # as the palette does
            [command] = [c for c in commands(app) if c.action == f"deed('{name}')"]
            await app.run_action(command.action, command.node)
            await app.settle()
        await pilot.pause()
        assert app.pane.composer.text == "a draft\nq1"
        assert not app.pane.deeds.editing
        assert app.pane.session.turns == []


async def test_a_refused_edit_stays_in_the_box_and_is_still_edited() -> None:
    app = scripted_app(script := ScriptedBackend(), requests_per_minute=1)
    async with app.run_test() as pilot:
        await app.settle()
        await app.ask("q1")
        await replied(app, script, 0, "r1")
        await typed(app, pilot, "/edit 1")
        await pilot.press(*" now", "enter")
        await app.settle()
        assert app.pane.composer.text == "q1 now"
        assert app.pane.deeds.editing
        assert shown(app.pane.session) == [("q1", "r1")]
        assert app.pane.news.startswith("Not sent")


async def test_a_question_that_looks_like_a_command_is_edited_as_a_question() -> None:
    app = scripted_app(script := ScriptedBackend())
    async with app.run_test() as pilot:
        await app.settle()
        await app.ask("/help is what?")
        await replied(app, script, 0, "r")
        await typed(app, pilot, "/edit")
        assert app.pane.composer.text == "//help is what?"
        await pilot.press("enter")
        await app.settle()
        assert [turn.question for turn in app.pane.session.every] == ["/help is what?"] * 2


async def test_a_reply_that_was_cut_off_says_so_until_it_is_gone_on_with() -> None:
    app = scripted_app(script := ScriptedBackend())
    async with app.run_test(size=(80, 30)) as pilot:
        await app.settle()
        await app.ask("q")
        await replied(app, script, 0, "Once upon", "length")
        assert "Cut off" in rows(app)
        y = next(n for n, row in enumerate(rows(app).split("\n")) if "Continue" in row)
        await pilot.click(app.pane.transcript, offset=(6, y))
        await app.settle()
        assert "Cut off" not in rows(app)
        await replied(app, script, 1, " a time")
        assert "Once upon a time" in rows(app)
        assert "Cut off" not in rows(app)
        await typed(app, pilot, "/continue")
        assert "cut off" in app.pane.news
        assert app.pane.composer.text == ""


async def test_a_turn_is_deleted_and_comes_back() -> None:
    app = scripted_app(script := ScriptedBackend())
    async with app.run_test(size=(80, 40)) as pilot:
        await app.settle()
        for number in (1, 2):
            await app.ask(f"q{number}")
            await replied(app, script, number - 1, f"r{number}")
        await to_replies(app)
        await pilot.press("[", "[", "d")
        await app.settle()
        assert app.pane.news.startswith("Deleted: turn 1.")
        assert "r1" not in rows(app)
        assert "r2" in rows(app)
        await pilot.press("u")
        await app.settle()
        assert "r1" in rows(app)
        assert shown(app.pane.session) == [("q1", "r1"), ("q2", "r2")]
        await typed(app, pilot, "/delete 2")
        await typed(app, pilot, "/undelete")
        assert shown(app.pane.session) == [("q1", "r1"), ("q2", "r2")]
        await typed(app, pilot, "/delete 3")
        assert "from 1 to 2" in app.pane.news


async def test_a_reply_or_what_is_selected_of_it_is_quoted_behind_the_draft() -> None:
    app = scripted_app(script := ScriptedBackend())
    async with app.run_test(size=(80, 30)) as pilot:
        await app.settle()
        await app.ask("q")
        await replied(app, script, 0, "one [/b]\n\ntwo \x1b")
        app.pane.composer.insert("You say")
        await to_replies(app)
        await pilot.press("q")
        assert app.pane.composer.text == "You say\n\n> one [/b]\n>\n> two \u241b\n\n"
        assert app.pane.composer.has_focus
        app.pane.composer.clear()
        y = next(n for n, row in enumerate(rows(app).split("\n")) if "one [/b]" in row)
        await drag(pilot, (2, y), (4, y))
        await app.settle()
        await to_replies(app)
        await pilot.press("q")
        assert app.pane.composer.text == "> one\n\n"


async def test_a_reply_in_a_hidden_branch_streams_on_and_its_row_in_the_queue_stays() -> None:
    app = scripted_app(script := ScriptedBackend())
    async with app.run_test(size=(120, 30)) as pilot:
        await app.settle()
        await app.ask("hidden question")
        await script.emit(0, "half")
        await typed(app, pilot, "/edit")
        app.pane.composer.clear()
        await pilot.press(*"other", "enter")
        await app.settle()
        hidden = app.pane.session.every[0]
        await script.emit(0, " and whole")
        await app.settle()
        assert hidden.state is TurnState.STREAMING
        assert "half" not in rows(app)
        assert hidden.request_id in {each.id for each in app.service.snapshot().requests}
        await typed(app, pilot, "/version 1")
        assert "half and whole" in rows(app)
        await script.finish(0)
        await app.settle()
        assert not app.sessions.running(app.pane.session)[1:]


# What is kept -----------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "c.db"


async def test_a_hit_in_a_version_that_is_not_shown_is_opened_with_that_in_view(
    path: Path,
) -> None:
    session = conversation(turns=(("What with?", "Cod"), ("And?", "so")))
    first = session.turns[0]
    again = conversation(turns=(("What with?", "Herring"),)).turns[0]
    again.id, again.place = "again", first.place
    session.add(again)
    session.show(first)
    fill(path, session)
    app = kept_app(path, restore_tabs=False)
    async with app.run_test(size=(100, 40)) as pilot:
        await app.begun()
        await pilot.press("f12")
        await app.listed(1)
        await pilot.press(*"herring")
        await app.listed(1)
        await pilot.press("enter")
        await until(lambda: len(app.pane.session.turns) == 2)
        await app.settle()
        assert shown(app.pane.session) == [("What with?", "Herring"), ("And?", "so")]
        assert "Herring" in rows(app)
    stored = kept(path, "s1")
    assert stored is not None
    assert stored.turns[0].reply == "Herring", "what was opened is what is shown next time"


async def test_a_draft_outlives_a_version_that_is_asked_for_beside_it(path: Path) -> None:
    script = ScriptedBackend()
    app = kept_app(path, server=script)
    async with app.run_test() as pilot:
        await app.begun()
        await app.ask("q")
        await replied(app, script, 0, "r")
        await pilot.press(*"draft")
        await to_replies(app)
        await pilot.press("g")
        await app.settle()
        session = app.pane.session.id
    stored = kept(path, session)
    assert stored is not None
    assert stored.draft == "draft"
    assert [turn.state for turn in stored.every] == [TurnState.COMPLETED, TurnState.INTERRUPTED]

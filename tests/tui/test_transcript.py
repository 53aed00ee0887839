"""A conversation on the screen: it streams, it follows or stays, and all that came is shown."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from ccchat_tui.sessions.model import TurnState
from ccchat_tui.text import sanitize
from ccchat_tui.tui.markdown.document import Document
from ccchat_tui.tui.widgets.transcript_turn import TurnRows
from tests.support.transcripts import TranscriptStage, make_turn, paragraphs

ENDS = (
    TurnState.COMPLETED,
    TurnState.FAILED,
    TurnState.CANCELLED,
    TurnState.TIMED_OUT,
    TurnState.INTERRUPTED,
)


async def draw(pilot: Pilot[None]) -> None:
    """One frame, and what follows from it."""
    app = pilot.app
    assert isinstance(app, TranscriptStage)
    app.transcript.on_frame()
    await pilot.pause()


async def test_nothing_yet() -> None:
    app = TranscriptStage()
    async with app.run_test(size=(60, 20)):
        assert any("Nothing asked yet." in row for row in app.rows)


async def test_questions_and_replies_stand_in_order() -> None:
    turns = [make_turn(n, f"reply **{n}**") for n in range(3)]
    app = TranscriptStage(turns)
    async with app.run_test(size=(60, 30)):
        shown = "\n".join(app.rows)
        places = [shown.index(text) for n in range(3) for text in (f"question {n}", f"reply {n}")]
        assert places == sorted(places)


async def test_a_reply_streams_into_its_place_between_others() -> None:
    turns = [make_turn(0, "first"), make_turn(1, state=TurnState.STREAMING), make_turn(2, "third")]
    app = TranscriptStage(turns)
    async with app.run_test(size=(60, 30)) as pilot:
        for word in ("one ", "two ", "\n\nthree"):
            turns[1].parts.append(word)
            await draw(pilot)
        assert app.row_of("first") < app.row_of("one two") < app.row_of("three")
        assert app.row_of("three") < app.row_of("question 2") < app.row_of("third")


@pytest.mark.parametrize("state", ENDS)
async def test_what_is_shown_at_the_end_is_what_came(state: TurnState) -> None:
    """The last pieces come together with the end, in the same frame; none of them is lost."""
    turn = make_turn(0, state=TurnState.STREAMING)
    app = TranscriptStage([turn])
    async with app.run_test(size=(60, 40)) as pilot:
        text = "# Head\n\nSome *words* here.\n\n```py\nx = 1\n```\n\n- a\n- b with the last wo"
        for begin in range(0, len(text), 7):
            turn.parts.append(text[begin : begin + 7])
            if begin % 3:
                await draw(pilot)
        turn.parts.append("rd\ud83d")
        turn.state = state
        assert app.transcript.on_frame() is False
        await pilot.pause()
        expected = Document(app.transcript.size.width - 3)
        expected.feed(sanitize(turn.reply))
        expected.finish()
        expected.update()
        view = app.transcript._views[0]
        assert view.sections["reply"][1:] == expected.lines
        assert any("last word\ufffd" in row for row in app.rows)


async def test_pieces_behind_the_end_are_shown_when_it_is_told() -> None:
    turn = make_turn(0, "one ", thinking="hm")
    app = TranscriptStage([turn])
    async with app.run_test(size=(60, 20)) as pilot:
        turn.parts.append("two")
        turn.thinking.append("so")
        app.transcript.turn_changed(turn)
        await pilot.pause()
        assert app.row_of("one two")
        app.transcript.turn_changed(turn)
        turn.thinking.append("more")
        app.transcript.turn_changed(turn)
        app.transcript.focus()
        await pilot.press("t")
        assert app.row_of("hmsomore")


async def test_another_attempt_begins_anew() -> None:
    turn = make_turn(0, "old words", state=TurnState.FAILED)
    app = TranscriptStage([turn])
    async with app.run_test(size=(60, 20)) as pilot:
        turn.revision += 1
        turn.parts = []
        turn.state = TurnState.QUEUED
        app.transcript.turn_changed(turn)
        await pilot.pause()
        assert not any("old words" in row or "Retry" in row for row in app.rows)
        turn.state = TurnState.STREAMING
        turn.parts.append("new words")
        await draw(pilot)
        assert app.row_of("new words")


async def test_a_turn_is_added_once() -> None:
    turn = make_turn(0, "reply")
    app = TranscriptStage()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.add_turn(turn)
        app.transcript.add_turn(turn)
        app.transcript.turn_changed(make_turn(7))
        await pilot.pause()
        assert app.transcript.turns == [turn]
        assert app.row_of("question 0") == 0


async def test_waiting_is_told_with_its_seconds() -> None:
    turn = make_turn(0, state=TurnState.QUEUED)
    app = TranscriptStage([turn])
    async with app.run_test(size=(60, 20)) as pilot:
        assert any("waiting 0 s" in row for row in app.rows)
        app.clock.seconds = 7
        await draw(pilot)
        assert any("waiting 7 s" in row for row in app.rows)


# Following the end ------------------------------------------------------------------------------


def at_end(app: TranscriptStage) -> bool:
    transcript = app.transcript
    return round(transcript.scroll_y) == transcript.max_scroll_y


def follows(app: TranscriptStage) -> bool:
    """Whether the view follows the end by now."""
    return app.transcript.following


def runs(app: TranscriptStage) -> bool:
    """Whether the frame clock runs by now."""
    return app.frames.running


async def test_at_the_end_it_follows() -> None:
    turn = make_turn(0, paragraphs("a", 30), state=TurnState.STREAMING)
    app = TranscriptStage([turn])
    async with app.run_test(size=(60, 20)) as pilot:
        for number in range(5):
            turn.parts.append(f"new {number}\n\n")
            await draw(pilot)
            assert follows(app)
            assert at_end(app)
            assert app.row_of(f"new {number}") >= app.transcript.size.height - 2


async def test_following_through_growth_in_the_middle() -> None:
    turns = [
        make_turn(0, paragraphs("a", 30)),
        make_turn(1, state=TurnState.STREAMING),
        make_turn(2, "the last"),
    ]
    app = TranscriptStage(turns)
    async with app.run_test(size=(60, 20)) as pilot:
        before = app.row_of("the last")
        for number in range(8):
            turns[1].parts.append(f"new {number}\n\n")
            await draw(pilot)
            assert app.row_of("the last") == before
        assert at_end(app)


async def test_scrolled_back_it_stays_and_tells_what_is_new() -> None:
    turn = make_turn(0, paragraphs("a", 40), state=TurnState.STREAMING)
    app = TranscriptStage([turn])
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.focus()
        await pilot.press("pageup")
        assert not follows(app)
        assert "\u2193 End" in app.rows[-1]
        before = app.rows[:-1]
        turn.parts.append("new\n\n" * 3)
        await draw(pilot)
        assert app.rows[:-1] == before
        assert app.transcript.new_rows == 6
        assert "\u2193 6 new lines (End)" in app.rows[-1]
        assert ("follow", False, 6) in app.said


async def test_scrolled_back_it_stays_while_a_turn_above_grows() -> None:
    turns = [
        make_turn(0, state=TurnState.STREAMING),
        make_turn(1, paragraphs("b", 60)),
        make_turn(2, state=TurnState.STREAMING),
    ]
    app = TranscriptStage(turns)
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.focus()
        await pilot.press("home", "pagedown", "pagedown")
        before = app.rows[:-1]
        assert any("b line" in row for row in before)
        for _ in range(5):
            turns[0].parts.append("above\n\n")
            await draw(pilot)
            assert app.rows[:-1] == before
        # That is not news from below; this is.
        assert app.transcript.new_rows == 0
        turns[2].parts.append("below\n\nbelow")
        await draw(pilot)
        assert app.rows[:-1] == before
        assert app.transcript.new_rows > 0


async def test_what_is_in_sight_grows_downwards() -> None:
    turns = [make_turn(0, "x\n\n", state=TurnState.STREAMING), make_turn(1, paragraphs("b", 60))]
    app = TranscriptStage(turns)
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.focus()
        await pilot.press("home")
        turns[0].parts.append("more\n\nand more")
        await draw(pilot)
        assert app.row_of("question 0") == 0
        assert app.row_of("and more") < app.row_of("question 1")


@pytest.mark.parametrize("way", ["key", "click", "wheel"])
async def test_ways_back_to_the_end(way: str) -> None:
    turn = make_turn(0, paragraphs("a", 40), state=TurnState.STREAMING)
    app = TranscriptStage([turn])
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.focus()
        await pilot.press("up", "up")
        turn.parts.append("new\n\nnewer\n\n")
        await draw(pilot)
        assert not follows(app)
        if way == "key":
            await pilot.press("end")
        elif way == "click":
            row = app.transcript.size.height - 1
            await pilot.click(app.transcript, offset=(app.rows[row].index("new lines"), row))
        else:
            for _ in range(10):
                app.transcript.scroll_relative(y=3, animate=False)
                await pilot.pause()
        await pilot.pause()
        assert follows(app)
        assert app.transcript.new_rows == 0
        assert app.said[-1] == ("follow", True, 0)
        assert "End" not in app.rows[-1]
        turn.parts.append("newest")
        await draw(pilot)
        assert at_end(app)
        assert app.row_of("newest")


async def test_an_animated_scroll_arrives() -> None:
    """A click on the bar pages with an animation, which keeping the place must not cut short."""
    turn = make_turn(0, paragraphs("a", 60), state=TurnState.STREAMING)
    app = TranscriptStage([turn])
    async with app.run_test(size=(60, 20)) as pilot:
        before = app.transcript.scroll_y
        app.transcript.scroll_page_up(duration=0.1)
        for _ in range(100):
            turn.parts.append("new\n\n")
            await draw(pilot)
            if app.transcript.scroll_y <= before - 15:
                break
            await pilot.pause(0.01)
        assert before - app.transcript.scroll_y >= 15


async def test_the_hint_fits_a_narrow_pane() -> None:
    turn = make_turn(0, paragraphs("a", 60), state=TurnState.STREAMING)
    app = TranscriptStage([turn])
    for width in (12, 18, 24):
        async with app.run_test(size=(width, 20)) as pilot:
            app.transcript.focus()
            await pilot.press("up", "up")
            turn.parts.append("new\n\n" * 12)
            await draw(pilot)
            strip = app.transcript.render_line(app.transcript.size.height - 1)
            assert cell_len(strip.text) == app.transcript.size.width
            assert "\u2193" in strip.text
        app = TranscriptStage([turn])


# Hidden, resized --------------------------------------------------------------------------------


class Layouts:
    """Counts the turns that are laid out, and the frames that ask a turn for news."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.laid_out: list[int] = []
        self.updated: list[int] = []
        lay_out, update = TurnRows.lay_out, TurnRows.update

        def counting(view: TurnRows) -> None:
            self.laid_out.append(view.index)
            lay_out(view)

        def counting_update(view: TurnRows) -> object:
            self.updated.append(view.index)
            return update(view)

        monkeypatch.setattr(TurnRows, "lay_out", counting)
        monkeypatch.setattr(TurnRows, "update", counting_update)

    def clear(self) -> None:
        """Begin anew."""
        self.laid_out.clear()
        self.updated.clear()


@pytest.mark.parametrize("following", [True, False])
async def test_hidden_it_does_nothing_and_takes_all_when_shown(
    monkeypatch: pytest.MonkeyPatch, following: bool
) -> None:
    turn = make_turn(0, paragraphs("a", 30), state=TurnState.STREAMING)
    app = TranscriptStage([turn])
    async with app.run_test(size=(60, 20)) as pilot:
        if not following:
            app.transcript.focus()
            await pilot.press("pageup")
        before = app.rows
        app.frames.attach(app.transcript)
        app.pane.display = False
        await pilot.pause()
        layouts = Layouts(monkeypatch)
        for number in range(20):
            turn.parts.append(f"new {number}\n\n")
            app.frames.wake()
            app.frames.tick()
            app.transcript.on_frame()
        second = make_turn(1, state=TurnState.QUEUED)
        app.transcript.add_turn(second)
        turn.parts.append("the end")
        turn.state = TurnState.COMPLETED
        app.transcript.turn_changed(turn)
        await pilot.pause()
        assert not layouts.laid_out
        assert not layouts.updated
        app.frames.tick()
        assert not runs(app)
        app.pane.display = True
        await pilot.pause()
        await pilot.pause()
        # Nobody said anything more, and it is all there; the clock runs for the one that waits.
        assert runs(app)
        assert any("the end" in row for row in app.whole)
        assert any("question 1" in row for row in app.whole)
        if following:
            assert at_end(app)
            assert app.row_of("the end") < app.row_of("question 1") < app.row_of("waiting")
        else:
            assert app.rows[:-1] == before[:-1]
            assert app.transcript.new_rows > 40


async def test_a_turn_added_out_of_sight_comes_when_shown() -> None:
    app = TranscriptStage([make_turn(0, "reply")])
    async with app.run_test(size=(60, 20)) as pilot:
        app.pane.display = False
        await pilot.pause()
        app.transcript.add_turn(make_turn(1, "another"))
        app.transcript.set_notice("news")
        app.pane.display = True
        await pilot.pause()
        await pilot.pause()
        assert app.row_of("news") < app.row_of("reply") < app.row_of("another")


@pytest.mark.parametrize("following", [True, False])
async def test_a_resize_lays_out_only_what_is_in_sight(
    monkeypatch: pytest.MonkeyPatch, following: bool
) -> None:
    turns = [make_turn(n, paragraphs(f"t{n}", 6)) for n in range(200)]
    app = TranscriptStage(turns)
    layouts = Layouts(monkeypatch)
    async with app.run_test(size=(60, 24)) as pilot:
        # Opened at the end: three or four of two hundred are seen.
        assert 1 <= len(set(layouts.laid_out)) <= 8
        assert app.row_of("t199 line 5")
        if not following:
            app.transcript.focus()
            app.transcript._go_to(1000)
            await pilot.pause()
            top = app.rows[0]
            assert top or app.rows[1]
        anchor = app.transcript._anchor
        layouts.clear()
        await pilot.resize_terminal(40, 24)
        await pilot.pause()
        assert 1 <= len(set(layouts.laid_out)) <= 8, layouts.laid_out
        assert len(layouts.laid_out) <= 16
        if following:
            assert at_end(app)
            assert app.row_of("t199 line 5")
        else:
            assert app.transcript._anchor[0] == anchor[0]
            assert not at_end(app)
        layouts.clear()
        await pilot.resize_terminal(40, 20)
        await pilot.pause()
        assert len(layouts.laid_out) <= 2


async def test_scrolling_through_everything_shows_every_row_once() -> None:
    turns = [make_turn(n, paragraphs(f"t{n}", n % 7)) for n in range(30)]
    app = TranscriptStage(turns)
    async with app.run_test(size=(60, 20)):
        seen: list[str] = []
        for _ in range(400):
            row = app.rows[0]
            seen.append(row)
            if app.transcript.scroll_y == 0:
                break
            app.transcript.action_scroll_up()
        seen.reverse()
        numbers = [row for row in seen if " line " in row]
        assert len(numbers) == len(set(numbers))
        wanted = [f"  t{n} line {k}" for n in range(30) for k in range(n % 7)]
        assert numbers == wanted[: len(numbers)]
        assert len(numbers) > len(wanted) - 20


async def test_a_frame_without_news_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = make_turn(0, "words", state=TurnState.STREAMING)
    app = TranscriptStage([turn])
    async with app.run_test(size=(60, 20)) as pilot:
        await draw(pilot)
        drawn: list[object] = []
        monkeypatch.setattr(app.transcript, "refresh", lambda *regions, **_: drawn.extend(regions))
        assert app.transcript.on_frame()
        assert drawn == []
        turn.parts.append(" more")
        app.transcript.on_frame()
        # The row of the reply, and the header with its count: not the whole screen.
        assert {region.height for region in drawn if hasattr(region, "height")} == {1}


# Hostile text -----------------------------------------------------------------------------------

HOSTILE = (
    "\x1b]0;owned\x07\x9b2J\x1b[2J [bold]x[/bold] [/] [/INST] [x=1: \u202etxt.exe\u2066 "
    "a\u0301" + "\u0301" * 300 + " \ud83d \u200b\u200b [link=http://x]y[/link]"
)


@pytest.mark.parametrize("size", [(60, 30), (14, 40)])
async def test_hostile_text_is_shown_as_text(size: tuple[int, int]) -> None:
    turn = make_turn(0, HOSTILE, question=HOSTILE, thinking=HOSTILE, state=TurnState.FAILED)
    turn.model = turn.note = HOSTILE
    turn.hints = (HOSTILE,)
    app = TranscriptStage([turn])
    async with app.run_test(size=size, notifications=True) as pilot:
        app.transcript.set_notice(HOSTILE)
        app.transcript.focus()
        await pilot.press("t", "y", "home", "end")
        for y in range(app.transcript.size.height):
            strip = app.transcript.render_line(y)
            assert strip.cell_length == cell_len(strip.text) == app.transcript.size.width
        everything = "\n".join(app.whole)
        assert not any(char in everything for char in "\x1b\x07\x9b\u202e\u2066\u0000")
        assert everything.replace("\n", "").count("INST") >= 3
        copied = [said for said in app.said if isinstance(said, tuple) and said[0] == "copied"]
        assert copied == [("copied", "reply", sanitize(HOSTILE))]


async def test_a_hundred_thousand_characters_without_a_space() -> None:
    turn = make_turn(0, "x" * 100_000, question="q" * 100_000)
    app = TranscriptStage([turn])
    async with app.run_test(size=(60, 20)):
        joined = "".join(row.strip() for row in app.whole)
        assert joined.count("x") == joined.count("q") == 100_000
        assert at_end(app)


async def test_wide_characters_fill_rows_exactly() -> None:
    turn = make_turn(0, "\u4e2d\u6587" * 100 + " \U0001f469\u200d\U0001f467" * 30)
    app = TranscriptStage([turn])
    for width in (23, 40, 61):
        async with app.run_test(size=(width, 20)):
            for y in range(app.transcript.size.height):
                strip = app.transcript.render_line(y)
                assert strip.cell_length == cell_len(strip.text) == app.transcript.size.width
        app = TranscriptStage([turn])


# Thinking ---------------------------------------------------------------------------------------


async def test_thinking_is_shown_until_the_reply_begins() -> None:
    turn = make_turn(0, state=TurnState.STREAMING)
    app = TranscriptStage([turn])
    async with app.run_test(size=(60, 20)) as pilot:
        for word in ("First I ", "think.\n\nThen ", "more."):
            turn.thinking.append(word)
            await draw(pilot)
        assert app.row_of("\u25be thinking") < app.row_of("\u250a First I think.")
        assert app.row_of("\u250a Then more.")
        turn.parts.append("The reply")
        await draw(pilot)
        assert app.row_of("\u25b8 thinking") < app.row_of("The reply")
        assert not any("First I think" in row for row in app.rows)
        app.transcript.focus()
        await pilot.press("t")
        assert app.row_of("First I think.") < app.row_of("The reply")
        turn.thinking.append(" And after.")
        await draw(pilot)
        assert app.row_of("Then more. And after.")
        await pilot.click(app.transcript, offset=(4, app.row_of("\u25be thinking")))
        assert not any("First I think" in row for row in app.rows)
        await pilot.click(app.transcript, offset=(4, app.row_of("\u25b8 thinking")))
        assert app.row_of("First I think.")


async def test_thinking_fits_after_a_resize() -> None:
    turn = make_turn(0, thinking="many words of thought " * 20, state=TurnState.STREAMING)
    app = TranscriptStage([turn])
    async with app.run_test(size=(80, 30)) as pilot:
        for width in (50, 70, 30):
            await pilot.resize_terminal(width, 30)
            await pilot.pause()
            rows = [row for row in app.rows if "\u250a" in row]
            assert len(rows) > 3
            assert max(map(len, rows)) <= app.transcript.size.width - 1
            # And it wraps at that width as if it had always been this one.
            expected = Document(app.transcript.size.width - 3 - 2)
            expected.feed(turn.thinking[0])
            expected.update()
            assert [row.partition("\u250a ")[2] for row in rows] == [
                line.text for line in expected.lines
            ]


async def test_collapsed_thinking_is_not_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = make_turn(0, "reply", thinking="t", state=TurnState.STREAMING)
    app = TranscriptStage([turn])
    async with app.run_test(size=(60, 20)) as pilot:
        view = app.transcript._views[0]
        assert view._thinking is not None
        updates: list[int] = []
        document = view._thinking.document

        def counted() -> int:
            updates.append(1)
            return 0

        monkeypatch.setattr(document, "update", counted)
        turn.thinking.append("more " * 100)
        await draw(pilot)
        assert updates == []

"""Finding words in a conversation."""

from __future__ import annotations

import pytest

from ccchat_tui.sessions.model import Turn, TurnState
from ccchat_tui.testing.app import AppUnderTest, scripted_app
from ccchat_tui.tui.widgets.transcript_find import hits_in
from ccchat_tui.tui.widgets.transcript_turn import TurnRows
from tests.support.transcripts import StillClock, TranscriptStage, make_turn, paragraphs

SIZE = (140, 44)


def rows_of(turn: Turn, width: int = 40) -> TurnRows:
    """A turn, laid out."""
    view = TurnRows(turn, 0, width, StillClock())
    view.lay_out()
    return view


def shown(view: TurnRows, words: str) -> list[str]:
    """The very characters that would be marked, hit by hit."""
    found = []
    for hit in hits_in(view, words):
        texts = []
        for row, begin, end in hit.spans:
            line = view.line(row)
            assert line is not None
            texts.append(line[0].text[begin:end])
        found.append("|".join(texts))
    return found


class TestHits:
    """Where words stand in a turn."""

    def test_in_question_and_reply_whatever_the_case(self) -> None:
        view = rows_of(make_turn(0, "An Apple, an APPLE, apples", question="apple?"))
        assert shown(view, "apple") == ["apple", "Apple", "APPLE", "apple"]

    def test_markdown_does_not_stand_between(self) -> None:
        view = rows_of(make_turn(0, "**app**le and `co`de"))
        assert shown(view, "apple") == ["apple"]
        assert shown(view, "code") == ["code"]

    def test_over_the_end_of_a_row(self) -> None:
        view = rows_of(make_turn(0, "word " * 12 + "the very end of it"), width=30)
        (text,) = shown(view, "the very end of")
        assert text.replace("|", " ").split() == ["the", "very", "end", "of"]
        whole = " ".join(shown(view, "word word word word word word")).replace("|", " ")
        assert whole.split() == ["word"] * 12

    def test_in_a_quote_without_its_bar(self) -> None:
        view = rows_of(make_turn(0, "> " + "many words here " * 6), width=30)
        for text in shown(view, "here many words"):
            assert text.replace("|", " ").split() == ["here", "many", "words"]
        assert len(shown(view, "here many words")) == 5

    def test_in_code_and_tables(self) -> None:
        view = rows_of(
            make_turn(0, "```py\nneedle = 1\n```\n\n| a | b |\n|---|---|\n| needle | 2 |")
        )
        assert shown(view, "needle") == ["needle", "needle"]

    def test_small_letters_that_are_longer_move_nothing(self) -> None:
        view = rows_of(make_turn(0, "\u0130\u0130\u0130 needle"))
        assert shown(view, "needle") == ["needle"]

    def test_overlapping_ones_count_once(self) -> None:
        assert shown(rows_of(make_turn(0, "aaaa", question="q")), "aa") == ["aa", "aa"]


class TestInATranscript:
    """From one place to the next."""

    async def test_the_nearest_above_is_chosen_and_the_next_ones_come_into_sight(self) -> None:
        turns = [make_turn(n, paragraphs(f"t{n}", 12) + f"needle {n}") for n in range(6)]
        app = TranscriptStage(turns)
        async with app.run_test(size=(60, 20)) as pilot:
            transcript = app.transcript
            transcript.find("NEEDLE")
            assert transcript.found == (6, 6)
            for expected in (1, 2, 3):
                transcript.find_next(1)
                await pilot.pause()
                assert transcript.found == (expected, 6)
                assert app.row_of(f"needle {expected - 1}") >= 0
            transcript.find_next(-1)
            assert transcript.found == (2, 6)
            transcript.find("")
            assert transcript.found == (0, 0)

    async def test_hits_are_marked_and_the_chosen_one_otherwise(self) -> None:
        app = TranscriptStage([make_turn(0, "needle\n\nneedle\n\nhay")])
        async with app.run_test(size=(60, 20)) as pilot:
            first, second = (y for y, row in enumerate(app.rows) if "needle" in row)
            before = [app.transcript.render_line(y) for y in (first, second)]
            app.transcript.find("needle")
            await pilot.pause()
            marked = [app.transcript.render_line(y) for y in (first, second)]
            styles = []
            for strip in marked:
                (segment,) = [each for each in strip if each.text == "needle"]
                assert segment.style is not None
                styles.append((bool(segment.style.reverse), bool(segment.style.underline)))
            # Not told by colour alone.
            assert styles == [(False, True), (True, False)]
            app.transcript.find("")
            assert [app.transcript.render_line(y) for y in (first, second)] == before

    async def test_while_a_reply_streams_the_chosen_one_stays_and_the_count_grows(self) -> None:
        turns = [make_turn(0, "needle one", state=TurnState.STREAMING), make_turn(1, "needle two")]
        app = TranscriptStage(turns)
        async with app.run_test(size=(60, 30)) as pilot:
            app.transcript.find("needle")
            assert app.transcript.found == (2, 2)
            turns[0].parts.append("\n\nmore needle, and nee")
            app.transcript.on_frame()
            assert app.transcript.found == (3, 3)
            turns[0].parts.append("dle")
            app.transcript.on_frame()
            await pilot.pause()
            assert app.transcript.found == (4, 4)

    async def test_another_width_finds_the_same(self) -> None:
        app = TranscriptStage([make_turn(n, "some hay and a needle in it") for n in range(8)])
        async with app.run_test(size=(60, 20)) as pilot:
            app.transcript.find("a needle in")
            assert app.transcript.found == (8, 8)
            await pilot.resize_terminal(24, 20)
            await pilot.pause()
            assert app.transcript.found == (8, 8)

    async def test_of_very_many_turns_only_those_are_laid_out_that_may_hold_it(self) -> None:
        turns = [make_turn(n, "a **nee**dle" if n % 100 == 0 else "hay") for n in range(600)]
        app = TranscriptStage(turns)
        async with app.run_test(size=(60, 20)):
            app.transcript.find("a needle")
            assert app.transcript.found[1] == 6
            assert sum(view.laid_out for view in app.transcript._views) < 60


class TestInTheApp:
    """By keyboard."""

    async def started(self, app: AppUnderTest) -> None:
        await app.settle()
        await app.ask("Where is the needle?")
        await app.script.emit(0, "Hay.\n\nA needle.\n\nMore hay, another needle.")
        await app.settle()

    def told(self, app: AppUnderTest) -> str:
        return str(app.pane.find_bar._count.render())

    async def test_ctrl_f_counts_steps_and_goes_back(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await self.started(app)
            await pilot.press(*"draft", "ctrl+f", *"needle")
            assert app.pane.composer.text == "draft"
            assert self.told(app).startswith("3 of 3")
            await pilot.press("enter")
            assert self.told(app).startswith("1 of 3")
            await pilot.press("up")
            assert self.told(app).startswith("3 of 3")
            await app.script.emit(0, " And a third needle.")
            await app.settle()
            assert self.told(app).startswith("3 of 4")
            await pilot.press("x")
            assert self.told(app).startswith("nothing found")
            await pilot.press("escape")
            assert app.pane.composer.has_focus
            assert not app.pane.find_bar.display
            # The reply was not cancelled by that.
            assert app.session(1).turns[0].state is TurnState.STREAMING
            assert app.pane.transcript.found == (0, 0)
            # What was looked for last can be typed over.
            await pilot.press("ctrl+f", *"hay")
            assert app.pane.find_bar.line.value == "hay"
            assert self.told(app).startswith("2 of 2")

    @pytest.mark.parametrize("words", ["needle", "[/needle]"])
    async def test_as_a_command(self, words: str) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await self.started(app)
            app.pane.composer.set_draft(f"/find {words}")
            await pilot.press("enter")
            await app.settle()
            assert app.pane.find_bar.line.value == words
            assert app.pane.find_bar.line.has_focus
            assert app.pane.transcript.found[1] == (3 if words == "needle" else 0)

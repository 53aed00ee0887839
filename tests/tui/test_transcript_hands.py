"""What a person does in a transcript: keys, clicks, selecting and copying."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from ccchat_tui.sessions.model import TurnState
from tests.support.transcripts import TranscriptStage, make_turn, paragraphs

TWO_BLOCKS = "Text\n\n```py\nfirst = 1\n```\n\nand\n\n```make\nall:\n\tcc x\n```\n"


def copied(app: TranscriptStage) -> list[object]:
    """What has been put on the clipboard, as it was told."""
    return [said for said in app.said if isinstance(said, tuple) and said[0] == "copied"]


async def test_y_copies_the_reply_as_it_was_written() -> None:
    turn = make_turn(0, "Some **bold** text\n\x1b[2J")
    app = TranscriptStage([make_turn(9, "earlier"), turn])
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.focus()
        await pilot.press("y")
        assert app.clipboard == "Some **bold** text\n\u241b[2J"
        assert copied(app) == [("copied", "reply", app.clipboard)]
        await pilot.press("left_square_bracket", "y")
        assert app.clipboard == "earlier"


async def test_c_copies_code_blocks_the_last_first_and_round_again() -> None:
    app = TranscriptStage([make_turn(0, TWO_BLOCKS)])
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.focus()
        await pilot.press("c", "c", "c")
        assert copied(app) == [
            ("copied", "code block 2 of 2", "all:\n\tcc x"),
            ("copied", "code block 1 of 2", "first = 1"),
            ("copied", "code block 2 of 2", "all:\n\tcc x"),
        ]


async def test_keys_without_anything_to_do_do_nothing() -> None:
    app = TranscriptStage()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.focus()
        keys = ("y", "c", "r", "x", "t", "left_square_bracket", "right_square_bracket")
        await pilot.press(*keys, "home", "end", "up", "down", "pageup", "pagedown")
        app.transcript.add_turn(make_turn(0))
        await pilot.press(*keys)
        assert app.said == []


async def test_r_and_x_ask_for_the_newest_that_fits_or_the_chosen_one() -> None:
    turns = [
        make_turn(0, "a", state=TurnState.FAILED),
        make_turn(1, "b", state=TurnState.STREAMING),
        make_turn(2, "c", state=TurnState.CANCELLED),
        make_turn(3, "d", state=TurnState.QUEUED),
        make_turn(4, "e"),
    ]
    app = TranscriptStage(turns)
    async with app.run_test(size=(60, 50)) as pilot:
        app.transcript.focus()
        await pilot.press("r", "x")
        assert app.said == [("retry", "turn-2"), ("cancel", "turn-3")]
        # With the cursor on a turn only this one is meant.
        app.said.clear()
        await pilot.press(*["left_square_bracket"] * 4)
        await pilot.press("x", "r")
        assert app.said == [("retry", "turn-0")]
        app.said.clear()
        await pilot.press("right_square_bracket", "r", "x")
        assert app.said == [("cancel", "turn-1")]


@pytest.mark.parametrize(
    "state", [TurnState.FAILED, TurnState.CANCELLED, TurnState.TIMED_OUT, TurnState.INTERRUPTED]
)
async def test_retry_can_be_clicked(state: TurnState) -> None:
    turns = [make_turn(0, "a", state=state), make_turn(1, "b")]
    app = TranscriptStage(turns)
    async with app.run_test(size=(60, 30)) as pilot:
        y = app.row_of("Retry")
        await pilot.click(app.transcript, offset=(app.rows[y].index("Retry"), y))
        assert app.said == [("retry", "turn-0")]
        # Beside the button a click asks for nothing.
        await pilot.click(app.transcript, offset=(40, y))
        assert app.said == [("retry", "turn-0")]


async def test_the_words_retry_in_a_reply_are_no_button() -> None:
    app = TranscriptStage([make_turn(0, "\u21bb Retry \u25b8 thinking")])
    async with app.run_test(size=(60, 30)) as pilot:
        y = app.row_of("Retry")
        await pilot.click(app.transcript, offset=(app.rows[y].index("Retry"), y))
        assert app.said == []


async def test_stepping_through_turns_shows_each_of_them() -> None:
    turns = [make_turn(n, paragraphs(f"t{n}", 8)) for n in range(5)]
    app = TranscriptStage(turns)
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.focus()
        for number in (3, 2, 1, 0, 0):
            await pilot.press("left_square_bracket")
            row = app.row_of(f"question {number}")
            assert row <= 1
        for number in (1, 2, 3, 4):
            await pilot.press("right_square_bracket")
            assert app.row_of(f"question {number}") <= 1
        await pilot.press("right_square_bracket")
        assert app.transcript.following


async def drag(pilot: Pilot[None], begin: tuple[int, int], end: tuple[int, int]) -> None:
    """Select with the mouse, from one cell to another."""
    app = pilot.app
    assert isinstance(app, TranscriptStage)
    await pilot.mouse_down(app.transcript, offset=begin)
    await pilot.hover(app.transcript, offset=end)
    await pilot.mouse_up(app.transcript, offset=end)
    await pilot.pause()


async def test_wrapped_lines_are_copied_as_one() -> None:
    text = " ".join(f"word{number}" for number in range(30))
    app = TranscriptStage([make_turn(0, text)])
    async with app.run_test(size=(40, 20)) as pilot:
        top = app.row_of("word0 ")
        last = app.row_of("word29")
        assert last - top >= 4
        await drag(pilot, (2, top), (38, last))
        assert app.screen.get_selected_text() == text
        # It is seen on the screen, too.
        plain = app.transcript.render_line(top)
        app.screen.clear_selection()
        await pilot.pause()
        assert app.transcript.render_line(top) != plain


async def test_a_part_of_a_row_is_copied_to_the_character() -> None:
    app = TranscriptStage([make_turn(0, "one two three four")])
    async with app.run_test(size=(40, 20)) as pilot:
        y = app.row_of("one two")
        await drag(pilot, (6, y), (11, y))
        assert app.screen.get_selected_text() == "two th"


async def test_behind_wide_characters_the_right_ones_are_copied() -> None:
    app = TranscriptStage([make_turn(0, "\u4e2d\u6587\u5b57 abc def")])
    async with app.run_test(size=(40, 20)) as pilot:
        y = app.row_of("abc")
        await drag(pilot, (2 + 7, y), (2 + 9, y))
        assert app.screen.get_selected_text() == "abc"


async def test_code_is_selected_without_its_margin() -> None:
    app = TranscriptStage(
        [make_turn(0, "```py\nif x:\n    y = 1\n```\n\n> quoted\n> more\n\n- item")]
    )
    async with app.run_test(size=(40, 24)) as pilot:
        await drag(pilot, (2, app.row_of("if x:")), (38, app.row_of("y = 1")))
        assert app.screen.get_selected_text() == "if x:\n    y = 1"
        await drag(pilot, (2, app.row_of("quoted")), (38, app.row_of("item")))
        assert app.screen.get_selected_text() == "quoted\nmore\n\n\u2022 item"


async def test_a_selection_stays_on_its_words_while_replies_grow() -> None:
    turns = [make_turn(0, "x", state=TurnState.STREAMING), make_turn(1, "pick these words")]
    app = TranscriptStage(turns)
    async with app.run_test(size=(40, 30)) as pilot:
        y = app.row_of("pick these")
        await drag(pilot, (7, y), (11, y))
        assert app.screen.get_selected_text() == "these"
        turns[0].parts.append("\n\nmore\n\nand more")
        app.transcript.on_frame()
        await pilot.pause()
        assert app.row_of("pick these") > y
        assert app.screen.get_selected_text() == "these"


async def test_a_selection_over_turns_takes_what_lies_between() -> None:
    app = TranscriptStage([make_turn(n, f"reply {n}") for n in range(3)])
    async with app.run_test(size=(40, 30)) as pilot:
        await drag(pilot, (2, app.row_of("reply 0")), (20, app.row_of("reply 2")))
        text = app.screen.get_selected_text()
        assert text is not None
        assert text.startswith("reply 0\n\nquestion 1\n")
        assert text.endswith("reply 2")


async def test_a_double_click_selects_the_turn() -> None:
    app = TranscriptStage([make_turn(0, "one"), make_turn(1, "two\n\nthree")])
    async with app.run_test(size=(40, 30)) as pilot:
        await pilot.click(app.transcript, offset=(3, app.row_of("two")), times=2)
        await pilot.pause()
        text = app.screen.get_selected_text()
        assert text is not None
        assert "two\n\nthree" in text
        assert "one" not in text


async def test_everything_can_be_selected() -> None:
    turns = [make_turn(n, paragraphs(f"t{n}", 20)) for n in range(10)]
    app = TranscriptStage(turns)
    async with app.run_test(size=(40, 20)):
        from textual.selection import SELECT_ALL  # noqa: PLC0415

        selected = app.transcript.get_selection(SELECT_ALL)
        assert selected is not None
        assert all(f"t{n} line {k}" in selected[0] for n in range(10) for k in range(20))

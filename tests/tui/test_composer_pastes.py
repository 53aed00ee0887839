"""What is pasted into the composer: made harmless, folded if it is large, sent whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccchat_tui.tui.widgets.composer_pastes import (
    EDITOR_CHARACTERS,
    FOLD_CHARACTERS,
    FOLD_LINES,
    Pastes,
)
from tests.tui.test_composer import Desk, paste, write

MEGABYTE = "0123456789abcde\n" * 65_536


async def test_a_megabyte_is_folded_into_a_token_and_sent_whole() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "see ")
        await paste(pilot, app, MEGABYTE)
        await write(pilot, " ok")
        assert app.composer.text == "see [pasted 1,048,576 characters] ok"
        await pilot.press("enter")
        assert app.sent == [f"see {MEGABYTE} ok"]
        assert app.composer.text == ""


async def test_undo_after_sending_brings_the_paste_back_whole() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await paste(pilot, app, MEGABYTE)
        await pilot.press("enter", "ctrl+z", "enter")
        assert app.sent == [MEGABYTE, MEGABYTE]


async def test_recalling_a_sent_paste_sends_it_whole_again() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await paste(pilot, app, MEGABYTE)
        await pilot.press("enter")
        app.composer.history.clear()
        await pilot.press(*"next", "enter", "up", "up", "enter")
        assert app.sent == [MEGABYTE, "next", MEGABYTE]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
async def test_however_the_terminal_ends_pasted_lines_they_are_lines(end: str) -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await paste(pilot, app, f"one{end}two{end}{end}three")
        assert app.composer.text == "one\ntwo\n\nthree"
        assert app.sent == []


async def test_escape_codes_are_made_visible_and_harmless() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await paste(pilot, app, "a\x1b]0;title\x07b\x9b2Jc\u202ed")
        assert app.composer.text == "a␛]0;title␇b\ufffd2Jc\ufffdd"
        await pilot.press("enter")
        assert app.sent == ["a␛]0;title␇b\ufffd2Jc\ufffdd"]


async def test_a_paste_takes_the_place_of_the_selection() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "abc")
        await pilot.press("shift+left", "shift+left")
        await paste(pilot, app, "XY")
        assert app.composer.text == "aXY"
        assert app.composer.cursor_location == (0, 3)


async def test_a_token_is_passed_and_deleted_as_one_character() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "a")
        await paste(pilot, app, MEGABYTE)
        await write(pilot, "b")
        await pilot.press("left", "left")
        assert app.composer.cursor_location == (0, 1)
        await pilot.press("right", "backspace")
        assert app.composer.text == "ab"
        await pilot.press("enter")
        assert app.sent == ["ab"]


async def test_nothing_can_be_typed_into_a_token() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await paste(pilot, app, MEGABYTE)
        app.composer.move_cursor((0, 5))
        await write(pilot, "x")
        assert app.composer.text == "x[pasted 1,048,576 characters]"
        assert app.composer.full_text == f"x{MEGABYTE}"


@pytest.mark.parametrize("select", ["f7", "f6", "right"])
async def test_cutting_spells_the_token_out_in_the_clipboard(select: str) -> None:
    """With all selected, with the line selected, and with nothing selected (then the line goes)."""
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await paste(pilot, app, MEGABYTE)
        await pilot.press(select, "ctrl+x")
        assert app.composer.text == ""
        assert app.clipboard == MEGABYTE
        await pilot.press("ctrl+v", "enter")
        assert app.sent == [MEGABYTE]


async def test_pastes_that_are_needed_no_more_are_forgotten() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        for number in range(3):
            await paste(pilot, app, f"{number}{MEGABYTE}")
            await pilot.press("enter")
        assert len(app.composer._pastes) == 3, "recall and undo still need them"
        app.composer.history.clear()
        app.composer.prompts = type(app.composer.prompts)()
        await write(pilot, "x")
        await pilot.press("enter")
        assert len(app.composer._pastes) == 0


async def test_a_draft_from_outside_is_made_harmless_and_folded() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "mine")
        app.composer.set_draft("a\x1bb")
        assert app.composer.text == "a␛b"
        await pilot.press("ctrl+z")
        assert app.composer.text == "mine"
        app.composer.set_draft(MEGABYTE)
        assert app.composer.text == "[pasted 1,048,576 characters]"
        assert app.composer.full_text == MEGABYTE


def test_what_is_folded_and_what_is_not() -> None:
    pastes = Pastes()
    assert not pastes.too_large("x" * FOLD_CHARACTERS, 0)
    assert pastes.too_large("x" * (FOLD_CHARACTERS + 1), 0)
    assert not pastes.too_large("\n" * FOLD_LINES, 0)
    assert pastes.too_large("\n" * (FOLD_LINES + 1), 0)
    assert not pastes.too_large("x", EDITOR_CHARACTERS - 1)
    assert pastes.too_large("x", EDITOR_CHARACTERS)


def test_two_pastes_of_one_length_are_told_apart() -> None:
    pastes = Pastes()
    one, two, again = pastes.fold("a" * 9_000), pastes.fold("b" * 9_000), pastes.fold("a" * 9_000)
    assert one == again == "[pasted 9,000 characters]"
    assert two == "[pasted 9,000 characters, 2]"
    assert pastes.expand(f"{two}-{one}") == "b" * 9_000 + "-" + "a" * 9_000


@given(st.lists(st.text(max_size=30), max_size=6), st.text(max_size=10))
def test_what_was_folded_is_spelled_out_to_the_character(texts: list[str], between: str) -> None:
    pastes = Pastes()
    if any("[pasted" in text for text in (*texts, between)):
        return
    tokens = [pastes.fold(text) for text in texts]
    assert pastes.expand(between.join(tokens)) == between.join(texts)
    pastes.forget_unused(tokens[:1])
    assert len(pastes) == len(set(tokens[:1]))

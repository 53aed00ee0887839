"""The composer, by the keys of somebody who writes in it."""

from __future__ import annotations

from textual import events, on
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.document._document import Selection
from textual.pilot import Pilot
from textual.widgets import Static

from ccchat_tui.tui.themes import variable_defaults
from ccchat_tui.tui.widgets.composer import MAX_ROWS, Composer
from ccchat_tui.tui.widgets.composer_history import PromptHistory


class Desk(App[None]):
    """A composer under something that changes, and whoever takes what it sends."""

    CSS = "#above { height: 1fr; } Composer { dock: bottom; }"

    def __init__(self, *, prompts: PromptHistory | None = None, answer: str = "accept") -> None:
        super().__init__()
        self.composer = Composer(prompts=prompts)
        self.answer = answer
        self.sent: list[str] = []
        self.cancels = 0

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults({"primary": "#4cc9f0"})

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(id="above", markup=False)
            yield self.composer

    def on_mount(self) -> None:
        self.composer.focus()

    @on(Composer.Submitted)
    def _taken(self, event: Composer.Submitted) -> None:
        self.sent.append(event.text)
        if self.answer == "accept":
            event.composer.accepted(event.text)
        elif self.answer == "refuse":
            event.composer.refused()

    @on(Composer.CancelRequested)
    def _cancel(self) -> None:
        self.cancels += 1


async def write(pilot: Pilot[None], text: str) -> None:
    """Type, character by character."""
    names = {" ": "space", "\n": "ctrl+j", ".": "full_stop", "?": "question_mark"}
    await pilot.press(*(names.get(char, char) for char in text))


async def paste(pilot: Pilot[None], app: Desk, text: str) -> None:
    """As a terminal with bracketed paste sends it."""
    app.composer.post_message(events.Paste(text))
    await pilot.pause()


# Sending ----------------------------------------------------------------------------------


async def test_enter_sends_and_the_box_is_empty_once_it_is_accepted() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "hello you")
        await pilot.press("enter")
        assert app.sent == ["hello you"]
        assert app.composer.text == ""


async def test_both_keys_make_a_new_line_and_enter_still_sends_all_of_it() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("a", "ctrl+j", "b", "shift+enter", "c")
        assert app.composer.text == "a\nb\nc"
        assert app.sent == []
        await pilot.press("up", "enter")
        assert app.sent == ["a\nb\nc"]
        assert app.composer.text == ""


async def test_white_space_alone_is_not_sent() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("enter", "space", "ctrl+j", "enter")
        assert app.sent == []
        assert app.composer.text == " \n"


async def test_the_text_stays_until_somebody_has_taken_it() -> None:
    app = Desk(answer="wait")
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "hello")
        await pilot.press("enter")
        assert app.sent == ["hello"]
        assert app.composer.text == "hello"
        app.composer.accepted("hello")
        assert app.composer.text == ""


async def test_enter_again_before_the_answer_sends_nothing_twice() -> None:
    app = Desk(answer="wait")
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "hello")
        await pilot.press("enter", "enter")
        assert app.sent == ["hello"]


async def test_a_refused_text_stays_and_can_be_sent_again() -> None:
    app = Desk(answer="refuse")
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "hello")
        await pilot.press("left", "enter")
        assert app.composer.text == "hello"
        assert app.composer.cursor_location == (0, 4)
        assert app.composer.prompts.prompts == ()
        app.answer = "accept"
        await pilot.press("enter")
        assert app.sent == ["hello", "hello"]
        assert app.composer.text == ""


async def test_what_is_typed_behind_enter_is_the_next_message() -> None:
    app = Desk(answer="wait")
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "one\ntwo")
        await pilot.press("enter")
        await write(pilot, "three")
        app.composer.accepted("one\ntwo")
        assert app.composer.text == "three"
        assert app.composer.cursor_location == (0, 5)
        await pilot.press("enter")
        assert app.sent == ["one\ntwo", "three"]


async def test_several_may_wait_for_their_answers_which_come_in_any_order() -> None:
    app = Desk(answer="wait")
    async with app.run_test(size=(60, 20)) as pilot:
        for text in ("one", "two", "three"):
            await write(pilot, text)
            await pilot.press("enter")
        await write(pilot, "four")
        assert app.sent == ["one", "two", "three"]
        app.composer.accepted("two")
        assert app.composer.text == "onethreefour"
        app.composer.accepted("one")
        app.composer.accepted("three")
        assert app.composer.text == "four"
        assert app.composer.prompts.prompts == ("two", "one", "three")


async def test_two_sends_in_a_row_are_two_messages() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press(*"one", "enter", *"two", "enter")
        assert app.sent == ["one", "two"]
        assert app.composer.text == ""


async def test_a_text_that_was_changed_before_its_answer_stays_whole() -> None:
    app = Desk(answer="wait")
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "hello")
        await pilot.press("enter", "home", "x")
        app.composer.accepted("hello")
        assert app.composer.text == "xhello"
        await pilot.press("enter")
        assert app.sent == ["hello", "xhello"]


async def test_a_text_that_was_changed_before_its_answer_is_sent_once_more_and_not_twice() -> None:
    app = Desk(answer="wait")
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "hello")
        await pilot.press("enter", "home", "x", "enter", "enter")
        assert app.sent == ["hello", "xhello"]
        app.composer.accepted("hello")
        app.composer.accepted("xhello")
        assert app.composer.text == ""


async def test_undo_brings_a_sent_text_back() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "hello")
        await pilot.press("enter", "ctrl+z")
        assert app.composer.text == "hello"
        await pilot.press("ctrl+y")
        assert app.composer.text == ""


async def test_undo_takes_the_sending_apart_from_what_was_deleted_before_and_after() -> None:
    app = Desk(answer="wait")
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "hellox")
        await pilot.press("backspace", "enter", "a", "b")
        app.composer.accepted("hello")
        await pilot.press("backspace")
        assert app.composer.text == "a"
        await pilot.press("ctrl+z")
        assert app.composer.text == "ab"
        await pilot.press("ctrl+z")
        assert app.composer.text == "helloab"


# The prompts before -------------------------------------------------------------------------


async def test_up_recalls_and_down_comes_back_to_the_draft_as_it_was_left() -> None:
    app = Desk(prompts=PromptHistory(["first", "second"]))
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "a draft")
        await pilot.press("left", "left", "shift+left")
        left = app.composer.selection
        assert left == Selection((0, 5), (0, 4))
        await pilot.press("up")
        assert app.composer.text == "second"
        await pilot.press("up", "up")
        assert app.composer.text == "first"
        await pilot.press("down")
        assert app.composer.text == "second"
        await pilot.press("down")
        assert app.composer.text == "a draft"
        assert app.composer.selection == left


async def test_a_cursor_at_the_very_beginning_comes_back_too() -> None:
    app = Desk(prompts=PromptHistory(["first"]))
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "a draft")
        await pilot.press("shift+home")
        left = app.composer.selection
        assert left == Selection((0, 7), (0, 0))
        await pilot.press("up", "down")
        assert app.composer.text == "a draft"
        assert app.composer.selection == left


async def test_up_moves_within_the_text_until_the_first_row() -> None:
    app = Desk(prompts=PromptHistory(["earlier"]))
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "one\ntwo")
        await pilot.press("up")
        assert app.composer.text == "one\ntwo"
        await pilot.press("up")
        assert app.composer.text == "earlier"


async def test_a_prompt_of_several_lines_is_walked_past_in_both_directions() -> None:
    app = Desk(prompts=PromptHistory(["old", "two\nlines"]))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("up", "up")
        assert app.composer.text == "old"
        await pilot.press("down")
        assert app.composer.text == "two\nlines"
        assert app.composer.cursor_location == (1, 5)
        await pilot.press("down")
        assert app.composer.text == ""


async def test_a_recalled_prompt_keeps_what_was_changed_in_it_while_one_browses() -> None:
    app = Desk(prompts=PromptHistory(["old", "new"]))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("up", "x", "up", "down")
        assert app.composer.text == "newx"
        assert app.composer.prompts.prompts == ("old", "new")


async def test_sending_an_earlier_prompt_again_brings_the_draft_back() -> None:
    app = Desk(prompts=PromptHistory(["again"]))
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "half a thought")
        await pilot.press("left", "up", "enter")
        assert app.sent == ["again"]
        assert app.composer.text == "half a thought"
        assert app.composer.cursor_location == (0, 13)
        assert not app.composer.prompts.browsing


async def test_undo_takes_a_recall_back() -> None:
    app = Desk(prompts=PromptHistory(["earlier"]))
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "draft")
        await pilot.press("up", "ctrl+z")
        assert app.composer.text == "draft"


async def test_an_earlier_prompt_that_is_too_long_for_the_editor_is_folded_and_sent_whole() -> None:
    long = "word " * 20_000
    app = Desk(prompts=PromptHistory([long]))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("up")
        assert app.composer.text == "[pasted 100,000 characters]"
        await pilot.press("enter")
        assert app.sent == [long]


# Escape -------------------------------------------------------------------------------------


async def test_escape_leaves_the_selection_then_the_history_then_asks_for_the_cancel() -> None:
    app = Desk(prompts=PromptHistory(["earlier"]))
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "draft")
        await pilot.press("up", "shift+left", "escape")
        assert app.composer.selection.is_empty
        assert app.composer.text == "earlier"
        assert app.cancels == 0
        await pilot.press("escape")
        assert app.composer.text == "draft"
        assert app.cancels == 0
        await pilot.press("escape")
        assert app.cancels == 1
        assert app.composer.text == "draft"
        assert app.focused is app.composer


# Its size, and what goes on around it ---------------------------------------------------------


async def test_it_grows_with_its_text_and_stops() -> None:
    app = Desk()
    async with app.run_test(size=(60, 60)) as pilot:
        assert app.composer.size.height == 1
        await pilot.press("a", "ctrl+j", "b", "ctrl+j", "c")
        assert app.composer.size.height == 3
        await pilot.press(*["ctrl+j"] * 20)
        assert app.composer.size.height == MAX_ROWS
        await pilot.press("f7", "delete")
        assert app.composer.size.height == 1


async def test_a_long_line_makes_it_grow_as_it_wraps() -> None:
    app = Desk()
    async with app.run_test(size=(30, 60)) as pilot:
        await write(pilot, "word " * 12)
        assert app.composer.size.height == 3


async def test_in_a_low_pane_it_leaves_the_replies_in_view() -> None:
    app = Desk()
    async with app.run_test(size=(60, 15)) as pilot:
        await pilot.press(*["a", "ctrl+j"] * 12)
        assert app.composer.size.height == 4


async def test_nothing_around_it_touches_text_cursor_selection_or_undo() -> None:
    app = Desk()
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "one two")
        await pilot.press("ctrl+j")
        await write(pilot, "three")
        await pilot.press("shift+left", "shift+left")
        held = app.composer.selection
        steps = len(app.composer.history.undo_stack)
        for count in range(20):
            app.query_one("#above", Static).update("reply\n" * count)
            app.refresh(layout=True)
            await pilot.pause()
        await pilot.resize_terminal(45, 18)
        assert app.composer.text == "one two\nthree"
        assert app.composer.selection == held
        assert len(app.composer.history.undo_stack) == steps
        assert app.focused is app.composer
        await pilot.press("ctrl+z")
        assert app.composer.text != "one two\nthree"


async def test_it_is_never_disabled_while_texts_wait_for_their_answers() -> None:
    app = Desk(answer="wait")
    async with app.run_test(size=(60, 20)) as pilot:
        await write(pilot, "one")
        await pilot.press("enter")
        assert not app.composer.disabled
        assert not app.composer.read_only
        await write(pilot, "two")
        assert app.composer.text == "onetwo"


async def test_the_cursor_stands_still_where_animations_are_off() -> None:
    app = Desk()
    app.animation_level = "none"
    async with app.run_test(size=(60, 20)):
        assert app.composer.cursor_blink is False


async def test_keys_that_come_in_one_piece_keep_their_order() -> None:
    """Over a slow line many keys arrive at once: none of them overtakes the one before."""
    app = Desk()
    async with app.run_test() as pilot:
        await pilot.pause()
        for key in ("a", "x", "backspace", "b", "ctrl+j", "c", "enter", "d", "left", "e", "enter"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        assert app.sent == ["ab\nc", "ed"]
        assert app.composer.text == ""

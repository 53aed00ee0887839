"""A whole conversation in one widget: what is shown, and what a person can do with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.message import Message
from textual.selection import Selection

from ccchat_tui.clock import Clock
from ccchat_tui.sessions.model import Turn
from ccchat_tui.text import sanitize
from ccchat_tui.tui.markdown.lines import Line
from ccchat_tui.tui.widgets.transcript_paint import NAMES, OFFSET_BITS, PAINT_CSS
from ccchat_tui.tui.widgets.transcript_path import TURN_KEYS, PathTranscript
from ccchat_tui.tui.widgets.transcript_turn import INDENT, TurnRows
from ccchat_tui.tui.widgets.transcript_words import RETRYABLE


class Transcript(PathTranscript, can_focus=True):
    """Shows turns, follows replies that stream, lets text be selected and copied.

    Args:
        clock: For how long a turn has been waiting.
        name: As for every widget.
        id: As for every widget.
        classes: As for every widget.
    """

    ALLOW_SELECT = True
    FOCUS_ON_CLICK = False  # whoever selects text and types on, types into the message box
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"transcript--{name}" for name in NAMES}
    DEFAULT_CSS = (
        """
    Transcript {
        height: 1fr;
        width: 1fr;
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """
        + PAINT_CSS
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "left_square_bracket,ctrl+up",
            "turn(-1)",
            "Previous turn",
            key_display="[",
            id="replies.previous_turn",
        ),
        Binding(
            "right_square_bracket,ctrl+down",
            "turn(1)",
            "Next turn",
            key_display="]",
            id="replies.next_turn",
        ),
        Binding("y", "copy_reply", "Copy reply"),
        Binding("c", "copy_code_block", "Copy code"),
        Binding("l", "screen.pieces", "Links and code", show=False),
        Binding("r", "retry", "Retry"),
        Binding("x", "cancel", "Cancel reply"),
        *TURN_KEYS,
        Binding("t", "toggle_thinking", "Thinking", show=False),
        Binding("up,k", "scroll_up", "Up", show=False, id="replies.up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="replies.down"),
        Binding("pageup", "page_up", "Page up", show=False, id="replies.page_up"),
        Binding("pagedown", "page_down", "Page down", show=False, id="replies.page_down"),
        Binding("home", "go_home", "First row", show=False),
        Binding("end", "go_end", "Newest row", show=False),
    ]

    class RetryRequested(Message):
        """Another attempt at a turn was asked for."""

        def __init__(self, turn_id: str) -> None:
            super().__init__()
            self.turn_id = turn_id

    class CancelRequested(Message):
        """The end of a running reply was asked for."""

        def __init__(self, turn_id: str) -> None:
            super().__init__()
            self.turn_id = turn_id

    class Copied(Message):
        """Something was put on the clipboard."""

        def __init__(self, what: str, text: str) -> None:
            super().__init__()
            self.what = what
            """In words: `reply`, `code block 2 of 3`, ..."""
            self.text = text

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(clock=clock, name=name, id=id, classes=classes)
        self._code_cursor: tuple[str, int] | None = None
        self._pressed_row: int | None = None

    def set_turns(self, turns: Sequence[Turn]) -> None:
        """Show these turns and no others, at the end."""
        self._code_cursor = None
        self._pressed_row = None
        super().set_turns(turns)

    def action_turn(self, step: int) -> None:
        """Move the cursor to the turn before or after, and bring it into sight."""
        if not self._views:
            return
        if self._cursor is None:
            self._cursor = len(self._views) - (1 if step < 0 else 0)
            if step < 0 and round(self.scroll_y) < self.max_scroll_y:
                row = round(self.scroll_y) - len(self._top_lines)
                self._cursor = min(self._cursor, self._index.find(row)[0] + 1)
        target = self._cursor + step
        if target >= len(self._views):
            self._cursor = None
            self.action_go_end()
            return
        self._cursor = max(0, target)
        self._code_cursor = None
        self._see_to(self._views[self._cursor])
        self._go_to(len(self._top_lines) + self._index.top(self._cursor))
        self.refresh()

    def show_turn(self, turn_id: str, words: Sequence[str] = ()) -> None:
        """Bring a turn into sight, and of it the first row in which one of some words stands;
        thinking is unfolded where they stand only there.

        Args:
            turn_id: Which; one that is not shown changes nothing.
            words: As `words_of` gives them; the last that is found counts.
        """
        view = self._by_id.get(turn_id)
        if view is None:
            return
        self._cursor = view.index
        if view.folded and view.has_only_thought(words):
            self._toggle(view)
        self._see_to(view)
        row = view.row_with(words)
        # A few rows of what led to it stay above.
        above = min(row, max(1, self.size.height // 4))
        self._go_to(len(self._top_lines) + self._index.top(view.index) + row - above)
        self.refresh()

    def _go_to(self, row: int) -> None:
        self.scroll_to(y=row, animate=False, force=True, immediate=True)

    def action_go_end(self) -> None:
        """Show the newest row and follow the end again."""
        was = self._following
        self._following = True
        self._new_rows = 0
        self._settle()
        self.refresh()
        if not was:
            self.post_message(self.FollowChanged(True, 0))

    def see_newest(self) -> None:
        """Something was asked here: choose no turn any more, and follow the reply."""
        self._cursor = None
        self.action_go_end()

    def action_go_home(self) -> None:
        """Show the first row."""
        if self._views:
            self._see_to(self._views[0])
        self._go_to(0)

    def action_scroll_up(self) -> None:
        """One row up."""
        self._go_to(round(self.scroll_y) - 1)

    def action_scroll_down(self) -> None:
        """One row down."""
        self._go_to(round(self.scroll_y) + 1)

    def action_page_up(self) -> None:
        """A screen up, two rows of which stay in sight."""
        self._go_to(round(self.scroll_y) - max(1, self.size.height - 2))

    def action_page_down(self) -> None:
        """A screen down, two rows of which stay in sight."""
        self._go_to(round(self.scroll_y) + max(1, self.size.height - 2))

    action_scroll_home = action_go_home
    action_scroll_end = action_go_end

    # Turns ----------------------------------------------------------------------------------

    def action_retry(self) -> None:
        """Ask for another attempt at the chosen turn, else at the newest that can have one."""
        turn = self._find(lambda turn: turn.state in RETRYABLE)
        if turn is not None:
            self.post_message(self.RetryRequested(turn.id))

    def action_cancel(self) -> None:
        """Ask for the end of the chosen turn, else of the newest that runs."""
        turn = self._find(lambda turn: turn.state.alive)
        if turn is not None:
            self.post_message(self.CancelRequested(turn.id))

    def _find(self, fits: Callable[[Turn], bool]) -> Turn | None:
        if self._cursor is not None:
            turn = self._views[self._cursor].turn
            return turn if fits(turn) else None
        for view in reversed(self._views):
            if fits(view.turn):
                return view.turn
        return None

    def action_toggle_thinking(self) -> None:
        """Show or hide what the model thought before the chosen reply."""
        view = self._chosen()
        if view is not None:
            self._toggle(view)

    def _toggle(self, view: TurnRows) -> None:
        if not view.turn.thinking:
            return
        view.expanded = view.folded
        view.lay_out()
        self._index.set(view.index, view.height)
        self._strips.clear()
        self._settle()
        self.refresh()

    # Copying --------------------------------------------------------------------------------

    def action_copy_reply(self) -> None:
        """Put the chosen reply on the clipboard, sanitised, as the model wrote it."""
        view = self._chosen()
        if view is not None and view.turn.parts:
            self._copy("reply", sanitize(view.turn.reply))

    def action_copy_code_block(self) -> None:
        """Put a code block of the chosen reply on the clipboard: the last one first, the one
        before it when asked again, and so on in a circle."""
        view = self._chosen()
        if view is None:
            return
        self._see_to(view)
        blocks = view.code_blocks
        if not blocks:
            return
        before = self._code_cursor
        number = len(blocks) - 1
        if before is not None and before[0] == view.turn.id:
            number = (before[1] - 1) % len(blocks)
        self._code_cursor = (view.turn.id, number)
        what = "code block" if len(blocks) == 1 else f"code block {number + 1} of {len(blocks)}"
        self._copy(what, blocks[number])

    def _copy(self, what: str, text: str) -> None:
        self.app.copy_to_clipboard(text)
        self.post_message(self.Copied(what, text))

    # The mouse ------------------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Remember the row, for a double click selects the turn it belongs to."""
        self._pressed_row = round(self.scroll_y) + event.y - len(self._top_lines)

    def on_click(self, event: events.Click) -> None:
        """Buttons and labels within the text."""
        target = event.style.meta.get("transcript")
        if not isinstance(target, (tuple, list)) or len(target) != 2:
            return
        what, turn_id = target
        if what == "end":
            event.stop()
            self.action_go_end()
        elif what == "footer":
            event.stop()
            row = round(self.scroll_y) + event.y - len(self._top_lines)
            if not self._press(turn_id, event.x, row):
                self.post_message(self.RetryRequested(turn_id))
        elif what == "thinking" and turn_id in self._by_id:
            event.stop()
            self._toggle(self._by_id[turn_id])

    def text_select_all(self) -> None:
        """Select the turn that was clicked (Textual asks for it on a double click)."""
        if not self._views:
            return
        index = len(self._views) - 1
        if self._pressed_row is not None:
            index = self._index.find(self._pressed_row)[0]
        rows = self._index.height(index)
        start = Offset(0, index << OFFSET_BITS)
        end = Offset(10_000, (index << OFFSET_BITS) + max(0, rows - 1))
        self.screen.selections = {self: Selection(start, end)}

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002
        """The selection changed; the strips are kept, it is drawn over them."""
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text as it is shown, without decoration and with broken lines joined.

        Args:
            selection: Rows are numbered by turn, see `OFFSET_BITS`; columns count characters.
        """
        if not self._views:
            return None
        mask = (1 << OFFSET_BITS) - 1
        last = len(self._views) - 1
        start, end = selection
        begin = start.y if start is not None else 0
        stop = end.y if end is not None else last << OFFSET_BITS | mask
        out: list[str] = []
        for index in range(min(last, begin >> OFFSET_BITS), min(last, stop >> OFFSET_BITS) + 1):
            view = self._views[index]
            if not view.laid_out:
                view.lay_out()
                self._index.set(index, view.height)
            base = index << OFFSET_BITS
            row = max(0, begin - base)
            while (found := view.line(row)) is not None and base + row <= stop:
                line = found[0]
                text = line.text
                left = start.x - INDENT if start is not None and base + row == start.y else 0
                right = end.x - INDENT if end is not None and base + row == end.y else len(text)
                left = max(0, left)
                right = max(left, right)
                if line.joint is not None and out:
                    out[-1] += line.joint + text[max(left, line.lead) : right].rstrip()
                else:
                    out.append(text[max(left, _decoration(line)) : right].rstrip())
                row += 1
        return "\n".join(out).strip("\n"), "\n"


def _decoration(line: Line) -> int:
    """How many characters at the start of a row are not copied: bars, and what only moves a row to
    the right. Bullets and numbers are."""
    at = 0
    for text, style in line.spans:
        if at >= line.lead or style == "bullet":
            break
        at += len(text)
    return min(at, line.lead)

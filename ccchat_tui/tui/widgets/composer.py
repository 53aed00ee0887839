"""The composer: where one writes, at any time, whatever else goes on in the pane."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.document._document import Selection
from textual.geometry import Size
from textual.message import Message

from ccchat_tui.quick import dataclass
from ccchat_tui.text import sanitize
from ccchat_tui.tui.widgets.composer_folding import FoldingTextArea
from ccchat_tui.tui.widgets.composer_history import Draft, PromptHistory
from ccchat_tui.tui.widgets.keys_in_order import run_bindings

if TYPE_CHECKING:
    from ccchat_tui.tui.keymap import Keymap

PLACEHOLDER = "Write a message. Enter sends, Ctrl+J makes a new line."
MAX_ROWS = 10
"""It grows to this many rows of text, then scrolls."""
MAX_SHARE = 0.34
"""But never beyond this share of what it sits in, so that the replies stay in view."""


@dataclass(slots=True)
class _Sent:
    """A text that was handed over and is neither accepted nor refused yet."""

    shown: str
    """As it stands in the editor, pastes folded."""
    text: str
    """As it was handed over."""
    offset: int
    """Where in the editor it begins: texts sent before it may stand there still."""


class Composer(FoldingTextArea):
    """A message box that is never disabled, never rebuilt, and loses nothing.

    Enter sends, however many lines there are; Ctrl+J, and Shift+Enter where the terminal can tell
    it apart, make a new line. The text stays until `accepted` says that somebody has taken it.

    Args:
        prompts: The earlier prompts of this session; an empty history if not given.
        blink: Whether the cursor may blink; it never does where animations are switched off.
        placeholder: What is shown while there is no text.
        id: The widget's id.
    """

    DEFAULT_CSS = """
    Composer {
        height: auto;
        border: round $composer-border;
        padding: 0 1;
        background: $composer-background;
        color: $foreground;
        scrollbar-size-vertical: 1;
        &:focus { border: round $composer-border-focus; }
        & .text-area--placeholder { color: $text-muted; }
        & .text-area--cursor-line { background: transparent; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,ctrl+enter", "send", "Send", key_display="enter"),
        Binding("ctrl+j,shift+enter", "new_line", "New line", key_display="^j"),
        Binding("escape", "escape", "Cancel reply", show=False),
        Binding("tab", "complete", "Complete a command", show=False),
        Binding("up", "cursor_up", "Line up, or the prompt before", show=False),
        Binding("down", "cursor_down", "Line down, or the prompt after", show=False),
    ]

    @dataclass
    class Submitted(Message):
        """A text is to be sent. Answer with `accepted` or `refused` on the composer."""

        text: str
        """What to send, folded pastes spelled out; never only white space."""
        composer: Composer

        @property
        def control(self) -> Composer:
            """The composer, for selectors in `@on`."""
            return self.composer

    @dataclass
    class NothingToSend(Message):
        """Enter was pressed in the empty box."""

        composer: Composer

        @property
        def control(self) -> Composer:
            """The composer, for selectors in `@on`."""
            return self.composer

    @dataclass
    class Pasted(Message):
        """Something was pasted, and stands in the box already if anything can."""

        text: str
        """As it came."""
        shown: str
        """What stands in the box for it; empty for nothing."""
        composer: Composer

        @property
        def control(self) -> Composer:
            """The composer, for selectors in `@on`."""
            return self.composer

    @dataclass
    class CancelRequested(Message):
        """Esc was pressed with nothing of the composer's own to leave."""

        composer: Composer

        @property
        def control(self) -> Composer:
            """The composer, for selectors in `@on`."""
            return self.composer

    def __init__(
        self,
        *,
        prompts: PromptHistory | None = None,
        blink: bool = True,
        placeholder: str = PLACEHOLDER,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        super().__init__(
            soft_wrap=True,
            show_line_numbers=False,
            tab_behavior="focus",
            highlight_cursor_line=False,
            placeholder=placeholder,
            id=id,
        )
        self.prompts = prompts if prompts is not None else PromptHistory()
        """The earlier prompts; hand the same object to another composer to share them."""
        self._blink_wanted = blink
        self._sent: list[_Sent] = []
        self._aside: tuple[Draft, str] | None = None
        # Looking for the other bracket reads the whole text at each move of the cursor.
        self.match_cursor_bracket = False

    def on_mount(self) -> None:
        """Stop the blinking where nothing is to move, and tell of the keys as they are bound."""
        self.cursor_blink = self._blink_wanted and self.app.animation_level == "full"
        self.tell_keys()

    def tell_keys(self) -> None:
        """Tell of the keys as they are bound, where the box says nothing else while it is empty."""
        keymap: Keymap | None = getattr(self.app, "keymap", None)
        if keymap and self.placeholder == PLACEHOLDER:
            send, new_line = (
                keymap.told("box.send", "Enter"),
                keymap.told("box.new_line", "Ctrl+J"),
            )
            told = [f"{send} sends" if send else "", f"{new_line} makes a new line"]
            self.placeholder = f"Write a message. {', '.join(filter(None, told))}."

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as the text has, within bounds."""
        most = max(1, min(MAX_ROWS, int(container.height * MAX_SHARE)))
        return max(1, min(most, super().get_content_height(container, viewport, width)))

    # Sending

    def action_send(self) -> None:
        """Hand the text over, unless there is nothing in it, or nothing new since last time. A
        command that is only begun is completed first."""
        if self._complete_instead():
            return
        shown = self.text
        start = self._unanswered_end(shown)
        rest = shown[start:]
        text = self._pastes.expand(rest)
        if text.strip():
            self._sent.append(_Sent(rest, text, start))
            self.post_message(self.Submitted(text, self))
        elif not shown:
            self.post_message(self.NothingToSend(self))

    def _unanswered_end(self, shown: str) -> int:
        """Where what has been handed over already ends.

        Keys typed right after Enter (over a slow line they come in one piece) are handled before
        anybody has answered. They belong to the next text, not to this one again.
        """
        end = 0
        for sent in self._sent:
            if shown[sent.offset : sent.offset + len(sent.shown)] != sent.shown:
                # It was edited meanwhile: a text of its own now.
                self._sent.clear()
                return 0
            end = sent.offset + len(sent.shown)
        return end

    def accepted(self, text: str) -> None:
        """Somebody has taken this text: it goes into the history and out of the editor.

        What was typed behind it since stays. If it was changed meanwhile, all of it stays. If it
        was an earlier prompt, the draft that had made way for it is shown again. Undo brings it
        back.

        Args:
            text: The text of the `Submitted` that was taken.
        """
        sent = next((sent for sent in self._sent if sent.text == text), None)
        if sent is None:
            self.prompts.add(self._folded(text))
            return
        self._sent.remove(sent)
        draft = self.prompts.draft()
        self.prompts.add(sent.shown)
        end = sent.offset + len(sent.shown)
        if draft is not None and self.text == sent.shown:
            # An earlier prompt was sent again: what was being written before comes back.
            self._show(draft)
        elif self.text[sent.offset : end] == sent.shown:
            self.history.checkpoint()
            self.delete(
                self._location(sent.offset),
                self._location(end),
                maintain_selection_offset=True,
            )
            self.history.checkpoint()
            for later in self._sent:
                if later.offset >= end:
                    later.offset -= len(sent.shown)
        self._pastes.forget_unused(self._kept_texts())

    def refused(self) -> None:
        """Nobody took the oldest text handed over: it stays, and can be sent again."""
        if self._sent:
            self._sent.pop(0)

    def set_draft(self, text: str) -> None:
        """Put a text in the place of what is there; undo brings the old one back.

        Args:
            text: From outside, so it is sanitised, and folded if it is very long.
        """
        self._show(Draft(self._folded(sanitize(text))), at_end=True)

    def set_aside(self, text: str) -> None:
        """Put a text in the place of what is there, which `bring_back` brings back.

        Args:
            text: From outside, so it is sanitised, and folded if it is very long.
        """
        before = self._aside[0] if self._aside else self.prompts.draft() or self._draft()
        text = sanitize(text)
        self._aside = before, text
        self._show(Draft(self._folded(text)), at_end=True)

    def bring_back(self, *, over: bool = False) -> None:
        """Show again what was set aside; what has been written since stays behind it, unless it is
        to be written `over`. Undo brings that back."""
        if self._aside is None:
            return
        (aside, _), self._aside = self._aside, None
        if over or not self.text.strip():
            self._show(aside)
        elif aside.text.strip():
            self._show(Draft(f"{aside.text.rstrip()}\n{self.text}"), at_end=True)

    @property
    def kept_text(self) -> str:
        """All that must not be lost: `full_text`, and what was set aside for it."""
        if self._aside is None:
            return self.full_text
        aside, begun = self._pastes.expand(self._aside[0].text), self._aside[1]
        written = self.full_text if self.full_text != begun else ""
        return "\n\n".join(text for text in (aside, written) if text.strip())

    def quote(self, text: str) -> None:
        """Put a text behind what is there, each line of it marked as somebody else's."""
        quoted = "\n".join(f"> {line}".rstrip() for line in sanitize(text).strip("\n").split("\n"))
        before = self.text.rstrip()
        quoted = self._folded(quoted, held=len(before))
        self.prompts.stop()
        self._show(Draft(f"{before}\n\n{quoted}\n\n".lstrip("\n")), at_end=True)

    def _kept_texts(self) -> Iterator[str]:
        yield self.text
        if self._aside is not None:
            yield self._aside[0].text
        yield from self.prompts.kept_texts()
        for batch in (*self.history.undo_stack, *self.history.redo_stack):
            for edit in batch:
                yield edit.text
                if edit._edit_result is not None:
                    yield edit._edit_result.replaced_text

    # Keys

    async def _on_key(self, event: events.Key) -> None:
        await run_bindings(self, event)

    def action_new_line(self) -> None:
        """Break the line at the cursor."""
        self._replace_via_keyboard("\n", *self.selection)

    def action_escape(self) -> None:
        """Leave what is offered, the selection, then the history; with none of these, ask for the
        reply's cancel."""
        if self._close_offer():
            return
        if not self.selection.is_empty:
            self.selection = Selection.cursor(self.selection.end)
        elif (draft := self.prompts.draft()) is not None:
            self._show(draft)
        else:
            self.post_message(self.CancelRequested(self))

    def action_cursor_up(self, select: bool = False) -> None:
        """Up a row; from the first one to the prompt before. Up the choices, while there are."""
        if not select and self._choose_beside(-1):
            return
        if not select and self.navigator.is_first_wrapped_line(self.cursor_location):
            older = self.prompts.older(self._draft())
            if older is not None:
                self._recall(older)
                return
        super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Down a row; from the last one to the prompt after, at last to the draft. Down the
        choices, while there are."""
        if not select and self._choose_beside(1):
            return
        if not select and self.navigator.is_last_wrapped_line(self.cursor_location):
            newer = self.prompts.newer(self._draft())
            if newer is not None:
                self._recall(newer, at_end=self.prompts.browsing)
                return
        super().action_cursor_down(select)

    def _recall(self, draft: Draft, *, at_end: bool = False) -> None:
        # A prompt that was never in this editor may be too long for it.
        if draft.place is None:
            draft = Draft(self._folded(draft.text))
        self._show(draft, at_end=at_end)

    def _draft(self) -> Draft:
        return Draft(self.text, (self.selection.start, self.selection.end))

    def _show(self, draft: Draft, *, at_end: bool = False) -> None:
        """Put a draft in the place of the text, as one step that can be undone."""
        self.history.checkpoint()
        self._shown_text = draft.text
        self.replace(draft.text, (0, 0), self.document.end, maintain_selection_offset=False)
        self.history.checkpoint()
        if at_end:
            self.move_cursor(self.document.end)
        elif draft.place is not None:
            self.selection = Selection(*draft.place)
        else:
            # At the end of the first row, from where Up goes on to what is older still.
            offsets = self.wrapped_document.get_offsets(0)
            column = offsets[0] - 1 if offsets else len(self.document[0])
            self.move_cursor((0, column))

    # Pasting

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        # Most terminals send the end of a pasted line as a carriage return.
        shown = self._insert_pasted(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        self.post_message(self.Pasted(event.text, shown, self))
        self.focus()

    def take_out(self, shown: str) -> None:
        """Take the last place where a text stands out of the box; undo brings it back."""
        start = self.text.rfind(shown)
        if shown and start >= 0:
            self.history.checkpoint()
            end = self._location(start + len(shown))
            self.delete(self._location(start), end, maintain_selection_offset=True)
            self.history.checkpoint()

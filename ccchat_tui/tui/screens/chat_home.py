"""What makes the chats a place to stay in: finding, jumping, one's own editor, as much room for the
text as one likes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.screen import Screen

from ccchat_tui.tui.widgets.header import StatusHeader

if TYPE_CHECKING:
    from ccchat_tui.sessions.export import Form
    from ccchat_tui.tui.app import CCChatApp


class HomeScreen(Screen[None]):
    """Actions of the chats that have keys in `CHAT_KEYS`."""

    app: CCChatApp
    DEFAULT_CSS = """
    HomeScreen.-compact Composer, HomeScreen.-compact Composer:focus { border: none; }
    HomeScreen.-compact Composer { background: $panel; }
    HomeScreen.-compact Composer:focus { background: $composer-border-focus 20%; }
    """

    _before_zen: tuple[bool, bool, bool] | None = None
    """What was shown of header, tabs and panel before all of it made way."""

    def action_find(self) -> None:
        """Ask what is to be found in this chat."""
        self.app.chats.active.find()

    @on(StatusHeader.SavingRequested)
    def action_saving(self) -> None:
        """Say whether conversations are saved, and why not."""
        self.app.keeping.explain()

    def action_zen(self) -> None:
        """Show nothing but the chat, or all again."""
        chats = self.app.chats
        parts = (chats.header, chats.tabs, chats.panel)
        before, self._before_zen = self._before_zen, None
        if before is None:
            self._before_zen = (True, True, bool(chats.panel.display))
            before = (False, False, False)
            if any(part.has_focus_within for part in parts):
                chats.active.focus_composer()
        for part, shown in zip(parts, before, strict=True):
            part.display = shown
        self.app.watch_queue.wake()

    def action_density(self) -> None:
        """More rows for the text, or fewer."""
        self.set_density(compact=not self.has_class("-compact"))

    def set_density(self, *, compact: bool) -> None:
        """Give rows of frames and space to the text, or not."""
        self.set_class(compact, "-compact")
        for pane in self.app.chats.deck.panes:
            pane.transcript.set_compact(compact)

    def action_attach(self) -> None:
        """Attach what is offered, or ask for a file."""
        from ccchat_tui.tui.screens.choose_file import ChooseFileScreen  # noqa: PLC0415 - so here

        attaching = self.app.chats.active.attaching
        if attaching.take_offer():
            return

        def answered(text: str | None) -> None:
            if text:
                attaching.attach_soon(text)

        words = "A picture (PNG, JPEG, WebP, GIF) or a text; Tab completes its path."
        self.app.push_screen(ChooseFileScreen("Attach a file", words), answered)

    def action_export(self, form: Form) -> None:
        """Write this chat into a file."""
        self.app.documents.export_soon(self.app.chats.active, form)

    def action_import(self) -> None:
        """Ask for a file of conversations, and open what is in it."""
        self.app.documents.ask_import()

    def action_editor(self) -> None:
        """Write the message in an editor of one's own."""
        from ccchat_tui.tui.editor import write_in_editor  # noqa: PLC0415 - when asked for

        self.app.run_worker(write_in_editor(self.app, self.app.chats.active), group="editor")

    def action_compare(self) -> None:
        """Ask which models are to be compared."""
        self.app.comparisons.choose(self.app.chats.active.session)

    def action_keep_compared(self) -> None:
        """Keep this chat of a comparison, and close the others."""
        self.app.comparisons.keep(self.app.chats.active.session)

    def action_keep_all_compared(self) -> None:
        """Keep every chat of a comparison."""
        self.app.comparisons.keep_all(self.app.chats.active.session)

    def action_close_compared(self) -> None:
        """Close a comparison."""
        self.app.comparisons.close(self.app.chats.active.session)

    def action_broadcast(self) -> None:
        """Write one message to several chats."""
        self.app.broadcasts.show()

    def action_pieces(self) -> None:
        """List the links and code blocks of a reply."""
        from ccchat_tui.tui.screens.pieces import show_pieces  # noqa: PLC0415 - when asked for

        show_pieces(self.app, self.app.chats.active)

    def action_jump_mode(self) -> None:
        """Show a letter at every place, and go to the one whose letter is pressed."""
        from ccchat_tui.tui.screens.jump import JumpScreen  # noqa: PLC0415 - when asked for

        self.app.push_screen(JumpScreen(self.app.chats))

"""Links and code blocks of a turn, to copy by keyboard, and links to open if one says so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ccchat_tui.text import one_line
from ccchat_tui.tui.paths import reached
from ccchat_tui.tui.pieces import Piece, address_of, pieces_of
from ccchat_tui.tui.screens.confirm import ConfirmScreen
from ccchat_tui.tui.screens.dialog import Dialog

if TYPE_CHECKING:
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.widgets.chat_pane import ChatPane

_SIGNS = {"link": "↗", "code": "≡", "reply": "¶", "question": "?"}


def show_pieces(app: CCChatApp, pane: ChatPane) -> None:
    """List what a chat's chosen turn, or its newest, holds."""
    turn = pane.transcript.chosen_turn
    if turn is None:
        pane.tell("Nothing was asked in this chat yet.")
        return
    app.push_screen(PiecesScreen(pieces_of(turn)))


class PiecesScreen(Dialog[None]):
    """Copies what is chosen. A link is opened only by a key of its own and a question.

    Args:
        pieces: At least one.
    """

    app: CCChatApp
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "open", "Open", tooltip="Open the link in the browser"),
    ]
    DEFAULT_CSS = """
    PiecesScreen > .box { width: 100; }
    PiecesScreen OptionList, PiecesScreen OptionList:focus {
        height: auto;
        max-height: 20;
        border: none;
        padding: 0;
        background: $surface;
    }
    PiecesScreen .label { margin-top: 1; }
    """

    def __init__(self, pieces: list[Piece]) -> None:
        super().__init__("Links and code")
        self._pieces = pieces

    def ask(self) -> ComposeResult:
        """The list, and what its keys do."""
        yield OptionList(*(Option(_row(piece)) for piece in self._pieces), markup=False)
        yield Static(classes="problem")
        yield Static("Enter copies · o opens a link in the browser", classes="label", markup=False)

    def on_mount(self) -> None:
        """The arrows choose at once."""
        choices = self.query_one(OptionList)
        choices.focus()
        choices.highlighted = 0

    @property
    def _chosen(self) -> Piece | None:
        index = self.query_one(OptionList).highlighted
        return None if index is None else self._pieces[index]

    @on(OptionList.OptionSelected)
    def _copy(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        piece = self._pieces[event.option_index]
        self.app.copy_to_clipboard(piece.text)
        self.app.notify(f"Copied: {_name(piece)}", timeout=2, markup=False)
        self.dismiss(None)

    def action_open(self) -> None:
        """Open the link, after a look at where it really goes."""
        piece = self._chosen
        if piece is None or piece.kind != "link":
            self.tell_problem("Only links are opened.")
            return
        address = address_of(piece.text)
        if not address:
            self.tell_problem("This is no address of the web; Enter copies it.")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)
                self.app.run_worker(_open(self.app, address), group="browser")

        question = ConfirmScreen("Open in the browser?", address, yes="Open")
        self.app.push_screen(question, answered)


def _name(piece: Piece) -> str:
    return one_line(piece.text, 60) if piece.kind == "link" else piece.kind


def _row(piece: Piece) -> Content:
    lines = piece.text.count("\n") + 1
    many = "1 line" if lines == 1 else f"{lines:,} lines"
    first = one_line(piece.text.lstrip("\n").partition("\n")[0], 60)
    about = one_line(piece.about, 40)
    words = {
        "link": (one_line(piece.text, 80), about),
        "code": (first, f"{about or 'code'}, {many}"),
    }.get(piece.kind, (f"the whole {piece.kind}", many))
    # No colours of its own: under the cursor they could not be read.
    about = f"  ({words[1]})" if words[1] else ""
    return Content(f"{_SIGNS[piece.kind]} {words[0]}{about}")


async def _open(app: CCChatApp, address: str) -> None:
    """Hand an address to the browser; one that draws in this very terminal gets the terminal."""
    if not reached():  # theirs is the one that they see us in
        app.open_url(address)
        return
    import webbrowser  # noqa: PLC0415 - looks for browsers when it is loaded

    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        app.notify("There is no browser here; Enter copies the link.", markup=False)
        return
    if type(browser) is webbrowser.GenericBrowser:
        app.notify("The browser here needs a terminal of its own; copied instead.", markup=False)
        app.copy_to_clipboard(address)
        return
    if not await asyncio.to_thread(browser.open, address):
        app.notify("The browser could not be started.", severity="warning", markup=False)

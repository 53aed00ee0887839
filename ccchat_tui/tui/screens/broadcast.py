"""One message to several chats: the message, and who gets it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static

from ccchat_tui.quick import dataclass
from ccchat_tui.sessions.model import Session
from ccchat_tui.text import one_line, sanitize
from ccchat_tui.tui.refusals import not_sent_words
from ccchat_tui.tui.screens.dialog import Dialog
from ccchat_tui.tui.widgets.composer import Composer

if TYPE_CHECKING:
    from ccchat_tui.tui.broadcasts import Broadcasts

KEYS = "Enter sends · Tab: chats · Space marks · a all/none"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A chat that may get the message."""

    session: Session
    name: str


class BroadcastScreen(Dialog[None]):
    """Stays while anybody has refused the message, and keeps what is written when it is left.

    Args:
        broadcasts: Who sends.
        recipients: Every open chat.
        chosen: Who is marked at first; `None` for all.
        problem: What is to be said at first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark a chat"),
        Binding("a", "mark_all", "All chats, or none"),
    ]
    DEFAULT_CSS = """
    BroadcastScreen > .box { width: 76; }
    BroadcastScreen OptionList {
        height: auto;
        max-height: 10;
        margin-top: 1;
        border: none;
        padding: 0;
        background: $surface;
        scrollbar-size-vertical: 1;
    }
    BroadcastScreen OptionList:focus { border: none; }
    BroadcastScreen .problem { max-height: 6; overflow-y: auto; margin-top: 1; }
    """

    def __init__(
        self,
        broadcasts: Broadcasts,
        recipients: Sequence[Recipient],
        chosen: Sequence[Session] | None = None,
        problem: str = "",
    ) -> None:
        super().__init__("One message to several chats")
        self._broadcasts = broadcasts
        self._recipients = list(recipients)
        wanted = [each.session for each in recipients] if chosen is None else chosen
        self._marked = {session.id for session in wanted}
        self._problem = problem
        self.composer = Composer(
            blink=False, placeholder="Write a message to all chats that are marked."
        )

    @property
    def marked(self) -> list[Session]:
        """Who gets the message, in the order of the tabs."""
        return [each.session for each in self._recipients if each.session.id in self._marked]

    def ask(self) -> ComposeResult:
        """The message, the chats, and what there is to say."""
        yield self.composer
        yield OptionList(markup=False)
        yield Static(classes="problem", markup=False)
        yield Static(KEYS, classes="label", markup=False)

    def on_mount(self) -> None:
        """Write at once."""
        chats = self.query_one(OptionList)
        chats.add_options([self._row(each) for each in self._recipients])
        chats.highlighted = 0
        if self._broadcasts.draft:
            self.composer.set_draft(self._broadcasts.draft)
        self.composer.focus()
        self.tell_problem(self._problem)
        self._count()

    # Who --------------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the chat under the cursor, or take the mark away."""
        place = self.query_one(OptionList).highlighted
        if place is not None:
            self._turn(place)

    def action_mark_all(self) -> None:
        """Mark all chats, or none if all are marked."""
        every = {each.session.id for each in self._recipients}
        self._marked = set() if self._marked == every else every
        self._show()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._turn(event.option_index)

    def _turn(self, place: int) -> None:
        self._marked ^= {self._recipients[place].session.id}
        self._show()

    def _show(self) -> None:
        chats = self.query_one(OptionList)
        for place, each in enumerate(self._recipients):
            chats.replace_option_prompt_at_index(place, self._row(each))
        self._count()

    def _row(self, recipient: Recipient) -> Content:
        mark = "X" if recipient.session.id in self._marked else " "
        return Content(f"[{mark}] {one_line(recipient.name, 64)}")

    def _count(self) -> None:
        box = self.query_one(".box")
        box.border_subtitle = Content(f"to {len(self._marked)} of {len(self._recipients)}")

    # What -------------------------------------------------------------------------------

    @on(Composer.Submitted)
    async def _submitted(self, event: Composer.Submitted) -> None:
        event.stop()
        if not self._marked:
            self.composer.refused()
            self.tell_problem("No chat is marked: Tab goes to the list, Space marks.")
            return
        sent = self._broadcasts.send(self.marked, event.text)
        await self._broadcasts.kept(sent)
        refused = {session.id for session, _ in sent.refused}
        if not refused:
            self.composer.accepted(event.text)
            self._broadcasts.tell(sent)
            self._leave()
            return
        self.composer.refused()
        # Enter again is for those alone: the others have it.
        self._marked = refused
        self._show()
        many = f"Sent to {len(sent.turns)}. " if sent.turns else ""
        words = f"{many}{not_sent_words(sent, self._broadcasts.name)}"
        self.tell_problem(sanitize(words))

    @on(Composer.CancelRequested)
    def _escaped(self, event: Composer.CancelRequested) -> None:
        event.stop()
        self._leave()

    def action_leave(self) -> None:
        """Go back; what is written stands there when one comes again."""
        self._leave()

    def _leave(self) -> None:
        self._broadcasts.draft = self.composer.full_text
        self._broadcasts.marked = self.marked
        self.dismiss(None)

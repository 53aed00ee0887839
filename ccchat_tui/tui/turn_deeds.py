"""What a person does to the turns of a chat: versions, branches, going on, deleting, quoting."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from textual.content import Content

from ccchat_tui.engine.request import Rejected
from ccchat_tui.tui.refusals import words_of

if TYPE_CHECKING:
    from ccchat_tui.sessions.attachments import Attachment
    from ccchat_tui.sessions.manager import SessionManager
    from ccchat_tui.sessions.model import Turn
    from ccchat_tui.tui.widgets.chat_pane import ChatPane
    from ccchat_tui.tui.widgets.transcript_path import Deed

T = TypeVar("T")


class TurnDeeds:
    """Of one pane.

    Args:
        pane: Shows the turns, and says what was refused.
        sessions: Who keeps the conversations.
    """

    def __init__(self, pane: ChatPane, sessions: SessionManager) -> None:
        self._pane = pane
        self._sessions = sessions
        self._editing: Turn | None = None
        self._files: tuple[Attachment, ...] = ()
        """What was attached to the message that was being written before."""

    def do(self, deed: Deed, turn: Turn | None) -> None:
        """Do something to a turn; what cannot be done is told in the pane, and changes nothing."""
        if deed == "undelete":
            self.undelete()
        elif turn is None:
            self._pane.tell("There is nothing yet in this chat.")
        elif deed == "regenerate":
            self._try(lambda: self._sessions.versions.regenerate(self._pane.session, turn))
        elif deed == "go_on":
            self._try(lambda: self._sessions.versions.go_on(self._pane.session, turn))
        elif deed == "edit":
            self.edit(turn)
        elif deed == "quote":
            self.quote(turn)
        elif deed == "delete":
            self.delete(turn)
        else:
            self.walk(turn, -1 if deed == "earlier" else 1)

    def _try(self, ask: Callable[[], T]) -> T | None:
        try:
            done = ask()
        except Rejected as refusal:
            self._pane.tell(f"Not asked: {words_of(refusal)}", problem=True)
            return None
        self._pane.tell("")
        return done

    def walk(self, turn: Turn, step: int) -> None:
        """Show the next version or branch in the place of a turn, or the one before."""
        if self._sessions.versions.walk(self._pane.session, turn, step) is None:
            _, count = turn.versions
            which = "first" if step < 0 else "last"
            only = "This is the only version: regenerate or edit makes another."
            self._pane.tell(only if count == 1 else f"This is the {which} version.")
        else:
            self._pane.tell("")

    # Deleting -----------------------------------------------------------------------------

    def delete(self, turn: Turn) -> None:
        """Delete a turn, and say how it comes back."""
        what = self._named(turn)
        if self._editing is turn:
            self._stop_editing()
            self._pane.composer.bring_back()
        self._sessions.versions.delete(self._pane.session, turn)
        self._pane.tell(f"Deleted: {what}. /undelete, or u in the replies, brings it back.")

    def undelete(self) -> None:
        """Take the last delete back."""
        turn = self._sessions.versions.undelete(self._pane.session)
        if turn is None:
            self._pane.tell("Nothing was deleted in this chat that could come back.")
        else:
            self._pane.tell(f"Back again: {self._named(turn)}.")
            self._pane.transcript.show_turn(turn.id)

    def _named(self, turn: Turn) -> str:
        session = self._pane.session
        number = session.turns.index(turn) + 1 if turn in session.turns else 0
        where = f"turn {number}" if number else "a turn"
        at, count = turn.versions
        return f"version {at} of {where}" if count > 1 else where

    # Quoting ------------------------------------------------------------------------------

    def quote(self, turn: Turn) -> None:
        """Put what is selected in the replies, else a reply, into the message box."""
        transcript = self._pane.transcript
        selection = transcript.text_selection
        picked = transcript.get_selection(selection) if selection is not None else None
        text = picked[0] if picked and picked[0].strip() else turn.reply
        if not text.strip():
            self._pane.tell("There is no reply yet to quote.")
            return
        self._pane.composer.quote(text)
        self._pane.focus_composer()

    # Editing ------------------------------------------------------------------------------

    @property
    def editing(self) -> bool:
        """Whether a question is edited."""
        return self._editing is not None

    def edit(self, turn: Turn) -> None:
        """Put a question into the message box; what is sent next is asked in its place."""
        composer, session = self._pane.composer, self._pane.session
        text = turn.question
        # Else it would be a command when it is sent.
        composer.set_aside(f"/{text}" if re.match(r"/\w", text) else text)
        if self._editing is None:
            self._files = session.attached
        # Kept are those of the draft, as is the draft.
        session.attached = turn.attachments
        self._pane.attaching.show()
        self._editing = turn
        words = f"editing {self._named(turn)} · Esc leaves it"
        composer.border_title = Content(words)
        composer.add_class("-editing")
        self._pane.tell("")
        self._pane.focus_composer()

    def leave_editing(self) -> bool:
        """Edit no longer; what was written before comes back. Returns whether one did."""
        if self._editing is None:
            return False
        self._stop_editing()
        self._pane.composer.bring_back(over=True)
        return True

    def _stop_editing(self) -> None:
        self._editing = None
        self._pane.session.attached, self._files = self._files, ()
        self._pane.attaching.show()
        self._pane.composer.border_title = ""
        self._pane.composer.remove_class("-editing")

    def send(self, message: str) -> tuple[Turn, Callable[[], None]]:
        """Ask a question, in the place of the one that is edited if there is one.

        Returns:
            The turn, and what is to be done once its text is out of the message box.

        Raises:
            Rejected: It was not taken; then nothing has changed.
        """
        session, edited = self._pane.session, self._editing
        if edited is None or edited not in session.every:
            turn = self._sessions.send(session, message, session.attached)
            self._pane.attaching.sent()
            return turn, lambda: None
        composer = self._pane.composer
        turn = self._sessions.versions.resend(
            session, edited, message, session.attached, drafted=False
        )
        self._pane.attaching.leave_offer()
        self._stop_editing()
        return turn, composer.bring_back

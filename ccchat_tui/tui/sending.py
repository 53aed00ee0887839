"""What becomes of a text that was written in the box of a pane: it is sent, or it is a command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ccchat_tui.engine.request import Rejected
from ccchat_tui.sessions.attachments import Attachment
from ccchat_tui.sessions.together import Sent, when_all_kept
from ccchat_tui.tui.refusals import compared_words, words_of
from ccchat_tui.tui.slash import Slash, SlashCall, SlashError

if TYPE_CHECKING:
    from ccchat_tui.sessions.manager import SessionManager
    from ccchat_tui.tui.widgets.chat_pane import ChatPane

AskAll = Callable[[str, Sequence[Attachment]], Sent]
"""Sends a message with its files to several."""


class Sending:
    """Of one pane.

    Args:
        pane: Whose box it is, and where refusals are told.
        sessions: Who sends and keeps messages.
        slash: The commands that may be typed in place of a message; `None` for none.
    """

    def __init__(self, pane: ChatPane, sessions: SessionManager, slash: Slash | None) -> None:
        self._pane = pane
        self._sessions = sessions
        self._slash = slash
        self.ask_all: AskAll | None = None
        """What a message is given to, with its files, where it is for several chats."""

    async def submit(self, text: str) -> None:
        """Do what a text says that was handed over; the box is answered, now or when it is kept."""
        if self._slash is None:
            self._send(text, text)
            return
        try:
            what = self._slash.read(text, self._pane)
            if not isinstance(what, SlashCall):
                self._send(text, what)
                return
            said = await what.command.run(what)
        except SlashError as error:
            self._pane.composer.refused()
            self._pane.tell(error.message, problem=True)
            return
        what.take()
        if self._pane.is_attached:
            self._pane.tell(said or "")

    def _send(self, text: str, message: str) -> None:
        if self.ask_all is not None and not self._pane.deeds.editing:
            self._send_to_all(text, self.ask_all(message, self._pane.session.attached))
            return
        try:
            turn, then = self._pane.deeds.send(message)
        except Rejected as refusal:
            self._pane.composer.refused()
            self._pane.tell(f"Not sent: {words_of(refusal)}", problem=True)
        else:
            self._pane.transcript.see_newest()
            self._sessions.keeper.when_kept(turn, lambda: self._kept(text, then))
            self._pane.tell("")

    def _send_to_all(self, text: str, sent: Sent) -> None:
        if sent.refused:
            self._pane.composer.refused()
            self._pane.tell(compared_words(sent), problem=True)
            return
        self._pane.attaching.sent()
        self._pane.tell("")
        when_all_kept(self._sessions.keeper, sent.turns, lambda: self._kept(text))

    def _kept(self, text: str, then: Callable[[], None] = lambda: None) -> None:
        """A message is where it cannot be lost: it may go out of the box."""
        if self._pane.composer.is_attached:
            self._pane.composer.accepted(text)
            then()

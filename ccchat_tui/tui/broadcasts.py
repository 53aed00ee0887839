"""One message to several chats: who gets it, and what becomes of it where it was refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ccchat_tui.sessions.model import Session
from ccchat_tui.sessions.together import Sent, send_to, when_all_kept
from ccchat_tui.text import one_line, sanitize
from ccchat_tui.tui.refusals import not_sent_words

if TYPE_CHECKING:
    from ccchat_tui.sessions.attachments import Attachment
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.screens.broadcast import Recipient
    from ccchat_tui.tui.widgets.chat_pane import ChatPane


class Broadcasts:
    """Sends to several chats, and keeps what was written to them and not sent.

    Args:
        app: Whose chats they are.
    """

    def __init__(self, app: CCChatApp) -> None:
        self._app = app
        self.draft = ""
        """What stood in the dialog when it was left."""
        self.marked: list[Session] = []
        """Who was to get that."""

    def recipients(self) -> list[Recipient]:
        """Every open chat, in the order of the tabs."""
        from ccchat_tui.tui.screens.broadcast import Recipient  # noqa: PLC0415 - when asked for

        return [
            Recipient(pane.session, self.name(pane.session)) for pane in self._app.chats.deck.panes
        ]

    def name(self, session: Session) -> str:
        """What a chat is called: its number, its user, its title."""
        pane = self._app.chats.pane_of(session.id)
        number = f"{pane.number} " if pane is not None else ""
        return f"{number}{one_line(session.user, 20)} · {one_line(session.title, 40)}"

    def show(self, chosen: Sequence[Session] | None = None, problem: str = "") -> None:
        """Ask what is to be sent, and to whom.

        Args:
            chosen: Who is marked at first; `None` for those who were when the dialog was left with
                something written in it, and else for all.
            problem: What is to be said.
        """
        from ccchat_tui.tui.screens.broadcast import BroadcastScreen  # noqa: PLC0415

        if chosen is None and self.draft:
            chosen = self.marked
        self._app.push_screen(BroadcastScreen(self, self.recipients(), chosen, problem))

    def send(
        self, sessions: Sequence[Session], text: str, files: Sequence[Attachment] = ()
    ) -> Sent:
        """Send to these, in the order of the tabs."""
        return send_to(self._app.sessions, sessions, text, files)

    async def kept(self, sent: Sent) -> None:
        """Wait until what was sent is where it cannot be lost."""
        done = asyncio.Event()
        when_all_kept(self._app.sessions.keeper, sent.turns, done.set)
        await done.wait()

    async def send_to_all(self, text: str, asking: ChatPane, taken: Callable[[], None]) -> None:
        """Send to all open chats. Where it is refused the text becomes the draft of that chat; if
        one is written there already, it stays in the dialog.

        Args:
            text: The message.
            asking: Where it was typed; files that are attached there go with it.
            taken: Called once it is kept, before any draft is written.
        """
        files = asking.session.attached
        sent = self.send([pane.session for pane in self._app.chats.deck.panes], text, files)
        await self.kept(sent)
        taken()
        if files and sent.turns:
            asking.attaching.take_all_out()
        left = []
        for session, _ in sent.refused:
            pane = self._app.chats.pane_of(session.id)
            if pane is None:
                continue
            if not pane.keep_draft(text):
                left.append(session)
            elif files and not session.attached:
                pane.attaching.put(files)
        self.tell(sent)
        if left:
            if files:
                # The dialog has no place for them: they stay where they were attached.
                asking.attaching.put(files)
            self.draft = text
            names = ", ".join(map(self.name, left))
            self.show(left, f"Another message is being written in {names}: it is kept here.")

    def tell(self, sent: Sent) -> None:
        """Say to how many it went, and to whom it did not."""
        went, asked = len(sent.turns), len(sent.turns) + len(sent.refused)
        many = "1 chat" if went == 1 else f"{went} chats"
        if not sent.refused:
            self._app.notify(f"Sent to {many}.", timeout=4, markup=False)
            return
        words = f"Sent to {went} of {asked} chats. {not_sent_words(sent, self.name)}"
        self._app.notify(sanitize(words), severity="warning", timeout=12, markup=False)

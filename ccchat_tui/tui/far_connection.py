"""The connection to another ccchat's engine, as the header and the panes show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccchat_tui.backends.base import BackendError, ChatBackend
from ccchat_tui.backends.pending import PendingBackend
from ccchat_tui.text import one_line, sanitize
from ccchat_tui.tui.connection import Answer, Connection
from ccchat_tui.tui.widgets.header import ServerView

if TYPE_CHECKING:
    from ccchat_tui.remote.service import RemoteService
    from ccchat_tui.tui.app import CCChatApp


class FarConnection(Connection):
    """No demo model stands in here: what answers is decided where the engine is. A line that breaks
    is mended by the service; here it is said.

    Args:
        app: Whose header and panes are told.
        remote: The engine.
        pending: Of no use here.
        demo: Of no use here.
        model: The model of new chats; empty for the other side's own.
    """

    def __init__(
        self,
        app: CCChatApp,
        remote: RemoteService,
        *,
        pending: PendingBackend,
        demo: ChatBackend,
        model: str,
    ) -> None:
        super().__init__(
            remote,
            app.sessions,
            pending=pending,
            server=remote.server,
            demo=demo,
            model=model or remote.me.model,
            changed=app.answer_changed,
        )
        self._app = app
        self._remote = remote
        self._trouble = ""
        remote.say = self._say
        remote.line.news = self._news

    async def try_server(self) -> BackendError | None:
        """Ask which models there are. Returns what is wrong, where that is not told."""
        error = await self._ask_server()
        if error is not None and not self._remote.trouble:
            # The engine is there, but its model server is not: chats can wait there for it.
            self._sessions.set_models((), self._remote.me.model)
            self._show(self.server, f"{error.message.rstrip('.')}. Press F5 to ask again.")
        return error

    def _say(self, words: str) -> None:
        self._app.notify(sanitize(words), severity="warning", markup=False)

    def _news(self) -> None:
        if not self._app.is_running:
            return
        self._app.wake_queue()
        trouble = self._remote.trouble
        if trouble == self._trouble:
            return
        self._trouble = trouble
        told = "no connection" if trouble else ""
        address = one_line(self.server.address, 80)
        notice = trouble and f"{trouble} Trying again; what runs there goes on for half a minute."
        self.answer = Answer(ServerView(self.server.name, address, told), notice)
        self._changed()

"""What is told of a reply that has ended where nobody looks: a toast, the bell, the desktop."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ccchat_tui.engine.events import RequestEnded
from ccchat_tui.engine.request import RequestState
from ccchat_tui.text import one_line

if TYPE_CHECKING:
    from ccchat_tui.sessions.model import Session
    from ccchat_tui.tui.app import CCChatApp

TIMEOUT = 4
"""Seconds that a toast stays."""


class ReplyNotices:
    """Tells of replies that end out of sight. What ends together is told together.

    Args:
        app: Whose replies they are.
        how: `off`, `toast`, `bell` or `desktop`; each tells all that the one before it tells.
        write: Writes to the terminal.
        env: The environment, which says what terminal it is.
    """

    def __init__(
        self,
        app: CCChatApp,
        how: str,
        write: Callable[[str], None],
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._app = app
        self._how = how
        self._write = write
        self._env = os.environ if env is None else env
        self._ended: list[tuple[Session, RequestState]] = []

    def ended(self, event: RequestEnded) -> None:
        """A request has ended. A cancel was somebody's own wish, and is not told."""
        if self._how == "off" or event.state is RequestState.CANCELLED:
            return
        session = self._app.sessions.find(event.session_id)
        if session is None or self._seen(session):
            return
        if not self._ended:
            self._app.call_later(self._tell)
        self._ended.append((session, event.state))

    def _seen(self, session: Session) -> bool:
        """Whether its reply is on a screen that somebody looks at."""
        chats = self._app.chats
        shown = any(pane.session is session for pane in chats.deck.in_sight)
        return shown and self._app.app_focus

    def _tell(self) -> None:
        ended, self._ended = self._ended, []
        if not ended:
            return
        words = _words(ended)
        failed = any(state is not RequestState.COMPLETED for _, state in ended)
        if any(not self._in_sight(session) for session, _ in ended):
            self._app.notify(
                words,
                severity="warning" if failed else "information",
                timeout=TIMEOUT,
                markup=False,
            )
        if self._app.app_focus:
            return
        if self._how in ("bell", "desktop"):
            self._write("\a")
        if self._how == "desktop":
            self._write(desktop_notice(words, self._env))

    def _in_sight(self, session: Session) -> bool:
        return any(pane.session is session for pane in self._app.chats.deck.in_sight)


def _words(ended: list[tuple[Session, RequestState]]) -> str:
    if len(ended) > 1:
        chats = len({session.id for session, _ in ended})
        failed = sum(state is not RequestState.COMPLETED for _, state in ended)
        where = "1 chat" if chats == 1 else f"{chats} chats"
        return f"{len(ended)} replies ended in {where}" + (f", {failed} failed" if failed else "")
    session, state = ended[0]
    what = {
        RequestState.COMPLETED: "the reply is there",
        RequestState.TIMED_OUT: "the reply took too long",
    }.get(state, "the reply failed")
    return f"{one_line(session.user, 16)} · {one_line(session.title, 40)}: {what}"


def desktop_notice(words: str, env: Mapping[str, str]) -> str:
    """The escape sequence by which a terminal shows a notice on the desktop.

    Two are in use: OSC 9 (iTerm2, kitty, WezTerm, Ghostty, Windows Terminal's kin) and OSC 777
    (rxvt-unicode, foot, terminals on VTE). Tmux hands one on where `allow-passthrough` is set.

    Args:
        words: What is to be told.
        env: The environment.
    """
    # Nothing in it may end the sequence, or be taken for one of its parts.
    text = one_line(words, 120).replace(";", ",")
    term = env.get("TERM", "")
    if term.startswith(("rxvt", "foot")) or env.get("VTE_VERSION"):
        sequence = f"\x1b]777;notify;ccchat;{text}\x1b\\"
    else:
        sequence = f"\x1b]9;ccchat: {text}\x1b\\"
    if env.get("TMUX"):
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return sequence

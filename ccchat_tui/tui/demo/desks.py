"""The app's chats as the desks that simulated users write at."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccchat_tui.engine.events import EngineEvent, RequestEnded
from ccchat_tui.scenarios.player import Hands
from ccchat_tui.tui.refusals import words_of

if TYPE_CHECKING:
    from ccchat_tui.engine.request import Rejected
    from ccchat_tui.scenarios.plan import Conversation
    from ccchat_tui.sessions.model import Session
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.widgets.composer import Composer


class Desks:
    """Opens a tab for each conversation; those that a user has finished make way for the next.

    Args:
        app: Whose chats they are. Each user has one to begin with.
        back: The key that gives a chat back, in words.
    """

    def __init__(self, app: CCChatApp, back: str) -> None:
        self.app = app
        self.back = back
        self._desks: list[ChatDesk] = []
        self._ends: dict[str, asyncio.Future[None]] = {}
        self._unsubscribe = app.service.subscribe(self._on_event)

    def open(self, conversation: Conversation) -> ChatDesk:
        """The desk of a conversation that begins now."""
        user, sessions = conversation.user, self.app.sessions
        used = {desk.session.id for desk in self._desks}
        first = (each for each in sessions.sessions if each.user == user and each.id not in used)
        session = next(first, None) if conversation.number == 1 else None
        if session is None:
            self._clear(user)
            session = sessions.create(user)
        desk = ChatDesk(self, session, len(conversation.turns))
        self._desks.append(desk)
        return desk

    def at(self, session_id: str) -> ChatDesk | None:
        """The desk of a chat."""
        return next((each for each in self._desks if each.session.id == session_id), None)

    def close(self) -> None:
        """Follow the requests no longer."""
        self._unsubscribe()

    async def ended(self, request_id: str) -> None:
        """Wait for the end of a request."""
        end = self._ends.setdefault(request_id, asyncio.get_running_loop().create_future())
        try:
            await end
        finally:
            self._ends.pop(request_id, None)

    def _clear(self, user: str) -> None:
        """Close the chats that a user is done with, but none that is in sight or written in."""
        for desk in [each for each in self._desks if each.session.user == user and each.done]:
            in_sight = desk.pane in self.app.chats.deck.in_sight
            if not in_sight and not desk.text and desk.hands is Hands.THEIRS:
                self._desks.remove(desk)
                self.app.sessions.close(desk.session)

    def _on_event(self, event: EngineEvent) -> None:
        if isinstance(event, RequestEnded):
            end = self._ends.get(event.request_id)
            if end is not None and not end.done():
                end.set_result(None)


@dataclass(eq=False, slots=True)
class SentMessage:
    """A message of a simulated user, on its way."""

    desks: Desks
    session: Session
    request_id: str

    @property
    def user(self) -> str:
        """Who sent it."""
        return self.session.user

    def cancel(self) -> None:
        """Stop its reply; what has come of it stays."""
        self.desks.app.sessions.cancel_request(self.request_id)

    async def ended(self) -> None:
        """Wait until nothing more of it comes."""
        if self.desks.app.service.find(self.request_id) is not None:
            await self.desks.ended(self.request_id)


class ChatDesk:
    """A chat in which a simulated user writes, as a person would: into its message box.

    Args:
        desks: Who opened it.
        session: The conversation.
        messages: How many are to be sent in it.
    """

    def __init__(self, desks: Desks, session: Session, messages: int) -> None:
        self.session = session
        self._left = messages
        self.hands = Hands.THEIRS
        self._desks = desks
        self._early = ""

    @property
    def pane(self) -> object:
        """The chat on the screen, if it is still open."""
        return self._desks.app.chats.pane_of(self.session.id)

    @property
    def done(self) -> bool:
        """Whether everything has been said in it."""
        return not self._left and not self._desks.app.sessions.running(self.session)

    @property
    def open(self) -> bool:
        """Whether it is still there."""
        return self.session in self._desks.app.sessions.sessions

    @property
    def text(self) -> str:
        """What stands in the box."""
        box = self._box
        return self._early if box is None else box.text

    def write(self, text: str) -> None:
        """Have the box hold this text. The cursor stays where it was, unless it was at the end."""
        box = self._box
        if box is None:
            self._early = text  # the box is being made
        elif text.startswith(box.text):
            follow = box.selection.is_empty and box.cursor_location == box.document.end
            box.insert(text[len(box.text) :], box.document.end)
            if follow:
                box.move_cursor(box.document.end)
        else:
            box.set_draft(text)

    def put_aside(self) -> None:
        """Make what stands in the box an earlier prompt, which Up brings back."""
        if (box := self._box) is not None:
            box.prompts.add(box.text)
            box.clear()

    def send(self, text: str) -> SentMessage:
        """Send a message and empty the box. Raises `Rejected`; then the box is as it was."""
        app = self._desks.app
        turn = app.sessions.send(self.session, text)
        assert turn.request_id is not None
        if (box := self._box) is not None:
            box.prompts.add(text)
            box.clear()
        self._early = ""
        self._left -= 1
        return SentMessage(self._desks, self.session, turn.request_id)

    def show_hands(self, hands: Hands) -> None:
        """Say who writes here from now on."""
        self.hands = hands
        user, back = self.session.user, self._desks.back
        told = f"You write here now; {back} gives the chat back to {user}."
        self._tell(told if hands is Hands.YOURS else "")

    def refused(self, refusal: Rejected) -> None:
        """Say that a message was not taken."""
        self._tell(f"Not sent: {words_of(refusal)}", problem=True)

    def _tell(self, words: str, *, problem: bool = False) -> None:
        pane = self._desks.app.chats.pane_of(self.session.id)
        if pane is not None:
            pane.tell(words, problem=problem)

    @property
    def _box(self) -> Composer | None:
        """The message box, once there is one; what was written before is then in it."""
        pane = self._desks.app.chats.pane_of(self.session.id)
        if pane is None or not pane.composer.is_attached:
            return None
        if self._early:
            early, self._early = self._early, ""
            pane.composer.set_draft(early)
        return pane.composer

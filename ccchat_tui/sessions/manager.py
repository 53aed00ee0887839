"""Who keeps the conversations: opens and closes them, takes questions for them, and tells its
listeners which session and turn have changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ccchat_tui.backends.base import Think
from ccchat_tui.clock import Clock
from ccchat_tui.engine.events import RequestEnded
from ccchat_tui.engine.facade import ChatService
from ccchat_tui.engine.request import Priority, Rejected, RequestState
from ccchat_tui.sessions.attachments import Attachment
from ccchat_tui.sessions.checks import check_pictures, check_question
from ccchat_tui.sessions.keeper import Keeper
from ccchat_tui.sessions.model import Session, SessionStatus, Turn
from ccchat_tui.sessions.requests import Requests
from ccchat_tui.sessions.titles import UNTITLED, title_from
from ccchat_tui.sessions.versions import Versions

Listener = Callable[[Session, Turn | None], None]
"""Told of a session that has changed, and of the turn that changed in it (`None`: the session
itself, its title, its settings or its being read)."""


class SessionManager:
    """Every conversation of this program, and the requests that answer them.

    Args:
        service: The engine with its backend. The manager listens to it for its whole life.
        clock: For the moments that turns carry.
        new_id: Makes a fresh identifier at each call.
        system: The system prompt of new sessions.
        options: The options of new sessions, by Ollama's names.
        think: How much new sessions have the model think; `None` leaves it to the server.
        keep_alive: How long their model stays loaded; `None` leaves it to the server.
    """

    def __init__(
        self,
        service: ChatService,
        *,
        clock: Clock,
        new_id: Callable[[], str],
        system: str = "",
        options: Mapping[str, Any] | None = None,
        think: Think | None = None,
        keep_alive: str | float | None = None,
    ) -> None:
        self.service = service
        self.sessions: list[Session] = []
        """In the order in which they were opened."""
        self.known_models: tuple[str, ...] = ()
        """What the server said it has, when it was last asked; newest first."""
        self.default_model = ""
        """The model of a chat that was given none."""
        self.sightless: set[str] = set()
        """The models that are known to see no pictures, by their full names."""
        self.connecting = False
        """Whether it is not known yet who will answer; until then a chat needs no model."""
        self.priorities: Mapping[str, Priority] = {}
        """The class that the requests of some users wait in, where it is not the normal one."""
        self.keeper = Keeper()
        """Who keeps the conversations on the disk, if anybody does."""
        self._clock = clock
        self._new_id = new_id
        self._system = system
        self._options = dict(options or {})
        self._think = think
        self._keep_alive = keep_alive
        self._untitled: set[str] = set()
        self._unread: set[str] = set()
        self._standing_in = False
        self._listeners: list[Listener] = []
        self._requests = Requests(
            service,
            new_id=new_id,
            known_models=lambda: self.known_models,
            sightless=lambda: self.sightless,
            priority=lambda user: self.priorities.get(user, Priority.NORMAL),
            changed=self._turn_changed,
            ended=self._ended,
        )
        self.versions = Versions(self)
        """Regenerating, editing, going on, deleting: what makes versions and branches of turns."""

    # Sessions -----------------------------------------------------------------------------

    def create(
        self, user: str, model: str = "", title: str = "", *, like: Session | None = None
    ) -> Session:
        """Open a conversation.

        Args:
            user: Whose it is; limits and fairness apply to users.
            model: The model asked; empty for the first that the server has.
            title: Its name; empty for one made from the first words said in it.
            like: Whose system prompt and options it gets; `None` for those of new sessions.
        """
        session = Session(
            id=self._new_id(),
            user=user,
            title=title.strip() or UNTITLED,
            model=model or self.default_model,
            created_at=self._clock.now(),
            system=self._system if like is None else like.system,
            options=dict(self._options if like is None else like.options),
            think=self._think,
            keep_alive=self._keep_alive,
        )
        if not title.strip():
            self._untitled.add(session.id)
        self.sessions.append(session)
        self._tell(session, None)
        return session

    def adopt(self, session: Session) -> None:
        """Open a conversation that was kept."""
        if not self.connecting:
            session.fit_model(self.known_models, self.default_model, stand_in=self._standing_in)
        if session.title == UNTITLED and not session.turns:
            self._untitled.add(session.id)
        self.sessions.append(session)
        self._tell(session, None)

    def close(self, session: Session) -> None:
        """Cancel what still runs in a session and forget it. Harmless when called twice."""
        if session not in self.sessions:
            return
        self._requests.cancel_in([session])
        self._requests.forget(session)
        self.sessions.remove(session)
        self.versions.forget(session)
        self._untitled.discard(session.id)
        self._unread.discard(session.id)
        self._tell(session, None)

    def rename(self, session: Session, title: str) -> None:
        """Give a session a name of the person's own; an empty one goes back to first words."""
        name = title.strip()
        if name:
            session.title = name
            self._untitled.discard(session.id)
        elif session.turns:
            session.title = title_from(session.turns[0].question)
        else:
            session.title = UNTITLED
            self._untitled.add(session.id)
        self._tell(session, None)

    def set_models(self, names: Sequence[str], default: str, *, stand_in: bool = False) -> None:
        """Say which models there are now. In chats with none, or with one that is gone, the
        default stands in until it is there again; what is under way stays as it was asked.

        Args:
            names: Newest first.
            default: The model of chats that were given none.
            stand_in: Whether it answers only while another does not.
        """
        self._standing_in = stand_in
        self.known_models = tuple(names)
        self.default_model = default
        self.connecting = False
        for session in self.sessions:
            session.fit_model(names, default, stand_in=stand_in)
            for turn in session.every:
                if turn.state.alive and not turn.model:
                    turn.model = default
            self._tell(session, None)

    def find(self, session_id: str) -> Session | None:
        """The open session of an identifier, if there is one."""
        return next((session for session in self.sessions if session.id == session_id), None)

    # Asking -------------------------------------------------------------------------------

    def send(self, session: Session, text: str, attachments: Sequence[Attachment] = ()) -> Turn:
        """Ask a question in a session, behind what is shown of it.

        Args:
            session: Where.
            text: The question.
            attachments: The files that go with it.

        Returns:
            The turn, already waiting or started, at the end of `session.turns`.

        Raises:
            Rejected: The engine did not take it; then nothing has changed.
        """
        turn = self.new_turn(session, text, after=session.end, attachments=attachments)
        self.ask_new(session, turn)
        session.model = session.model or turn.model
        if session.id in self._untitled:
            session.title = title_from(text)
            self._untitled.discard(session.id)
        self._tell(session, turn)
        return turn

    def retry(self, session: Session, turn: Turn) -> Turn:
        """Ask the question of an ended turn again, with the session's present model.

        Returns:
            The same turn, one revision on, if nothing of its reply had come; else another version
            of it, so that what came is kept. A turn whose reply may still come is left alone.

        Raises:
            Rejected: The engine did not take it; then nothing has changed.
        """
        if turn.state.alive:
            return turn
        if any(turn.parts) or any(turn.thinking):
            return self.versions.regenerate(session, turn)
        check_question(session, turn.question)
        self.ask_again(session, turn, turn.start_over(self.model_for(session)))
        return turn

    def cancel_newest(self, session: Session) -> Turn | None:
        """Cancel the newest turn whose reply may still come and that is not being cancelled yet:
        of those that are shown, else of the others.

        Returns:
            That turn, or `None` if there was none.
        """
        for turn in (*reversed(session.turns), *reversed(session.every)):
            if turn.state.alive and self._requests.cancel(session, turn):
                return turn
        return None

    def cancel_turn(self, turn: Turn) -> bool:
        """Cancel one turn. What has come of its reply stays. Cancelling twice is harmless.

        Returns:
            Whether this call cancelled it.
        """
        session = next((each for each in self.sessions if turn in each.every), None)
        return session is not None and turn.state.alive and self._requests.cancel(session, turn)

    def cancel_request(self, request_id: str) -> bool:
        """Cancel the turn of a request, or a request of nobody's here. Returns whether it did."""
        return self._requests.cancel_request(request_id)

    def cancel_user(self, user: str) -> int:
        """Cancel everything of one user. Returns how many turns."""
        return self._requests.cancel_in([each for each in self.sessions if each.user == user])

    def cancel_all(self) -> int:
        """Cancel everything. Returns how many turns."""
        return self._requests.cancel_in(self.sessions)

    # For those who ask in other ways ------------------------------------------------------

    def new_turn(
        self,
        session: Session,
        text: str,
        *,
        after: str,
        place: str = "",
        attachments: Sequence[Attachment] = (),
    ) -> Turn:
        """A turn that is not in its session yet.

        Args:
            session: Which is to have it.
            text: The question.
            after: The place that it follows.
            place: Of what it is another version; empty for a question of its own.
            attachments: The files that go with it.

        Raises:
            Rejected: It cannot be asked.
        """
        check_question(session, text)
        return Turn(
            id=self._new_id(),
            question=text,
            model=self.model_for(session),
            asked_at=self._clock.now(),
            after=after,
            place=place,
            attachments=tuple(attachments),
        )

    def ask_new(self, session: Session, turn: Turn) -> Turn:
        """Take a new turn into its session, and ask it; tells nobody yet.

        Raises:
            Rejected: The engine did not take it; then nothing has changed.
        """
        check_pictures(turn.model, turn.attachments, self.sightless)
        session.add(turn)
        try:
            self._requests.ask(session, turn)
        except BaseException:
            session.remove(turn)
            raise
        return turn

    def ask_again(self, session: Session, turn: Turn, undo: Callable[[], None]) -> None:
        """Ask a turn that was asked before, and tell of it.

        Args:
            session: Whose it is.
            turn: It has been made ready.
            undo: Makes it what it was, if it is not taken.

        Raises:
            Rejected: The engine did not take it; then nothing has changed.
        """
        try:
            check_pictures(turn.model, turn.attachments, self.sightless)
            self._requests.ask(session, turn)
        except BaseException:
            undo()
            raise
        self._tell(session, turn)

    def model_for(self, session: Session) -> str:
        """The session's model, else the default one.

        Raises:
            Rejected: There is neither.
        """
        model = session.model or self.default_model
        if not model and not self.connecting:
            raise Rejected(
                "invalid",
                "No model is chosen for this chat, and the server has not named any. "
                "Connect again, or choose a model in the chat settings.",
            )
        return model

    def turn_changed(self, session: Session, turn: Turn) -> None:
        """Tell the listeners that a turn is new, or has changed."""
        self._tell(session, turn)

    # Looking ------------------------------------------------------------------------------

    def running(self, session: Session) -> list[Turn]:
        """The turns whose reply may still come, oldest first; those that are not shown too."""
        return [turn for turn in session.every if turn.state.alive]

    def status(self, session: Session) -> SessionStatus:
        """What the tab of a session says of it."""
        return session.status(unread=session.id in self._unread)

    def mark_read(self, session: Session) -> None:
        """Say that the person has seen what is in a session."""
        if session.id in self._unread:
            self._unread.discard(session.id)
            self._tell(session, None)

    def changed(self, session: Session) -> None:
        """Tell the listeners that a session has changed, such as its settings or what it shows."""
        self._tell(session, None)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have a listener told of every change. Returns what ends that."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def stop(self) -> None:
        """Listen to the engine no longer. Harmless when called twice."""
        self._requests.stop()

    # Within -------------------------------------------------------------------------------

    def _turn_changed(self, session: Session, turn: Turn) -> None:
        if session in self.sessions:  # else it is closed, and nobody shows it any more
            self._tell(session, turn)

    def _ended(self, session: Session, event: RequestEnded) -> None:
        if session in self.sessions and event.state is not RequestState.CANCELLED:
            self._unread.add(session.id)

    def _tell(self, session: Session, turn: Turn | None) -> None:
        for listener in list(self._listeners):
            listener(session, turn)

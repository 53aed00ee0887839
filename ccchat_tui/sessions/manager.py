"""Who keeps the conversations: makes turns, asks the engine, and follows what becomes of them.

The manager owns no task and waits for nothing. It submits, listens to the engine's events and
tells its own listeners which session and turn have changed; text itself is announced by nobody,
for the turn holds the very list that the engine appends to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ccchat_tui.backends.base import Prompt, Think
from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.clock import Clock
from ccchat_tui.engine.events import (
    EngineEvent,
    RequestEnded,
    RequestEvent,
    RequestFirstToken,
    RequestQueued,
    RequestRetrying,
    RequestStarted,
)
from ccchat_tui.engine.facade import ChatService
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import Priority, Rejected, RequestState
from ccchat_tui.sessions.attachments import Attachment
from ccchat_tui.sessions.checks import check_pictures, check_question
from ccchat_tui.sessions.context import prompt_for, running_before
from ccchat_tui.sessions.keeper import Keeper
from ccchat_tui.sessions.model import Session, SessionStatus, Turn, TurnState
from ccchat_tui.sessions.outcome import end_turn
from ccchat_tui.sessions.titles import UNTITLED, title_from
from ccchat_tui.sessions.words import (
    CANCELLING,
    WAITS_FOR_EARLIER,
    words_for_cancelled,
    words_for_retry,
)

_IN_FLIGHT = frozenset({TurnState.CONNECTING, TurnState.STREAMING})

Listener = Callable[[Session, Turn | None], None]
"""Told of a session that has changed, and of the turn that changed in it (`None`: the session
itself, its title, its settings or its being read)."""


@dataclass(slots=True, eq=False)
class _Asked:
    """One request on its way, and the turn it answers."""

    session: Session
    turn: Turn
    handle: RequestHandle | None = None


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
        self._asked: dict[str, _Asked] = {}
        self._held: dict[str, list[Turn]] = {}
        self._untitled: set[str] = set()
        self._unread: set[str] = set()
        self._standing_in = False
        self._listeners: list[Listener] = []
        self._unsubscribe = service.subscribe(self._on_event)

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
        self._cancel_in([session])
        self.sessions.remove(session)
        self._held.pop(session.id, None)
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
            for turn in session.turns:
                if turn.state.alive and not turn.model:
                    turn.model = default
            self._tell(session, None)

    def find(self, session_id: str) -> Session | None:
        """The open session of an identifier, if there is one."""
        return next((session for session in self.sessions if session.id == session_id), None)

    # Asking -------------------------------------------------------------------------------

    def send(self, session: Session, text: str, attachments: Sequence[Attachment] = ()) -> Turn:
        """Ask a question in a session.

        Args:
            session: Where.
            text: The question.
            attachments: The files that go with it.

        Returns:
            The turn, already waiting or started, at the end of `session.turns`.

        Raises:
            Rejected: The engine did not take it; then nothing has changed.
        """
        check_question(session, text)
        turn = Turn(
            id=self._new_id(),
            question=text,
            model=self._model_for(session),
            asked_at=self._clock.now(),
            attachments=tuple(attachments),
        )
        session.turns.append(turn)
        try:
            self._ask(session, turn)
        except BaseException:
            session.turns.remove(turn)
            raise
        session.model = session.model or turn.model
        if session.id in self._untitled:
            session.title = title_from(text)
            self._untitled.discard(session.id)
        self._tell(session, turn)
        return turn

    def retry(self, session: Session, turn: Turn) -> Turn:
        """Ask the question of an ended turn again, with the session's present model.

        Returns:
            The same turn, one revision on. A turn whose reply may still come is left alone.

        Raises:
            Rejected: The engine did not take it; then nothing has changed.
        """
        if turn.state.alive:
            return turn
        undo = turn.start_over(self._model_for(session))
        try:
            self._ask(session, turn)
        except BaseException:
            undo()
            raise
        self._tell(session, turn)
        return turn

    def cancel_newest(self, session: Session) -> Turn | None:
        """Cancel the newest turn whose reply may still come and that is not being cancelled yet.

        Returns:
            That turn, or `None` if there was none.
        """
        for turn in reversed(session.turns):
            if turn.state.alive and self._cancel(session, turn):
                return turn
        return None

    def cancel_turn(self, turn: Turn) -> bool:
        """Cancel one turn. What has come of its reply stays. Cancelling twice is harmless.

        Returns:
            Whether this call cancelled it.
        """
        session = next((each for each in self.sessions if turn in each.turns), None)
        return session is not None and turn.state.alive and self._cancel(session, turn)

    def cancel_request(self, request_id: str) -> bool:
        """Cancel the turn of a request, or a request of nobody's here. Returns whether it did."""
        asked = self._asked.get(request_id)
        if asked is None:
            return self.service.cancel(request_id)
        return self._cancel(asked.session, asked.turn)

    def cancel_user(self, user: str) -> int:
        """Cancel everything of one user. Returns how many turns."""
        return self._cancel_in([each for each in self.sessions if each.user == user])

    def cancel_all(self) -> int:
        """Cancel everything. Returns how many turns."""
        return self._cancel_in(self.sessions)

    def _cancel_in(self, sessions: Sequence[Session]) -> int:
        turns = [(each, turn) for each in sessions for turn in self.running(each)]
        # What is held goes first, then what is queued, so that neither an end nor a freed slot
        # starts what is cancelled next.
        turns.sort(key=lambda both: (both[1].request_id is not None, both[1].state in _IN_FLIGHT))
        return sum(self._cancel(session, turn) for session, turn in turns)

    # Looking ------------------------------------------------------------------------------

    def running(self, session: Session) -> list[Turn]:
        """The turns whose reply may still come, oldest first."""
        return [turn for turn in session.turns if turn.state.alive]

    def status(self, session: Session) -> SessionStatus:
        """What the tab of a session says of it."""
        return session.status(unread=session.id in self._unread)

    def mark_read(self, session: Session) -> None:
        """Say that the person has seen what is in a session."""
        if session.id in self._unread:
            self._unread.discard(session.id)
            self._tell(session, None)

    def changed(self, session: Session) -> None:
        """Tell the listeners that the settings of a session were changed."""
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
        self._unsubscribe()

    # Within -------------------------------------------------------------------------------

    def _model_for(self, session: Session) -> str:
        """The session's model, else the default one; if there is none either, refuse."""
        model = session.model or self.default_model
        if not model and not self.connecting:
            raise Rejected(
                "invalid",
                "No model is chosen for this chat, and the server has not named any. "
                "Connect again, or choose a model in the chat settings.",
            )
        return model

    def _ask(self, session: Session, turn: Turn) -> None:
        """Submit a turn, or hold it until the one before has ended."""
        check_pictures(turn.model, turn.attachments, self.sightless)
        if session.ordered and any(each.state.alive for each in session.turns if each is not turn):
            self._held.setdefault(session.id, []).append(turn)
            turn.note = WAITS_FOR_EARLIER
            return
        self._submit(session, turn)

    def _submit(self, session: Session, turn: Turn) -> None:
        request_id = self._new_id()
        # The engine may start the request before `submit` returns, so it must be known before.
        asked = self._asked[request_id] = _Asked(session, turn)
        turn.request_id = request_id
        try:
            handle = self.service.submit(
                user=session.user,
                session_id=session.id,
                model=turn.model,
                prompt=lambda: self._context(session, turn),
                preview=turn.question,
                id=request_id,
                priority=self.priorities.get(session.user, Priority.NORMAL),
            )
        except BaseException:
            del self._asked[request_id]
            turn.request_id = None
            raise
        asked.handle = turn.handle = handle
        turn.parts, turn.thinking = handle.parts, handle.thinking

    def _context(self, session: Session, turn: Turn) -> Prompt:
        """What is asked, fixed now; and what that leaves out."""
        turn.left_out = running_before(session, turn)
        return prompt_for(session, turn, sees=full_name(turn.model) not in self.sightless)

    def _cancel(self, session: Session, turn: Turn) -> bool:
        held = self._held.get(session.id, [])
        if turn in held:
            held.remove(turn)
            turn.state, turn.note = TurnState.CANCELLED, words_for_cancelled(has_reply=False).note
            self._tell(session, turn)
            return True
        if turn.request_id is None or not self.service.cancel(turn.request_id):
            return False
        if turn.state.alive:
            turn.note = CANCELLING
            self._tell(session, turn)
        return True

    def _on_event(self, event: EngineEvent) -> None:
        """Follow the engine; events of requests that are not ours are nobody's business here."""
        if not isinstance(event, RequestEvent):
            return
        asked = self._asked.get(event.request_id)
        if asked is None:
            return
        turn = asked.turn
        match event:
            case RequestEnded():
                del self._asked[event.request_id]
                self._finish(asked, event)
            case RequestRetrying(failure=failure, delay=delay):
                turn.state = TurnState.WAITING_TO_RETRY
                turn.note = words_for_retry(failure, delay)
            case RequestFirstToken():
                turn.state = TurnState.STREAMING
                self._quiet(turn)
            case RequestStarted():
                turn.state = TurnState.CONNECTING
                self._quiet(turn)
                if asked.handle is None or asked.handle.prompt is None:
                    # The context is fixed next; what it leaves out is shown from now on.
                    turn.left_out = running_before(asked.session, turn)
            case RequestQueued():
                turn.state = TurnState.QUEUED
                self._quiet(turn)
            case _:
                return
        if asked.session not in self.sessions:
            return  # closed: nobody shows it any more
        self._tell(asked.session, turn)
        if isinstance(event, RequestEnded):
            self._release(asked.session)

    def _quiet(self, turn: Turn) -> None:
        """Drop the note of an earlier stage, but never the one that says it is being cancelled."""
        if turn.note != CANCELLING:
            turn.note = ""

    def _finish(self, asked: _Asked, event: RequestEnded) -> None:
        asked.turn.thought_for, asked.turn.handle = asked.turn.thinking_seconds, None
        end_turn(asked.turn, event, self.known_models)
        if asked.session in self.sessions and event.state is not RequestState.CANCELLED:
            self._unread.add(asked.session.id)

    def _release(self, session: Session) -> None:
        """Submit the next held turn, once nothing of its session runs any more."""
        held = self._held.get(session.id)
        while held and not any(turn.request_id in self._asked for turn in session.turns):
            turn = held.pop(0)
            turn.note = ""
            try:
                self._submit(session, turn)
            except Rejected as refusal:
                turn.state, turn.note = TurnState.FAILED, f"Not taken: {refusal.message}"
            self._tell(session, turn)

    def _tell(self, session: Session, turn: Turn | None) -> None:
        for listener in list(self._listeners):
            listener(session, turn)

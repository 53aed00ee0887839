"""The requests that answer turns: asked, held back, cancelled, and followed to their end.

Nothing here owns a task or waits: it submits, listens to the engine's events and says which turn
has changed. Text itself is announced by nobody, for the turn holds the very list that the engine
appends to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ccchat_tui.backends.base import Prompt
from ccchat_tui.backends.model_lists import full_name
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
from ccchat_tui.engine.request import Priority, Rejected
from ccchat_tui.sessions.context import prompt_for, running_before
from ccchat_tui.sessions.model import Session, Turn, TurnState
from ccchat_tui.sessions.outcome import cancel_held, end_turn
from ccchat_tui.sessions.words import CANCELLING, WAITS_FOR_EARLIER, words_for_retry

_IN_FLIGHT = frozenset({TurnState.CONNECTING, TurnState.STREAMING})


@dataclass(slots=True, eq=False)
class _Asked:
    """One request on its way, and the turn it answers."""

    session: Session
    turn: Turn
    handle: RequestHandle | None = None


class Requests:
    """What is asked of the engine for turns, whether these are shown or not.

    Args:
        service: The engine with its backend. It is listened to until `stop`.
        new_id: Makes a fresh identifier at each call.
        known_models: Gives the models that the server has.
        sightless: Gives the models, by their whole names, that take no pictures.
        priority: Gives the class in which the requests of a user wait.
        changed: Called with a session and a turn of it that has changed.
        ended: Called before that, if the turn has ended.
    """

    def __init__(
        self,
        service: ChatService,
        *,
        new_id: Callable[[], str],
        known_models: Callable[[], tuple[str, ...]],
        sightless: Callable[[], Collection[str]],
        priority: Callable[[str], Priority],
        changed: Callable[[Session, Turn], None],
        ended: Callable[[Session, RequestEnded], None],
    ) -> None:
        self._service = service
        self._new_id = new_id
        self._known_models = known_models
        self._sightless = sightless
        self._priority = priority
        self._changed = changed
        self._ended = ended
        self._asked: dict[str, _Asked] = {}
        self._held: dict[str, list[Turn]] = {}
        self.stop = service.subscribe(self._on_event)
        """Listens to the engine no longer. Harmless when called twice."""

    @property
    def idle(self) -> bool:
        """Whether nothing is asked and nothing held."""
        return not (self._asked or self._held)

    def ask(self, session: Session, turn: Turn) -> None:
        """Submit a turn, or hold it until the one before has ended.

        Raises:
            Rejected: The engine did not take it.
        """
        if session.ordered and any(each.state.alive for each in session.every if each is not turn):
            self._held.setdefault(session.id, []).append(turn)
            turn.note = WAITS_FOR_EARLIER
            return
        self._submit(session, turn)

    def cancel(self, session: Session, turn: Turn) -> bool:
        """Cancel a turn. What has come of its reply stays. Returns whether this call did it."""
        held = self._held.get(session.id, [])
        if turn in held:
            held.remove(turn)
            cancel_held(turn)
            self._changed(session, turn)
            return True
        if turn.request_id is None or not self._service.cancel(turn.request_id):
            return False
        if turn.state.alive:
            turn.note = CANCELLING
            self._changed(session, turn)
        return True

    def cancel_request(self, request_id: str) -> bool:
        """Cancel the turn of a request, or a request of nobody's here. Returns whether it did."""
        asked = self._asked.get(request_id)
        if asked is None:
            return self._service.cancel(request_id)
        return self.cancel(asked.session, asked.turn)

    def cancel_in(self, sessions: Sequence[Session]) -> int:
        """Cancel everything in some sessions. Returns how many turns."""
        turns = [(each, turn) for each in sessions for turn in each.every if turn.state.alive]
        # What is held goes first, then what is queued, so that neither an end nor a freed slot
        # starts what is cancelled next.
        turns.sort(key=lambda both: (both[1].request_id is not None, both[1].state in _IN_FLIGHT))
        return sum(self.cancel(session, turn) for session, turn in turns)

    def forget(self, session: Session) -> None:
        """A session is closed: nothing more is asked in it."""
        self._held.pop(session.id, None)

    # Within -------------------------------------------------------------------------------

    def _submit(self, session: Session, turn: Turn) -> None:
        request_id = self._new_id()
        # The engine may start the request before `submit` returns, so it must be known before.
        asked = self._asked[request_id] = _Asked(session, turn)
        turn.request_id = request_id
        try:
            handle = self._service.submit(
                user=session.user,
                session_id=session.id,
                model=turn.model,
                prompt=lambda: self._context(session, turn),
                preview=turn.question,
                id=request_id,
                priority=self._priority(session.user),
            )
        except BaseException:
            del self._asked[request_id]
            turn.request_id = None
            raise
        if turn.resumed is not None:
            # Nothing has come yet, as nothing runs before this returns.
            handle.parts[:0], handle.thinking[:0] = turn.parts, turn.thinking
        asked.handle = turn.handle = handle
        turn.parts, turn.thinking = handle.parts, handle.thinking

    def _context(self, session: Session, turn: Turn) -> Prompt:
        """What is asked, fixed now."""
        return prompt_for(session, turn, sees=full_name(turn.model) not in self._sightless())

    def _on_event(self, event: EngineEvent) -> None:
        """Follow the engine; events of requests that are not ours are nobody's business here."""
        if not isinstance(event, RequestEvent):
            return
        asked = self._asked.get(event.request_id)
        if asked is None:
            return
        session, turn = asked.session, asked.turn
        match event:
            case RequestEnded():
                del self._asked[event.request_id]
                self._finish(asked, event)
            case RequestRetrying(failure=failure, delay=delay):
                turn.state = TurnState.WAITING_TO_RETRY
                turn.note = words_for_retry(failure, delay)
            case RequestFirstToken():
                turn.state = TurnState.STREAMING
                _quiet(turn)
            case RequestStarted():
                turn.state = TurnState.CONNECTING
                _quiet(turn)
                if asked.handle is None or asked.handle.prompt is None:
                    # The context is fixed next; what it leaves out is shown from now on.
                    turn.left_out = running_before(session, turn)
            case RequestQueued():
                turn.state = TurnState.QUEUED
                _quiet(turn)
            case _:
                return
        if turn in session.every:  # else it was deleted, and nobody shows it any more
            self._changed(session, turn)
        if isinstance(event, RequestEnded):
            self._release(session)

    def _finish(self, asked: _Asked, event: RequestEnded) -> None:
        asked.turn.thought_for, asked.turn.handle = asked.turn.thinking_seconds, None
        end_turn(asked.turn, event, self._known_models())
        self._ended(asked.session, event)

    def _release(self, session: Session) -> None:
        """Submit the next held turn, once nothing of its session runs any more."""
        held = self._held.get(session.id)
        while held and not any(turn.request_id in self._asked for turn in session.every):
            turn = held.pop(0)
            turn.note = ""
            try:
                self._submit(session, turn)
            except Rejected as refusal:
                turn.state, turn.note = TurnState.FAILED, f"Not taken: {refusal.message}"
            self._changed(session, turn)


def _quiet(turn: Turn) -> None:
    """Drop the note of an earlier stage, but never the one that says it is being cancelled."""
    if turn.note != CANCELLING:
        turn.note = ""

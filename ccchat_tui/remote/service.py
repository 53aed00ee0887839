"""The engine of another ccchat, as the app uses its own: several people, one queue.

What is asked runs there, in the same queue as everybody's. A connection that drops is made anew,
and what happened meanwhile is caught up with, replies included: they go on while nobody follows
them, for half a minute.

One thing differs from an engine of one's own: the context of a request is fixed when it is sent,
not when it is given its slot, for then it is in another program's hands.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from urllib.parse import urlencode

from ccchat_tui.backends.base import BackendError, ChatBackend, ErrorKind, Prompt, ServerStatus
from ccchat_tui.backends.ccchat import CcchatServer, Json
from ccchat_tui.clock import Clock
from ccchat_tui.engine.announcer import Announcer
from ccchat_tui.engine.events import EngineEvent, RequestEvent
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.history import QueueHistory
from ccchat_tui.engine.kinds import failure_of
from ccchat_tui.engine.limits import check_limit
from ccchat_tui.engine.mirrored import MirroredRequests
from ccchat_tui.engine.request import ChatRequest, Failure, Priority, Rejected, RequestState
from ccchat_tui.engine.service import PREVIEW
from ccchat_tui.engine.stats import QueueSnapshot
from ccchat_tui.event_log.reader import event_of
from ccchat_tui.remote.carried import CarriedRequest
from ccchat_tui.remote.picture import LONGEST, LONGEST_NAME, NOTHING, servers_of, snapshot_of
from ccchat_tui.text import one_line

_log = logging.getLogger(__name__)

ROWS: Final = 200
"""Requests of others that are asked for."""
QUICK: Final = 0.15
"""Seconds between a change and asking what became of the queue."""
SLOW: Final = 0.5
"""The same while only time passes, and something runs."""
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 5.0
"""Seconds between two tries to connect again; they double from the first to the longest."""
LONGEST_AGO: Final = 3600.0
"""Seconds for which what is told may be past."""
REMEMBERED: Final = 5000
"""Requests of ours of which it is known that they were, so that nothing is told of them twice."""
CANCELLED: Final = Failure("cancelled", "cancelled")
LEAVING: Final = 2.0
"""Seconds that cancelling what is ours may take when we leave."""


@dataclass(frozen=True, slots=True)
class Me:
    """Who we are there."""

    user: str
    admin: bool
    model: str
    at: float
    """The other engine's clock when this was asked."""


async def who_am_i(server: CcchatServer) -> Me:
    """Ask a ccchat who we are there. Raises `BackendError`."""
    told = await server.me()
    user, model, at = told["user"], told.get("model", ""), told["at"]
    if not (isinstance(user, str) and isinstance(model, str) and type(at) in {int, float}):
        raise server.stranger()
    return Me(one_line(user, LONGEST_NAME), told["admin"] is True, one_line(model, LONGEST), at)


class RemoteService:
    """An engine that another ccchat has; a `ChatService` like that of this process.

    Args:
        server: The other ccchat.
        me: Who we are there.
        clock: Ours.
        rng: For the jitter between tries to connect.
    """

    def __init__(
        self, server: CcchatServer, me: Me, *, clock: Clock, rng: random.Random | None = None
    ) -> None:
        self.me = me
        self.server = server
        self.trouble = ""
        """Why there is no connection, in words; empty while there is one."""
        self.say: Callable[[str], None] = lambda _words: None
        """Told what a person should know, such as a cancel that was refused."""
        self.news: Callable[[], None] = lambda: None
        """Called when the queue is known anew, or `trouble` has changed."""
        self._now = clock.monotonic
        self._rng = rng or random.Random()
        self._backend: ChatBackend = server
        self._offset = self._now() - me.at  # from the other engine's clock to ours
        self._announcer = Announcer()
        self._history = QueueHistory(self._now)
        self._mirrored = MirroredRequests(self._now, self._ask_to_cancel)
        self._own: dict[str, CarriedRequest] = {}
        self._ours: dict[str, None] = {}
        self._picture = NOTHING
        self._servers: tuple[ServerStatus, ...] = ()
        self._last = ""
        self._dirty = asyncio.Event()
        self._up = asyncio.Event()
        self._up.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False
        self._empty = asyncio.Event()
        self._empty.set()

    def start(self) -> None:
        """Follow the other engine from now on, until `aclose`. Who listens is called in the context
        of whoever calls this."""
        self._dirty.set()
        self._spawn(self._follow(), "events from afar")
        self._spawn(self._look(), "queue from afar")

    # What there is --------------------------------------------------------------------------

    @property
    def backend(self) -> ChatBackend:
        """The other ccchat as a server of models."""
        return self._backend

    @property
    def draining(self) -> bool:
        """Whether new requests are refused, because it is being closed."""
        return self._draining

    @property
    def history(self) -> QueueHistory:
        """The last minutes, since we look."""
        return self._history

    @property
    def servers(self) -> tuple[ServerStatus, ...]:
        """The servers behind the other engine, as it says."""
        return self._servers

    def use_backend(self, backend: ChatBackend) -> ChatBackend:
        """What answers is decided where the engine is; this changes only who is asked for models.
        Returns what was asked before."""
        old, self._backend = self._backend, backend
        return old

    def snapshot(self, requests: int | None = None, *, users: bool = True) -> QueueSnapshot:
        """The queue as it was last heard of; our own requests as they are."""
        picture = self._picture
        if self.trouble:  # how it stands now is not known; ours are followed again later
            picture = replace(picture, in_flight=0, queue_length=0, waiting_to_retry=0, requests=())
        rows = [row for row in picture.requests if not self._over(row.id)]
        return replace(
            picture,
            at=self._now(),
            requests=tuple(rows if requests is None else rows[: max(0, requests)]),
            users=picture.users if users else (),
        )

    def _over(self, request_id: str) -> bool:
        own = self._own.get(request_id)
        return own is not None and own.handle.ended

    def subscribe(self, listener: Callable[[EngineEvent], None]) -> Callable[[], None]:
        """Have a listener told of every event that we may know of. Returns what ends that."""
        return self._announcer.subscribe(listener)

    # Requests -------------------------------------------------------------------------------

    def submit(
        self,
        *,
        user: str,
        session_id: str,
        model: str,
        prompt: Callable[[], Prompt],
        preview: str,
        id: str,  # noqa: A002 - the word for it everywhere
        priority: Priority = Priority.NORMAL,
        timeout: float | None = None,
    ) -> RequestHandle:
        """Ask something of the model, there. Whether it is taken is known only later: a refusal
        ends the request as `failed`.

        Raises:
            Rejected: There is no connection, or we are about to leave.
        """
        if self._draining:
            raise Rejected("draining", "ccchat is about to end and takes no more.")
        if self.trouble:
            raise Rejected("invalid", f"{self.trouble} Send it again when it is back.")
        words = " ".join(preview[: 4 * PREVIEW].split())[:PREVIEW]
        request = ChatRequest(id, user, session_id, model, words, prompt, priority, timeout)
        handle = self._mirrored.open(request)
        handle.prompt = asked = prompt()
        terms: dict[str, Any] = {"id": id, "user": user, "session_id": session_id}
        terms["priority"] = priority.name.lower()
        if timeout is not None:
            terms["timeout_ms"] = round(timeout * 1000)
        carried = CarriedRequest(
            self.server,
            self._mirrored,
            handle,
            prompt=asked,
            terms=terms,
            here=self._here,
            tell=self._tell,
        )
        self._own[id] = carried
        self._ours[id] = None
        if len(self._ours) > REMEMBERED:
            del self._ours[next(iter(self._ours))]
        self._empty.clear()
        carried.carrying = self._spawn(self._carry(carried), f"request {id}")
        return handle

    def find(self, request_id: str) -> RequestHandle | None:
        """The living request of ours of this id."""
        own = self._own.get(request_id)
        return None if own is None or own.handle.ended else own.handle

    def cancel(self, request_id: str) -> bool:
        """Have a request cancelled, ours or (for the admin) anybody's."""
        handle = self.find(request_id)
        if handle is not None:
            return handle.cancel()
        if request_id not in {row.id for row in self._picture.requests}:
            return False
        self._spawn(self._told(self.server.cancel(request_id)), f"cancel {request_id}")
        return True

    def cancel_user(self, user: str) -> list[str]:
        """Cancel everything of one user. Returns what is known of it here."""
        return self._cancel(f"?{urlencode({'user': user})}", user)

    def cancel_all(self) -> list[str]:
        """Cancel everything that we may cancel. Returns what is known of it here."""
        return self._cancel("?all=1" if self.me.admin else "")

    def _cancel(self, which: str, user: str | None = None) -> list[str]:
        """Ours one by one, for they say here what becomes of them; the others, of whom there may be
        more than are known here, at once."""
        own = [
            each.handle.id
            for each in list(self._own.values())
            if user in (None, each.handle.user) and each.handle.cancel()
        ]
        others = [
            row.id
            for row in self._picture.requests
            if user in (None, row.user) and row.id not in self._ours
        ]
        if self.me.admin or others:
            asking = self.server.steer("DELETE", f"/api/ai/requests{which}")
            self._spawn(self._told(asking), "cancel all")
        return [*own, *others]

    def _ask_to_cancel(self, handle: RequestHandle) -> bool:
        carried = self._own.get(handle.id)
        if carried is None:
            return False
        self._spawn(self._stop(carried), f"cancel {handle.id}")
        return True

    async def _stop(self, carried: CarriedRequest) -> None:
        if not self.trouble:
            try:
                await self.server.cancel(carried.handle.id)
                return
            except BackendError as error:
                if error.status not in (None, 404):
                    carried.handle.cancelling = False
                    self.say(error.message)
                    return
        # Nobody there can be told, or nobody there knows of it: who is not followed is cancelled.
        self._end(carried, RequestState.CANCELLED, CANCELLED)

    @staticmethod
    def _end(carried: CarriedRequest, state: RequestState, failure: Failure) -> None:
        """Have one of ours end here. One that is on its way there is cancelled when it arrives."""
        carried.end(state, failure)
        if carried.carrying is not None and not carried.asking:
            carried.carrying.cancel()

    async def _carry(self, carried: CarriedRequest) -> None:
        """Follow one of ours through all connections it takes."""
        pause = FIRST_PAUSE
        try:
            while not carried.handle.ended:
                if not self._up.is_set():
                    await self._up.wait()
                    pause = FIRST_PAUSE
                try:
                    await carried.attempt()
                except BackendError:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                except ValueError as error:
                    carried.end(RequestState.FAILED, Failure("protocol", _strange(error)))
        finally:
            self._own.pop(carried.handle.id, None)
            if not self._own:
                self._empty.set()

    # The queue as a whole -------------------------------------------------------------------

    def pause(self) -> None:
        """Have nothing started until `resume`; only the admin may."""
        self._steer("POST", "/api/ai/pause")

    def resume(self) -> None:
        """Have queued requests started again; only the admin may."""
        self._steer("POST", "/api/ai/resume")

    def set_limits(
        self,
        *,
        max_concurrent: int | Literal["auto"] | None = None,
        max_concurrent_per_user: int | None = None,
    ) -> None:
        """Change limits there; only the admin may.

        Raises:
            ValueError: A limit is below 1 or no whole number.
        """
        wanted: Json = {
            "max_concurrent": max_concurrent,
            "max_concurrent_per_user": max_concurrent_per_user,
        }
        wanted = {name: value for name, value in wanted.items() if value is not None}
        for name, value in wanted.items():
            if value != "auto":
                check_limit(name, value)
        if wanted:
            self._steer("PATCH", "/api/ai/limits", wanted)

    def _steer(self, method: str, path: str, body: Json | None = None) -> None:
        if not self.me.admin:
            self.say(
                f"Only the admin of the ccchat at {self.server.address} may do that; "
                f"you are {self.me.user} there."
            )
            return
        self._spawn(self._told(self.server.steer(method, path, body)), path)

    async def _told(self, asking: Coroutine[Any, Any, object]) -> None:
        """Have something done, and say so if it is not."""
        try:
            await asking
        except BackendError as error:
            self.say(error.message)
        self._dirty.set()

    async def drain(self) -> None:
        """Refuse new requests from now on, and wait until all of ours have ended."""
        self._draining = True
        await self._empty.wait()

    async def aclose(self) -> None:
        """Refuse new requests, cancel ours there, and close all connections."""
        self._draining = True
        living = [carried for carried in self._own.values() if not carried.handle.ended]
        for carried in living:
            carried.handle.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVING):
                await self._empty.wait()
        for carried in living:  # whoever still waits is woken
            self._end(carried, RequestState.CANCELLED, CANCELLED)
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # Following ------------------------------------------------------------------------------

    async def _follow(self) -> None:
        """Hear of everything that happens there, again after each break."""
        pause = FIRST_PAUSE
        while True:
            begun = self._now()
            try:
                if self.trouble:  # it may have been started anew, or its clock have stood still
                    me = await who_am_i(self.server)
                    self._offset = self._now() - me.at
                await self.server.events(self._last, self._hear)
                why = f"The ccchat at {self.server.address} has closed the connection."
            except BackendError as error:
                why = f"{error.message.rstrip('.')}."
                if error.kind is ErrorKind.UNAUTHORIZED:  # what it has begun has ended there
                    self._lose(failure_of(error))
            except ValueError as error:
                why = _strange(error)
            if self._now() - begun > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            self._set_trouble(why)
            await asyncio.sleep(pause * self._rng.uniform(0.75, 1.25))
            pause = min(2 * pause, LONGEST_PAUSE)

    def _lose(self, failure: Failure) -> None:
        for carried in list(self._own.values()):
            self._end(carried, RequestState.FAILED, failure)

    def _here(self, at: float) -> float:
        """A moment of the other engine's clock on ours. What is told has happened, and lately."""
        now = self._now()
        return min(now, max(now - LONGEST_AGO, at + self._offset))

    def _hear(self, line: Json) -> None:
        """A line of the events. The first one comes at once."""
        self._set_trouble("")
        event_id, told = line.get("id"), line.get("event")
        if isinstance(event_id, str):
            self._last = event_id
        if told is None:
            return
        self._dirty.set()
        try:
            event = event_of(told)
        except ValueError:
            return  # the queue is looked at anyway
        own = isinstance(event, RequestEvent) and event.request_id in self._ours
        if event is not None and not own:  # ours tell of themselves, in step with their replies
            self._tell([replace(event, at=self._here(event.at))])

    def _tell(self, events: list[RequestEvent] | list[EngineEvent]) -> None:
        self._dirty.set()
        for event in events:
            self._announcer.post(event)
        self._announcer.deliver()

    async def _look(self) -> None:
        """Ask how the queue stands, soon after something happened and while something runs."""
        while True:
            moves = bool(self._picture.in_flight or self._picture.waiting_to_retry)
            try:
                async with asyncio.timeout(SLOW if moves else None):
                    await self._dirty.wait()
            except TimeoutError:
                pass
            await self._up.wait()
            self._dirty.clear()
            try:
                status = await self.server.status()
                rows = await self.server.requests(everyone=self.me.admin, most=ROWS)
                self._show(snapshot_of(status, rows, self._now()), servers_of(status))
            except (BackendError, ValueError) as error:
                if isinstance(error, ValueError):
                    self.say(_strange(error))
                self._dirty.set()
                await asyncio.sleep(SLOW)
            await asyncio.sleep(QUICK)

    def _show(self, picture: QueueSnapshot, servers: tuple[ServerStatus, ...]) -> None:
        now, before = self._now(), self._picture
        self._picture, self._servers = picture, servers
        self._history.levels(now, picture.in_flight, picture.queue_length)
        if before is not NOTHING:
            self._history.tokens += max(0, picture.tokens - before.tokens)
        self.news()

    def _set_trouble(self, why: str) -> None:
        if why == self.trouble:
            return
        self.trouble = why
        if why:
            self._up.clear()
        else:
            self._up.set()
            self._dirty.set()
        self.news()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s has failed: %r", task.get_name(), error, exc_info=error)


def _strange(error: ValueError) -> str:
    return f"The other ccchat speaks in a way that is not known here ({error}); is it newer?"

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
from dataclasses import replace
from typing import Any, Final, Literal
from urllib.parse import urlencode

from ccchat_tui.backends.base import BackendError, ChatBackend, Prompt, ServerStatus
from ccchat_tui.backends.ccchat import CcchatServer, Json
from ccchat_tui.clock import Clock
from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.history import QueueHistory
from ccchat_tui.engine.limits import check_limit
from ccchat_tui.engine.mirrored import MirroredRequests
from ccchat_tui.engine.request import ChatRequest, Failure, Priority, Rejected, RequestState
from ccchat_tui.engine.service import preview_of
from ccchat_tui.engine.stats import QueueSnapshot
from ccchat_tui.remote.carried import CarriedRequest
from ccchat_tui.remote.line import FIRST_PAUSE, LONGEST_PAUSE, Line, strange
from ccchat_tui.remote.me import Me

_log = logging.getLogger(__name__)

REMEMBERED: Final = 5000
"""Requests of ours of which it is known that they were, so that nothing is told of them twice."""
CANCELLED: Final = Failure("cancelled", "cancelled")
LEAVING: Final = 2.0
"""Seconds that cancelling what is ours may take when we leave."""


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
        self.say: Callable[[str], None] = lambda _words: None
        """Told what a person should know, such as a cancel that was refused."""
        self._now = clock.monotonic
        self._backend: ChatBackend = server
        self._mirrored = MirroredRequests(self._now, self._ask_to_cancel)
        self._own: dict[str, CarriedRequest] = {}
        self._ours: dict[str, None] = {}
        self.line = Line(
            server,
            everyone=me.admin,
            offset=self._now() - me.at,
            now=self._now,
            rng=rng or random.Random(),
            is_ours=self._ours.__contains__,
            say=lambda words: self.say(words),  # noqa: PLW0108 - it may be set later
            lost=self._lose,
        )
        """What happens there, and how the queue stands."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False
        self._empty = asyncio.Event()
        self._empty.set()

    def start(self) -> None:
        """Follow the other engine from now on, until `aclose`. Who listens is called in the context
        of whoever calls this."""
        self.line.look_soon()
        self._spawn(self.line.follow(), "events from afar")
        self._spawn(self.line.look(), "queue from afar")

    # What there is --------------------------------------------------------------------------

    @property
    def backend(self) -> ChatBackend:
        """The other ccchat as a server of models."""
        return self._backend

    @property
    def trouble(self) -> str:
        """Why there is no connection, in words; empty while there is one."""
        return self.line.trouble

    @property
    def draining(self) -> bool:
        """Whether new requests are refused, because it is being closed."""
        return self._draining

    @property
    def history(self) -> QueueHistory:
        """The last minutes, since we look."""
        return self.line.history

    @property
    def servers(self) -> tuple[ServerStatus, ...]:
        """The servers behind the other engine, as it says."""
        return self.line.servers

    def use_backend(self, backend: ChatBackend) -> ChatBackend:
        """What answers is decided where the engine is; this changes only who is asked for models.
        Returns what was asked before."""
        old, self._backend = self._backend, backend
        return old

    def snapshot(self, requests: int | None = None, *, users: bool = True) -> QueueSnapshot:
        """The queue as it was last heard of; our own requests as they are."""
        picture = self.line.picture
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
        return self.line.announcer.subscribe(listener)

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
        words = preview_of(preview)
        request = ChatRequest(id, user, session_id, model, words, prompt, priority, timeout)
        handle = self._mirrored.open(request)
        handle.prompt = asked = prompt()
        terms: dict[str, Any] = {"id": id, "user": user, "session_id": session_id}
        terms["priority"], terms["preview"] = priority.name.lower(), words
        if timeout is not None:
            terms["timeout_ms"] = round(timeout * 1000)
        carried = CarriedRequest(
            self.server,
            self._mirrored,
            handle,
            prompt=asked,
            terms=terms,
            here=self.line.here,
            tell=self.line.tell,
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
        if request_id not in {row.id for row in self.line.picture.requests}:
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
            for row in self.line.picture.requests
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
                if not self.line.up.is_set():
                    await self.line.up.wait()
                    pause = FIRST_PAUSE
                try:
                    await carried.attempt()
                except BackendError:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                except ValueError as error:
                    carried.end(RequestState.FAILED, Failure("protocol", strange(error)))
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
        self.line.look_soon()

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

    def _lose(self, failure: Failure) -> None:
        for carried in list(self._own.values()):
            self._end(carried, RequestState.FAILED, failure)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s has failed: %r", task.get_name(), error, exc_info=error)

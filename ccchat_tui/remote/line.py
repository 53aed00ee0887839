"""The line to another engine: what happens there, how its queue stands, and what breaks on the
way. A line that breaks is made anew, and what happened meanwhile is caught up with."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ccchat_tui.backends.base import BackendError, ErrorKind, ServerStatus
from ccchat_tui.backends.ccchat import CcchatServer, Json
from ccchat_tui.engine.announcer import Announcer
from ccchat_tui.engine.events import EngineEvent, RequestEvent
from ccchat_tui.engine.history import QueueHistory
from ccchat_tui.engine.kinds import failure_of
from ccchat_tui.engine.request import Failure
from ccchat_tui.engine.stats import QueueSnapshot
from ccchat_tui.event_log.reader import event_of
from ccchat_tui.remote.me import who_am_i
from ccchat_tui.remote.picture import NOTHING, servers_of, snapshot_of

ROWS: Final = 200
"""Requests of others that are asked for."""
QUICK: Final = 0.15
"""Seconds between a change and asking what became of the queue."""
SLOW: Final = 0.5
"""The same while only time passes, and something runs."""
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 5.0
"""Seconds between two tries to connect again; they double from the first to the longest."""
LONGEST_ID: Final = 100
"""Characters of an event's id, which is given back after a break."""
LONGEST_AGO: Final = 3600.0
"""Seconds for which what is told may be past."""


class Line:
    """Follows another engine.

    Args:
        server: The other ccchat.
        everyone: Whether requests of others may be asked for.
        offset: Seconds from the other engine's clock to ours.
        now: Our clock.
        rng: For the jitter between tries to connect.
        is_ours: Whether a request is one of ours, which tells of itself.
        say: Told what a person should know.
        lost: Told once we may come in no longer, and why.
    """

    def __init__(
        self,
        server: CcchatServer,
        *,
        everyone: bool,
        offset: float,
        now: Callable[[], float],
        rng: random.Random,
        is_ours: Callable[[str], bool],
        say: Callable[[str], None],
        lost: Callable[[Failure], None],
    ) -> None:
        self.trouble = ""
        """Why there is no connection, in words; empty while there is one."""
        self.up = asyncio.Event()
        """Set while there is a connection."""
        self.up.set()
        self.news: Callable[[], None] = lambda: None
        """Called when the queue is known anew, or `trouble` has changed."""
        self.picture = NOTHING
        """The queue as it was last heard of."""
        self.servers: tuple[ServerStatus, ...] = ()
        """The servers behind the other engine, as it says."""
        self.history = QueueHistory(now)
        """How the queue went, since we look."""
        self.announcer = Announcer()
        """Tells of every event that we may know of."""
        self.offset = offset
        self._server = server
        self._everyone = everyone
        self._now = now
        self._rng = rng
        self._is_ours = is_ours
        self._say = say
        self._lost = lost
        self._last = ""
        self._dirty = asyncio.Event()

    def look_soon(self) -> None:
        """Something happened: ask soon how the queue stands."""
        self._dirty.set()

    async def follow(self) -> None:
        """Hear of everything that happens there, again after each break, until cancelled."""
        pause = FIRST_PAUSE
        while True:
            begun = self._now()
            try:
                if self.trouble:  # it may have been started anew, or its clock have stood still
                    me = await who_am_i(self._server)
                    self.offset = self._now() - me.at
                await self._server.events(self._last, self._hear)
                why = f"The ccchat at {self._server.address} has closed the connection."
            except BackendError as error:
                why = f"{error.message.rstrip('.')}."
                if error.kind is ErrorKind.UNAUTHORIZED:  # what it has begun has ended there
                    self._lost(failure_of(error))
            except ValueError as error:
                why = strange(error)
            if self._now() - begun > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            self._set_trouble(why)
            await asyncio.sleep(pause * self._rng.uniform(0.75, 1.25))
            pause = min(2 * pause, LONGEST_PAUSE)

    def here(self, at: float) -> float:
        """A moment of the other engine's clock on ours. What is told has happened, and lately."""
        now = self._now()
        return min(now, max(now - LONGEST_AGO, at + self.offset))

    def _hear(self, line: Json) -> None:
        """A line of the events. The first one comes at once."""
        self._set_trouble("")
        event_id, told = line.get("id"), line.get("event")
        if isinstance(event_id, str) and event_id.isascii() and len(event_id) <= LONGEST_ID:
            self._last = event_id
        if told is None:
            return
        self._dirty.set()
        try:
            event = event_of(told)
        except ValueError:
            return  # the queue is looked at anyway
        own = isinstance(event, RequestEvent) and self._is_ours(event.request_id)
        if event is not None and not own:  # ours tell of themselves, in step with their replies
            self.tell([replace(event, at=self.here(event.at))])

    def tell(self, events: list[RequestEvent] | list[EngineEvent]) -> None:
        """Tell all listeners of events, in order."""
        self._dirty.set()
        for event in events:
            self.announcer.post(event)
        self.announcer.deliver()

    async def look(self) -> None:
        """Ask how the queue stands, soon after something happened and while something runs, until
        cancelled."""
        odd = False
        while True:
            moves = bool(self.picture.in_flight or self.picture.waiting_to_retry)
            try:
                async with asyncio.timeout(SLOW if moves else None):
                    await self._dirty.wait()
            except TimeoutError:
                pass
            await self.up.wait()
            self._dirty.clear()
            try:
                status = await self._server.status()
                rows = await self._server.requests(everyone=self._everyone, most=ROWS)
                self._show(snapshot_of(status, rows, self._now()), servers_of(status))
                odd = False
            except (BackendError, ValueError) as error:
                if isinstance(error, ValueError) and not odd:  # said once, and not at each look
                    odd = True
                    self._say(strange(error))
                self._dirty.set()
                await asyncio.sleep(SLOW)
            await asyncio.sleep(QUICK)

    def _show(self, picture: QueueSnapshot, servers: tuple[ServerStatus, ...]) -> None:
        now, before = self._now(), self.picture
        self.picture, self.servers = picture, servers
        self.history.levels(now, picture.in_flight, picture.queue_length)
        if before is not NOTHING:
            self.history.tokens += max(0, picture.tokens - before.tokens)
        self.news()

    def _set_trouble(self, why: str) -> None:
        if why == self.trouble:
            return
        self.trouble = why
        if why:
            self.up.clear()
        else:
            self.up.set()
            self._dirty.set()
        self.news()


def strange(error: ValueError) -> str:
    """What to say of an answer that cannot be understood."""
    return f"The other ccchat speaks in a way that is not known here ({error}); is it newer?"

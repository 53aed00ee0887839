"""The app is asked to end from outside, or the API that it serves ends, or the app before it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ccchat_tui.ending import Ending, drain_within
from ccchat_tui.text import sanitize

if TYPE_CHECKING:
    from ccchat_tui.tui.app import CCChatApp


class Leaving:
    """Answers signals for an app.

    Args:
        app: The app.
        seconds: How long what runs may go on after a SIGTERM.
    """

    def __init__(self, app: CCChatApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds
        self._ending = Ending(self._drain, self._stop)
        self._asked = asyncio.Event()
        self._now = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._left = False

    @property
    def code(self) -> int:
        """What the program exits with because of a signal; 0 if none came, or a fault before."""
        return 128 + self._ending.came if self._ending.came and not self._app.broken else 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen inside."""
        with self._ending.listening():
            yield

    async def outlive(self) -> None:
        """The app has ended. Where a fault did that and others use its engine, it goes on for them
        until somebody asks for its end; what runs is waited for as usual."""
        self._left = True
        if self._task is not None:
            self._now.set()
            await self._task
        app, outside = self._app, self._app.outside
        if not app.broken or outside is None or outside.ended.is_set():
            return
        try:
            print(
                f"ccchat: the API goes on at {outside.url} without the app; Ctrl+C ends it",
                file=sys.stderr,
                flush=True,
            )
            await self._asked.wait()
            await drain_within(app.service, self._seconds, self._now)
        finally:
            await app.close_engine()

    def _drain(self) -> None:
        self._asked.set()
        if not self._left:
            self._task = asyncio.create_task(self._drain_app(), name="drain")

    def _stop(self) -> None:
        self._asked.set()
        self._now.set()
        if not self._left:
            self._app.exit()

    async def _drain_app(self) -> None:
        app = self._app
        snapshot = app.service.snapshot(0, users=False)
        living = snapshot.in_flight + snapshot.queue_length + snapshot.waiting_to_retry
        if living:
            many = "1 request" if living == 1 else f"{living} requests"
            app.notify(
                f"Asked to end: {many} may go on for {self._seconds:g} s. Nothing new is taken.",
                severity="warning",
                timeout=max(self._seconds, 1),
                markup=False,
            )
        await drain_within(app.service, self._seconds, self._now)
        app.exit()


async def tell_of_end(app: CCChatApp) -> None:
    """Say it if the API ends before the app does; the app goes on."""
    outside = app.outside
    assert outside is not None
    await outside.ended.wait()
    app.chats.header.show_outside("")
    if outside.problem:
        app.notify(
            sanitize(f"{outside.problem} The app goes on without it."),
            severity="error",
            timeout=30,
            markup=False,
        )

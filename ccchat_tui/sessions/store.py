"""Conversations that last, as an event loop uses them: nothing here waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ccchat_tui.sessions.owners import Owner

if TYPE_CHECKING:
    import sqlite3

    from ccchat_tui.sessions.problems import StoreProblem
    from ccchat_tui.sessions.writer import Writer

T = TypeVar("T")


class Store:
    """The file of conversations: one thread that writes it, one that reads it.

    SQLite is loaded when it is opened. Jobs and queries get a connection and run in these
    threads; what they return comes back to the loop.

    Args:
        path: The file.
        told: Called when something cannot be written, in words; with `None` when all of it has
            been written after all. Nothing is lost meanwhile: it waits, and is tried again.
        again_after: Seconds until then.
    """

    def __init__(
        self,
        path: Path,
        told: Callable[[StoreProblem | None], None] = lambda _problem: None,
        *,
        again_after: float = 3.0,
    ) -> None:
        self.path = path
        self.told = told
        self.owner = Owner(path)
        """Whose the sessions are that this process has open."""
        self.problem: StoreProblem | None = None
        """Why not everything is saved, where it is not."""
        self._again_after = again_after
        self._early: list[tuple[Callable[[sqlite3.Connection], object], Any, bool]] = []
        self._writer: Writer | None = None
        self._reader: ThreadPoolExecutor | None = None
        self._reading: sqlite3.Connection | None = None
        self._stale = False
        """Whether the file may be another one since it was opened for reading."""
        self._query: object = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def open(self) -> None:
        """Open the file, in the background; what was to be written before is written then.
        Harmless when called twice. Needs a running loop."""
        if self._writer is not None or self._closed:
            return
        from ccchat_tui.sessions.writer import Writer  # noqa: PLC0415 - loads SQLite

        self._loop = asyncio.get_running_loop()
        self._writer = Writer(self.path, self.owner, self._tell, again_after=self._again_after)
        for job, answer, keep in self._early:
            self._writer.add(job, answer, keep=keep)
        self._early.clear()
        self._writer.start()

    def put(
        self,
        job: Callable[[sqlite3.Connection], object],
        done: Callable[[], None] | None = None,
    ) -> None:
        """Have something written, now or as soon as that is possible again.

        Args:
            job: Writes it, in a transaction together with what else is to be written.
            done: Called in the loop when it is on the disk, or when that cannot be for now: in
                either case there is nothing to wait for.
        """

        def answer(_result: object, _error: Exception | None) -> None:
            if done is not None:
                self._call(done)

        self._add(job, answer if done else None, keep=True)

    async def write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Write something at once, in a transaction of its own, behind what was put before.

        Returns:
            What the job returns.

        Raises:
            StoreProblem: It could not be written, and is not going to be.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def settle(result: T, error: Exception | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self._add(job, lambda result, error: self._call(settle, result, error), keep=False)
        return await future

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Ask something. What is asked sees all that was written before.

        A question whose asker is cancelled is broken off, so that the next need not wait for it.

        Raises:
            StoreProblem: It cannot be read.
        """
        if self._reader is None:
            self._reader = ThreadPoolExecutor(1, "ccchat search")
        if self._reading is None:
            await self.write(lambda _database: None)  # there is a file, and it is up to date
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._reader, self._ask, query)
        except asyncio.CancelledError:
            reading = self._reading
            if self._query is query and reading is not None:
                reading.interrupt()
            raise

    async def aclose(self) -> int:
        """Write all that waits, give the tabs back and end both threads.

        Returns:
            How many things could not be saved: 0 if all is well.
        """
        self._closed = True
        reader, self._reader = self._reader, None
        if reader is not None:
            if self._reading is not None:
                self._reading.interrupt()
            await asyncio.to_thread(reader.shutdown)
            if self._reading is not None:
                self._reading.close()
                self._reading = None
        if self._writer is None:
            return len(self._early)
        await asyncio.to_thread(self._writer.stop)
        return self._writer.unsaved

    # Within -------------------------------------------------------------------------------

    def _add(self, job: Callable[[sqlite3.Connection], object], answer: Any, *, keep: bool) -> None:
        if self._writer is None:
            self._early.append((job, answer, keep))
        else:
            self._writer.add(job, answer, keep=keep)

    def _ask(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """In the reader's thread."""
        import sqlite3  # noqa: PLC0415 - has been loaded by the writer

        from ccchat_tui.sessions.database import open_for_reading  # noqa: PLC0415
        from ccchat_tui.sessions.problems import problem_from  # noqa: PLC0415

        if self._stale and self._reading is not None:
            self._reading.close()
            self._reading = None
        self._stale = False
        if self._reading is None:
            self._reading = open_for_reading(self.path)
        self._query = query
        try:
            return query(self._reading)
        except sqlite3.Error as error:
            raise problem_from(error, self.path) from None
        finally:
            self._query = None

    def _tell(self, problem: StoreProblem | None) -> None:
        """In the writer's thread."""
        self._call(self._hear, problem)

    def _hear(self, problem: StoreProblem | None) -> None:
        if problem is None or not problem.passed_over:
            self.problem = problem
            self._stale = True
        self.told(problem)

    def _call(self, function: Callable[..., object], *values: object) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # a loop that is closed wants to know nothing any more
            self._loop.call_soon_threadsafe(function, *values)

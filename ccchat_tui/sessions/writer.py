"""The one thread that writes conversations, in order, and writes later what cannot be now."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccchat_tui.sessions.database import open_database, transaction
from ccchat_tui.sessions.lost_file import Identity, gone, identity, replaced, took_over, write_back
from ccchat_tui.sessions.owners import Owner
from ccchat_tui.sessions.problems import StoreProblem, error_name, of_the_file, problem_from
from ccchat_tui.sessions.tabs import release_all, take_over

Job = Callable[[sqlite3.Connection], Any]
"""Writes something, inside a transaction; done again from its beginning if that fails."""
Answer = Callable[[Any, Exception | None], None]
"""Called once, in any thread: with what the job returned, or with why it is not written."""

_KEEP_CONNECTION = ("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_LOCKED")
"""After these the same connection may be tried again; after others it is opened anew."""


@dataclass(slots=True, eq=False)
class _Task:
    job: Job
    answer: Answer | None
    keep: bool
    """Whether it waits until it can be written; otherwise it is tried once."""

    def tell(self, result: Any, error: Exception | None) -> None:
        answer, self.answer = self.answer, None
        if answer is not None:
            answer(result, error)


class Writer:
    """Opens the file and writes into it, several jobs in one transaction where they have come.

    Args:
        path: The file.
        owner: Whose lock is taken when the file is opened.
        told: Called in the writer's thread when something cannot be written, and with `None`
            when all of it has been written after all.
        again_after: Seconds until what could not be written is tried again.
    """

    def __init__(
        self,
        path: Path,
        owner: Owner,
        told: Callable[[StoreProblem | None], None],
        *,
        again_after: float = 3.0,
    ) -> None:
        self._path = path
        self._owner = owner
        self._told = told
        self._again_after = again_after
        self._news = threading.Condition()
        self._waiting: deque[_Task] = deque()
        self._backlog: deque[_Task] = deque()
        self._problem: StoreProblem | None = None
        self._try_at = 0.0
        self._stopping = False
        self._database: sqlite3.Connection | None = None
        self._file: Identity | None = None
        self._thread = threading.Thread(target=self._run, name="ccchat store", daemon=True)

    @property
    def unsaved(self) -> int:
        """How many jobs wait although they should have been written."""
        return len(self._backlog)

    def start(self) -> None:
        """Open the file, in the thread."""
        self._thread.start()

    def add(self, job: Job, answer: Answer | None = None, *, keep: bool = True) -> None:
        """Have something written.

        Args:
            job: Does it.
            answer: Told what came of it. Of a job that is kept, that it is not written yet is
                told at once; what becomes of it later is not told any more.
            keep: Whether to try again until it is written.
        """
        with self._news:
            problem = self._problem if keep else None
            self._waiting.append(_Task(job, None if problem else answer, keep))
            self._news.notify()
        if problem and answer:
            answer(None, problem)

    def stop(self) -> None:
        """Write what waits, once more if that has failed before, and end the thread."""
        with self._news:
            self._stopping = True
            self._news.notify()
        if self._thread.ident is not None:
            self._thread.join()

    # In the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        self._try(self._open)
        while True:
            with self._news:
                while not (self._waiting or self._stopping or self._due()):
                    left = self._try_at - time.monotonic() if self._unsettled else None
                    self._news.wait(left)
                batch, self._waiting = self._waiting, deque()
                stopping = self._stopping
            self._work(batch, stopping)
            if stopping and not self._waiting:
                break
        self._close()

    @property
    def _unsettled(self) -> bool:
        """Whether something is to be tried again: to write what waits, or only to open the file,
        for there may be tabs in it."""
        passing = self._problem is not None and not self._problem.lasting
        return bool(self._backlog) or passing

    def _due(self) -> bool:
        return self._unsettled and time.monotonic() >= self._try_at

    def _work(self, batch: deque[_Task], stopping: bool) -> None:
        kept = [task for task in batch if task.keep]
        self._backlog.extend(kept)
        if self._problem is not None and self._problem.lasting:
            self._backlog.clear()
        if self._unsettled and (self._problem is None or self._due() or stopping):
            self._try(self._write_backlog)
        for task in batch:
            if not task.keep:
                self._once(task)

    def _try(self, action: Callable[[], None]) -> None:
        """Do something; if the disk or another program prevents it, say so and try again later."""
        try:
            self._open()
            action()
        except StoreProblem as problem:
            self._failed(problem)
        except Exception as error:  # the thread must outlive whatever it is
            self._failed(problem_from(error, self._path))
            if not error_name(error).startswith(_KEEP_CONNECTION):
                self._close_database()
        else:
            if self._problem is not None:
                with self._news:
                    self._problem = None
                self._told(None)

    def _failed(self, problem: StoreProblem) -> None:
        first = self._problem is None or self._problem.message != problem.message
        with self._news:
            self._problem = problem
            self._try_at = time.monotonic() + self._again_after
            late = [*self._backlog, *(task for task in self._waiting if task.keep)]
        if first:
            self._told(problem)
        for task in late:
            task.tell(None, problem)
        if problem.lasting:
            self._backlog.clear()

    def _open(self) -> None:
        if self._database is not None and identity(self._path) == self._file:
            return
        if self._problem is not None and self._problem.lasting:
            raise self._problem
        if self._database is not None:
            self._find_again(self._database)
        database = open_database(self._path)
        try:
            self._owner.acquire()
            self._owner.tidy()
            with transaction(database):
                take_over(database, self._owner.is_alive)
        except BaseException:
            database.close()
            raise
        self._database, self._file = database, identity(self._path)

    def _find_again(self, database: sqlite3.Connection) -> None:
        """The file is not where it was opened. The first time that is told, for it may have been a
        slip that is mended at once; the next time the file is written back."""
        missing = identity(self._path) is None
        if self._problem is None:
            raise gone(self._path) if missing else replaced(self._path)
        if missing:
            write_back(database, self._path)
        elif not took_over(self._path, database, self._owner.token):
            raise replaced(self._path)
        self._close_database()
        # Its lock may have gone with the folder.
        self._owner.release()

    def _write_backlog(self) -> None:
        assert self._database is not None
        tasks = list(self._backlog)
        try:
            with transaction(self._database):
                results = [task.job(self._database) for task in tasks]
        except Exception as error:
            if of_the_file(error):
                raise
            if len(tasks) == 1:
                # A fault of ours; it must not stand in the way of all that comes behind it.
                self._backlog.popleft()
                words = f"A part of a conversation could not be saved ({error!r})"
                self._told(StoreProblem(words, lasting=True, passed_over=True))
                tasks[0].tell(None, error)
                return
        else:
            for task, result in zip(tasks, results, strict=True):
                self._backlog.popleft()
                task.tell(result, None)
            return
        # One of them cannot be written: find it by writing them one by one.
        for number, task in enumerate(tasks):
            self._backlog = deque([task])
            try:
                self._write_backlog()
            except BaseException:
                self._backlog = deque(tasks[number:])
                raise

    def _once(self, task: _Task) -> None:
        result = None
        try:
            self._open()
            assert self._database is not None
            with transaction(self._database):
                result = task.job(self._database)
        except (OSError, sqlite3.Error) as error:
            task.tell(None, problem_from(error, self._path))
        except Exception as error:  # what the job itself has to say
            task.tell(None, error)
        else:
            task.tell(result, None)

    def _close(self) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error), transaction(self._database):
                release_all(self._database, self._owner.token)
        self._close_database()
        self._owner.release()

    def _close_database(self) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None

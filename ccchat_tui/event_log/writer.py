"""Writes an event log, as a rule on a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.event_log.lines import SCHEMA, VERSION, text_of, text_of_line

WAITING = 50_000
"""Events that may wait to be written."""


class EventLog:
    """Takes the engine's events, and has them written by another thread: for the event loop an
    event costs putting it into a queue, however slow the disk is.

    Args:
        path: The file; what is in it is lost.
        about: What the first line says besides; see `reader.Begin`.
        at: The moment, in seconds of the engine's clock.
        patient: Whether to wait if the disk does not keep up. Otherwise events that it is too slow
            for are counted and left out.
        aside: Whether another thread writes. Without one everything waits for the disk, which
            virtual time does not notice, and which is quicker than handing each event over.

    Raises:
        OSError: The file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        about: Mapping[str, Any],
        at: float,
        *,
        patient: bool = False,
        aside: bool = True,
    ) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._queue: queue.Queue[EngineEvent | dict[str, Any] | None] = queue.Queue(WAITING)
        self._patient = patient
        self.began = at
        """When it began."""
        self.lost = 0
        """Events that were left out."""
        self.problem = ""
        """Why nothing more is written; empty while all is well."""
        self._closed = False
        self._thread: threading.Thread | None = None
        if aside:
            self._thread = threading.Thread(target=self._write_all, name="event log", daemon=True)
            self._thread.start()
        self._put({"event": "log", "at": at, "schema": SCHEMA, "version": VERSION, **about})

    def __call__(self, event: EngineEvent) -> None:
        """An event: the listener of a service."""
        if self._patient or self._thread is None:
            self._put(event)
            return
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self.lost += 1

    def close(self, at: float, began: float | None = None) -> None:
        """Write the end, and wait until everything is in the file. Harmless when called twice.

        Args:
            at: When the run ended.
            began: When it began; `None` for when the log did.
        """
        if self._closed:
            return
        self._closed = True
        if self.lost:
            self._put({"event": "lost", "at": at, "count": self.lost})
        began = self.began if began is None else began
        self._put({"event": "end", "at": at, "began": began})
        if self._thread is None:
            self._end()
        else:
            self._queue.put(None)
            self._thread.join()

    def _put(self, item: EngineEvent | dict[str, Any]) -> None:
        """Have it written, however long that takes."""
        if self._thread is None:
            self._write(item)
        else:
            self._queue.put(item)

    def _write_all(self) -> None:
        """What the thread does."""
        while (item := self._queue.get()) is not None:
            self._write(item)
            if self._queue.empty():
                self._do(self._file.flush)
        self._end()

    def _write(self, item: EngineEvent | dict[str, Any]) -> None:
        text = text_of_line(item) if isinstance(item, dict) else text_of(item)
        self._do(self._file.write, text)

    def _end(self) -> None:
        self._do(self._file.flush)
        with suppress(OSError):  # it tries once more to write what it could not
            self._file.close()

    def _do(self, what: Callable[..., object], *words: str) -> None:
        """Do it to the file. After a fault nothing more is done, so that what follows is lost and
        nothing waits for it."""
        if self.problem:
            return
        try:
            what(*words)
        except OSError as error:
            self.problem = error.strerror or str(error)

"""Writes an event log, on a thread of its own."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.event_log.lines import SCHEMA, VERSION, line_of

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

    Raises:
        OSError: The file cannot be written.
    """

    def __init__(
        self, path: Path, about: Mapping[str, Any], at: float, *, patient: bool = False
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
        self._queue.put({"event": "log", "at": at, "schema": SCHEMA, "version": VERSION, **about})
        self._thread = threading.Thread(target=self._write_all, name="event log", daemon=True)
        self._thread.start()

    def __call__(self, event: EngineEvent) -> None:
        """An event: the listener of a service."""
        if self._patient:
            self._queue.put(event)
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
        if not self._thread.is_alive():
            return
        if self.lost:
            self._queue.put({"event": "lost", "at": at, "count": self.lost})
        began = self.began if began is None else began
        self._queue.put({"event": "end", "at": at, "began": began})
        self._queue.put(None)
        self._thread.join()

    def _write_all(self) -> None:
        """What the thread does."""
        with self._file as file:
            while (item := self._queue.get()) is not None:
                if self.problem:
                    continue  # the queue must not fill up
                try:
                    self._write(file, item)
                except OSError as error:
                    self.problem = error.strerror or str(error)

    def _write(self, file: IO[str], item: EngineEvent | dict[str, Any]) -> None:
        line = item if isinstance(item, dict) else line_of(item)
        file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        if self._queue.empty():
            file.flush()

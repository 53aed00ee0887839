"""A file of lines that never grows beyond its bounds, written by a thread of its own."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

MOST_BYTES: Final = 5_000_000
"""Bytes of a file before the next one is begun."""
KEPT: Final = 3
"""Older files that are kept: `ccchat.log.1` is the newest of these."""
WAITING: Final = 10_000
"""Lines that may wait to be written."""
LEAVING: Final = 5.0
"""Seconds that the end waits for a disk that does not answer."""


class RotatingFile:
    """Appends to a file, and puts it aside when it is full. Several programs may do so at once.

    Args:
        path: The file; only its owner may read it.
        most: Bytes before it is put aside.
        kept: How many of those are kept.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, path: Path, most: int = MOST_BYTES, kept: int = KEPT) -> None:
        self._path = path
        self._most = most
        self._kept = kept
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open()

    def write(self, lines: bytes) -> None:
        """Append whole lines. Raises `OSError`."""
        if self._file.closed or self._moved():
            # Another program has put it aside, or somebody has deleted it.
            self.close()
            self._file = self._open()
        size = os.fstat(self._file.fileno()).st_size  # others may have added to it
        if size and size + len(lines) > self._most:
            self._rotate()
        self._file.write(lines)

    def close(self) -> None:
        """Write no more. Harmless when called twice."""
        with suppress(OSError):
            self._file.close()

    def _open(self) -> IO[bytes]:
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return os.fdopen(handle, "ab", buffering=0)

    def _moved(self) -> bool:
        try:
            return not os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return True

    def _rotate(self) -> None:
        self.close()
        names = [self._path.with_name(f"{self._path.name}.{n}") for n in range(1, self._kept + 1)]
        # Windows moves no file that another program has open: then this one grows on.
        with suppress(OSError):
            for older, newer in reversed(list(zip(names[1:], names, strict=False))):
                if newer.exists():
                    newer.replace(older)
            self._path.replace(names[0])
        self._file = self._open()


class LogFile:
    """Takes lines, and has them written by another thread: for the event loop a line costs putting
    it into a queue, however slow the disk is.

    Lines that the disk is too slow for, or that it does not take, are counted and left out; the
    next one that is written says how many.

    Args:
        path: The file.
        most: Bytes before it is put aside.
        kept: How many of those are kept.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, path: Path, most: int = MOST_BYTES, kept: int = KEPT) -> None:
        self._file = RotatingFile(path, most, kept)
        self._queue: queue.Queue[Mapping[str, Any] | None] = queue.Queue(WAITING)
        self._full = 0
        self._unwritten = 0
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def write(self, line: Mapping[str, Any]) -> None:
        """One line, from any thread."""
        try:
            self._queue.put_nowait(line)
        except queue.Full:
            self._full += 1

    def close(self) -> None:
        """Write what waits, for a while, and end. Harmless when called twice."""
        with suppress(queue.Full):
            self._queue.put(None, timeout=LEAVING)
        self._thread.join(LEAVING)

    def _write_all(self) -> None:
        """What the thread does."""
        while (line := self._queue.get()) is not None:
            lost, self._full = self._full + self._unwritten, 0
            told = {**line, "lost_before": lost} if lost else line
            text = json.dumps(told, ensure_ascii=True, separators=(",", ":"), default=str)
            try:
                self._file.write(text.encode() + b"\n")
                self._unwritten = 0
            except OSError:
                self._unwritten = lost + 1
        self._file.close()

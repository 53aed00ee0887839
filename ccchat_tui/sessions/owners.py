"""Which processes have conversations open, told by locks of the system.

A lock goes when its process goes, however that ends, and stays while the process merely sleeps;
no pulse in the file could tell these apart.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


class Owner:
    """One who may have conversations open, as long as it lives.

    Its lock is a file beside the database; `token` is what stands in the rows of what it has
    open.

    Args:
        path: The database.
    """

    def __init__(self, path: Path) -> None:
        self.token = os.urandom(8).hex()
        self._path = path
        self._handle = -1

    def acquire(self) -> None:
        """Take the lock, before anything is opened. Harmless when called twice.

        Raises:
            OSError: The lock cannot be made.
        """
        file = self._file(self.token)
        while self._handle < 0:
            handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
            # Somebody who tidies up may have taken it away before it was locked.
            if _lock(handle) and file.exists():
                self._handle = handle
            else:
                os.close(handle)

    def is_alive(self, token: str) -> bool:
        """Whether a process still has its conversations open."""
        if token == self.token:
            return True
        try:
            handle = os.open(self._file(token), os.O_RDWR)
        except FileNotFoundError:
            return False
        except OSError:
            return True  # when in doubt, nothing is taken from anybody
        try:
            if not _lock(handle):
                return True
            with suppress(OSError):
                self._file(token).unlink()
            return False
        finally:
            os.close(handle)

    def tidy(self) -> None:
        """Take away the locks of processes that are no more."""
        for file in self._path.parent.glob(f"{self._path.name}.*.lock"):
            self.is_alive(file.name.removeprefix(f"{self._path.name}.").removesuffix(".lock"))

    def release(self) -> None:
        """Be no owner any more. Harmless when called twice."""
        if self._handle >= 0:
            file = self._file(self.token)
            if sys.platform == "win32":  # where an open file cannot be taken away
                os.close(self._handle)
            with suppress(OSError):
                file.unlink()
            if sys.platform != "win32":
                os.close(self._handle)
            self._handle = -1

    def _file(self, token: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{token}.lock")

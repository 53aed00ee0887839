"""The real program in a real pseudo-terminal, seen through a terminal emulator."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Self

import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

ALTERNATE_SCREEN_OFF = b"\x1b[?1049l"
"""What a full-screen program sends to give the terminal back."""


class NeverSeenError(AssertionError):
    """What was waited for did not come; holds the last screen."""


class Terminal:
    """A program under test and the screen it draws.

    Args:
        command: The program and its arguments.
        columns: Width of the screen in cells.
        rows: Height of the screen in cells.
        env: The whole environment of the program.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 120,
        rows: int = 40,
        env: Mapping[str, str],
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.raw = bytearray()
        self._stream = pyte.ByteStream(self.screen)
        self._master, slave = pty.openpty()
        self._set_size(columns, rows)
        self.before = termios.tcgetattr(slave)
        self._slave = slave
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._slave)
        os.close(self._master)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the terminal, as dragging its corner does."""
        self.screen.resize(rows, columns)
        self._set_size(columns, rows)
        self.process.send_signal(signal.SIGWINCH)

    def send(self, keys: str) -> None:
        """Type: the very characters and sequences that a terminal sends."""
        os.write(self._master, keys.encode())

    def click(self, column: int, row: int) -> None:
        """Press and release the left button at a cell, counted from 0."""
        place = f"{column + 1};{row + 1}"
        self.send(f"\x1b[<0;{place}M\x1b[<0;{place}m")

    def pump(self, seconds: float) -> bool:
        """Take what the program draws, for at most this long. Returns whether anything came."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux says EIO when the last holder of the other end is gone
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    @property
    def lines(self) -> list[str]:
        """The rows of the screen as text."""
        return list(self.screen.display)

    @property
    def text(self) -> str:
        """The whole screen as text."""
        return "\n".join(self.lines)

    def until(self, what: str | Callable[[str], bool], seconds: float = 30.0) -> str:
        """Wait until the screen shows something.

        Args:
            what: A text to be seen, or a test of the whole screen.
            seconds: How long at the most.

        Raises:
            NeverSeenError: When it did not come; says what the screen showed instead.
        """
        seen = (lambda text: what in text) if isinstance(what, str) else what
        deadline = time.monotonic() + seconds
        while not seen(self.text):
            left = deadline - time.monotonic()
            if left <= 0:
                raise NeverSeenError(f"{what!r} was not seen within {seconds} s:\n{self.text}")
            self.pump(min(left, 0.2))
        return self.text

    def find(self, what: str) -> tuple[int, int]:
        """The column and row of a text on the screen, counted from 0."""
        for row, line in enumerate(self.lines):
            column = line.find(what)
            if column >= 0:
                return column, row
        raise NeverSeenError(f"{what!r} is not on the screen:\n{self.text}")

    def wait_for_exit(self, seconds: float = 20.0) -> int:
        """Let the program end by itself; its exit code.

        Raises:
            NeverSeenError: When it still runs after that time.
        """
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise NeverSeenError(f"it still runs after {seconds} s:\n{self.text}")
            self.pump(0.1)
        while self.pump(0.1):
            pass
        return int(self.process.returncode)

    @property
    def restored(self) -> bool:
        """Whether the terminal was given back: main screen, and line settings as before."""
        return (
            self.raw.rfind(ALTERNATE_SCREEN_OFF) >= 0
            and termios.tcgetattr(self._slave) == self.before
        )

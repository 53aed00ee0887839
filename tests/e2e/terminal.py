"""The real program in a real pseudo-terminal, seen through a terminal emulator."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import struct
import sys
from typing import TYPE_CHECKING, Self

import pyte

if sys.platform != "win32":
    import fcntl
    import termios

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

PATIENCE = 30.0
"""Seconds after which a wait raises; a busy machine is slow, and a right program is never late."""
_LOOK = 0.03
"""Seconds between two looks at a screen that changes."""
_END = b"\x00the end of what was drawn\x00"

_IN_ITS_OWN_SESSION = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"
"""Makes the terminal the one that controls the program, as a terminal emulator does: only then
does the system tell it of a resize, of Ctrl+C and of a window that was closed."""

_USUAL = {1049: False, 1047: False, 47: False, 25: True, 7: True}
"""Modes of a terminal that are not simply off when nobody draws: the cursor and the wrapping."""
_MODE = re.compile(rb"\x1b\[\?([\d;]+)([hl])")


class NeverSeenError(AssertionError):
    """What was waited for did not come; holds the last screen."""


class Terminal:
    """A program under test and the screen it draws. Use it as a context.

    What the program writes is read as it comes, so that it never waits for us.

    Args:
        command: The program and its arguments.
        columns: Width of the screen in cells.
        rows: Height of the screen in cells.
        env: The whole environment of the program.
        folder: Where it runs.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 120,
        rows: int = 40,
        env: Mapping[str, str],
        folder: Path,
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.raw = bytearray()
        """Every byte that it wrote."""
        self._stream = pyte.ByteStream(self.screen)
        self._command = [sys.executable, "-SEc", _IN_ITS_OWN_SESSION, *command]
        self._env = {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._folder = folder
        self._news = asyncio.Event()
        self._unsent = bytearray()
        self._master = self._slave = -1

    async def __aenter__(self) -> Self:
        self._master, self._slave = os.openpty()
        os.set_blocking(self._master, False)
        self._set_size(self.screen.columns, self.screen.lines)
        self.before = termios.tcgetattr(self._slave)
        self.process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=self._env,
            cwd=self._folder,
        )
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._master, self._read)
        self._exit = asyncio.create_task(self._watch_exit())
        return self

    async def __aexit__(self, *exc: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self._exit
        self.close()
        os.close(self._slave)

    async def _watch_exit(self) -> None:
        await self.process.wait()
        self._news.set()

    # What the person does -----------------------------------------------------------------

    def send(self, keys: str) -> None:
        """Type: the very characters and sequences that a terminal sends."""
        self._unsent += keys.encode()
        self._loop.add_writer(self._master, self._write)

    def paste(self, text: str) -> None:
        """Paste as terminals do: bracketed, with every line end as the Enter key sends it."""
        self.send("\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~")

    def click(self, column: int, row: int) -> None:
        """Press and release the left button at a cell, counted from 0."""
        place = f"{column + 1};{row + 1}"
        self.send(f"\x1b[<0;{place}M\x1b[<0;{place}m")

    def click_on(self, what: str, *, beside: str = "", last: bool = False) -> None:
        """Click in the middle of a text on the screen.

        Args:
            what: The text.
            beside: What else stands in its row, where the text alone is in several.
            last: Take the lowest such row, and not the highest.
        """
        column, row = self.find(what, beside=beside, last=last)
        self.click(column + len(what) // 2, row)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the terminal, as dragging its corner does."""
        self.screen.resize(rows, columns)
        self._set_size(columns, rows)

    def close(self) -> None:
        """Close the window: the program is told, and its terminal is no more."""
        if self._master >= 0:
            self._loop.remove_reader(self._master)
            self._loop.remove_writer(self._master)
            os.close(self._master)
            self._master = -1

    def kill(self, number: signal.Signals) -> None:
        """Send the program a signal, as another program would."""
        self.process.send_signal(number)

    # What the person sees -----------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        """The rows of the screen as text; a wide character is one character."""
        rows, columns = range(self.screen.lines), range(self.screen.columns)
        buffer = self.screen.buffer
        return ["".join(buffer[y][x].data for x in columns) for y in rows]

    @property
    def text(self) -> str:
        """The whole screen as text."""
        return "\n".join(self.lines)

    def find(self, what: str, *, beside: str = "", last: bool = False) -> tuple[int, int]:
        """The column and row of a text on the screen, in cells counted from 0."""
        rows = list(enumerate(self.lines))
        for row, line in reversed(rows) if last else rows:
            start = line.find(what)
            if start >= 0 and beside in line:
                cells = self.screen.buffer[row]
                column = 0
                while start > 0:
                    start -= len(cells[column].data)
                    column += 1
                return column, row
        raise NeverSeenError(f"{what!r} is not on the screen:\n{self.text}")

    async def until(self, what: str | Callable[[str], bool], within: float = PATIENCE) -> str:
        """Wait until the screen shows something; the screen as text.

        Args:
            what: A text to be seen, or a test of the whole screen.
            within: Seconds at the most.

        Raises:
            NeverSeenError: When it did not come, or the program has ended without it; says what
                the screen showed instead.
        """
        words = repr(what) if isinstance(what, str) else "what was waited for"
        deadline = self._loop.time() + within
        while True:
            ended = self._exit.done()
            self._news.clear()
            text = self.text
            if what in text if isinstance(what, str) else what(text):
                return text
            if ended:
                raise NeverSeenError(f"it ended before {words} was seen:\n{text}")
            try:
                async with asyncio.timeout_at(deadline):
                    await self._news.wait()
                    await asyncio.sleep(_LOOK)
            except TimeoutError:
                raise NeverSeenError(f"{words} was not seen in {within} s:\n{text}") from None

    async def exit_code(self, within: float = PATIENCE) -> int:
        """Let the program end by itself, and take all that it wrote; its exit code.

        Raises:
            NeverSeenError: When it still runs after so many seconds.
        """
        try:
            async with asyncio.timeout(within):
                await asyncio.shield(self._exit)
                if self._master >= 0:
                    # The system hands on what is written in order: behind this comes nothing.
                    os.write(self._slave, _END)
                    while _END not in self.raw:
                        self._news.clear()
                        await self._news.wait()
        except TimeoutError:
            raise NeverSeenError(f"it still runs after {within} s:\n{self.text}") from None
        assert self.process.returncode is not None
        return self.process.returncode

    def not_given_back(self) -> list[str]:
        """What is left of the program in its terminal: nothing, if it has been given back as it
        was found."""
        on: dict[int, bool] = {}
        for modes, way in _MODE.findall(self.raw):
            on.update(dict.fromkeys(map(int, modes.split(b";")), way == b"h"))
        wrong = [
            f"mode {mode} is {'on' if state else 'off'}"
            for mode, state in on.items()
            if state != _USUAL.get(mode, False)
        ]
        if self.raw.count(b"\x1b[>1u") > self.raw.count(b"\x1b[<u"):
            wrong.append("keys are reported in another way")
        if termios.tcgetattr(self._slave) != self.before:
            wrong.append("the settings of the line are others")
        return wrong

    # Underneath ---------------------------------------------------------------------------

    def _set_size(self, columns: int, rows: int) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            data = os.read(self._master, 1 << 16)
            self.raw += data
            self._stream.feed(data)
            self._news.set()

    def _write(self) -> None:
        with contextlib.suppress(BlockingIOError):
            del self._unsent[: os.write(self._master, self._unsent)]
        if not self._unsent:
            self._loop.remove_writer(self._master)

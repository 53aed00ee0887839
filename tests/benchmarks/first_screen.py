"""Starts a program in a pseudo-terminal and measures when one can write in it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SIZE = (120, 40)
KEY = "\u03b6"
"""What is typed: a letter that stands nowhere on a first screen."""
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a program. All times in milliseconds."""

    shown: float
    """From the start of the process until its screen was written."""
    usable: float
    """Until a key that was typed then had been written too."""
    cpu: float
    """Processor time until then; on a machine shared with others the fairer figure."""


def start(command: Sequence[str], sign: str, env: Mapping[str, str], folder: Path) -> Start:
    """Start a program, type a key when its screen is there, and kill it when it is echoed.

    Args:
        command: What to start.
        sign: What stands on its first screen once that can be used.
        env: The environment of the program.
        folder: Where it runs.

    Raises:
        RuntimeError: It ended, or did not show what was waited for; says what it wrote.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        cwd=folder,
        start_new_session=True,
    )
    os.close(slave)
    try:
        written = bytearray()
        _read_until(master, written, sign.encode(), began)
        shown = time.perf_counter() - began
        os.write(master, KEY.encode())
        _read_until(master, written, KEY.encode(), began)
        usable = time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGKILL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        os.close(master)
    return Start(shown * 1000, usable * 1000, (used.ru_utime + used.ru_stime) * 1000)


def _read_until(master: int, written: bytearray, what: bytes, began: float) -> None:
    """Read what the program writes until that is among it."""
    while what not in written:
        left = began + PATIENCE - time.perf_counter()
        ready, _, _ = select.select([master], [], [], max(0.0, left))
        try:
            data = os.read(master, 1 << 16) if ready else b""
        except OSError:  # how Linux says that the program has closed its end
            data = b""
        if not data:
            raise RuntimeError(f"{what.decode()!r} was not shown; it wrote {bytes(written)!r}")
        written += data


def run_to_end(command: Sequence[str], env: Mapping[str, str], folder: Path) -> tuple[float, float]:
    """Milliseconds of wall time and of processor time of a program that ends by itself."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env=env, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return took * 1000, (used.ru_utime + used.ru_stime) * 1000


def clean_environment(home: Path, root: Path) -> dict[str, str]:
    """An environment without anything a person has set, and with a home of its own."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "PYTHONPATH": str(root),
        "LANG": "C.UTF-8",
    }


PYTHON = sys.executable

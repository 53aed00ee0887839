"""One program in a terminal of its own, asked for one reply or for five, and what that cost."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path

from tests.benchmarks.peers.processes import cpu_seconds, peak_megabytes
from tests.benchmarks.peers.programs import ROOT, Home, Program
from tests.benchmarks.peers.server import LAST
from tests.e2e.terminal import Terminal

LETTERS = "".join(chr(code) for code in range(0x0400, 0x0482))
"""Typed one after another: none of them is in a reply or in a program's own words."""
BACKSPACE = "\x7f"
KEY_EVERY = 0.25
START_LIMIT = 90.0
"""Seconds after which a start is given up."""


class NotUsableError(Exception):
    """A program never took a key."""


class Watched(Terminal):
    """A terminal that only looks for signs in what comes: drawing it all would cost as much as many
    a program, on the same machine."""

    _rest = b""

    def watch(self) -> None:
        """Look from now on."""
        self.wanted: dict[bytes, asyncio.Future[float]] = {}

    def expect(self, sign: str) -> asyncio.Future[float]:
        """The moment at which a sign is drawn the next time."""
        coming = self.wanted[sign.encode()] = self._loop.create_future()
        return coming

    def forget(self, sign: str) -> None:
        """Look for it no more."""
        self.wanted.pop(sign.encode(), None)

    def _read(self) -> None:
        with suppress(OSError):
            data = os.read(self._master, 1 << 16)
            now = time.perf_counter()
            seen = self._rest + data
            # A character may be cut by a read.
            self._rest = data[-3:]
            for sign in [sign for sign in self.wanted if sign in seen]:
                coming = self.wanted.pop(sign)
                if not coming.done():
                    coming.set_result(now)


@dataclass
class Reply:
    """What one reply cost."""

    cpu: float = 0.0
    """Seconds of processor time of all its processes, from the question until it rests."""
    wall: float = 0.0
    """Seconds until the end of the reply was drawn."""
    idle: float = 0.0
    """Share of a core that it used before it was asked."""
    memory: float = 0.0
    """Megabytes at the most, with the start."""
    start: float = 0.0
    """Seconds from the start of the process until a key was on the screen."""
    start_cpu: float = 0.0
    """Of these, processor time."""
    keys: list[float] = field(default_factory=list)
    """Milliseconds from a key to the screen, while it came."""
    lost: int = 0
    """Keys that were not drawn within ten seconds."""
    whole: bool = False
    """Whether it was over within the limit; otherwise all is what it had cost by then."""
    drawn: bool = False
    """Whether its end was on the screen, without anybody who scrolls."""

    def as_json(self) -> dict[str, object]:
        """As plain data."""
        return asdict(self)


@asynccontextmanager
async def server(tokens: int, rate: float) -> AsyncIterator[str]:
    """The server in a process of its own; its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.benchmarks.peers.server", str(tokens), f"{rate:g}"),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            address = await process.stdout.readline()
        yield address.decode().strip()
    finally:
        process.terminate()
        await process.wait()


async def asked(url: str) -> dict[str, int]:
    """How many replies the server was asked for, how many it gives now, and gave at once."""

    def get() -> dict[str, int]:
        with urllib.request.urlopen(f"{url}/asked", timeout=10) as answer:
            found: dict[str, int] = json.load(answer)
            return found

    return await asyncio.to_thread(get)


async def begun(url: str, within: float) -> bool:
    """Wait until the server has been asked; whether it was."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while not (await asked(url))["asked"]:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
            return True
    return False


class Session:
    """A program that runs, with a key on its screen already."""

    def __init__(self, terminal: Watched, program: Program) -> None:
        self.terminal = terminal
        self.program = program
        self.pid = terminal.process.pid
        self.result = Reply()
        self._letters: Iterator[str] = cycle(LETTERS)

    async def key(self, within: float) -> float | None:
        """Press a key and take it back; milliseconds until it was drawn, `None` for never."""
        letter = next(self._letters)
        coming = self.terminal.expect(letter)
        pressed = time.perf_counter()
        self.terminal.send(letter)
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                return (await coming - pressed) * 1000
        self.terminal.forget(letter)
        return None

    async def begin(self, began: float) -> None:
        """Press keys until one is drawn, and take them back."""
        pressed = 0
        while time.perf_counter() - began < START_LIMIT:
            pressed += 1
            if await self.key(0.05) is not None:
                self.result.start = time.perf_counter() - began
                self.result.start_cpu = cpu_seconds(self.pid)
                # Those before it may have waited, and be there as well.
                self.terminal.send(BACKSPACE * pressed)
                await asyncio.sleep(2.0)
                return
        raise NotUsableError(f"{self.program.name} took no key in {START_LIMIT:g} s")

    async def say(self, words: str) -> None:
        """Type and send."""
        self.terminal.send(words)
        await asyncio.sleep(0.5)
        self.terminal.send(self.program.send)

    async def reply(self, url: str, limit: float) -> None:
        """Ask once, typing while the reply comes, until its end is drawn and the program rests."""
        result = self.result
        end = self.terminal.expect(LAST)
        self.terminal.send("tell me")
        await asyncio.sleep(1.0)
        used = cpu_seconds(self.pid)
        await asyncio.sleep(2.0)
        result.idle = (cpu_seconds(self.pid) - used) / 2.0
        used, began = cpu_seconds(self.pid), time.perf_counter()
        self.terminal.send(self.program.send)
        if not await begun(url, START_LIMIT):
            raise NotUsableError(f"{self.program.name} asked nothing of the server")
        rest = Rest(self.pid, result.idle + 0.1)
        while not end.done() and time.perf_counter() - began < limit:
            took = await self.key(10.0)
            if took is None:
                result.lost += 1
            else:
                result.keys.append(took)
            self.terminal.send(BACKSPACE)
            with suppress(TimeoutError):
                async with asyncio.timeout(KEY_EVERY):
                    await asyncio.shield(end)
            if rest.lasts(5.0) and not (await asked(url))["now"]:
                break
        result.drawn = end.done()
        result.whole = result.drawn or rest.lasts(5.0)
        over = end.result() if result.drawn else rest.since
        result.wall = (over if result.whole else time.perf_counter()) - began
        for _ in range(40):
            if not result.drawn or rest.lasts(1.0):
                break
            await asyncio.sleep(0.25)
        result.cpu = cpu_seconds(self.pid) - used
        result.memory = peak_megabytes(self.pid)


class Rest:
    """Whether a program has nothing to do.

    Args:
        pid: Its process.
        share: Of a core, which it uses less of then.
    """

    def __init__(self, pid: int, share: float) -> None:
        self._pid = pid
        self._share = share
        self._looks = [(time.perf_counter(), cpu_seconds(pid))]

    @property
    def since(self) -> float:
        """The moment it began."""
        last, used = self._looks[-1]
        for when, before in reversed(self._looks):
            if used - before > self._share * max(last - when, 0.5):
                break
            since = when
        return since

    def lasts(self, seconds: float) -> bool:
        """Look again; whether it has rested for so long."""
        self._looks.append((time.perf_counter(), cpu_seconds(self._pid)))
        return self._looks[-1][0] - self.since >= seconds


@asynccontextmanager
async def running(program: Program, python: Path, url: str) -> AsyncIterator[Session]:
    """A program in a home of its own, once a key is on its screen.

    Raises:
        NotUsableError: It never was.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        told = await asyncio.to_thread(program.prepare, Home(folder, python, url))
        env = {
            "HOME": name,
            "XDG_CONFIG_HOME": str(folder / ".config"),
            "XDG_DATA_HOME": str(folder / ".local/share"),
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            # Otherwise its start waits for a list of prices from the network.
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            **told,
        }
        command = [str(python.parent / program.words[0]), *program.words[1:]]
        began = time.perf_counter()
        terminal = Watched(command, env=env, folder=folder)
        terminal.watch()
        async with terminal:
            drawn = terminal.expect("\x1b[?1049h")
            with suppress(TimeoutError):
                async with asyncio.timeout(START_LIMIT):
                    await drawn
            session = Session(terminal, program)
            await session.begin(began)
            yield session


async def one_reply(
    program: Program, python: Path, tokens: int, rate: float, limit: float
) -> Reply:
    """Ask a program for one reply of so many tokens. Raises `NotUsableError`."""
    async with server(tokens, rate) as url, running(program, python, url) as session:
        await session.reply(url, limit + (tokens / rate if rate else 0.0))
        return session.result


async def five_at_once(program: Program, python: Path) -> dict[str, int]:
    """Send five messages one after the other into one chat, while the first has its reply.

    Returns:
        How many of them had reached the server then (`asked`), and how many it answered at once
        (`peak`).

    Raises:
        NotUsableError: It took no key, or asked nothing.
    """
    async with server(6000, 100.0) as url, running(program, python, url) as session:
        await session.say("question 0")
        if not await begun(url, START_LIMIT):
            raise NotUsableError(f"{program.name} asked nothing of the server")
        for number in range(1, 5):
            await asyncio.sleep(3.0)
            await session.say(f"question {number}")
        await asyncio.sleep(5.0)
        return await asked(url)

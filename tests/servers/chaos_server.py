"""The server of the chaos, in a process of its own, and the hand that restarts it and reads its
books: a second socket, by which questions and answers go as lines of JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from ccchat_tui.testing.ollama_server import FAULTS, Chat, OllamaServer
from ccchat_tui.testing.ollama_server.faults import MOVED, Fault
from tests.servers.chaos_plan import fault_at, pieces

LET_GO = 0.15
"""Seconds after which the server goes on with what it has held back, where it was late and right
in the end."""
PATIENCE = 60.0
"""Seconds that an answer of the server's hand may take."""


class ChaosServer(OllamaServer):
    """Meets each attempt with what its question plans for it, and keeps books by question."""

    def __init__(self) -> None:
        super().__init__(
            pieces=pieces, rate=3000.0, slots=6, max_loaded=2, load_seconds=0.003, max_queue=200
        )
        self.reached: Counter[str] = Counter()
        """How many attempts came, by question. Where a redirect led is no attempt."""
        self.met: Counter[str] = Counter()
        """How often each fault was met."""
        self._circling: set[str] = set()
        """Questions that are sent in a circle, where every round is the same attempt."""

    def _fault_for(self, chat: Chat) -> tuple[Fault | None, int]:
        question = chat.question
        if chat.request.path.startswith(MOVED):
            # It was sent here by a fault, which is dealt with.
            return None, 0
        if question in self._circling:
            return FAULTS["redirect_loop"], 0
        planned = fault_at(question, self.reached[question])
        self.reached[question] += 1
        if planned is None:
            return None, 0
        name, after = planned
        self.met[name] += 1
        if name == "held_then_right":
            asyncio.get_running_loop().call_later(LET_GO, chat.let_go)
        elif name == "redirect_loop":
            self._circling.add(question)
        return FAULTS[name], after

    def forget(self) -> None:
        """Keep no more of what is over than its count."""
        self.chats.clear()
        self.requests.clear()
        self.disconnects.clear()

    async def again(self, seconds: float) -> None:
        """Stop, with all connections broken, and start at the same port after so many seconds,
        with no model loaded."""
        await self.stop()
        self.loader.loaded.clear()
        await asyncio.sleep(seconds)
        await self.start()


async def answer(server: ChaosServer, asked: dict[str, Any]) -> Any:
    """What the hand does, and says."""
    match asked:
        case {"do": "restart", "seconds": seconds}:
            await server.again(seconds)
            return True
        case {"do": "settle"}:
            for chat in server.chats:
                chat.let_go()
            with contextlib.suppress(TimeoutError):
                await server.settled()
            server.forget()
            return {
                "open": len(server.open),
                "generating": server.generating,
                "loading": server.loader.pending,
                "running": sum(runner.running for runner in server.loader.loaded.values()),
                "connections": server.connections,
                "met": len(server.met),
                "peak": server.peak,
            }
        case {"do": "books"}:
            return dict(server.reached)
    raise ValueError(f"nobody knows what {asked!r} is")


async def serve() -> None:
    """Serve until whoever has the hand lets go."""
    over = asyncio.Event()

    async def hand(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await answer(server, json.loads(line))).encode() + b"\n")
                await writer.drain()
        finally:
            writer.close()
            over.set()

    server = ChaosServer()
    async with server:
        control = await asyncio.start_server(hand, "127.0.0.1", 0)
        port = control.sockets[0].getsockname()[1]
        sys.stdout.write(f"{server.url} {port}\n")
        sys.stdout.flush()
        await over.wait()
        control.close()


class Hand:
    """The hand on a server that runs elsewhere."""

    def __init__(
        self, url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.url = url
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    async def __call__(self, do: str, **more: Any) -> Any:
        """Have something done, and what the server says to it. Raises `TimeoutError`."""
        async with asyncio.timeout(PATIENCE), self._turn:
            self._writer.write(json.dumps({"do": do, **more}).encode() + b"\n")
            return json.loads(await self._reader.readline())


@asynccontextmanager
async def elsewhere() -> AsyncIterator[Hand]:
    """A server in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.servers.chaos_server", stdout=asyncio.subprocess.PIPE
    )
    out = cast(asyncio.StreamReader, process.stdout)
    try:
        async with asyncio.timeout(PATIENCE):
            url, port = (await out.readline()).decode().split()
            reader, writer = await asyncio.open_connection("127.0.0.1", int(port), limit=1 << 26)
        try:
            yield Hand(url, reader, writer)
        finally:
            writer.close()
            await writer.wait_closed()
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        cast(Any, process)._transport.close()


if __name__ == "__main__":
    asyncio.run(serve())

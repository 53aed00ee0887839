"""Three real servers, of which one dies and one is slow, beside one server: what is lost, and how
long it takes.

    python -m tests.benchmarks.bench_servers [--requests 120] [--rate 60]

Each server is a process of its own, the Ollama server of our tests on loopback. The one that dies
is killed outright in mid-run and started again later at the same port. The load goes through the
whole service, as in the app, over a pool opened as the app opens it. Every reply is compared with
what the server sends: whole, or the beginning of it for one that broke off after its first token.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Self

from ccchat_tui.backends.base import ChatMessage, HasServers, Prompt
from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import Server, read_host
from ccchat_tui.cli.output import table
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.request import RequestState
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.testing.ollama_server import text_of, usual_models
from tests.benchmarks.rows import Row

SLOTS = 4
TOKENS = 40
FIRST_TOKEN = 0.1
MODEL = usual_models()[0].name


@dataclass
class Process:
    """One server in a process of its own.

    Args:
        name: What it is called.
        rate: Tokens a second of a reply.
        dead: From when to when it is dead, as parts of the time that one server takes for all.
    """

    name: str
    rate: float
    dead: tuple[float, float] | None = None
    port: int = 0
    _process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    async def __aenter__(self) -> Self:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ccchat_tui.testing.ollama_server", "--port", str(self.port)),
            *("--slots", str(SLOTS), "--rate", str(self.rate), "--tokens", str(TOKENS)),
            *("--first-token", str(FIRST_TOKEN)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            await self._process.stdout.readline()

    async def kill(self) -> None:
        """End it without a word, as a crash does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@dataclass
class Outcome:
    """What became of a load."""

    case: str
    seconds: float
    whole: int
    broken: int
    """Ended after a token was shown, with the right beginning of the reply."""
    lost: int
    """Ended with nothing."""
    wrong: int
    """Have something in them that the server did not send."""
    retried: int
    mode: str
    shares: dict[str, int]
    """How many replies each server gave whole."""


async def run(case: str, servers: Sequence[Process], requests: int, alone: float) -> Outcome:
    """Put the load on these servers, with new processes."""
    async with AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(server)
        backend = open_servers(
            [
                Server(read_host(f"127.0.0.1:{server.port}"), server.name, limit=SLOTS)
                for server in servers
            ]
        )
        service = ConcurrentChatService(
            backend,
            EngineSettings(
                max_concurrent=SLOTS * len(servers),
                max_concurrent_per_user=SLOTS * len(servers),
                requests_per_minute=0,
            ),
        )
        await backend.models()
        fates = [
            asyncio.create_task(_live_and_die(server, alone)) for server in servers if server.dead
        ]
        loop = asyncio.get_running_loop()
        started = loop.time()
        handles = [_submit(service, number) for number in range(requests)]
        await asyncio.gather(*(handle.wait() for handle in handles))
        seconds = loop.time() - started
        snapshot = service.snapshot(0)
        await asyncio.gather(*fates)
        assert isinstance(backend, HasServers)
        shares = {status.name: status.completed for status in backend.servers()}
        await service.aclose()
        await backend.aclose()
    texts = [text_of(handle.request.preview, TOKENS) for handle in handles]
    done = [handle.state is RequestState.COMPLETED for handle in handles]
    return Outcome(
        case,
        seconds,
        whole=sum(done),
        broken=sum(bool(h.text) and not d for h, d in zip(handles, done, strict=True)),
        lost=sum(not h.text and not d for h, d in zip(handles, done, strict=True)),
        wrong=sum(
            h.text != text if d else not text.startswith(h.text)
            for h, d, text in zip(handles, done, texts, strict=True)
        ),
        retried=snapshot.totals.retried,
        mode=snapshot.mode,
        shares=shares,
    )


def _submit(service: ConcurrentChatService, number: int) -> RequestHandle:
    text = f"question {number}"
    prompt = Prompt(MODEL, (ChatMessage("user", text),))
    return service.submit(
        user="ada",
        session_id="s",
        model=MODEL,
        prompt=lambda: prompt,
        preview=text,
        id=text,
    )


async def _live_and_die(server: Process, alone: float) -> None:
    assert server.dead is not None
    begin, end = (part * alone for part in server.dead)
    await asyncio.sleep(begin)
    await server.kill()
    await asyncio.sleep(end - begin)
    await server.start()


async def measure(requests: int, rate: float) -> list[Outcome]:
    """One server; three alike; three of which one is slow and one dies."""
    one = await run("one server", [Process("a", rate)], requests, 0.0)
    alike = [Process(name, rate) for name in "abc"]
    mixed = [
        Process("a", rate),
        Process("slow", rate / 3),
        Process("dies", rate, dead=(0.1, 0.35)),
    ]
    return [
        one,
        await run("three alike", alike, requests, one.seconds),
        await run("a, one at a third of the pace, one that dies", mixed, requests, one.seconds),
    ]


def report(outcomes: Sequence[Outcome]) -> str:
    """The outcomes as a table."""
    head = (
        *("servers", "wall", "of one", "whole", "broken off", "lost", "wrong", "retried", "mode"),
        "whole replies by server",
    )
    base = outcomes[0].seconds
    rows = [
        (
            each.case,
            f"{each.seconds:.1f} s",
            f"{each.seconds / base:.2f}",
            *(str(n) for n in (each.whole, each.broken, each.lost, each.wrong, each.retried)),
            each.mode,
            ", ".join(f"{name} {count}" for name, count in each.shares.items()),
        )
        for each in outcomes
    ]
    return table(head, rows, right=range(1, 8))


def rows(quick: bool = False) -> list[Row]:
    """The wall times beside that of one server, and what was lost."""
    one, alike, mixed = asyncio.run(measure(*((60, 120.0) if quick else (120, 60.0))))
    how = f"one run of {one.whole} requests, real servers in processes of their own"
    lost = f"; {mixed.lost} of them lost, {mixed.broken} broken off after a token"
    return [
        Row("wall time, three servers alike", alike.seconds, one.seconds, "one server", "s", how),
        Row(
            "wall time, three: one slow, one dies",
            mixed.seconds,
            one.seconds,
            "one server",
            "s",
            how + lost,
        ),
    ]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=120)
    parser.add_argument("--rate", type=float, default=60.0, help="tokens a second of one reply")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    outcomes = asyncio.run(measure(chosen.requests, chosen.rate))
    if chosen.json:
        told: list[dict[str, Any]] = [vars(each) for each in outcomes]
        sys.stdout.write(f"{json.dumps(told)}\n")
        return
    sys.stdout.write(
        f"{chosen.requests} requests of {TOKENS} tokens, {SLOTS} places a server, "
        f"{chosen.rate:g} tokens a second; the one that dies is killed at 0.10 and is back at "
        f"0.35 of the time of one server\n\n{report(outcomes)}\n"
    )


if __name__ == "__main__":
    main()

"""What a streamed chunk costs from byte to chunk, beside a bare httpx client that drains the same
stream and looks at nothing. Run it as a module:

    python -m tests.benchmarks.bench_stream

The server is a process of its own, so that only the reader's CPU is counted. It sends once as fast
as it can, where a read holds many lines, and once at a pace, where each line wakes the reader.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count

import httpx

from ccchat_tui.backends.hosts import read_host
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.backends.ollama_wire import request_body
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.request import RequestState
from ccchat_tui.engine.service import ConcurrentChatService
from tests.benchmarks.rows import Row
from tests.support.streams import ask, read

Reader = Callable[[], Awaitable[int]]


@asynccontextmanager
async def server(tokens: int, rate: float) -> AsyncIterator[str]:
    """A test server in a process of its own; yields its address."""
    options = {"port": 0, "slots": 128, "rate": rate, "first-token": 0, "tokens": tokens}
    arguments = [f"--{name}={value:g}" for name, value in options.items()]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ccchat_tui.testing.ollama_server",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            first = await process.stdout.readline()
        yield first.decode().partition(";")[0]
    finally:
        process.terminate()
        await process.wait()


def ours(url: str) -> Reader:
    """Read a reply by the backend; how many chunks it had."""
    backend = OllamaBackend(read_host(url))

    async def run() -> int:
        return len(await read(backend, ask("a question")))

    return run


def buffered(url: str) -> Reader:
    """Have a reply come by the backend and the engine, all of it on, into the buffer that is drawn
    from; how many chunks it had."""
    settings = EngineSettings(
        max_concurrent=128, max_concurrent_per_user=128, requests_per_minute=0
    )
    service = ConcurrentChatService(OllamaBackend(read_host(url)), settings)
    service.subscribe(lambda event: None)
    numbers = count()

    async def run() -> int:
        handle = service.submit(
            user="somebody",
            session_id="chat",
            model="llama3.2:3b",
            prompt=lambda: ask("a question"),
            preview="a question",
            id=f"r{next(numbers)}",
        )
        assert await handle is RequestState.COMPLETED
        return len(handle.parts) + 1

    return run


def bare(url: str) -> Reader:
    """Drain a reply by a client that is there already; how many lines it had."""
    client = httpx.AsyncClient(timeout=None, trust_env=False)

    async def run() -> int:
        lines = 0
        body = await request_body(ask("a question"))
        async with client.stream("POST", f"{url}/api/chat", content=body) as response:
            async for piece in response.aiter_raw():
                lines += piece.count(b"\n")
        return lines

    return run


async def cpu(reader: Reader, at_once: int) -> float:
    """Microseconds of CPU a line."""
    started = time.process_time()
    counts = await asyncio.gather(*(reader() for _ in range(at_once)))
    return (time.process_time() - started) * 1e6 / sum(counts)


async def compare(
    tokens: int, rate: float, at_once: int, rounds: int
) -> tuple[float, float, float]:
    """Microseconds a line of the bare client, of our backend, and of it with the engine behind it,
    taken in turns; medians."""
    async with server(tokens, rate) as url:
        readers = bare(url), ours(url), buffered(url)
        results: tuple[list[float], ...] = ([], [], [])
        for reader in readers:
            await cpu(reader, 1)
        for _ in range(rounds):
            for reader, taken in zip(readers, results, strict=True):
                taken.append(await cpu(reader, at_once))
    plain, full, whole = map(statistics.median, results)
    return plain, full, whole


async def per_request(rounds: int) -> tuple[float, float]:
    """Milliseconds of CPU for a reply of one token: of a client kept alive, and of ours."""
    async with server(1, 0) as url:
        results = []
        for reader in (bare(url), ours(url)):
            await reader()
            started = time.process_time()
            for _ in range(rounds):
                await reader()
            results.append((time.process_time() - started) * 1e3 / rounds)
    return results[0], results[1]


CASES = [
    ("one stream as fast as it comes", 20_000, 0.0, 1),
    ("one stream of 1,000 lines a second", 2_000, 1000.0, 1),
    ("twenty streams of 50 lines a second each", 100, 50.0, 20),
    ("a hundred streams as fast as they come", 200, 0.0, 100),
    ("a hundred streams of 10 lines a second each", 20, 10.0, 100),
]


def rows(quick: bool) -> list[Row]:
    """The figures for the table of all benchmarks."""
    rounds = 2 if quick else 5
    out = []
    for words, tokens, rate, at_once in CASES:
        plain, full, whole = asyncio.run(compare(tokens, rate, at_once, rounds))
        name, how = f"a line: {words}", f"medians of {rounds} rounds"
        out.append(Row(name, full, plain, "bare httpx, unread", "us", how))
        name = f"a line, byte to buffer: {words}"
        out.append(Row(name, whole, plain, "bare httpx, unread", "us", how))
    times = 50 if quick else 200
    kept, own = asyncio.run(per_request(times))
    name, how = "a request of one token, its own connection", f"mean of {times}"
    out.append(Row(name, own, kept, "a client kept alive", "ms", how))
    return out


async def run(chosen: argparse.Namespace) -> None:
    """Measure, and print."""
    say = sys.stdout.write
    for words, tokens, rate, at_once in CASES:
        plain, full, whole = await compare(tokens, rate, at_once, chosen.rounds)
        say(f"{words}: {plain:.1f} us a line by bare httpx, {full:.1f} us a chunk by ours: ")
        say(f"x{full / plain:.2f}, {full - plain:+.1f} us; {whole:.1f} us with the engine, ")
        say(f"into the buffer: x{whole / plain:.2f}\n")
    kept, own = await per_request(200)
    say(f"a whole request of one token: {kept:.2f} ms by a client that is kept alive, ")
    say(f"{own:.2f} ms by ours, which opens a connection for each: x{own / kept:.2f}\n")


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()

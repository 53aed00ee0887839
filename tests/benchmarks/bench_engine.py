"""What the engine itself costs, beside a bare `asyncio.Semaphore`. Run it as a module:

    python -m tests.benchmarks.bench_engine [--json]

A no-op request is one whose runner gives the loop one turn and says that the reply is whole. The
same turn is what a job under the bare semaphore does. All are submitted first, so that all but
the first few wait in the queue. "All on" is with fifty users of different weights and priorities, a
limit of requests a minute, every time limit there is, and a listener. CPU time; rounds of both
kinds alternate, and what is printed are medians, and medians of the rounds' own ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import statistics
import sys
import time
import tracemalloc
from dataclasses import replace

from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.manager import ChatQueueManager
from ccchat_tui.engine.request import ChatRequest, Priority, ReplyStats, RequestState
from tests.benchmarks.rows import Row

AT_ONCE = 5
SIZES = (100, 10_000, 100_000)
ALL_ON, ALL_ON_USERS = ", all on", 50
STATS = ReplyStats()


async def no_op(handle: RequestHandle) -> None:
    """A runner that does nothing but give the loop one turn."""
    await asyncio.sleep(0)
    handle.finish(STATS)


def engine(*, all_on: bool = False) -> ChatQueueManager:
    """An engine without bounds on the queue."""
    settings = EngineSettings(
        max_concurrent=AT_ONCE,
        max_concurrent_per_user=AT_ONCE,
        requests_per_minute=0,
        max_queue=0,
    )
    if all_on:
        settings = replace(
            settings,
            # None is refused, but all are counted.
            requests_per_minute=10**6,
            queue_timeout=3600.0,
            first_token_timeout=600.0,
            user_weights={f"u{n}": 1 + n % 4 for n in range(ALL_ON_USERS)},
        )
    return ChatQueueManager(no_op, settings)


def requests(count: int, users: int, *, all_on: bool = False) -> list[ChatRequest]:
    """Requests of so many users, in turn; made before the clock runs."""
    kinds = list(Priority) if all_on else [Priority.NORMAL]
    return [
        ChatRequest(
            f"r{n}",
            f"u{n % users}",
            "s",
            "m",
            "words",
            lambda: None,
            priority=kinds[n % len(kinds)],
        )
        for n in range(count)
    ]


async def with_semaphore(count: int) -> float:
    """Seconds of CPU for so many jobs under a bare semaphore."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def job() -> None:
        async with slots:
            await asyncio.sleep(0)

    gc.collect()
    started = time.process_time()
    tasks = [asyncio.ensure_future(job()) for _ in range(count)]
    await asyncio.gather(*tasks)
    return time.process_time() - started


async def with_engine(
    count: int, users: int, *, watched: bool = False, all_on: bool = False
) -> float:
    """Seconds of CPU for so many no-op requests."""
    manager = engine(all_on=all_on)
    if watched or all_on:
        manager.subscribe(lambda event: None)
    wanted = requests(count, users, all_on=all_on)
    gc.collect()
    started = time.process_time()
    for request in wanted:
        manager.submit(request)
    await manager.drain()
    took = time.process_time() - started
    assert manager.snapshot(0).totals.completed == count
    await manager.aclose()
    return took


def per_request(count: int, users: int, *, watched: bool, all_on: bool) -> tuple[float, float]:
    """Microseconds a request under the engine and under the semaphore, for one round each."""
    repeats = max(1, 2000 // count)
    ours = bare = 0.0
    for _ in range(repeats):
        bare += asyncio.run(with_semaphore(count))
        ours += asyncio.run(with_engine(count, users, watched=watched, all_on=all_on))
    return ours / repeats / count * 1e6, bare / repeats / count * 1e6


async def cancelling(queued: int, cancels: int) -> list[float]:
    """Microseconds of each of some cancels, drawn anywhere from a long queue."""
    manager = engine()
    manager.pause()
    wanted = requests(queued, 7)
    for request in wanted:
        manager.submit(request)
    chosen = random.Random(1).sample(wanted, cancels)
    times = []
    for request in chosen:
        started = time.perf_counter()
        manager.cancel(request.id)
        times.append((time.perf_counter() - started) * 1e6)
    await manager.aclose()
    return times


async def looking(queued: int, rows: int, times: int) -> float:
    """Milliseconds of a snapshot with so many rows before a long queue."""
    manager = engine()
    manager.pause()
    for request in requests(queued, 7):
        manager.submit(request)
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        manager.snapshot(rows)
        taken.append((time.perf_counter() - started) * 1e3)
    await manager.aclose()
    return statistics.median(taken)


async def memory(queued: int) -> tuple[float, float]:
    """Bytes that a queued request takes in the engine, and those of what is handed to it."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    wanted = requests(queued, 7)
    handed = tracemalloc.get_traced_memory()[0] - before
    manager = engine()
    manager.pause()
    for request in wanted:
        manager.submit(request)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before - handed
    tracemalloc.stop()
    await manager.aclose()
    return held / queued, handed / queued


async def feeding(tokens: int) -> float:
    """Microseconds of `feed` for a token."""
    taken: list[float] = []

    async def runner(handle: RequestHandle) -> None:
        handle.feed("first")
        started = time.process_time()
        for _ in range(tokens):
            handle.feed("word ")
        taken.append((time.process_time() - started) / tokens * 1e6)
        handle.finish(STATS)

    manager = ChatQueueManager(runner)
    handle = manager.submit(ChatRequest("r", "u", "s", "m", "words", lambda: None))
    assert await handle is RequestState.COMPLETED
    await manager.aclose()
    return taken[0]


def measure(rounds: int) -> dict[str, object]:
    """Everything, as plain numbers."""
    by_size: dict[str, dict[str, float]] = {}
    for users, watched, name in (
        (1, False, ""),
        (50, False, ", 50 users"),
        (1, True, ", watched"),
        (ALL_ON_USERS, True, ALL_ON),
    ):
        for size in SIZES:
            if name not in {"", ALL_ON} and size != SIZES[1]:
                continue
            pairs = [
                per_request(size, users, watched=watched, all_on=name == ALL_ON)
                for _ in range(rounds if size < SIZES[-1] else max(3, rounds // 2))
            ]
            by_size[f"{size:,} queued{name}"] = {
                "engine_us": statistics.median(ours for ours, _ in pairs),
                "semaphore_us": statistics.median(bare for _, bare in pairs),
                "ratio": statistics.median(ours / bare for ours, bare in pairs),
            }
    plain = [by_size[f"{size:,} queued"]["engine_us"] for size in SIZES]
    all_on = [by_size[f"{size:,} queued{ALL_ON}"]["engine_us"] for size in SIZES]
    cancels = asyncio.run(cancelling(SIZES[-1], 2000))
    held, handed = asyncio.run(memory(10_000))
    return {
        "per_request": by_size,
        "flat": max(plain) / min(plain),
        "flat, all on": max(all_on) / min(all_on),
        "cancel_one_of_100000_us": {
            "median": statistics.median(cancels),
            "p99": sorted(cancels)[len(cancels) * 99 // 100],
            "worst": max(cancels),
        },
        "snapshot_of_50_rows_ms": {
            "1,000 queued": asyncio.run(looking(1000, 50, 51)),
            "100,000 queued": asyncio.run(looking(SIZES[-1], 50, 51)),
        },
        "bytes_per_queued_request": {"engine": held, "handed to it": handed},
        "feed_us_per_token": statistics.median(asyncio.run(feeding(100_000)) for _ in range(5)),
    }


def rows(quick: bool) -> list[Row]:
    """The figures for the table of all benchmarks."""
    rounds = 3 if quick else 9
    how = f"medians of {rounds} rounds"
    found = measure(rounds)
    by_size = found["per_request"]
    assert isinstance(by_size, dict)
    out = [
        Row(
            f"engine: a no-op request, {name}",
            figures["engine_us"],
            figures["semaphore_us"],
            "bare asyncio.Semaphore",
            "us",
            how,
        )
        for name, figures in by_size.items()
    ]
    for name in ("", ALL_ON):
        costs = [by_size[f"{size:,} queued{name}"]["engine_us"] for size in SIZES]
        words = f"engine: dearest queue length{name}"
        out.append(Row(words, max(costs), min(costs), "the cheapest one", "us", how))
    return out


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    results = measure(chosen.rounds)
    if chosen.json:
        sys.stdout.write(json.dumps(results, indent=2) + "\n")
        return
    for name, value in results.items():
        if isinstance(value, float):
            sys.stdout.write(f"{name}: {value:.2f}\n")
        elif isinstance(value, dict):
            sys.stdout.write(f"{name}:\n")
            for key, inner in value.items():
                if isinstance(inner, dict):
                    words = ", ".join(f"{word} {number:.2f}" for word, number in inner.items())
                    sys.stdout.write(f"  {key}: {words}\n")
                else:
                    sys.stdout.write(f"  {key}: {inner:.2f}\n")


if __name__ == "__main__":
    main()

"""Many connections that ask one after the other, in a process of their own:

    python -m tests.benchmarks.gateway_load URL TOKEN MODEL CONNECTIONS REQUESTS

Writes one JSON object: how many replies came whole, their lines, and the seconds each took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field

import httpx


@dataclass
class Load:
    """What came of it."""

    whole: int = 0
    lost: int = 0
    lines: int = 0
    seconds: list[float] = field(default_factory=list)


async def one(client: httpx.AsyncClient, model: str, words: str, load: Load) -> None:
    """Ask, and read to the end."""
    began = time.perf_counter()
    body = {"model": model, "messages": [{"role": "user", "content": words}]}
    last = ""
    try:
        async with client.stream("POST", "/api/chat", json=body) as response:
            async for line in response.aiter_lines():
                load.lines += 1
                last = line
        whole = response.status_code == 200 and json.loads(last)["done"] is True
    except (httpx.HTTPError, ValueError, KeyError):
        whole = False
    load.whole += whole
    load.lost += not whole
    load.seconds.append(time.perf_counter() - began)


async def run(url: str, token: str, model: str, connections: int, requests: int) -> Load:
    """Put the load on: each connection has its share of the requests."""
    load = Load()
    share, rest = divmod(requests, connections)

    async def connection(number: int) -> None:
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(
            base_url=url, headers=headers, timeout=120, trust_env=False
        ) as client:
            for each in range(share + (number < rest)):
                await one(client, model, f"question {each} of {number}", load)

    await asyncio.gather(*map(connection, range(connections)))
    return load


def main() -> None:
    """Read the command line, and run."""
    url, token, model, connections, requests = sys.argv[1:]
    began = time.perf_counter()
    load = asyncio.run(run(url, token, model, int(connections), int(requests)))
    told = {
        "whole": load.whole,
        "lost": load.lost,
        "lines": load.lines,
        "seconds": load.seconds,
        "wall": time.perf_counter() - began,
        "cpu": time.process_time(),
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()

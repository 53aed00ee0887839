"""Takes the README's picture of the dashboard: `python -m tests.dashboard_picture`.

It is taken in Chromium of the real page over the real API, before two servers of our tests that
answer at a pace, so that it comes out a little different each time.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from pathlib import Path

from ccchat_tui.api.tokens import ADMIN
from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import Server, read_host
from ccchat_tui.testing.ollama_server import OllamaServer
from tests.api.desk import api, chat
from tests.support.chromium import chromium

FILE = Path(__file__).resolve().parents[1] / "screenshots" / "dashboard.png"
QUESTIONS = (
    "Why is the sky blue?",
    "Plan three days in Lisbon",
    "Explain the CAP theorem",
    "What makes bread rise?",
    "Write a limerick about queues",
    "How does a B-tree differ from a binary search tree?",
)
SECONDS = 40
"""How long it goes on before the picture is taken, so that the charts have something to show."""


async def main() -> None:
    """Take it."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            OllamaServer(slots=3, rate=25, first_token=0.4, tokens=120) as desk_server,
            OllamaServer(slots=3, rate=40, first_token=0.3, tokens=120) as box,
        ):
            pool = [
                Server(read_host(desk_server.url), name="desk"),
                Server(read_host(box.url), name="box"),
            ]
            backend = open_servers(pool)
            async with api(Path(folder), backend, max_concurrent=5) as desk, chromium() as browser:

                async def asks(person: str, number: int) -> None:
                    client = desk.clients[person]
                    for question in itertools.islice(itertools.cycle(QUESTIONS), number, None):
                        await client.post("/api/ai/requests", json=chat(question, stream=False))
                        await asyncio.sleep(number % 4)

                people = itertools.cycle(("ada", "bob"))
                asking = [asyncio.create_task(asks(next(people), each)) for each in range(9)]
                async with browser.page(desk.address.url, 1000, 1190) as page:
                    await page.type(desk.tokens.get(ADMIN))
                    await page.press("Enter")
                    await asyncio.sleep(SECONDS)
                    await page.run("document.activeElement.blur()")
                    FILE.write_bytes(await page.picture())
                for task in asking:
                    task.cancel()
                await asyncio.gather(*asking, return_exceptions=True)
            await backend.aclose()


if __name__ == "__main__":
    asyncio.run(main())

"""What is described is what is there: requests made out of the description, and answers held
against it. What is tried is the same at each run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from ccchat_tui.api.openapi import document
from ccchat_tui.api.tokens import ADMIN
from ccchat_tui.backends.base import ChatChunk, Prompt
from ccchat_tui.backends.demo import DemoBackend
from tests.api.desk import api

ENDLESS = {"/api/ai/events", "/api/ai/requests/{id}/events"}
"""Streams that go on for as long as the client stays."""
EXAMPLES = 30
OPERATIONS = [
    (path, method)
    for path, operations in document()["paths"].items()
    for method in operations
    if path not in ENDLESS
]


class Willing(DemoBackend):
    """A server that takes whatever is asked of it; what others refuse, they refuse in their own
    words, and no description knows of it."""

    def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        return super().stream(replace(prompt, model="demo:thinker", options={}))


class Running:
    """The API before a server, in a loop of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run)
        self.url = self.token = ""

    def __enter__(self) -> Running:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        backend = Willing(seed=1, tokens_per_second=1e6, first_token=0)
        async with api(self._folder, backend) as desk:
            self.url, self.token = desk.address.url, desk.tokens.get(ADMIN)
            self._ready.set()
            await self._stop.wait()
        await backend.aclose()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("api")) as it:
        yield it


@pytest.fixture(scope="module")
def schema(running: Running) -> Any:
    return schemathesis.openapi.from_url(f"{running.url}/openapi.json")


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_it_keeps_what_it_promises(running: Running, schema: Any, path: str, method: str) -> None:
    headers = {"Authorization": f"Bearer {running.token}"}
    # Whatever was tried before: a queue that stays paused would be waited for without end.
    resumed = httpx.post(f"{running.url}/api/ai/resume", headers=headers, trust_env=False)
    assert resumed.status_code == 200

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema[path][method].as_strategy())
    def holds(case: Any) -> None:
        case.call_and_validate(headers=headers)

    holds()

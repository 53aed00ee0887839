"""Several servers, and a single one, through the whole service: what dies, what moves, what comes
back. Real servers on loopback, opened as the program opens them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from ccchat_tui.backends.base import ServerState, ServerStatus
from ccchat_tui.backends.cache import CacheSettings
from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import read_host
from ccchat_tui.backends.pool_health import KNOCK_REST
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.request import RequestState
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.testing.ollama_server import Model, OllamaServer, text_of
from tests.support.streams import ask

MODEL = "m:1b"
QUICK = EngineSettings(
    max_concurrent=12,
    max_concurrent_per_user=12,
    requests_per_minute=0,
    retry_base=0.01,
    retry_cap=0.05,
    fallback_window=0.2,
)


async def until(condition: Callable[[], bool], within: float = 15.0) -> None:
    """Wait until something holds. Raises `TimeoutError` if it does not in time."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


class Desk:
    """A service over real servers, and short words for what tests do with it."""

    def __init__(self, service: ConcurrentChatService, servers: Sequence[OllamaServer]) -> None:
        self.service = service
        self.fakes = list(servers)
        self._count = 0

    def submit(self, text: str, **options: Any) -> RequestHandle:
        self._count += 1
        prompt = ask(text, MODEL, user="ada", **options)
        return self.service.submit(
            user="ada",
            session_id="s",
            model=MODEL,
            prompt=lambda: prompt,
            preview=text,
            id=str(self._count),
        )

    def status(self, server: OllamaServer) -> ServerStatus:
        return next(each for each in self.service.servers if each.address == server.url)

    def who_has(self, text: str) -> OllamaServer:
        return next(each for each in self.fakes if any(c.question == text for c in each.chats))


@asynccontextmanager
async def desk(
    count: int, *, cache: CacheSettings | None = None, manual: bool = False, **settings: Any
) -> AsyncIterator[Desk]:
    """So many servers, and a service over them; in the end nothing is left over."""
    async with AsyncExitStack() as stack:
        fakes = [
            await stack.enter_async_context(OllamaServer(models=[Model(MODEL)], manual=manual))
            for _ in range(count)
        ]
        backend = open_servers([read_host(fake.url) for fake in fakes], cache=cache)
        service = ConcurrentChatService(backend, settings.get("limits", QUICK))
        try:
            await backend.models()
            yield Desk(service, fakes)
        finally:
            await service.aclose()
            assert all(status.in_flight == 0 for status in service.servers)
            await backend.aclose()


async def test_what_has_shown_nothing_moves_and_the_dead_one_comes_back_by_itself() -> None:
    async with desk(3, manual=True) as at:
        first = at.submit("first")
        await until(lambda: any(fake.chats for fake in at.fakes))
        dead = at.who_has("first")
        others = [fake for fake in at.fakes if fake is not dead]
        await dead.stop()
        for fake in others:
            fake.manual = False
        await until(lambda: any(fake.chats for fake in others))
        for fake in others:
            for chat in fake.chats:
                await chat.finish()
        assert await first is RequestState.COMPLETED
        assert first.text == text_of("first", 8)
        assert first.attempt == 1, "it moved within its attempt"

        more = [at.submit(f"question {n}") for n in range(18)]
        assert {await handle for handle in more} == {RequestState.COMPLETED}
        assert [handle.text for handle in more] == [text_of(f"question {n}", 8) for n in range(18)]
        assert at.status(dead).state is not ServerState.CLOSED, "it is left out"
        assert at.status(dead).completed == 0
        totals = at.service.snapshot(0).totals
        assert (totals.completed, totals.failed, totals.retried) == (19, 0, 0)
        assert sum(len(fake.chats) for fake in others) == 19, "nothing was asked twice"

        dead.manual = False
        await dead.start()
        await until(lambda: at.status(dead).state is ServerState.CLOSED)
        again = [at.submit(f"again {n}") for n in range(6)]
        assert {await handle for handle in again} == {RequestState.COMPLETED}
        assert at.status(dead).completed == 2, "it has its share again"


async def test_a_server_that_dies_in_mid_stream_is_no_reason_to_run_one_at_a_time() -> None:
    async with desk(2, manual=True) as at:
        handles = [at.submit(f"question {n}") for n in range(6)]
        await until(lambda: all(len(fake.chats) == 3 for fake in at.fakes))
        for fake in at.fakes:
            for chat in fake.chats:
                await chat.release(2)
        await until(lambda: all(handle.state is RequestState.STREAMING for handle in handles))
        dead, well = at.fakes
        await dead.stop()
        await until(lambda: sum(handle.ended for handle in handles) == 3)
        await until(lambda: at.status(dead).state is not ServerState.CLOSED)
        for chat in well.chats:
            await chat.finish()
        states = [await handle for handle in handles]
        assert states.count(RequestState.COMPLETED) == 3
        assert states.count(RequestState.FAILED) == 3, "what was shown is kept, and nothing doubled"
        assert all(text_of(h.request.preview, 8).startswith(h.text) for h in handles)
        assert at.service.snapshot(0).mode == "concurrent"
        assert at.service.snapshot(0).limits.max_concurrent == 12


async def test_a_single_server_that_lives_and_fails_several_at_once_is_overloaded() -> None:
    async with desk(1, manual=True) as at:
        (server,) = at.fakes
        handles = [at.submit(f"question {n}") for n in range(3)]
        await until(lambda: len(server.chats) == 3)
        server.manual = False
        for connection in list(server.open):
            connection.writer.transport.abort()
        await until(lambda: at.service.snapshot(0).mode == "sequential")
        assert "together" in at.service.snapshot(0).mode_reason
        assert {await handle for handle in handles} == {RequestState.COMPLETED}
        assert at.status(server).state is ServerState.CLOSED


class TestSingleServer:
    """The breaker of a single server, and the ways on for whoever sits before it."""

    async def left_out(self, at: Desk) -> OllamaServer:
        """Stop the server, and ask until it is left out."""
        (server,) = at.fakes
        await server.stop()
        while at.status(server).state is ServerState.CLOSED:
            assert await at.submit("in vain") is RequestState.FAILED
        return server

    async def test_what_is_asked_meanwhile_waits_and_is_answered_when_it_is_back(self) -> None:
        async with desk(1) as at:
            server = await self.left_out(at)
            handle = at.submit("patience")
            await until(lambda: handle.state is RequestState.WAITING_TO_RETRY)
            assert handle.failure is not None
            assert f"{server.url} is left out for now" in handle.failure.message
            assert "next try in" in handle.failure.message
            assert handle.failure.retry_after is not None
            assert at.service.snapshot(0).in_flight == 0, "it waits without a slot"
            probes = len(server.requests)
            await server.start()
            assert await handle is RequestState.COMPLETED
            assert handle.text == text_of("patience", 8)
            asked = [request.path for request in server.requests[probes:]]
            assert asked == ["/api/version", "/api/chat"], "exactly one probe"

    async def test_a_retry_after_it_was_started_is_answered_at_once(self) -> None:
        async with desk(1) as at:
            server = await self.left_out(at)
            # However long its pause is by now:
            member = at.service.backend._members[0]  # type: ignore[attr-defined]
            member.breaker._until += 3600.0
            await until(lambda: time.monotonic() - member.knocked_at > KNOCK_REST)
            await server.start()
            handle = at.submit("now")
            assert await handle is RequestState.COMPLETED
            assert handle.attempt == 1
            assert [r.path for r in server.requests if r.path == "/api/version"] == ["/api/version"]

    async def test_many_that_come_back_together_make_one_probe(self) -> None:
        async with desk(1) as at:
            server = await self.left_out(at)
            await server.start()
            handles = [at.submit(f"question {n}") for n in range(10)]
            assert {await handle for handle in handles} == {RequestState.COMPLETED}
            assert [r.path for r in server.requests].count("/api/version") == 1

    async def test_one_that_stays_away_is_said_in_words_in_the_end(self) -> None:
        limits = EngineSettings(
            requests_per_minute=0, retry_attempts=0, retry_base=0.01, retry_cap=0.05
        )
        async with desk(1, limits=limits) as at:
            server = await self.left_out(at)
            handle = at.submit("in vain")
            assert await handle is RequestState.FAILED
            assert handle.failure is not None
            assert handle.failure.message.startswith(f"{server.url} is left out for now: ")


async def test_a_reply_out_of_the_cache_says_so_and_asks_no_server() -> None:
    async with desk(2, cache=CacheSettings()) as at:
        first = at.submit("same", options={"temperature": 0})
        assert await first is RequestState.COMPLETED
        second = at.submit("same", options={"temperature": 0})
        assert await second is RequestState.COMPLETED
        assert second.text == first.text == text_of("same", 8)
        assert first.stats is not None
        assert second.stats is not None
        assert (first.stats.cached, second.stats.cached) == (False, True)
        assert sum(len(fake.chats) for fake in at.fakes) == 1
        assert await at.submit("same", options={"temperature": 0.5}) is RequestState.COMPLETED
        assert sum(len(fake.chats) for fake in at.fakes) == 2

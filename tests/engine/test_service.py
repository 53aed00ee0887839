"""The engine with a backend: what comes through, what errors mean, and changing over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ccchat_tui.backends.base import (
    BackendError,
    ChatBackend,
    ChatChunk,
    ChatStats,
    ErrorKind,
    Prompt,
)
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.kinds import KINDS, failure_of, markdown_table
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.request import Rejected, ReplyStats, RequestState
from ccchat_tui.engine.service import (
    PREVIEW,
    ConcurrentChatService,
)
from ccchat_tui.testing.virtual_time import LoopClock
from tests.engine.desk import ServiceDesk
from tests.engine.planned import Plan, PlannedServer
from tests.support.pools import Odd, virtual


class TestKinds:
    @pytest.mark.parametrize("kind", ErrorKind)
    def test_each_kind_has_its_meaning(self, kind: ErrorKind) -> None:
        error = BackendError(kind, "words", retry_after=2.0, hints=("one",))
        failure = failure_of(error)
        assert (failure.kind, failure.message) == (kind.value, "words")
        assert (failure.retry_after, failure.hints) == (2.0, ("one",))
        assert failure.retryable == (
            kind
            not in {
                ErrorKind.TIMED_OUT,
                ErrorKind.MODEL_NOT_FOUND,
                ErrorKind.UNAUTHORIZED,
                ErrorKind.BAD_REQUEST,
                ErrorKind.PROTOCOL,
                ErrorKind.NOT_OLLAMA,
                ErrorKind.INTERNAL,
            }
        )
        assert failure.overload == (kind in {ErrorKind.BUSY, ErrorKind.OUT_OF_MEMORY})
        assert not (failure.overload and failure.server_fault), "either it says so, or we find out"

    def test_what_speaks_of_the_server_may_be_tried_again(self) -> None:
        assert all(meaning.again for meaning in KINDS.values() if meaning.server)

    def test_every_kind_is_in_the_table_and_the_table_in_the_readme(self) -> None:
        assert set(KINDS) == set(ErrorKind)
        readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
        held = readme.partition("<!-- retries -->")[2].partition("<!-- /retries -->")[0].strip()
        assert held == markdown_table(), "write what `markdown_table` of the kinds gives there"


class TestReply:
    @virtual
    async def test_text_thinking_and_figures_come_through(self) -> None:
        stats = ChatStats("stop", prompt_tokens=9, reply_tokens=30, reply_seconds=1.5)
        chunks = (
            ChatChunk(thinking="hm"),
            ChatChunk("one "),
            ChatChunk(),
            ChatChunk("two", stats=stats),
            ChatChunk("after the end"),
        )
        service = service_over(Odd(*chunks))
        handle = ask(service)
        assert await handle is RequestState.COMPLETED
        assert (handle.text, handle.thinking) == ("one two", ["hm"])
        assert handle.stats == ReplyStats(30, 9, 20.0, "stop")
        assert handle.tokens == 30

    @virtual
    async def test_a_clean_end_without_done_is_cut_off(self) -> None:
        handle = ask(service_over(Odd(ChatChunk("half"))))
        assert await handle is RequestState.FAILED
        assert handle.failure is not None
        assert (handle.failure.kind, handle.text) == ("truncated", "half")

    @virtual
    async def test_an_empty_reply_without_done_is_tried_again(self) -> None:
        desk = ServiceDesk()
        handle = desk.ask(Plan(tokens=0, done=False), Plan(tokens=2))
        assert await handle is RequestState.COMPLETED
        assert desk.server.asked == ["r1", "r1"]

    @virtual
    async def test_a_fault_in_the_backend_is_one_of_ours(self) -> None:
        handle = ask(service_over(Odd(ZeroDivisionError("oh"))))
        assert await handle is RequestState.FAILED
        assert handle.failure is not None
        assert (handle.failure.kind, handle.failure.retryable) == ("internal", False)

    @virtual
    async def test_a_backend_that_is_no_generator_will_do(self) -> None:
        class Plain:
            def __init__(self) -> None:
                self.left = [ChatChunk("x"), ChatChunk(stats=ChatStats())]

            def __aiter__(self) -> AsyncIterator[ChatChunk]:
                return self

            async def __anext__(self) -> ChatChunk:
                if not self.left:
                    raise StopAsyncIteration
                return self.left.pop(0)

        class Backend(PlannedServer):
            def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
                return Plain()

        assert await ask(service_over(Backend())) is RequestState.COMPLETED

    @virtual
    async def test_a_cancel_closes_the_stream_before_it_has_ended(self) -> None:
        desk = ServiceDesk(max_concurrent=1)
        handle, second = desk.ask(Plan(tokens=50, closing=2.0)), desk.ask()
        await asyncio.sleep(1.0)
        assert handle.cancel()
        await asyncio.sleep(1.9)
        assert desk.server.open["r1"] == 1
        assert not handle.ended
        assert await handle is RequestState.CANCELLED
        assert desk.server.open["r1"] == 0
        assert handle.text.startswith("r1.0 r1.1 ")
        assert await second is RequestState.COMPLETED

    @virtual
    async def test_a_stream_that_is_left_half_way_is_closed_by_whoever_read_it(self) -> None:
        """And not some time later, by the collection of garbage: its connection is open."""
        go, closed_by = asyncio.Event(), []

        class Stubborn(PlannedServer):
            async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
                try:
                    while not go.is_set():
                        with suppress(asyncio.CancelledError):
                            await go.wait()
                    yield ChatChunk("nobody wants it any more")
                finally:
                    task = asyncio.current_task()
                    closed_by.append(task and task.get_name())

        service = service_over(Stubborn())
        handle = ask(service)
        await asyncio.sleep(0.1)
        await service.aclose()
        assert handle.state is RequestState.CANCELLED, "given up"
        go.set()
        await asyncio.sleep(0.1)
        assert closed_by == ["r1"]
        assert handle.parts == []

    @virtual
    async def test_a_stream_is_read_to_its_end_whatever_follows_the_mark(self) -> None:
        """A pool and a cache do their last work when their stream is exhausted."""
        ends: list[str] = []

        class Talkative(PlannedServer):
            async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
                yield ChatChunk("whole", stats=ChatStats())
                yield ChatChunk("more")
                ends.append("end")

        handle = ask(service_over(Talkative()))
        assert await handle is RequestState.COMPLETED
        assert (handle.text, ends) == ("whole", ["end"])


class TestAsking:
    @virtual
    async def test_the_preview_is_a_few_words_on_one_line(self) -> None:
        service = service_over(PlannedServer())
        service.pause()
        ask(service, preview="  two\n\n words\t" + "x" * 100_000)
        (row,) = service.snapshot().requests
        assert row.preview.startswith("two words xxx")
        assert len(row.preview) == PREVIEW
        await service.aclose()

    @virtual
    async def test_cancel_by_id_by_user_and_all(self) -> None:
        desk = ServiceDesk(max_concurrent=1)
        handles = [desk.ask(user=user) for user in "aabbc"]
        assert desk.service.cancel("r2")
        assert not desk.service.cancel("r2")
        assert sorted(desk.service.cancel_user("b")) == ["r3", "r4"]
        assert sorted(desk.service.cancel_all()) == ["r1", "r5"]
        assert {await handle for handle in handles} == {RequestState.CANCELLED}
        assert desk.server.asked == []

    @virtual
    async def test_find_knows_the_living(self) -> None:
        desk = ServiceDesk()
        handle = desk.ask()
        assert desk.service.find("r1") is handle
        await handle
        assert desk.service.find("r1") is None

    @virtual
    async def test_after_aclose_it_takes_nothing_and_the_backend_is_open(self) -> None:
        desk = ServiceDesk()
        handle = desk.ask(Plan(hangs=True))
        await asyncio.sleep(0.5)
        await desk.service.aclose()
        await desk.service.aclose()
        assert handle.state is RequestState.CANCELLED
        with pytest.raises(Rejected, match="closing"):
            desk.ask()
        assert await desk.server.probe() == "1"

    def test_made_outside_a_loop_it_works_inside(self) -> None:
        service = ConcurrentChatService(PlannedServer())

        async def use() -> None:
            handle = ask(service, plan=Plan(first=0.0, gap=0.0))
            assert await handle is RequestState.COMPLETED
            await service.aclose()

        asyncio.run(use())


class TestChangingOver:
    @virtual
    async def test_new_attempts_go_to_the_new_one_and_old_ones_run_on(self) -> None:
        desk = ServiceDesk(max_concurrent=1)
        other = PlannedServer("mem://other")
        runs, waits = desk.ask(Plan(tokens=5)), desk.ask()
        other.plans = desk.server.plans
        await asyncio.sleep(0.2)
        old = desk.service.use_backend(other)
        assert old is desk.server
        assert desk.service.backend is other
        assert [await runs, await waits] == [RequestState.COMPLETED] * 2
        assert (desk.server.asked, other.asked) == (["r1"], ["r2"])

    @virtual
    async def test_a_retry_goes_to_the_new_one(self) -> None:
        desk = ServiceDesk()
        desk.server.up = False
        other = PlannedServer("mem://other")
        handle = desk.ask()
        other.plans = desk.server.plans
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        desk.service.use_backend(other)
        assert await handle is RequestState.COMPLETED
        assert (desk.server.asked, other.asked) == (["r1"], ["r1"])

    @virtual
    async def test_what_the_old_one_says_is_not_held_against_the_new_one(self) -> None:
        desk = ServiceDesk()
        handles = [desk.ask(Plan(tokens=0, fault=ErrorKind.BUSY), Plan()) for _ in range(3)]
        other = PlannedServer("mem://other")
        other.plans = desk.server.plans
        await asyncio.sleep(0.05)
        desk.service.use_backend(other)
        assert [await handle for handle in handles] == [RequestState.COMPLETED] * 3
        assert desk.mode == ("concurrent", "", 5)

    @virtual
    async def test_a_probe_of_the_old_one_does_not_hold_the_new_one_down(self) -> None:
        desk = ServiceDesk(retry_attempts=0)
        broken = Plan(tokens=0, fault=ErrorKind.DISCONNECTED)
        handles = [desk.ask(broken, Plan()) for _ in range(3)]
        other = PlannedServer("mem://other")
        other.plans = desk.server.plans
        await asyncio.sleep(0.12)
        assert desk.server.probes == 1, "under way"
        desk.service.use_backend(other)
        assert [await handle for handle in handles] == [RequestState.COMPLETED] * 3
        assert sorted(other.asked) == ["r1", "r2", "r3"]
        assert desk.mode == ("concurrent", "", 5)

    @virtual
    async def test_a_new_server_ends_a_fallback(self) -> None:
        desk = ServiceDesk()
        handles = [desk.ask(Plan(tokens=0, fault=ErrorKind.BUSY), Plan(first=5)) for _ in range(3)]
        await asyncio.sleep(1)
        assert desk.mode[0] == "sequential"
        other = PlannedServer("mem://other")
        other.plans = desk.server.plans
        desk.service.use_backend(other)
        assert desk.mode == ("concurrent", "", 5)
        assert desk.service.snapshot(0).in_flight == 3
        assert [await handle for handle in handles] == [RequestState.COMPLETED] * 3


def service_over(backend: Any) -> ConcurrentChatService:
    assert isinstance(backend, ChatBackend)
    return ConcurrentChatService(backend, EngineSettings(retry_attempts=0), clock=LoopClock())


def ask(
    service: ConcurrentChatService, *, preview: str = "words", plan: Plan | None = None
) -> RequestHandle:
    backend = service.backend
    planned = backend if isinstance(backend, PlannedServer) else PlannedServer()
    prompt = planned.prompt("r1", plan or Plan())
    return service.submit(
        user="a", session_id="s", model="m", prompt=lambda: prompt, preview=preview, id="r1"
    )

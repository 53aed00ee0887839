"""Fetching, deleting, loading and unloading: what a server says of it, and what becomes of that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, cast

import pytest

from ccchat_tui.backends.base import (
    BackendError,
    ErrorKind,
    ManagesModels,
    ModelInfo,
    PullStep,
    managers_of,
)
from ccchat_tui.backends.cache import CachingBackend
from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.backends.hosts import Server, read_host
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.backends.openai import OpenAIBackend
from ccchat_tui.clock import ManualClock
from ccchat_tui.testing.ollama_server import OllamaServer
from tests.support.streams import ask, read


def backend_of(server: OllamaServer) -> OllamaBackend:
    return OllamaBackend(read_host(server.url))


async def pulled(
    manager: ManagesModels, model: str, into: list[PullStep] | None = None
) -> list[PullStep]:
    """All steps of a pull; they go into a list that is still there if it fails."""
    steps: list[PullStep] = [] if into is None else into
    async with aclosing(cast(Any, manager.pull(model))) as coming:
        async for step in coming:
            steps.append(step)  # noqa: PERF401 - kept if it breaks off
    return steps


async def failure(manager: ManagesModels, model: str) -> BackendError:
    with pytest.raises(BackendError) as caught:
        await pulled(manager, model)
    return caught.value


class TestPull:
    async def test_each_layer_is_told_of_and_the_model_is_there_at_the_end(
        self, fake_ollama: OllamaServer
    ) -> None:
        backend = backend_of(fake_ollama)
        steps = await pulled(backend, "pullable:1b")
        assert steps[0] == PullStep("pulling manifest")
        assert steps[-1] == PullStep("success")
        layers = {step.digest for step in steps if step.digest}
        assert layers == {"sha256:6a0746a1ec1a", "sha256:4fa551d4f938"}
        big = [step for step in steps if step.digest == "sha256:6a0746a1ec1a"]
        assert [step.completed for step in big] == [0, 1000, 2500, 4000]
        assert {step.total for step in big} == {4000}
        assert (await backend.models())[0].name == "pullable:1b"
        await fake_ollama.settled()

    async def test_a_model_that_is_not_there_is_told_in_words_though_the_status_is_200(
        self,
    ) -> None:
        async with OllamaServer() as server:
            error = await failure(backend_of(server), "nope")
            assert error.kind is ErrorKind.MODEL_NOT_FOUND
            assert "no model nope to fetch" in error.message
            assert "ollama.com/library" in error.message

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ("pull model manifest: Get https://r/: dial tcp: lookup r: no such host", "network"),
            ("write /models/blobs/x: no space left on device", "no room on its disk"),
            ("412: requires a newer version of Ollama.", "needs a newer Ollama"),
            ("something of tomorrow \x1b[31m", "something of tomorrow ␛[31m"),
        ],
    )
    async def test_what_stops_a_pull_is_told_with_what_helps(self, said: str, words: str) -> None:
        async with OllamaServer() as server:
            server.pull_error = said
            error = await failure(backend_of(server), "nope")
            assert error.kind is not ErrorKind.MODEL_NOT_FOUND
            assert words in error.message
            assert "\x1b" not in error.message

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ("no_done", ErrorKind.TRUNCATED),
            ("empty", ErrorKind.TRUNCATED),
            ("cut_off", ErrorKind.DISCONNECTED),
            ("reset", ErrorKind.DISCONNECTED),
            ("garbage", ErrorKind.PROTOCOL),
            ("not_an_object", ErrorKind.PROTOCOL),
            ("huge_line", ErrorKind.PROTOCOL),
            ("html", ErrorKind.NOT_OLLAMA),
            ("sign_in", ErrorKind.UNAUTHORIZED),
            ("empty_500", ErrorKind.SERVER),
        ],
    )
    async def test_only_success_is_success(self, fault: str, kind: ErrorKind) -> None:
        async with OllamaServer() as server:
            server.fail(fault, after=1, path="/api/pull")
            assert (await failure(backend_of(server), "pullable")).kind is kind

    async def test_a_pull_that_ends_early_says_that_it_can_go_on(
        self, fake_ollama: OllamaServer
    ) -> None:
        fake_ollama.fail("no_done", after=1, path="/api/pull")
        assert "goes on from there" in (await failure(backend_of(fake_ollama), "x")).message

    async def test_nobody_there_is_told(self) -> None:
        server = OllamaServer()
        await server.start()
        await server.stop()
        assert (await failure(backend_of(server), "x")).kind is ErrorKind.UNREACHABLE

    @pytest.mark.parametrize("how", ["cancel", "close"])
    async def test_giving_up_closes_the_connection(self, how: str) -> None:
        async with OllamaServer() as server:
            lines = asyncio.Semaphore(3)

            async def gate() -> None:
                await lines.acquire()

            server.pull_gate = gate
            backend = backend_of(server)
            if how == "cancel":
                steps: list[PullStep] = []
                task = asyncio.create_task(pulled(backend, "pullable", steps))
                async with asyncio.timeout(10):
                    while len(steps) < 3:  # noqa: ASYNC110 - a step has no event of its own
                        await asyncio.sleep(0.001)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            else:
                async with aclosing(cast(Any, backend.pull("pullable"))) as coming:
                    await anext(coming)
            assert backend.open == 0
            await server.settled()
            assert server.model("pullable") is None

    async def test_replies_stream_on_while_a_model_is_fetched(self) -> None:
        async with OllamaServer(tokens=4) as server:
            lines = asyncio.Semaphore(2)

            async def gate() -> None:
                await lines.acquire()

            server.pull_gate = gate
            backend = backend_of(server)
            task = asyncio.create_task(pulled(backend, "pullable"))
            assert len(await read(backend, ask("hi"))) == 5
            assert not task.done()
            server.pull_gate = None
            for _ in range(20):
                lines.release()
            assert (await task)[-1].status == "success"


class TestDeleteAndUnload:
    async def test_what_is_deleted_is_gone(self, fake_ollama: OllamaServer) -> None:
        backend = backend_of(fake_ollama)
        await backend.delete("qwen3:8b")
        assert "qwen3:8b" not in [model.name for model in await backend.models()]
        with pytest.raises(BackendError) as caught:
            await backend.delete("qwen3:8b")
        assert caught.value.kind is ErrorKind.MODEL_NOT_FOUND
        assert "has no model qwen3:8b any more" in caught.value.message
        assert fake_ollama.requests[0].method == "DELETE"
        assert fake_ollama.requests[0].json() == {"model": "qwen3:8b"}

    async def test_a_model_is_unloaded(self, fake_ollama: OllamaServer) -> None:
        backend = backend_of(fake_ollama)
        await read(backend, ask("hi"))
        assert [model.name for model in await backend.running()] == ["llama3.2:3b"]
        await backend.unload("llama3.2:3b")
        assert await backend.running() == []


class TestWhoCan:
    async def test_the_servers_of_a_pool_by_name(self) -> None:
        async with OllamaServer() as one, OllamaServer() as two:
            pool = open_servers(
                [Server(read_host(one.url), name="anna"), Server(read_host(two.url), name="ben")]
            )
            managers = managers_of(pool)
            assert list(managers) == ["anna", "ben"]
            await pulled(managers["ben"], "pullable")
            assert one.model("pullable") is None
            assert two.model("pullable") is not None
            assert list(managers_of(CachingBackend(pool))) == ["anna", "ben"]
            await pool.aclose()

    async def test_kinds_that_manage_nothing_offer_nothing(self) -> None:
        other = OpenAIBackend(read_host("http://127.0.0.1:1"))
        assert managers_of(other) == {}
        assert managers_of(object()) == {}
        assert list(managers_of(DemoBackend())) == ["demo model"]


def test_what_only_makes_embeddings_cannot_chat() -> None:
    can: Callable[..., bool] = lambda **more: ModelInfo("m", **more).can_chat  # noqa: E731
    assert can()
    assert can(capabilities=("completion", "embedding"))
    assert can(capabilities=("vision",)), "not known, and so not refused"
    assert can(family="llama")
    assert not can(capabilities=("embedding",))
    assert not can(family="nomic-bert")
    assert can(family="bert", capabilities=("completion",))


class TestDemo:
    async def test_it_plays_a_pull_and_has_the_model_then(self) -> None:
        clock = ManualClock()
        demo = DemoBackend(pace=clock, tokens_per_second=float("inf"), first_token=0)
        steps: list[PullStep] = []
        task = asyncio.create_task(pulled(demo, "demo:huge", steps))
        while not task.done():
            await asyncio.sleep(0)
            clock.advance(0.02)
        await task
        assert steps[-1].status == "success"
        assert len({step.digest for step in steps if step.digest}) == 3
        assert 8 < clock.monotonic() < 20
        assert [model.name for model in await demo.models()][-1] == "demo:huge"
        reply = asyncio.create_task(read(demo, ask("hi", "demo:huge")))
        while not reply.done():
            await asyncio.sleep(0)
            clock.advance(0.5)
        await reply
        assert [each.name for each in await demo.running()] == ["demo:huge"]
        await demo.unload("demo:huge")
        assert await demo.running() == []
        await demo.delete("demo:huge")
        assert "demo:huge" not in [model.name for model in await demo.models()]

    async def test_it_refuses_what_it_cannot_play(self) -> None:
        demo = DemoBackend(pace=ManualClock())
        with pytest.raises(BackendError, match="is built in"):
            await demo.delete("demo:small")
        with pytest.raises(BackendError, match="not there any more"):
            await demo.delete("demo:huge")
        clock = ManualClock()
        task = asyncio.create_task(failure(DemoBackend(pace=clock), "llama3.2"))
        while not task.done():
            await asyncio.sleep(0)
            clock.advance(1)
        assert "demo:huge" in (await task).message

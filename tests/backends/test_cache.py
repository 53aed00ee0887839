"""The reply cache, in virtual time: what it keeps, for whom, and how it gives it back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

import pytest

from ccchat_tui.backends.base import (
    BackendError,
    ChatBackend,
    ChatChunk,
    ChatMessage,
    ChatStats,
    ErrorKind,
    HasServers,
    ModelInfo,
    Prompt,
)
from ccchat_tui.backends.cache import CacheSettings, CachingBackend
from ccchat_tui.backends.cache_key import repeatable
from ccchat_tui.testing.virtual_time import LoopClock, run_virtual
from tests.support.caches import MODEL, cached, chunks, question
from tests.support.memory_server import MemoryServer
from tests.support.pools import Odd, pool_of, read, virtual, whole

# What is given back


@virtual
async def test_the_same_question_is_asked_once_and_the_answer_says_so() -> None:
    backend, server = cached()
    first = await chunks(backend, question())
    second = await chunks(backend, question())
    assert server.asked == ["hello"]
    assert "".join(c.text for c in second) == "".join(c.text for c in first) == whole("hello")
    assert first[-1].stats == ChatStats(done_reason="stop", reply_tokens=20)
    assert second[-1].stats == ChatStats(done_reason="stop", reply_tokens=20, cached=True)
    status = backend.status()
    assert (status.entries, status.hits, status.misses, status.passed) == (1, 1, 1, 0)
    assert isinstance(backend, ChatBackend)


@virtual
async def test_no_time_of_a_server_is_claimed_for_it() -> None:
    stats = ChatStats("stop", 5, 9, load_seconds=1.0, prompt_seconds=2.0, reply_seconds=3.0)
    backend, _ = cached(Listing(ChatChunk("all", stats=stats)))
    await chunks(backend, question())
    given_back = (await chunks(backend, question()))[-1].stats
    assert given_back == ChatStats("stop", 5, 9, cached=True)
    assert given_back.tokens_per_second is None


@pytest.mark.parametrize(
    "other",
    [
        question("another"),
        question(options={"temperature": 0, "num_ctx": 8192}),
        question(options={"temperature": 0, "num_ctx": 4096, "stop": ["x"]}),
        question(think=True),
        question(think=False),
        question(user="ben"),
        question(messages=(ChatMessage("system", "hello"),)),
        question(messages=(ChatMessage("user", "hello", images=("aGk=",)),)),
        question(messages=(ChatMessage("user", "hel"), ChatMessage("user", "lo"))),
        question(model="other"),
    ],
)
def test_another_question_is_another_question(other: Prompt) -> None:
    async def program() -> None:
        models = [MODEL, ModelInfo("other:latest", digest="d2")]
        backend, server = cached(MemoryServer("a", models=models))
        await read(backend, question())
        await read(backend, other)
        assert len(server.asked) == 2
        assert backend.status().hits == 0

    run_virtual(program())


@pytest.mark.parametrize(
    "same",
    [
        question(options={"num_ctx": 4096, "temperature": 0}),
        question(options=MappingProxyType({"temperature": 0, "num_ctx": 4096})),
        question(model="m:latest"),
        question(model="alias"),
        question(keep_alive="10m"),
    ],
)
def test_what_makes_no_difference_to_the_reply_makes_none_here(same: Prompt) -> None:
    async def program() -> None:
        models = [MODEL, ModelInfo("alias:latest", digest="d1")]
        backend, server = cached(MemoryServer("a", models=models))
        await read(backend, question())
        await read(backend, same)
        assert len(server.asked) == 1

    run_virtual(program())


# What is not kept


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, False),
        ({"temperature": 0}, True),
        ({"temperature": 0.0}, True),
        ({"temperature": 0.1}, False),
        ({"temperature": False}, False),
        ({"temperature": "0"}, False),
        ({"temperature": None}, False),
        ({"temperature": float("nan")}, False),
        ({"seed": 7}, True),
        ({"seed": 0, "temperature": 0.8}, True),
        ({"seed": -1}, False),
        ({"seed": True}, False),
        ({"seed": "7"}, False),
    ],
)
def test_which_options_make_a_reply_repeatable(options: dict[str, Any], expected: bool) -> None:
    assert repeatable(options) is expected


@pytest.mark.parametrize(
    "prompt",
    [
        question(options={}),
        question(user=""),
        question(model="m:cloud"),
        question(model="m:120b-cloud"),
        question(model="undigested"),
        question(options={"temperature": 0, "odd": object()}),
        question(options={"temperature": 0, "odd": float("inf")}),
    ],
)
def test_what_may_not_be_kept_goes_past(prompt: Prompt) -> None:
    async def program() -> None:
        names = ["m:latest", "m:cloud", "m:120b-cloud"]
        models = [ModelInfo(name, digest="d") for name in names] + [ModelInfo("undigested:latest")]
        backend, server = cached(MemoryServer("a", models=models))
        await read(backend, prompt)
        await read(backend, prompt)
        assert len(server.asked) == 2
        status = backend.status()
        assert (status.passed, status.entries, status.hits) == (2, 0, 0)

    run_virtual(program())


class Listing(Odd):
    """A backend of fixed pieces that has the model."""

    async def models(self) -> list[ModelInfo]:
        return [MODEL]

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize(
    "pieces",
    [
        [ChatChunk("cut off")],
        [ChatChunk("too long", stats=ChatStats(done_reason="length"))],
        [ChatChunk("who knows", stats=ChatStats())],
        [ChatChunk(thinking="only thought"), ChatChunk(stats=ChatStats(done_reason="stop"))],
        [ChatChunk(stats=ChatStats(done_reason="stop"))],
    ],
)
def test_only_whole_replies_are_kept(pieces: list[ChatChunk]) -> None:
    async def program() -> None:
        backend, _ = cached(Listing(*pieces))
        assert await chunks(backend, question()) == pieces
        assert backend.status().entries == 0

    run_virtual(program())


@virtual
async def test_neither_a_failed_reply_is_kept_nor_one_broken_off() -> None:
    backend, server = cached()
    server.break_after = 3
    with pytest.raises(BackendError, match="broke"):
        await read(backend, question())
    server.break_after = None
    pieces = cast(Any, backend.stream(question()))
    await anext(pieces)
    await pieces.aclose()
    assert server.in_flight == 0, "a cancel closes the inner stream"
    task = asyncio.create_task(read(backend, question()))
    await asyncio.sleep(0.5)
    task.cancel()
    await asyncio.wait([task])
    assert server.in_flight == 0
    assert backend.status().entries == 0
    assert await read(backend, question()) == whole("hello")


@virtual
async def test_replies_cross_users_only_where_that_is_set() -> None:
    for shared, asked in ((False, 3), (True, 1)):
        backend, server = cached(shared=shared)
        for user in ("anna", "ben", ""):
            await read(backend, question(user=user))
        assert len(server.asked) == asked


# The model behind the name


@virtual
async def test_a_model_pulled_anew_is_another_model() -> None:
    backend, server = cached(digest_max_age=30.0)
    await read(backend, question())
    server.has = [replace(MODEL, digest="d2")]
    await asyncio.sleep(30.0)
    await read(backend, question())
    assert len(server.asked) == 2
    assert server.lists == 2, "the digest is asked for once in a while, not every time"


@virtual
async def test_a_model_of_which_servers_have_different_versions_is_left_alone() -> None:
    a = MemoryServer("a", models=[MODEL])
    b = MemoryServer("b", models=[replace(MODEL, digest="d2")])
    pool = pool_of(a, b)
    backend = CachingBackend(pool, clock=LoopClock())
    await read(backend, question())
    await read(backend, question())
    assert backend.status().passed == 2
    assert isinstance(backend, HasServers)
    assert [s.name for s in backend.servers()] == ["a", "b"]
    assert (backend.name, backend.address) == (pool.name, pool.address)
    await backend.aclose()
    assert (a.closings, b.closings) == (1, 1)


@virtual
async def test_a_server_that_lists_no_models_is_asked_all_the_same() -> None:
    backend, server = cached()

    class Silent(MemoryServer):
        async def models(self) -> list[ModelInfo]:
            self.lists += 1
            await asyncio.sleep(3600.0)
            return []

    server = Silent("a", slots=99)
    backend, _ = cached(server, digest_timeout=3.0)
    started = asyncio.get_running_loop().time()
    replies = await asyncio.gather(*(read(backend, question(str(n))) for n in range(5)))
    assert replies == [whole(str(n)) for n in range(5)]
    assert asyncio.get_running_loop().time() - started < 3.0 + 2.0, "one question for all of them"
    assert server.lists == 1
    server.up = False
    with pytest.raises(BackendError) as caught:
        await read(backend, question())
    assert caught.value.kind is ErrorKind.UNREACHABLE


# How it is given back


@virtual
async def test_at_once_is_in_no_time_and_in_few_pieces() -> None:
    backend, _ = cached()
    await read(backend, question())
    started = asyncio.get_running_loop().time()
    pieces = await chunks(backend, question())
    assert asyncio.get_running_loop().time() == started
    assert [c.text for c in pieces] == [whole("hello"), ""]


@virtual
async def test_at_a_pace_the_pieces_are_those_that_came() -> None:
    source = [
        ChatChunk(thinking="hm "),
        ChatChunk(thinking="so"),
        ChatChunk("An "),
        ChatChunk("answer", thinking="!"),
        *(ChatChunk(f"{n}é\U0001f600") for n in range(96)),
        ChatChunk(".", stats=ChatStats(done_reason="stop")),
    ]
    backend, _ = cached(Listing(*source), pace=100.0)
    await chunks(backend, question())
    started = asyncio.get_running_loop().time()
    pieces = await chunks(backend, question())
    assert asyncio.get_running_loop().time() - started == pytest.approx(1.02, abs=0.05)
    assert [c.thinking for c in pieces if c.thinking] == ["hm ", "so", "!"]
    assert [c.text for c in pieces if c.text] == [c.text for c in source if c.text]
    assert [c.done for c in pieces] == [False] * (len(pieces) - 1) + [True]


@virtual
async def test_the_same_question_at_the_same_moment_runs_twice() -> None:
    backend, server = cached()
    one, two = (asyncio.create_task(read(backend, question())) for _ in range(2))
    await asyncio.sleep(0.5)
    one.cancel()
    assert await two == whole("hello"), "one's cancel is no matter of the other's"
    assert len(server.asked) == 2
    assert backend.status().entries == 1


@virtual
async def test_clearing_and_closing_forget_everything() -> None:
    backend, server = cached()
    await read(backend, question())
    backend.clear()
    assert (backend.status().entries, backend.status().bytes) == (0, 0)
    await read(backend, question())
    await backend.aclose()
    assert (backend.status().entries, server.closings) == (0, 1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"max_bytes": -1}, "max_bytes=-1"),
        ({"max_age": 0.0}, "max_age=0.0"),
        ({"pace": -2.0}, "pace=-2.0"),
        ({"digest_timeout": float("nan")}, "digest_timeout=nan"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], words: str) -> None:
    make: Callable[..., CacheSettings] = CacheSettings
    with pytest.raises(ValueError, match=words):
        make(**wrong)

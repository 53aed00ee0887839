"""A short chaos, and proof that it would notice: each thing it looks for is broken once."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from ccchat_tui.backends import ollama, ollama_wire
from ccchat_tui.backends.base import ChatChunk, Prompt
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.engine.counters import Counters
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.lifecycle import Lifecycle
from ccchat_tui.engine.request import Failure, RequestState
from ccchat_tui.engine.scheduler import Scheduler
from tests.servers.chaos import Chaos

Break = Callable[[pytest.MonkeyPatch], None]


async def test_a_short_chaos() -> None:
    chaos = Chaos(seed=1, requests=400, users=40)
    await chaos.run()
    assert chaos.books.wrong == [], "\n".join(chaos.report())
    assert sum(chaos.books.ended.values()) == chaos.books.accepted == 400
    assert chaos.books.ended["completed"] > 50
    assert chaos.books.characters > 5000


def a_word_is_lost(patch: pytest.MonkeyPatch) -> None:
    read = ollama_wire.read_chunk

    def lose(*args: Any) -> ChatChunk:
        chunk = read(*args)
        return dataclasses.replace(chunk, text="") if chunk.text.startswith("plan:") else chunk

    patch.setattr(ollama, "read_chunk", lose)


def an_end_without_done_is_taken_for_one(patch: pytest.MonkeyPatch) -> None:
    stream = OllamaBackend.stream

    async def lenient(self: OllamaBackend, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        done = False
        async for chunk in stream(self, prompt):
            done = done or (chunk.text == "\n\n")
            yield dataclasses.replace(chunk, stats=chunk.stats or (_STATS if done else None))
            if done:
                return

    patch.setattr(OllamaBackend, "stream", lenient)


_STATS = ollama_wire.read_chunk('{"message":{"content":""},"done":true}', "").stats


def what_was_shown_is_tried_again(patch: pytest.MonkeyPatch) -> None:
    failed = Lifecycle._failed

    def again(self: Lifecycle, handle: RequestHandle, failure: Failure, now: float) -> None:
        if handle.first_token_at is not None and handle.attempt == 1:
            handle.first_token_at = None
            handle.state = RequestState.CONNECTING
            failure = dataclasses.replace(failure, retryable=True)
        failed(self, handle, failure, now)

    patch.setattr(Lifecycle, "_failed", again)


def it_is_asked_twice(patch: pytest.MonkeyPatch) -> None:
    stream = OllamaBackend.stream

    async def twice(self: OllamaBackend, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        async for chunk in stream(self, prompt):
            if chunk.done:
                async for _ in stream(self, prompt):
                    pass
            yield chunk

    patch.setattr(OllamaBackend, "stream", twice)


def a_slot_is_never_given_back(patch: pytest.MonkeyPatch) -> None:
    release = Scheduler.release
    kept: list[str] = []

    def keep(self: Scheduler, name: str) -> None:
        if kept:
            release(self, name)
        kept.append(name)

    patch.setattr(Scheduler, "release", keep)


def an_end_is_counted_twice(patch: pytest.MonkeyPatch) -> None:
    ended = Counters.ended

    def twice(self: Counters, handle: RequestHandle, now: float) -> None:
        ended(self, handle, now)
        if self.all.submitted == 20:
            self.all.ended[handle.state] += 1

    patch.setattr(Counters, "ended", twice)


BREAKS: dict[Break, str] = {
    a_word_is_lost: "which was not sent",
    an_end_without_done_is_taken_for_one: "counts as complete and is not",
    what_was_shown_is_tried_again: "tried again though it has shown something",
    it_is_asked_twice: "reached the server",
    a_slot_is_never_given_back: "left over: 1 in the scheduler",
    an_end_is_counted_twice: "the engine says",
}
"""Each break, and what is said of it."""


@pytest.mark.parametrize("break_it", BREAKS, ids=lambda value: value.__name__)
async def test_the_chaos_finds_a_break(monkeypatch: pytest.MonkeyPatch, break_it: Break) -> None:
    break_it(monkeypatch)
    chaos = Chaos(seed=2, requests=80, users=10)
    await chaos.run()
    assert any(BREAKS[break_it] in each for each in chaos.books.wrong), "\n".join(chaos.report())

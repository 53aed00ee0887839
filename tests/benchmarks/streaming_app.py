"""The real app over a model that sends tokens at a pace, on a driver that takes all output."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from textual.driver import Driver

from ccchat_tui.backends.base import ChatChunk, ChatStats, ModelInfo, Prompt
from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.config import Settings
from ccchat_tui.sessions.ids import counted_ids
from ccchat_tui.tui.app import CCChatApp, Parts
from ccchat_tui.tui.widgets.transcript import Transcript
from tests.benchmarks.drawing_app import SinkDriver
from tests.benchmarks.marks import Marks
from tests.benchmarks.prose import prose

SIZE = (200, 60)


@dataclass
class PacedModel:
    """A `ChatBackend` that streams to everybody, so many tokens a second, until it is told to end.

    The last thing it says in each reply can be told from that of any other.
    """

    rate: float = 100.0
    name: str = "Ollama"
    address: str = "http://127.0.0.1:11434"
    said: dict[str, list[str]] = field(default_factory=dict)
    """What was sent, by the question."""
    marks: Marks | None = None
    """Signs that are sent along, to see when they are drawn."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        """Tokens at a pace that makes up for being late."""
        question = prompt.messages[-1].content
        said = self.said.setdefault(question, [])
        marks = self.marks
        source = prose() if marks is None else marks.pieces()
        due = time.perf_counter()
        while not self.ended.is_set():
            due += 1 / self.rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            said.append(next(source))
            if marks is not None:
                marks.sent(question, said[-1])
            yield ChatChunk(said[-1])
        said.append(f"\n\n{last_words(question)}\n")
        yield ChatChunk(said[-1])
        yield ChatChunk(stats=ChatStats(done_reason="stop", reply_tokens=len(said)))

    async def models(self) -> list[ModelInfo]:
        """One."""
        return [ModelInfo("paced:latest")]

    async def probe(self) -> str:
        """A version."""
        return "0.33.0"

    async def aclose(self) -> None:
        """Nothing is open."""


def last_words(question: str) -> str:
    """With what a reply ends."""
    return f"That was all about {question}."


class StreamingApp(CCChatApp):
    """The app as it is, but for what it draws on.

    Args:
        chats: How many are open, each of a user of its own.
        model: Who answers.
    """

    def __init__(self, chats: int, model: PacedModel) -> None:
        self.model = model
        settings = Settings(
            users=tuple(f"user{number}" for number in range(1, chats + 1)),
            max_concurrent_chats=max(chats, 1),
            requests_per_minute=0,
        )
        parts = Parts(
            server=model,
            demo=DemoBackend(seed=7),
            new_id=counted_ids(),
            rng=random.Random(7),
        )
        super().__init__(settings, parts)

    def get_driver_class(self) -> type[Driver]:
        """A terminal that nobody sees."""
        return SinkDriver

    @property
    def sink(self) -> SinkDriver:
        """What it draws on."""
        assert isinstance(self._driver, SinkDriver)
        return self._driver

    async def stream_in_all(self) -> None:
        """Ask in every chat, and wait until every reply has begun."""
        panes = self.chats.deck.panes
        for pane in panes:
            self.sessions.send(pane.session, f"chat {pane.number}")
        said = self.model.said
        await until(lambda: len(said) == len(panes) and all(said.values()))

    async def end_all(self) -> None:
        """Let every reply end, and wait until the app has taken it."""
        self.model.ended.set()
        sessions = self.sessions
        await until(lambda: not any(sessions.running(session) for session in sessions.sessions))

    def lost(self) -> list[str]:
        """What did not arrive, in words: every token in the turn, the end of the reply in each
        pane that is in sight."""
        missing = []
        for pane in self.chats.deck.panes:
            question = f"chat {pane.number}"
            said = "".join(self.model.said[question])
            if pane.session.turns[-1].reply != said:
                missing.append(f"{question}: the reply is not what was sent")
            if pane in self.chats.deck.in_sight:
                screen = shown(pane.transcript)
                if last_words(question) not in screen:
                    missing.append(f"{question}: its end is not on the screen:\n{screen}")
        return missing


async def until(condition: Callable[[], bool], within: float = 60.0) -> None:
    """Wait until something holds. Raises `TimeoutError` if it does not in time."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.01)


def shown(transcript: Transcript) -> str:
    """What a transcript shows, as text."""
    return "\n".join(transcript.render_line(y).text for y in range(transcript.size.height))

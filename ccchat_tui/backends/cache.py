"""A cache of replies: what a model has answered, and would answer again, is not asked twice.

Off unless somebody puts a `CachingBackend` in front of a backend. It is careful rather than
clever. A reply is only kept and given back if the same question has the same answer:

- the model's digest is known and the same (Ollama's covers weights, template and parameters);
  models that run elsewhere, whose digest says nothing of what runs there, are left alone;
- messages, options, thinking and user are the same, and so is the version that is asked for, as
  who wants another reply does not want this one; `keep_alive` does not matter to a reply;
- the options make it repeatable: `temperature` 0, or a fixed `seed`;
- the reply was whole: the server said `stop`.

Requests for the same thing at the same moment all run. To have one stream feed several would tie
one person's reply to the cancel, the stall and the fault of another's, for a case that is rare in
chats; and the engine would show requests in flight that no server knows of.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace

from ccchat_tui.backends.base import (
    BackendError,
    ChatBackend,
    ChatChunk,
    ChatStats,
    HasServers,
    ManagesModels,
    ModelInfo,
    Prompt,
    ServerStatus,
    managers_of,
)
from ccchat_tui.backends.cache_key import key_of, repeatable, runs_elsewhere
from ccchat_tui.backends.cache_reply import ENTRY_OVERHEAD, Collector, KeptReply
from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.clock import Clock, SystemClock
from ccchat_tui.quick import dataclass

TICK = 1 / 30
"""Seconds between two helpings of a reply that is given back at a pace: a frame of the screen."""


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """What is kept, for whom, and how it is given back."""

    max_bytes: int = 16 * 1024 * 1024
    """All entries together never take more memory than this; those used longest ago go first."""
    max_age: float = 3600.0
    """Seconds after which an entry counts no longer."""
    shared: bool = False
    """Whether a reply to one user may be given to another. A prompt that names no user is only
    looked up and kept if this is so."""
    pace: float | None = None
    """Pieces a second at which a reply is given back; `None` for all at once."""
    digest_max_age: float = 30.0
    """Seconds for which a model's digest is believed: as long may a reply of the old version
    still be given back after the model was pulled anew."""
    digest_timeout: float = 3.0
    """Seconds that the list of models may take; then the request goes past the cache."""

    def __post_init__(self) -> None:
        if self.max_bytes < 0:
            raise ValueError(f"max_bytes={self.max_bytes}: give 0 or more")
        for name in ("max_age", "digest_max_age", "digest_timeout", "pace"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name}={value}: give a number over 0")


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """What a cache holds, and what came of it so far."""

    entries: int = 0
    bytes: int = 0
    hits: int = 0
    misses: int = 0
    """Looked up in vain."""
    passed: int = 0
    """Not looked up, because the answer could not have been used."""
    evicted: int = 0
    """Thrown out for room or for age."""


class CachingBackend:
    """A backend that remembers replies, in front of one that gives them.

    Everything but `stream` is the inner backend's own. Closing it closes the inner one and
    forgets every reply; nothing is ever written to disk.

    Args:
        inner: Where the replies come from.
        settings: What is kept, for whom, and how it is given back.
        clock: Where the time comes from; its seconds must be those of the event loop's timers.
    """

    def __init__(
        self,
        inner: ChatBackend,
        settings: CacheSettings | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.inner = inner
        self.settings = settings or CacheSettings()
        self._clock = clock or SystemClock()
        self._replies: OrderedDict[bytes, KeptReply] = OrderedDict()
        self._bytes = 0
        self._hits = self._misses = self._passed = self._evicted = 0
        self._digests: dict[str, str] = {}
        self._digests_at = -math.inf
        self._asking = asyncio.Lock()

    @property
    def name(self) -> str:
        """The inner backend's name."""
        return self.inner.name

    @property
    def address(self) -> str:
        """The inner backend's address."""
        return self.inner.address

    def status(self) -> CacheStatus:
        """What it holds, and what came of it so far."""
        return CacheStatus(
            entries=len(self._replies),
            bytes=self._bytes,
            hits=self._hits,
            misses=self._misses,
            passed=self._passed,
            evicted=self._evicted,
        )

    def clear(self) -> None:
        """Forget every reply."""
        self._replies.clear()
        self._bytes = 0

    def servers(self) -> tuple[ServerStatus, ...]:
        """The inner backend's servers; none where it is not a pool."""
        return self.inner.servers() if isinstance(self.inner, HasServers) else ()

    def managers(self) -> Mapping[str, ManagesModels]:
        """The inner backend's servers whose models can be managed."""
        return managers_of(self.inner)

    async def probe_failing(self) -> str:
        """See `HasServers`; where the inner backend is not a pool, it is simply probed."""
        if isinstance(self.inner, HasServers):
            return await self.inner.probe_failing()
        return await self.inner.probe()

    async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        """A reply, from memory if it is there (its stats say `cached`), else the inner one's.

        Raises:
            BackendError: The inner backend's. A cache that cannot find out about the model is
                none: the request goes past it, and nothing is raised on its account.

        A cancel closes the inner stream; a reply that was broken off is not kept.
        """
        key = await self._key(prompt)
        if key is None:
            self._passed += 1
            inner = self.inner.stream(prompt)
            try:
                async for chunk in inner:
                    yield chunk
            finally:
                await _close(inner)
            return
        known = self._find(key)
        if known is not None:
            self._hits += 1
            async with aclosing(self._give_back(known)) as pieces:
                async for chunk in pieces:
                    yield chunk
            return
        self._misses += 1
        collector = Collector(self.settings.max_bytes - ENTRY_OVERHEAD)
        stats: ChatStats | None = None
        inner = self.inner.stream(prompt)
        try:
            async for chunk in inner:
                collector.take(chunk)
                stats = chunk.stats
                yield chunk
        finally:
            await _close(inner)
        if stats is not None and stats.done_reason == "stop" and collector.text:
            self._keep(key, collector, stats)

    async def models(self) -> list[ModelInfo]:
        """The inner backend's models; the digests are taken note of in passing."""
        models = await self.inner.models()
        self._digests = {full_name(m.name): m.digest for m in models if m.digest}
        self._digests_at = self._clock.monotonic()
        return models

    async def probe(self) -> str:
        """The inner backend's sign of life."""
        return await self.inner.probe()

    async def aclose(self) -> None:
        """Forget every reply, and close the inner backend."""
        self.clear()
        await self.inner.aclose()

    async def _key(self, prompt: Prompt) -> bytes | None:
        """What a prompt is kept under; `None` if its reply is not to be kept."""
        if not repeatable(prompt.options) or not (prompt.user or self.settings.shared):
            return None
        if runs_elsewhere(prompt.model):
            return None
        digest = await self._digest_of(prompt.model)
        if digest is None:
            return None
        return await key_of(prompt, "" if self.settings.shared else prompt.user, digest)

    async def _digest_of(self, model: str) -> str | None:
        async with self._asking:
            if self._clock.monotonic() - self._digests_at >= self.settings.digest_max_age:
                try:
                    async with asyncio.timeout(self.settings.digest_timeout):
                        await self.models()
                except (BackendError, TimeoutError):
                    # Not asked again for a while: a server in trouble needs no more questions.
                    self._digests = {}
                    self._digests_at = self._clock.monotonic()
        return self._digests.get(full_name(model))

    def _find(self, key: bytes) -> KeptReply | None:
        reply = self._replies.get(key)
        if reply is None:
            return None
        if self._clock.monotonic() - reply.stored_at >= self.settings.max_age:
            self._forget(key)
            return None
        self._replies.move_to_end(key)
        return reply

    def _keep(self, key: bytes, collector: Collector, stats: ChatStats) -> None:
        if key in self._replies:
            self._bytes -= self._replies.pop(key).size
        reply = KeptReply(collector, _given_back(stats), self._clock.monotonic())
        if reply.size > self.settings.max_bytes:
            return
        self._replies[key] = reply
        self._bytes += reply.size
        while self._bytes > self.settings.max_bytes:
            self._forget(next(iter(self._replies)))

    def _forget(self, key: bytes) -> None:
        self._bytes -= self._replies.pop(key).size
        self._evicted += 1

    async def _give_back(self, reply: KeptReply) -> AsyncGenerator[ChatChunk, None]:
        pace = self.settings.pace
        if pace is None:
            for chunk in reply.at_once():
                yield chunk
        else:
            started = self._clock.monotonic()
            for number, chunk in enumerate(reply.pieces()):
                # Several pieces a tick: a sleep for each would cost more than the piece.
                while number >= (self._clock.monotonic() - started) * pace:  # noqa: ASYNC110
                    await asyncio.sleep(TICK)
                yield chunk
        yield ChatChunk(stats=reply.stats)


def _given_back(stats: ChatStats) -> ChatStats:
    """The stats of a reply from memory: no server spent any time on it."""
    return replace(stats, load_seconds=None, prompt_seconds=None, reply_seconds=None, cached=True)


async def _close(pieces: AsyncIterator[ChatChunk]) -> None:
    """Close a stream, if it is of the kind that can be."""
    aclose = getattr(pieces, "aclose", None)
    if aclose is not None:
        await aclose()

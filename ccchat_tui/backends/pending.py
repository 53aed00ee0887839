"""A backend that stands in until it is known who answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from ccchat_tui.backends.base import ChatBackend, ChatChunk, ModelInfo, Prompt

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class PendingBackend:
    """Holds requests back while a server is being tried, so that nobody has to wait for the
    outcome before writing: they go on with whoever it turns out to be.

    Args:
        address: What is being tried, for people.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._settled = asyncio.Event()
        self._backend: ChatBackend | None = None
        self._model = ""

    @property
    def name(self) -> str:
        """`connecting`, until it is settled."""
        return self._backend.name if self._backend else "connecting"

    @property
    def address(self) -> str:
        """What is being tried, or who answers."""
        return self._backend.address if self._backend else self._address

    def settle(self, backend: ChatBackend, model: str) -> None:
        """Say who answers, once. What was held back goes there.

        Args:
            backend: Who answers.
            model: What is asked where a request names no model.
        """
        if self._backend is None:
            self._backend = backend
            self._model = model
            self._settled.set()

    async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        """Wait until it is settled, then ask there. Raises `BackendError` as that one does."""
        backend = await self._settle()
        if not prompt.model:
            prompt = replace(prompt, model=self._model)
        pieces = cast("AsyncGenerator[ChatChunk]", backend.stream(prompt))
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    async def models(self) -> list[ModelInfo]:
        """The models there are, once it is settled."""
        return await (await self._settle()).models()

    async def probe(self) -> str:
        """A sign of life, once it is settled."""
        return await (await self._settle()).probe()

    async def aclose(self) -> None:
        """There is nothing to close; the one it stands in for belongs to somebody else."""

    async def _settle(self) -> ChatBackend:
        await self._settled.wait()
        assert self._backend is not None
        return self._backend

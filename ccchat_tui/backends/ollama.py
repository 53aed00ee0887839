"""Ollama by its own protocol (Ollama source, server/routes.go and api/types.go, v0.33).

A reply is a stream of JSON lines, each with a few characters; the last says `done`. The server
sends nothing at all while it queues, loads the model and reads the prompt, so that there is no
limit here on how long it may be silent: the engine's watchdog has it. Closing the connection is
the only cancel there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from ccchat_tui.backends import ollama_errors as errors
from ccchat_tui.backends.base import (
    BackendError,
    ChatChunk,
    ErrorKind,
    LoadedModel,
    ModelInfo,
    Prompt,
)
from ccchat_tui.backends.http_errors import OLLAMA, truncated
from ccchat_tui.backends.ndjson import NdjsonReader
from ccchat_tui.backends.ollama_manage import OllamaManager
from ccchat_tui.backends.ollama_wire import model_body, read_chunk, request_body
from ccchat_tui.backends.prompts import check_prompt
from ccchat_tui.text import one_line

if TYPE_CHECKING:
    from ccchat_tui.backends.ollama_models import Show

PROBE_TIMEOUT: Final = 5.0
"""Seconds for a sign of life."""
LIST_TIMEOUT: Final = 10.0
"""Seconds for a list."""
LINES_IN_A_ROW: Final = 64
"""Lines of one piece after which others have their turn."""


class OllamaBackend(OllamaManager):
    """One Ollama server; see `ModelServer` for its arguments."""

    WORDING = OLLAMA

    @property
    def name(self) -> str:
        """`Ollama`."""
        return "Ollama"

    async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        """Ask for a reply. Without any message it loads the model.

        Yields:
            One chunk for each line, also for one without text, which is a sign of life. The last
            has `stats`, and nothing after it is read.

        Raises:
            BackendError: For everything that the server can answer, or fail to.

        A cancel (or closing the iterator) closes the connection before it leaves.
        """
        address = self.address
        try:
            check_prompt(prompt)
            server = self._http()
            body = await request_body(prompt)
            async with server.request("POST", "/api/chat", body) as response:
                await self._check(server, response)
                reader = NdjsonReader()
                async with aclosing(server.pieces_of(response)) as pieces:
                    async for piece in pieces:
                        for number, line in enumerate(reader.feed(piece), 1):
                            chunk = read_chunk(line, address)
                            yield chunk
                            if chunk.stats is not None:
                                return
                            if number % LINES_IN_A_ROW == 0:
                                await asyncio.sleep(0)
                        if reader.too_long:
                            raise errors.long_line(reader.limit, address)
                if rest := reader.close():
                    chunk = self._last(rest)
                    yield chunk
                    if chunk.stats is not None:
                        return
                raise truncated(address)
        except BackendError as error:
            if error.kind is ErrorKind.MODEL_NOT_FOUND:
                there = await self._look_for_models()
                error = errors.no_such_model(error, prompt.model, there, self.address)
            raise self._discreet(error) from None

    def _last(self, rest: str) -> ChatChunk:
        """What is left of a reply that ended within a line: the whole line but for its line end,
        as some models of the cloud have it, or a part, which says nothing."""
        try:
            return read_chunk(rest, self.address)
        except BackendError as error:
            if error.kind is ErrorKind.PROTOCOL:
                raise truncated(self.address) from None
            raise

    async def models(self) -> list[ModelInfo]:
        """The models that the server has, newest first. Raises `BackendError`; within seconds."""
        from ccchat_tui.backends.ollama_models import read_tags  # noqa: PLC0415

        models = await self._ask("GET", "/api/tags", read_tags, within=LIST_TIMEOUT)
        self._names = tuple(model.name for model in models)
        return models

    async def probe(self) -> str:
        """Ask for a sign of life, within seconds. Returns the server's version; raises
        `BackendError`."""
        from ccchat_tui.backends.ollama_models import read_version  # noqa: PLC0415

        version = await self._ask("GET", "/api/version", read_version, within=PROBE_TIMEOUT)
        return one_line(version, 40)

    async def running(self) -> list[LoadedModel]:
        """The models that are loaded now. Raises `BackendError`; within seconds."""
        from ccchat_tui.backends.ollama_models import read_running  # noqa: PLC0415

        loaded = await self._ask("GET", "/api/ps", read_running, within=LIST_TIMEOUT)
        now = self._clock.now()
        return [each.loaded(now) for each in loaded]

    async def show(self, model: str) -> Show:
        """What the server knows of one model. Raises `BackendError`; within seconds."""
        from ccchat_tui.backends.ollama_models import Show  # noqa: PLC0415

        return await self._ask(
            "POST",
            "/api/show",
            Show.model_validate_json,
            body=model_body(model),
            within=LIST_TIMEOUT,
        )

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> BackendError:
        return errors.from_status(
            status, headers, body, address=self.address, now=self._clock.now()
        )

    def _stranger(self, body: bytes) -> BackendError:
        return errors.not_ollama(body, self.address)

"""What is done with the models of an Ollama server beside asking them: fetch, delete, unload
(Ollama source, server/routes.go; docs/api.md).

A pull is a stream of JSON lines that begins before the server knows whether there is such a model:
failures come inside of it, with status 200. It is whole only if its last line says `success`.
"""

from __future__ import annotations

import asyncio
import json
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from ccchat_tui.backends import ollama_errors as errors
from ccchat_tui.backends.base import BackendError, ChatChunk, ErrorKind, Prompt, PullStep
from ccchat_tui.backends.http_errors import short
from ccchat_tui.backends.model_server import ModelServer
from ccchat_tui.backends.ndjson import NdjsonReader
from ccchat_tui.backends.ollama_wire import model_body

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

DELETE_TIMEOUT: Final = 30.0
"""Seconds for a model of many gigabytes to be taken from the disk."""
STEPS_IN_A_ROW: Final = 64
"""Lines of one piece after which others have their turn."""
SUCCESS: Final = "success"

_PULL_ERRORS: Final[tuple[tuple[tuple[str, ...], ErrorKind, str], ...]] = (
    (
        ("no such host", "dial tcp", "i/o timeout", "network is unreachable", "unexpected eof"),
        ErrorKind.SERVER,
        "{address} does not get through to where {model} is kept ({said}); check its network",
    ),
    (
        ("no space left",),
        ErrorKind.SERVER,
        "{address} has no room on its disk for {model} ({said}); delete a model there",
    ),
    (
        ("newer version of ollama",),
        ErrorKind.BAD_REQUEST,
        "{model} needs a newer Ollama than the one at {address} ({said})",
    ),
    (
        ("file does not exist", "manifest unknown", "not found"),
        ErrorKind.MODEL_NOT_FOUND,
        "There is no model {model} to fetch ({said}); https://ollama.com/library lists them",
    ),
)
"""What parts of an error's text, in lower case, mean in a pull."""


class OllamaManager(ModelServer):
    """The part of an Ollama backend that manages its models; see `ManagesModels`."""

    @abstractmethod
    def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        """See `ChatBackend`."""

    async def pull(self, model: str) -> AsyncIterator[PullStep]:
        """See `ManagesModels`. How long the server may be silent is not limited here: it says
        nothing while it checks what has come."""
        try:
            async with aclosing(self._pull(model)) as steps:
                async for step in steps:
                    yield step
                    if step.status == SUCCESS:
                        return
            raise BackendError(
                ErrorKind.TRUNCATED,
                f"{self.address} stopped fetching {short(model, 80)} without saying that it is "
                "complete; fetch it again, and it goes on from there",
            )
        except BackendError as error:
            raise self._discreet(error) from None

    async def delete(self, model: str) -> None:
        """See `ManagesModels`."""
        try:
            await self._ask("DELETE", "/api/delete", bytes, body=model_body(model),
                            within=DELETE_TIMEOUT)  # fmt: skip
        except BackendError as error:
            if error.kind is not ErrorKind.MODEL_NOT_FOUND:
                raise
            raise BackendError(
                error.kind,
                f"{self.address} has no model {short(model, 80)} any more",
                status=error.status,
            ) from None

    async def unload(self, model: str) -> None:
        """See `ManagesModels`."""
        async for _ in self.stream(Prompt(model, (), keep_alive=0)):
            pass

    async def _pull(self, model: str) -> AsyncGenerator[PullStep, None]:
        """The steps as they come, to the end of the stream."""
        server = self._http()
        reader = NdjsonReader()
        async with server.request("POST", "/api/pull", model_body(model)) as response:
            await self._check(server, response)
            async with aclosing(server.pieces_of(response)) as pieces:
                async for piece in pieces:
                    for number, line in enumerate(reader.feed(piece), 1):
                        yield self._step(line, model)
                        if number % STEPS_IN_A_ROW == 0:
                            await asyncio.sleep(0)
                    if reader.too_long:
                        raise errors.long_line(reader.limit, self.address)
            if rest := reader.close():
                yield self._step(rest, model)

    def _step(self, line: str, model: str) -> PullStep:
        """What one line says. Raises `BackendError` if that is an error, or nothing."""
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            data = None
        if isinstance(data, dict) and data.get("error") is not None:
            raise self._pull_error(data["error"], model)
        if not (isinstance(data, dict) and isinstance(data.get("status"), str)):
            raise errors.bad_line(line, self.address)
        digest = data.get("digest")
        return PullStep(
            status=data["status"],
            digest=digest if isinstance(digest, str) else "",
            total=_bytes(data.get("total")),
            completed=_bytes(data.get("completed")) or 0,
        )

    def _pull_error(self, value: Any, model: str) -> BackendError:
        """An error of the stream, in words."""
        usual = errors.in_stream(value, self.address)
        said = short(value) if isinstance(value, str) else usual.message
        for parts, kind, words in _PULL_ERRORS:
            if any(part in said.lower() for part in parts):
                name = short(model, 80)
                return BackendError(kind, words.format(address=self.address, model=name, said=said))
        return usual


def _bytes(value: object) -> int | None:
    """A size as the server writes it; nothing else is believed."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63:
        return value
    return None

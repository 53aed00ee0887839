"""Ollama by its own protocol (Ollama source, server/routes.go and api/types.go, v0.33).

A reply is a stream of JSON lines, each with a few characters; the last says `done`. The server
sends nothing at all while it queues, loads the model and reads the prompt, so that there is no
limit here on how long it may be silent: the engine's watchdog has it. Closing the connection is
the only cancel there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, TypeVar

from ccchat_tui.backends import ollama_errors as errors
from ccchat_tui.backends.base import BackendError, ChatChunk, ErrorKind, ModelInfo, Prompt
from ccchat_tui.backends.hosts import Host
from ccchat_tui.backends.ndjson import NdjsonReader
from ccchat_tui.backends.ollama_wire import model_body, read_chunk, request_body
from ccchat_tui.clock import Clock, SystemClock
from ccchat_tui.text import one_line

if TYPE_CHECKING:
    import httpx

    from ccchat_tui.backends.http import HttpServer
    from ccchat_tui.backends.ollama_models import Running, Show

PROBE_TIMEOUT: Final = 5.0
"""Seconds for a sign of life."""
LIST_TIMEOUT: Final = 10.0
"""Seconds for a list."""
HINT_TIMEOUT: Final = 2.0
"""Seconds for the list of models where one was not found: a help, and not worth a longer wait."""

T = TypeVar("T")


class OllamaBackend:
    """One Ollama server.

    Nothing is opened, and httpx is not imported, before the first question.

    Args:
        host: Where it is.
        api_key: Sent to this server, and to no other, as a bearer token; empty for none.
        connect_timeout: Seconds for a connection to come about.
        clock: For a `Retry-After` that names a date.
    """

    def __init__(
        self,
        host: Host,
        *,
        api_key: str = "",
        connect_timeout: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        self._host = host
        self._key = api_key.strip()
        self._connect_timeout = connect_timeout
        self._clock = clock or SystemClock()
        self._server: HttpServer | None = None
        self._closed = False
        self._names: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`Ollama`."""
        return "Ollama"

    @property
    def address(self) -> str:
        """The base URL."""
        return self._host.url

    @property
    def open(self) -> int:
        """How many requests have a connection now, or are about to."""
        return 0 if self._server is None else self._server.open

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
            server = self._http()
            async with server.request("POST", "/api/chat", request_body(prompt)) as response:
                await self._check(server, response)
                reader = NdjsonReader()
                async with aclosing(server.pieces_of(response)) as pieces:
                    async for piece in pieces:
                        # A read may hold many lines; between them nothing needs to be awaited.
                        for line in reader.feed(piece):
                            chunk = read_chunk(line, address)
                            yield chunk
                            if chunk.stats is not None:
                                return
                        if reader.too_long:
                            raise errors.long_line(reader.limit, address)
                if rest := reader.close():
                    chunk = self._last(rest)
                    yield chunk
                    if chunk.stats is not None:
                        return
                raise errors.truncated(address)
        except BackendError as error:
            if error.kind is ErrorKind.MODEL_NOT_FOUND:
                error = await self._with_models(error, prompt.model)
            raise self._discreet(error) from None

    def _last(self, rest: str) -> ChatChunk:
        """What is left of a reply that ended within a line: the whole line but for its line end,
        as some models of the cloud have it, or a part, which says nothing."""
        try:
            return read_chunk(rest, self.address)
        except BackendError as error:
            if error.kind is ErrorKind.PROTOCOL:
                raise errors.truncated(self.address) from None
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

    async def running(self) -> list[Running]:
        """The models that are loaded now. Raises `BackendError`; within seconds."""
        from ccchat_tui.backends.ollama_models import read_running  # noqa: PLC0415

        return await self._ask("GET", "/api/ps", read_running, within=LIST_TIMEOUT)

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

    async def aclose(self) -> None:
        """Close every connection; replies that are being read break off. Harmless when called
        twice."""
        self._closed = True
        if self._server is not None:
            await self._server.aclose()

    def _http(self) -> HttpServer:
        if self._closed:
            raise BackendError(
                ErrorKind.UNREACHABLE, f"The connection to {self.address} was closed"
            )
        if self._server is None:
            from ccchat_tui.backends.http import HttpServer  # noqa: PLC0415 - httpx is slow to load

            self._server = HttpServer(
                self._host, api_key=self._key, connect_timeout=self._connect_timeout
            )
        return self._server

    async def _ask(
        self,
        method: str,
        path: str,
        read: Callable[[bytes], T],
        *,
        body: bytes | None = None,
        within: float,
    ) -> T:
        """Ask for something that is told at once, and read the answer."""
        try:
            async with asyncio.timeout(within):
                told = await self._fetch(method, path, body)
        except TimeoutError:
            raise BackendError(
                ErrorKind.UNREACHABLE, f"{self.address} did not answer within {within:g} s"
            ) from None
        except BackendError as error:
            raise self._discreet(error) from None
        try:
            return read(told)
        except ValueError:
            # Pydantic's complaints are of this kind.
            raise self._discreet(errors.not_ollama(told, self.address)) from None

    async def _fetch(self, method: str, path: str, body: bytes | None) -> bytes:
        server = self._http()
        async with server.request(method, path, body) as response:
            await self._check(server, response)
            return await server.read_whole(response)

    async def _check(self, server: HttpServer, response: httpx.Response) -> None:
        """Raises `BackendError` unless what was asked for follows."""
        if not response.is_success:
            raise errors.from_status(
                response.status_code,
                response.headers,
                await server.read_error(response),
                address=self.address,
                now=self._clock.now(),
            )
        if "html" in response.headers.get("content-type", "").lower():
            raise errors.not_ollama(await server.read_error(response), self.address)

    async def _with_models(self, error: BackendError, model: str) -> BackendError:
        """The same with the models there are."""
        try:
            async with asyncio.timeout(HINT_TIMEOUT):
                await self.models()
        except (BackendError, TimeoutError):
            # Then those of the last list have to do.
            pass
        return errors.no_such_model(error, model, self._names, self.address)

    def _discreet(self, error: BackendError) -> BackendError:
        """The same without the key, which a server may repeat in what it says."""
        if self._key and (self._key in error.message or any(self._key in h for h in error.hints)):
            return BackendError(
                error.kind,
                error.message.replace(self._key, "********"),
                status=error.status,
                retry_after=error.retry_after,
                hints=tuple(hint.replace(self._key, "********") for hint in error.hints),
            )
        return error

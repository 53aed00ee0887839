"""What every backend that asks one server over HTTP has in common: the connection, its end, the key
that is shown nowhere, and questions that are answered at once."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from ccchat_tui.backends.base import BackendError, ErrorKind, ModelInfo
from ccchat_tui.backends.hosts import Host
from ccchat_tui.backends.http_errors import Wording
from ccchat_tui.clock import Clock, SystemClock

if TYPE_CHECKING:
    import httpx

    from ccchat_tui.backends.http import HttpServer

HINT_TIMEOUT: Final = 2.0
"""Seconds for the list of models where one was not found: a help, and not worth a longer wait."""
MASK: Final = "********"

T = TypeVar("T")


class ModelServer(ABC):
    """One server, by a protocol that its kind adds.

    Nothing is opened, and httpx is not imported, before the first question.

    Args:
        host: Where it is.
        api_key: Sent to this server, and to no other, as a bearer token; empty for none.
        connect_timeout: Seconds for a connection to come about.
        clock: For a `Retry-After` that names a date.
    """

    WORDING: ClassVar[Wording]
    """How messages speak of it."""

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
        """The models of the last list."""

    @property
    def address(self) -> str:
        """The base URL."""
        return self._host.url

    @property
    def open(self) -> int:
        """How many requests have a connection now, or are about to."""
        return 0 if self._server is None else self._server.open

    async def aclose(self) -> None:
        """Close every connection; replies that are being read break off. Harmless when called
        twice."""
        self._closed = True
        if self._server is not None:
            await self._server.aclose()

    @abstractmethod
    async def models(self) -> list[ModelInfo]:
        """See `ChatBackend`. Takes note of the names."""

    @abstractmethod
    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> BackendError:
        """What an error that came with a status means."""

    @abstractmethod
    def _stranger(self, body: bytes) -> BackendError:
        """What an answer of status 200 means that no server of this kind gives."""

    def _http(self) -> HttpServer:
        if self._closed:
            raise BackendError(
                ErrorKind.UNREACHABLE, f"The connection to {self.address} was closed"
            )
        if self._server is None:
            from ccchat_tui.backends.http import HttpServer  # noqa: PLC0415 - httpx is slow to load

            self._server = HttpServer(
                self._host,
                api_key=self._key,
                connect_timeout=self._connect_timeout,
                wording=self.WORDING,
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
            raise self._discreet(self._stranger(told)) from None

    async def _fetch(self, method: str, path: str, body: bytes | None) -> bytes:
        server = self._http()
        async with server.request(method, path, body) as response:
            await self._check(server, response)
            return await server.read_whole(response)

    async def _check(self, server: HttpServer, response: httpx.Response) -> None:
        """Raises `BackendError` unless what was asked for follows."""
        if not response.is_success:
            raise self._refusal(
                response.status_code, response.headers, await server.read_error(response)
            )
        if "html" in response.headers.get("content-type", "").lower():
            raise self._stranger(await server.read_error(response))

    async def _look_for_models(self) -> tuple[str, ...]:
        """The names of the models there are; those of the last list where no new one comes
        soon."""
        with suppress(BackendError, TimeoutError):
            async with asyncio.timeout(HINT_TIMEOUT):
                await self.models()
        return self._names

    def _discreet(self, error: BackendError) -> BackendError:
        """The same without the key, which a server may repeat in what it says."""
        if self._key and (self._key in error.message or any(self._key in h for h in error.hints)):
            return BackendError(
                error.kind,
                error.message.replace(self._key, MASK),
                status=error.status,
                retry_after=error.retry_after,
                hints=tuple(hint.replace(self._key, MASK) for hint in error.hints),
            )
        return error

"""One server's HTTP, on httpx: a client of its own for every request.

httpx 0.28.1 leaves dead entries in its pool when a request is cancelled while it connects: with a
bounded pool nothing goes through any more, with an unbounded one sockets stay open
(`tests/backends/test_churn.py` is about that). A client for each request closes whatever there is
of it. It costs less than a millisecond (`tests/benchmarks/bench_stream.py`), because all of them
share one TLS context, the part that takes long to make. Nothing is kept alive between requests, so
that none ever meets a connection that the server has dropped in the meantime.

Importing this imports httpx, which takes a while: import it when a request is to be made.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, Final, cast

import httpx

from ccchat_tui import __version__
from ccchat_tui.backends.base import BackendError, ErrorKind
from ccchat_tui.backends.hosts import Host
from ccchat_tui.backends.http_errors import (
    OLLAMA,
    Wording,
    broken,
    connect_error,
    connect_timeout,
    short,
)

WRITE_TIMEOUT: Final = 30.0
"""Seconds for which a server may take nothing of a request."""
BODY_LIMIT: Final = 32 * 1024 * 1024
"""Bytes of a whole answer, such as a list of models; more is not read."""
ERROR_LIMIT: Final = 65_536
"""Bytes that are read of the body of an error."""
ERROR_TIMEOUT: Final = 5.0
"""Seconds that the body of an error may take; what came by then has to do."""
MAX_REDIRECTS: Final = 5
IN_A_ROW: Final = 64
"""Pieces after which others have their turn. One read may hold thousands, and between them httpx
awaits nothing that waits: a server that is fast, or cuts its reply into single bytes, would hold
up everything else for a tenth of a second."""

_MOVED: Final = frozenset({301, 302, 307, 308})


class HttpServer:
    """A server that requests are sent to.

    Args:
        host: Where it is. One on this machine is asked directly; to any other a proxy of the
            environment may lead.
        api_key: Sent to it as a bearer token, and to nobody else; empty for none.
        connect_timeout: Seconds for a connection to come about, and for TLS as many again.
        wording: How messages speak of it.
    """

    def __init__(
        self,
        host: Host,
        *,
        api_key: str = "",
        connect_timeout: float = 5.0,
        wording: Wording = OLLAMA,
    ) -> None:
        self.url = host.url
        self._wording = wording
        self._local = host.loopback
        self._key = api_key.strip()
        self._connect_timeout = connect_timeout
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._clients: set[httpx.AsyncClient] = set()

    @property
    def open(self) -> int:
        """How many requests have a connection now, or are about to."""
        return len(self._clients)

    @asynccontextmanager
    async def request(
        self, method: str, path: str, body: bytes | None = None, *, accept: str = ""
    ) -> AsyncIterator[httpx.Response]:
        """Send a request, and have its reply, of which only the headers have been read.

        The connection is closed before the context is left, in whatever way that happens.
        Redirects are followed within the server, and to HTTPS at the same name.

        Args:
            method: `GET`, `POST`, ...
            path: What comes after the base URL, beginning with a slash.
            body: JSON, if there is any.
            accept: The form that is wanted, where there are several.

        Raises:
            BackendError: It could not be sent, or (while in the context) the connection broke.
        """
        begun = False
        url = self.url + path
        try:
            for _ in range(MAX_REDIRECTS + 1):
                async with self._exchange(method, url, body, accept) as response:
                    if "location" not in response.headers or not response.is_redirect:
                        begun = True
                        yield response
                        return
                    url = self._moved(response)
        except httpx.ConnectTimeout:
            raise connect_timeout(self.url, self._connect_timeout, self._wording) from None
        except httpx.ConnectError as error:
            raise self._connect_error(error) from None
        except httpx.ProxyError as error:
            raise self._proxy_error(str(error)) from None
        except httpx.HTTPError as error:
            raise broken(error, self.url, begun=begun) from None
        except (httpx.InvalidURL, OSError, UnicodeError) as error:
            if begun:
                raise
            raise self._connect_error(error) from None
        raise BackendError(
            ErrorKind.NOT_OLLAMA,
            f"{self.url} redirects in a circle; check {self._wording.setting}",
        )

    async def aclose(self) -> None:
        """Close every connection; replies that are being read break off. Harmless when called
        twice."""
        for client in list(self._clients):
            await client.aclose()

    @staticmethod
    async def pieces_of(response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """The body as it comes. Use it within `aclosing`."""
        # Not packed, as was asked for, there is nothing to undo, and the raw bytes cost less.
        packed = "content-encoding" in response.headers
        pieces = response.aiter_bytes() if packed else response.aiter_raw()
        async with aclosing(cast("AsyncGenerator[bytes, None]", pieces)):
            count = 0
            async for piece in pieces:
                yield piece
                count += 1
                if count % IN_A_ROW == 0:
                    await asyncio.sleep(0)

    async def read_whole(self, response: httpx.Response) -> bytes:
        """A whole body. Raises `BackendError` if it is longer than `BODY_LIMIT`."""
        body = bytearray()
        async with aclosing(self.pieces_of(response)) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) > BODY_LIMIT:
                    raise BackendError(
                        ErrorKind.PROTOCOL, f"{self.url} sent more than {BODY_LIMIT >> 20} MB"
                    )
        return bytes(body)

    async def read_error(self, response: httpx.Response) -> bytes:
        """The body of an error as far as it comes: half of it tells something, too."""
        body = bytearray()
        with suppress(httpx.HTTPError, TimeoutError):
            async with (
                asyncio.timeout(ERROR_TIMEOUT),
                aclosing(self.pieces_of(response)) as pieces,
            ):
                async for piece in pieces:
                    body += piece
                    if len(body) >= ERROR_LIMIT:
                        break
        return bytes(body[:ERROR_LIMIT])

    @asynccontextmanager
    async def _exchange(
        self, method: str, url: str, body: bytes | None, accept: str
    ) -> AsyncIterator[httpx.Response]:
        """One request and its reply, by a connection of their own."""
        client = self._client(https=url.startswith("https:"))
        self._clients.add(client)
        streams: list[Any] = []

        async def note(event: str, info: dict[str, Any]) -> None:
            if event == "connection.connect_tcp.complete":
                streams.append(info["return_value"])

        try:
            headers = self._headers(body)
            if accept:
                headers["Accept"] = accept
            request = client.build_request(
                method, url, content=body, headers=headers, extensions={"trace": note}
            )
            response = await client.send(request, stream=True)
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            self._clients.discard(client)
            try:
                await client.aclose()
            finally:
                # httpcore forgets a connection that is cancelled in the middle of TLS.
                for stream in streams:
                    await stream.aclose()

    def _client(self, *, https: bool) -> httpx.AsyncClient:
        timeout = httpx.Timeout(
            # How long a server may be silent is not a matter of HTTP: it sends nothing while it
            # loads a model. The engine watches over that.
            None,
            connect=self._connect_timeout,
            write=WRITE_TIMEOUT,
        )
        try:
            return httpx.AsyncClient(
                verify=self._context(https=https),
                timeout=timeout,
                # A proxy of the environment answers 502 for this very machine.
                trust_env=not self._local,
            )
        except (ImportError, ValueError) as error:
            # A proxy of a kind that httpx does not know, or only with a further package.
            raise self._proxy_error(str(error)) from None

    def _context(self, *, https: bool) -> ssl.SSLContext:
        """The TLS context that all clients share. Without TLS it is not used, but httpx makes a
        costly one of its own where it is given none."""
        context = self._contexts.get(https)
        if context is None:
            try:
                context = (
                    httpx.create_ssl_context() if https else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                )
            except OSError as error:
                raise BackendError(
                    ErrorKind.UNREACHABLE,
                    f"The certificates to check {self.url} by cannot be read "
                    f"({short(error.strerror or str(error), 80)}); check SSL_CERT_FILE and "
                    "SSL_CERT_DIR",
                ) from None
            self._contexts[https] = context
        return context

    def _headers(self, body: bytes | None) -> dict[str, str]:
        headers = {
            "User-Agent": f"ccchat/{__version__}",
            # Packing holds small pieces back.
            "Accept-Encoding": "identity",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._key:
            if not (self._key.isascii() and self._key.isprintable()):
                raise BackendError(
                    ErrorKind.UNAUTHORIZED,
                    f"The key for {self.url} holds characters that no key has; give it again",
                )
            headers["Authorization"] = f"Bearer {self._key}"
        return headers

    def _moved(self, response: httpx.Response) -> str:
        """Where a redirect leads, if it may be followed there."""
        here = response.request.url
        there = here.join(response.headers["location"])
        same = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
        # What was asked, and the key, are meant for this server and for no other.
        safer = there.scheme == "https" and there.host == here.host
        if response.status_code in _MOVED and (same or safer):
            return str(there)
        raise BackendError(
            ErrorKind.NOT_OLLAMA,
            f"{self.url} sends requests on to {short(str(there), 100)}; give that address in "
            f"{self._wording.setting} if it is the right one",
            status=response.status_code,
        )

    def _connect_error(self, error: Exception) -> BackendError:
        return connect_error(error, self.url, local=self._local, wording=self._wording)

    def _proxy_error(self, said: str) -> BackendError:
        return BackendError(
            ErrorKind.UNREACHABLE,
            f"The proxy gives no way to {self.url} ({short(said, 100)}); check HTTP_PROXY, "
            "HTTPS_PROXY and NO_PROXY",
        )

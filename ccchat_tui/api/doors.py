"""Who comes in: every request passes here before anything else is done with it.

Host and origin first (a page in a browser must not reach us by another site's name), then the
token, then the body, which is read whole, within bounds of size and time.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable, Sequence
from email.utils import formatdate
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccchat_tui.api.access import logged_request
from ccchat_tui.api.connection import MOST_HEAD
from ccchat_tui.api.dashboard import FILES
from ccchat_tui.api.revoking import Revoking, until_gone
from ccchat_tui.api.tokens import Tokens, TokensError
from ccchat_tui.api.views import encode

MOST_BODY: Final = 16 * 1024 * 1024
"""Bytes of a body; pictures travel in it."""
MOST_FOR_NOBODY: Final = 4096
"""The same where no token is asked for, and no body is looked at."""
MOST_BODIES: Final = 256 * 1024 * 1024
"""Bytes of all bodies that are still coming."""
BODY_SECONDS: Final = 30.0
"""How long a body may take to come."""

OPEN: Final = frozenset({"/", "/healthz", "/readyz", "/openapi.json", *FILES})
"""Paths that tell nothing about anybody."""
_ONCE: Final = ("authorization", "origin", "transfer-encoding")
"""Headers that say who asks, from where, or how much; h11 sees to the other ones."""
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Names:
    """The host names by which we are reached: those of this machine alone, and some more.

    Args:
        names: Those.
        any_ip: Whether any address is right as a host: it is where we listen beyond this machine,
            and no name that somebody else's name server could point at us.
    """

    def __init__(self, names: Iterable[str], *, any_ip: bool) -> None:
        self._names = _LOCAL | {name.lower() for name in names}
        self._any_ip = any_ip

    def known(self, headers: Sequence[str]) -> bool:
        """Whether a request came by one of them.

        Args:
            headers: What stands in its `Host`, which is to be there once.
        """
        name = _host_of(headers[0]) if len(headers) == 1 else None
        if name is None or name in self._names:
            return name is not None
        if not self._any_ip:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class Doors:
    """Lets in who may come in.

    Args:
        app: What is behind.
        tokens: Who is known.
        names: Host names by which we are reached, beside those of this machine alone.
        any_ip: Whether any address is right as a host.
    """

    def __init__(
        self, app: ASGIApp, tokens: Tokens, names: Iterable[str] = (), *, any_ip: bool = False
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._revoking = Revoking(tokens)
        self._coming = 0
        self._names = Names(names, any_ip=any_ip)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        with logged_request(scope) as answered:
            send = _dated(answered.watch(send))
            refusal = (
                _unclear(scope, headers)
                or self._stranger(scope, headers)
                or self._unknown(scope, headers)
            )
            if refusal is None:
                most = MOST_BODY if scope["path"] not in OPEN else MOST_FOR_NOBODY
                body = await self._read(headers, receive, most)
                if isinstance(body, bytes):
                    await self._let_in(scope, body, receive, send)
                    if answered.status is not None and not answered.whole:
                        # Ended from here: its client is told that nothing more comes.
                        await send({"type": "http.response.body", "body": b""})
                    return
                refusal = body
            await refusal(scope, receive, send)

    async def _let_in(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        token = scope.get("state", {}).get("token")
        if token is None:
            await self._app(scope, _again(body, receive), send)
            return
        with self._revoking.under_way(token) as gone:
            await self._app(scope, _again(body, until_gone(receive, gone)), send)

    def _stranger(self, scope: Scope, headers: Headers) -> Response | None:
        """By what name, and from which page."""
        hosts = headers.getlist("host")
        if not self._names.known(hosts):
            return _refuse(
                403, "this name is not one of ours; start with --allow-host NAME if it is"
            )
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"http://{hosts[0].lower()}":
            site = urlsplit(origin) if origin.isascii() else None
            # Behind a proxy that speaks TLS, the page's scheme is not ours.
            if site is None or site.netloc.lower() != hosts[0].lower():
                return _refuse(403, "pages of other sites are not served")
        if headers.get("sec-fetch-site", "").lower() in {"cross-site", "same-site"} and not (
            # A link that somebody follows. The page tells nothing, and is in nobody's frame.
            scope["path"] == "/"
            and scope["method"] == "GET"
            and headers.get("sec-fetch-mode", "").lower() == "navigate"
        ):
            return _refuse(403, "pages of other sites are not served")
        return None

    def _unknown(self, scope: Scope, headers: Headers) -> Response | None:
        """Whose token came, which is then known to what is behind."""
        if scope["path"] in OPEN:
            return None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        try:
            caller = self._tokens.who(token.strip()) if scheme.lower() == "bearer" else None
        except TokensError:
            # The details name a file, which is nobody's business here.
            return _refuse(500, "the tokens cannot be read; the log and `ccchat token` say why")
        if caller is None:
            return _refuse(
                401,
                "a token is needed: Authorization: Bearer TOKEN (`ccchat token` shows them; "
                "Ollama's clients send OLLAMA_API_KEY)",
                (("www-authenticate", "Bearer"),),
            )
        token = token.strip()
        begun = partial(self._revoking.begin, token)
        scope.setdefault("state", {}).update(caller=caller, token=token, begin=begun)
        return None

    async def _read(self, headers: Headers, receive: Receive, most: int) -> bytes | Response:
        """The whole body, or why it is not taken."""
        length = headers.get("content-length", "")
        if length.isdigit() and (len(length) > 15 or int(length) > most):
            return _too_large(most)
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        return _refuse(400, "the body broke off")
                    piece = message.get("body", b"")
                    body += piece
                    self._coming += len(piece)
                    if len(body) > most:
                        return _too_large(most)
                    if self._coming > MOST_BODIES:
                        later = (("retry-after", "1"), *_CLOSE)
                        return _refuse(503, "too much is being sent at once", later)
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            return _refuse(408, f"the body did not come within {BODY_SECONDS:g} s", _CLOSE)
        finally:
            self._coming -= len(body)


def _unclear(scope: Scope, headers: Headers) -> Response | None:
    """What somebody between us and the client may have read in another way than we do."""
    size = len(scope["raw_path"]) + len(scope["query_string"])
    if size + sum(len(name) + len(value) + 4 for name, value in headers.raw) > MOST_HEAD:
        return _refuse(431, f"the head is larger than {MOST_HEAD >> 10} KiB", _CLOSE)
    twice = [name for name in _ONCE if len(headers.getlist(name)) > 1]
    if "content-length" in headers and "transfer-encoding" in headers:
        return _refuse(400, "the length of the body is given in two ways", _CLOSE)
    return _refuse(400, f"there are two headers {twice[0]}", _CLOSE) if twice else None


def _dated(send: Send) -> Send:
    """A `send` that gives every answer the headers that all have."""

    async def dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                *message.get("headers", ()),
                (b"date", formatdate(usegmt=True).encode()),
                (b"cache-control", b"no-store"),
                (b"x-content-type-options", b"nosniff"),
            ]
        await send(message)

    return dated


_CLOSE: Final = (("connection", "close"),)


def _too_large(most: int) -> Response:
    return _refuse(413, f"the body is larger than {most >> 10} KiB", _CLOSE)


def _refuse(status: int, words: str, headers: Iterable[tuple[str, str]] = ()) -> Response:
    return Response(encode({"error": words}), status, dict(headers), media_type="application/json")


def _host_of(header: str) -> str | None:
    """The host of `HOST`, `HOST:PORT` or `[HOST]:PORT`."""
    try:
        parts = urlsplit(f"//{header}")
        _ = parts.port
    except ValueError:
        return None
    plain = parts.netloc == header and "@" not in header
    return parts.hostname.rstrip(".") if plain and parts.hostname else None


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives what was read once more, and then waits for the client to leave."""
    given = False

    async def first() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return first

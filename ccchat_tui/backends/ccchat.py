"""Another ccchat as a server: its gateway, which is Ollama's protocol, and its control API.

Only what goes over the wire is here. Who keeps the queue on this side is `remote`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode

from ccchat_tui.backends.base import BackendError, ErrorKind, ManagesModels, Prompt
from ccchat_tui.backends.http_errors import Wording
from ccchat_tui.backends.ndjson import LineTooLongError, NdjsonReader
from ccchat_tui.backends.ollama import LINES_IN_A_ROW, OllamaBackend
from ccchat_tui.backends.ollama_errors import error_text, long_line
from ccchat_tui.backends.ollama_wire import request_body
from ccchat_tui.text import one_line

Json = dict[str, Any]

ANSWER_WITHIN: Final = 10.0
"""Seconds in which it answers what it can answer at once."""
SILENCE: Final = 40.0
"""Seconds without a byte after which a stream counts as broken. It sends a sign of life four times
in that time."""
NDJSON: Final = "application/x-ndjson"


class CcchatServer(OllamaBackend):
    """One other ccchat; see `ModelServer` for the arguments. Its key is a token of that ccchat."""

    WORDING: ClassVar = Wording(
        "ccchat", "--connect", "start it with `ccchat serve`, or the app with --api"
    )

    @property
    def name(self) -> str:
        """`ccchat`."""
        return "ccchat"

    def managers(self) -> Mapping[str, ManagesModels]:
        """None: models are fetched and deleted where the engine is."""
        return {}

    async def me(self) -> Json:
        """Who we are there: `user`, `admin`, `model`, and `at`, its engine's clock. Raises
        `BackendError`."""
        return await self._object("GET", "/api/ai/me", "user", "admin", "at")

    async def status(self) -> Json:
        """The queue, its figures and its limits. Raises `BackendError`."""
        return await self._object("GET", "/api/ai/status", "limits", "totals", "in_flight")

    async def requests(self, *, everyone: bool, most: int) -> list[Json]:
        """Living requests, our own or everybody's. Raises `BackendError`."""
        path = "/api/ai/requests" + (f"?all=1&limit={most}" if everyone else "")
        told = await self._object("GET", path, "requests")
        rows: list[Json] = told["requests"]
        return rows

    async def submit(self, prompt: Prompt, **terms: Any) -> None:
        """Have a request put into the queue, to be followed by `follow`. Asking twice by the same
        id asks once.

        Args:
            prompt: What is asked.
            terms: `id`, `user`, `session_id`, `priority`, `timeout_ms`.

        Raises:
            BackendError: It was not taken, or it is not known whether it was (`UNREACHABLE`).
        """
        body = await request_body(prompt, detached=True, **terms)
        await self._ask("POST", "/api/ai/requests", json.loads, body=body, within=30.0)

    async def cancel(self, request_id: str) -> None:
        """Have a request stopped. Raises `BackendError`."""
        await self._object("DELETE", f"/api/ai/requests/{quote(request_id, safe='')}", "cancelled")

    async def steer(self, method: str, path: str, body: Json | None = None) -> Json:
        """Something that only the admin may do. Raises `BackendError`."""
        return await self._object(method, path, body=body)

    async def follow(self, request_id: str, take: Callable[[Json], None], **have: int) -> None:
        """Follow a request, from a place in it to its end.

        Args:
            request_id: Which.
            take: Given each line: `events`, `thinking` and `text` that are new.
            have: How many `events`, and characters of `thinking` and of `text`, we have already.

        Raises:
            BackendError: It is not known there (`status` 404), or the connection broke.
        """
        path = f"/api/ai/requests/{quote(request_id, safe='')}/reply?{urlencode(have)}"
        await self._lines(path, take)

    async def events(self, after: str, take: Callable[[Json], None]) -> None:
        """Follow what happens there, for as long as the connection lasts.

        Args:
            after: The last event we know of; empty for none.
            take: Given each line: `id`, and mostly `event`.

        Raises:
            BackendError: The connection broke.
        """
        await self._lines(f"/api/ai/events?{urlencode({'after': after} if after else {})}", take)

    async def _lines(self, path: str, take: Callable[[Json], None]) -> None:
        """A stream of JSON lines, to its end."""
        loop = asyncio.get_running_loop()
        try:
            server = self._http()
            async with (
                asyncio.timeout(SILENCE) as limit,
                server.request("GET", path, accept=NDJSON) as response,
            ):
                await self._check(server, response)
                reader, heard = NdjsonReader(), loop.time()
                async with aclosing(server.pieces_of(response)) as pieces:
                    async for piece in pieces:
                        now = loop.time()
                        if now > heard + 1:  # not a timer for each piece
                            heard = now
                            limit.reschedule(now + SILENCE)
                        for number, line in enumerate(reader.feed(piece), 1):
                            take(self._read(line))
                            if number % LINES_IN_A_ROW == 0:
                                await asyncio.sleep(0)
        except TimeoutError:
            raise BackendError(
                ErrorKind.UNREACHABLE, f"{self.address} has not been heard for {SILENCE:g} s"
            ) from None
        except LineTooLongError as error:
            raise long_line(error.limit, self.address) from None
        except BackendError as error:
            raise self._discreet(error) from None

    def _read(self, line: str | bytes) -> Json:
        try:
            data = json.loads(line, parse_constant=_no_number)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise self._stranger(line if isinstance(line, bytes) else line.encode())
        return data

    async def _object(self, method: str, path: str, *names: str, body: Json | None = None) -> Json:
        """Ask for an object in which these names must be."""

        def read(told: bytes) -> Json:
            data = self._read(told)
            if not all(name in data for name in names):
                raise ValueError("it is another's")
            return data

        sent = None if body is None else json.dumps(body).encode()
        return await self._ask(method, path, read, body=sent, within=ANSWER_WITHIN)

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> BackendError:
        said = one_line(error_text(body) or "", 300)
        if status == 401:
            return BackendError(
                ErrorKind.UNAUTHORIZED,
                f"The ccchat at {self.address} does not know this token; `ccchat token --user NAME`"
                " there prints one, to be given here in CCCHAT_TOKEN",
                status=401,
            )
        if said and (status in {400, 403} or (status == 404 and "model" not in said)):
            return BackendError(ErrorKind.BAD_REQUEST, said, status=status)
        return super()._refusal(status, headers, body)

    def _stranger(self, _body: bytes) -> BackendError:
        return self.stranger()

    def stranger(self) -> BackendError:
        """What answers there is something else."""
        return BackendError(
            ErrorKind.NOT_OLLAMA,
            f"What answers at {self.address} is no ccchat; check the address given to --connect",
            status=200,
        )


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no number")

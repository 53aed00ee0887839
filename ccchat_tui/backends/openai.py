"""Any server that speaks OpenAI's protocol for chats: llama.cpp, vLLM, LM Studio, LiteLLM, ...

A reply is a stream of server-sent events, each with a few characters; one of them has a
`finish_reason`, one may have the number of tokens, and `[DONE]` is the last. Closing the connection
is the only cancel there is. As with Ollama, how long a server may be silent is not decided here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Final

from ccchat_tui.backends import openai_errors as errors
from ccchat_tui.backends.base import BackendError, ChatChunk, ErrorKind, ModelInfo, Prompt
from ccchat_tui.backends.http_errors import truncated
from ccchat_tui.backends.model_server import ModelServer
from ccchat_tui.backends.openai_options import request_body
from ccchat_tui.backends.openai_wire import Reply
from ccchat_tui.backends.prompts import check_prompt
from ccchat_tui.backends.sse import SseReader

if TYPE_CHECKING:
    import httpx

    from ccchat_tui.backends.http import HttpServer

PROBE_TIMEOUT: Final = 5.0
"""Seconds for a sign of life."""
LIST_TIMEOUT: Final = 10.0
"""Seconds for a list."""
TAIL_TIMEOUT: Final = 5.0
"""Seconds between two pieces once the model has said all: what follows are figures, and some
servers leave the connection open."""
EVENTS_IN_A_ROW: Final = 64
"""Events of one piece after which others have their turn."""

_CHAT: Final = "/chat/completions"
_MODELS: Final = "/models"


class OpenAIBackend(ModelServer):
    """One server; see `ModelServer` for its arguments. Its address is the one that
    `/chat/completions` is appended to, so that it mostly ends in `/v1`."""

    WORDING = errors.OPENAI
    _counts: bool | None = None
    """Whether the server counts tokens when it is asked to; `None` while that is not known."""

    @property
    def name(self) -> str:
        """`OpenAI-compatible`."""
        return "OpenAI-compatible"

    async def stream(self, prompt: Prompt) -> AsyncIterator[ChatChunk]:
        """Ask for a reply.

        Yields:
            One chunk for each event, also for one without text, which is a sign of life. The last
            has `stats`.

        Raises:
            BackendError: For everything that the server can answer, or fail to.

        A cancel (or closing the iterator) closes the connection before it leaves.
        """
        reply = Reply(self.address)
        try:
            check_prompt(prompt)
            server = self._http()
            async with self._reply_to(server, prompt) as response:
                reader = SseReader()
                async with aclosing(self._pieces(server, response, reply)) as pieces:
                    async for piece in pieces:
                        for number, event in enumerate(reader.feed(piece), 1):
                            yield reply.take(event)
                            if reply.complete:
                                yield ChatChunk(stats=reply.stats())
                                return
                            if number % EVENTS_IN_A_ROW == 0:
                                await asyncio.sleep(0)
                        if reader.too_long:
                            raise errors.long_event(reader.limit, self.address)
                for event in reader.close():
                    yield self._last(reply, event)
                if not reply.ended:
                    raise truncated(self.address)
        except BackendError as error:
            if not (reply.ended and error.kind is ErrorKind.DISCONNECTED):
                if error.kind is ErrorKind.MODEL_NOT_FOUND:
                    there = await self._look_for_models()
                    error = errors.no_such_model(error, prompt.model, there, self.address)
                raise self._discreet(error) from None
            # The model had said all; only figures are lost.
        yield ChatChunk(stats=reply.stats())

    async def models(self) -> list[ModelInfo]:
        """The models that the server has, newest first where it says how old they are. Raises
        `BackendError`; within seconds."""
        return await self._list(LIST_TIMEOUT)

    async def probe(self) -> str:
        """Ask for a sign of life, within seconds: for the models, for there is nothing smaller
        that every such server has. Returns nothing, as the protocol knows no version; raises
        `BackendError`."""
        await self._list(PROBE_TIMEOUT)
        return ""

    async def _list(self, within: float) -> list[ModelInfo]:
        from ccchat_tui.backends.openai_models import read_models  # noqa: PLC0415

        models = await self._ask("GET", _MODELS, read_models, within=within)
        self._names = tuple(model.name for model in models)
        return models

    @asynccontextmanager
    async def _reply_to(self, server: HttpServer, prompt: Prompt) -> AsyncIterator[httpx.Response]:
        """Ask, and have the reply, of which only the headers have been read; without the wish to
        have its tokens counted, and without what says that a reply is to be gone on with, if the
        server refuses the request with it."""
        ways = [(usage, True) for usage in (True, False)] if prompt.continues else []
        ways += [(usage, False) for usage in (True, False)]
        ways = [way for way in ways if way[0] is self._counts or self._counts is None]
        for usage, go_on in ways[:-1]:
            body = await request_body(prompt, usage=usage, go_on=go_on)
            async with server.request("POST", _CHAT, body) as response:
                # Who has not understood a request says 400, or 422 as FastAPI does. Not all say
                # what they have not understood, so that it has to be tried.
                if response.status_code not in (400, 422):
                    await self._check(server, response)
                    self._counts = usage
                    yield response
                    return
        usage, go_on = ways[-1]
        body = await request_body(prompt, usage=usage, go_on=go_on)
        async with server.request("POST", _CHAT, body) as response:
            await self._check(server, response)
            self._counts = usage
            yield response

    async def _pieces(
        self, server: HttpServer, response: httpx.Response, reply: Reply
    ) -> AsyncGenerator[bytes, None]:
        """The body as it comes; once the model has said all, only what comes soon."""
        async with aclosing(server.pieces_of(response)) as pieces:
            async for piece in pieces:
                yield piece
                if reply.ended:
                    break
            else:
                return
            while True:
                try:
                    async with asyncio.timeout(TAIL_TIMEOUT):
                        piece = await anext(pieces)
                except (StopAsyncIteration, TimeoutError):
                    return
                yield piece

    def _last(self, reply: Reply, event: str) -> ChatChunk:
        """What is left of a reply that ended within an event, which may be a part that says
        nothing; or the whole answer of a server that does not stream."""
        try:
            return reply.take(event)
        except BackendError as error:
            if error.kind is ErrorKind.PROTOCOL:
                if reply.ended:
                    return ChatChunk()
                raise truncated(self.address) from None
            raise

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> BackendError:
        return errors.from_status(
            status, headers, body, address=self.address, now=self._clock.now()
        )

    def _stranger(self, body: bytes) -> BackendError:
        said = errors.said_by(body)
        # LM Studio answers 200 with an error to a path that it does not know.
        return errors.stranger(said.text.encode() if said else body, self.address)

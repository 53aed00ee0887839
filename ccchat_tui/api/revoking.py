"""A token that counts no longer ends what was begun with it, as if its client had left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from starlette.types import Message, Receive

from ccchat_tui.api.tokens import Tokens, TokensError

EVERY: Final = 1.0
"""Seconds between two looks at the tokens, while anything is under way."""

Gone = asyncio.Future[None]
"""Done when a token counts no longer."""


class Revoking:
    """Looks whether the tokens of what is under way still count. While nothing is, it sleeps.

    Args:
        tokens: Who is known.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._under_way: dict[str, list[Gone]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def under_way(self, token: str) -> Iterator[Gone]:
        """Something that was begun with a token, and is over with the `with`."""
        gone, over = self.begin(token)
        try:
            yield gone
        finally:
            over()

    def begin(self, token: str) -> tuple[Gone, Callable[[], None]]:
        """Something is begun with a token. Returns also what says that it is over."""
        gone: Gone = asyncio.get_running_loop().create_future()
        self._under_way.setdefault(token, []).append(gone)
        if self._timer is None:
            self._wait()

        def over() -> None:
            gone.cancel()
            there = self._under_way.get(token, [])
            if gone in there:
                there.remove(gone)
            if not there:
                self._under_way.pop(token, None)
            if not self._under_way and self._timer is not None:
                self._timer.cancel()
                self._timer = None

        return gone, over

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(EVERY, self._look)

    def _look(self) -> None:
        self._wait()
        for token, under_way in self._under_way.items():
            try:
                if self._tokens.who(token) is not None:
                    continue
            except TokensError:
                return  # it is not known; whoever comes anew is told so
            for gone in under_way:
                if not gone.done():
                    gone.set_result(None)


def until_gone(receive: Receive, gone: Gone) -> Receive:
    """A `receive` that says that the client has left once its token counts no longer."""

    async def received() -> Message:
        message = asyncio.ensure_future(receive())
        try:
            await asyncio.wait((message, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not message.done():
                message.cancel()
        return {"type": "http.disconnect"} if gone.done() else message.result()

    return received

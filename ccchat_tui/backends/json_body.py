"""The body of a request as JSON, however long its texts are, without holding up the event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from ccchat_tui.backends.base import BackendError, ErrorKind, Prompt
from ccchat_tui.text import one_line, shown_value

SLICE: Final = 250_000
"""Characters that are encoded in one go, which takes about a millisecond."""


async def json_body(body: Mapping[str, Any], prompt: Prompt) -> bytes:
    """Encode a request for a reply.

    A prompt of many megabytes (a pasted log, pictures) would hold everything else up for tens of
    milliseconds, so that long texts are encoded slice by slice, with a turn for others between.

    Args:
        body: What is sent, its texts and pictures those of the prompt.
        prompt: What it was made from.

    Raises:
        BackendError: An option cannot be sent, being no JSON.
    """
    long = sum(len(message.content) + sum(map(len, message.images)) for message in prompt.messages)
    try:
        if long <= SLICE:
            # Escaped to ASCII, half a surrogate pair in a message is no trouble.
            return json.dumps(body, allow_nan=False).encode()
        return b"".join([piece async for piece in _pieces(body)])
    except (ValueError, TypeError, RecursionError) as error:
        raise BackendError(
            ErrorKind.BAD_REQUEST,
            f"The options {shown_value(prompt.options)} cannot be sent: "
            f"{one_line(str(error), 80)}; give numbers, texts and lists",
        ) from None


async def _pieces(value: Any) -> AsyncIterator[bytes]:
    """A value's JSON in pieces, none of which takes long."""
    if isinstance(value, Mapping):
        mark = b"{"
        for name, inner in value.items():
            yield mark + json.dumps(name).encode() + b": "
            async for piece in _pieces(inner):
                yield piece
            mark = b", "
        yield b"{}" if mark == b"{" else b"}"
    elif isinstance(value, list):
        mark = b"["
        for inner in value:
            yield mark
            async for piece in _pieces(inner):
                yield piece
            mark = b", "
        yield b"[]" if mark == b"[" else b"]"
    elif isinstance(value, str) and len(value) > SLICE:
        yield b'"'
        for start in range(0, len(value), SLICE):
            # A character is never cut: a text is made of code points, not of surrogate pairs.
            yield json.dumps(value[start : start + SLICE])[1:-1].encode()
            await asyncio.sleep(0)
        yield b'"'
    else:
        yield json.dumps(value, allow_nan=False).encode()

"""However fast a reply comes, the rest of the program has its turn in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ccchat_tui.backends.hosts import read_host
from ccchat_tui.backends.http import IN_A_ROW
from ccchat_tui.backends.ollama import LINES_IN_A_ROW, OllamaBackend
from ccchat_tui.testing.ollama_server.replies import final
from ccchat_tui.testing.ollama_server.steps import Head, chunk_bytes, dumps, head_bytes
from tests.support.streams import ask

LINES = 1000
LINE = b'{"message":{"content":"a"}}\n'
LAST = dumps(final("m", "stop", LINES, 1)) + b"\n"


def in_chunks_of_their_own() -> bytes:
    return chunk_bytes(LINE) * LINES + chunk_bytes(LAST)


def in_one_chunk() -> bytes:
    return chunk_bytes(LINE * LINES + LAST)


def byte_by_byte() -> bytes:
    data = LINE * 20 + LAST
    return b"".join(chunk_bytes(data[place : place + 1]) for place in range(len(data)))


@pytest.mark.parametrize(
    ("body", "lines", "most"),
    [
        (in_chunks_of_their_own, LINES, IN_A_ROW),
        (in_one_chunk, LINES, LINES_IN_A_ROW),
        (byte_by_byte, 20, 1 + IN_A_ROW // len(LINE)),
    ],
)
async def test_others_have_their_turn(body: Callable[[], bytes], lines: int, most: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head_bytes(Head()) + body() + b"0\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        backend = OllamaBackend(read_host(f"127.0.0.1:{port}"))
        rest = asyncio.create_task(others())
        came: dict[int, int] = {}
        async for chunk in backend.stream(ask("hi")):
            if chunk.text:
                came[turns] = came.get(turns, 0) + 1
        rest.cancel()
        await backend.aclose()
    assert sum(came.values()) == lines
    assert max(came.values()) <= most

"""The app with `--api`: one engine, seen on the screen and over HTTP alike."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import httpx
import pytest

from ccchat_tui.api.address import Address, bind
from ccchat_tui.api.tokens import ADMIN, Tokens
from ccchat_tui.testing.ollama_server import OllamaServer
from tests.e2e.conftest import Start, start

__all__ = ["start"]

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="needs the pseudo-terminals of Unix"
)


def free_port() -> int:
    """A port that nobody has now."""
    listener, address = bind(Address("127.0.0.1", 0))
    listener.close()
    return address.port


async def test_what_one_asks_the_other_sees(start: Start, tmp_path: Path) -> None:
    port = free_port()
    async with (
        OllamaServer(manual=True, tokens=2) as server,
        start("--api", str(port), server=server) as terminal,
    ):
        await terminal.until("llama3.2:3b")
        tokens = Tokens(tmp_path / "home" / "ccchat" / "tokens.json")
        header = {"authorization": f"Bearer {tokens.get(ADMIN)}"}
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, headers=header, timeout=20) as client:
            terminal.send("A question\r")
            await server.chat("A question")
            (row,) = (await client.get("/api/ai/requests?all=1")).json()["requests"]
            assert (row["user"], row["preview"]) == ("you", "A question")
            assert (await client.delete("/api/ai/requests?all=1")).json()["cancelled"]
            await terminal.until("cancelled")
            body = {
                "model": "llama3.2:3b",
                "messages": [{"role": "user", "content": "from \x1b[2Jafar"}],
                "stream": False,
            }
            asked = asyncio.create_task(client.post("/api/chat", json=body))
            chat = await server.chat("from \x1b[2Jafar")
            await terminal.until("afar")
            await chat.release(3)
            assert (await asked).json()["done"] is True
        terminal.kill(signal.SIGTERM)
        assert await terminal.exit_code() == 128 + signal.SIGTERM
        await server.settled()
        assert terminal.not_given_back() == []
        assert b"Traceback" not in terminal.raw
        assert b"\x1b[2Jafar" not in terminal.raw


async def test_a_port_that_is_taken_is_told_of_and_nothing_is_drawn(
    start: Start,
) -> None:
    listener, address = bind(Address("127.0.0.1", 0))
    try:
        async with start("--demo", "--api", str(address.port)) as terminal:
            assert await terminal.exit_code() == 2
            assert b"give another port" in terminal.raw
            assert b"\x1b[?1049h" not in terminal.raw
    finally:
        listener.close()

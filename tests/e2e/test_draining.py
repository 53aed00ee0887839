"""SIGTERM lets what runs come to its end; and neither the app nor its API takes the other along."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx

from ccchat_tui.api.address import Address, bind
from ccchat_tui.api.tokens import ADMIN, Tokens
from ccchat_tui.testing.ollama_server import OllamaServer, Phase
from tests.e2e.conftest import Start, files
from tests.e2e.streaming import streaming

BREAK_THE_APP = """
import sys
from ccchat_tui.cli.main import main
from ccchat_tui.tui.app import CCChatApp

def broken(*args, **kwargs):
    raise ZeroDivisionError("made on purpose")

CCChatApp.change_limit = broken
sys.exit(main(sys.argv[1:]))
"""
BREAK_THE_API = """
import asyncio, sys
from ccchat_tui.cli.main import main
from ccchat_tui.api import server

async def main_loop(self):
    await asyncio.sleep(0.5)
    sys.exit(3)

server._Server.main_loop = main_loop
sys.exit(main(sys.argv[1:]))
"""


def kept(tmp_path: Path) -> list[tuple[str, str, str]]:
    """Question, state and reply of every turn on the disk."""
    [found] = tmp_path.rglob("conversations.db")
    with closing(sqlite3.connect(found)) as database:
        return database.execute("SELECT question, state, reply FROM turns").fetchall()


def free_port() -> int:
    """A port that nobody has now."""
    listener, address = bind(Address("127.0.0.1", 0))
    listener.close()
    return address.port


def client(tmp_path: Path, port: int) -> httpx.AsyncClient:
    """The admin's."""
    tokens = Tokens(tmp_path / "home" / "ccchat" / "tokens.json")
    header = {"authorization": f"Bearer {tokens.get(ADMIN)}"}
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers=header, timeout=20, trust_env=False
    )


async def test_what_runs_may_end_and_is_kept(start: Start, tmp_path: Path) -> None:
    """What is typed meanwhile is refused, and stays where it was typed."""
    async with streaming(start, tokens=5) as it:
        it.terminal.kill(signal.SIGTERM)
        await it.terminal.until("Asked to end: 1 request may go on for 30 s.")
        it.terminal.send("too late\r")
        await it.terminal.until("clos")
        assert len(it.server.chats) == 1
        await it.chat.finish()
        assert await it.terminal.exit_code() == 128 + signal.SIGTERM
        assert it.terminal.not_given_back() == []
    [(question, state, reply)] = kept(tmp_path)
    assert (question, state) == ("A question", "completed")
    assert reply.startswith("About: A")
    assert len(reply.split()) > 3


async def test_not_for_longer_than_it_may(start: Start, tmp_path: Path) -> None:
    async with streaming(start, env={"CCCHAT_DRAIN_TIMEOUT": "0.2"}) as it:
        it.terminal.kill(signal.SIGTERM)
        assert await it.terminal.exit_code() == 128 + signal.SIGTERM
        await it.chat.reached(Phase.LEFT)
        assert it.terminal.not_given_back() == []
    [(_, state, reply)] = kept(tmp_path)
    assert state == "interrupted"
    assert reply.startswith("About: A")


async def test_a_second_one_does_not_wait(start: Start, tmp_path: Path) -> None:
    async with streaming(start) as it:
        it.terminal.kill(signal.SIGTERM)
        await it.terminal.until("Asked to end")
        it.terminal.kill(signal.SIGTERM)
        assert await it.terminal.exit_code() == 128 + signal.SIGTERM
        await it.chat.reached(Phase.LEFT)
        assert it.terminal.not_given_back() == []
    assert [state for _, state, _ in kept(tmp_path)] == ["interrupted"]


async def test_a_fault_of_the_app_leaves_the_api_to_the_others(
    start: Start, tmp_path: Path
) -> None:
    """Its own requests end with it; a stream of somebody else's goes on, and so does the API, until
    it is asked to end."""
    port = free_port()
    body = {"messages": [{"role": "user", "content": "from afar"}]}
    async with (
        OllamaServer(manual=True, tokens=3) as server,
        start("--api", str(port), python=BREAK_THE_APP, server=server) as terminal,
    ):
        await terminal.until(f"API 127.0.0.1:{port}")
        async with client(tmp_path, port) as admin:
            terminal.send("A question\r")
            own = await server.chat("A question")
            async with admin.stream("POST", "/api/ai/requests", json=body) as response:
                chat = await server.chat("from afar")
                await chat.release(1)
                terminal.send("\x1b=")
                await own.reached(Phase.LEFT)
                await terminal.until("the API goes on at")
                assert terminal.not_given_back() == []
                assert (await admin.get("/readyz")).status_code == 200
                terminal.kill(signal.SIGTERM)
                await chat.finish()
                assert b'"done":true' in await response.aread()
        assert await terminal.exit_code() == 1
        await server.settled()
    assert len(files(tmp_path, "last-fault.txt")) == 1
    assert b"Traceback" not in terminal.raw


async def test_a_fault_of_the_api_leaves_the_app_alone(start: Start, tmp_path: Path) -> None:
    """Even one that would end a program: it is told, and the details are in a file."""
    port = free_port()
    async with (
        OllamaServer(manual=True, tokens=3) as server,
        start("--api", str(port), python=BREAK_THE_API, server=server) as terminal,
    ):
        await terminal.until("The app goes on without it.")
        assert f"API 127.0.0.1:{port}" not in terminal.text
        terminal.send("A question\r")
        await (await server.chat("A question")).finish()
        await terminal.until("✓")
        terminal.send("\x11")
        assert await terminal.exit_code() == 0
    [fault] = files(tmp_path, "last-fault.txt")
    assert "the server has left with 3" in fault


async def test_a_fault_of_the_api_ends_what_serves_nothing_else(
    start: Start,
) -> None:
    async with start("serve", "0", "--demo", python=BREAK_THE_API) as terminal:
        async with asyncio.timeout(20):
            assert await terminal.exit_code() == 1
        assert b"a fault of its own ended the API" in terminal.raw
        assert b"Traceback" not in terminal.raw


async def test_a_demo_is_seen_from_outside_each_time_it_is_played(
    start: Start, tmp_path: Path
) -> None:
    """The users of the scenario are those of the queue; played anew, it is reached as before."""
    port = free_port()
    async with start("demo", "hello", "--api", str(port), "--speed", "8") as terminal:
        await terminal.until(f"API 127.0.0.1:{port}")
        async with client(tmp_path, port) as admin:
            await sent(admin)
            terminal.send("\x1br")
            await sent(admin, anew=True)
        terminal.send("\x11")
        assert await terminal.exit_code() == 0
        assert terminal.not_given_back() == []


async def sent(admin: httpx.AsyncClient, *, anew: bool = False) -> None:
    """Wait until something was sent; `anew`, by an engine that began after the one before."""
    begun = not anew
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(httpx.TransportError):
                told = (await admin.get("/api/ai/status")).json()
                if begun and told["totals"]["submitted"]:
                    assert told["users"]
                    return
                begun = begun or not told["totals"]["submitted"]
            await asyncio.sleep(0.02)

"""Writing while replies stream: what is typed stands on the screen, whole, at any time."""

from __future__ import annotations

import asyncio
import subprocess
from functools import partial

from ccchat_tui.testing.ollama_server import OllamaServer, Phase
from tests.e2e.conftest import Start
from tests.e2e.terminal import Terminal

BOX = slice(-4, -1)
"""The rows of the message box while it holds one row of text."""


def memory(terminal: Terminal) -> float:
    """What the program holds in memory, in MB."""
    command = ["ps", "-o", "rss=", "-p", str(terminal.process.pid)]
    return int(subprocess.check_output(command)) / 1024


async def test_typing_while_three_replies_stream_in_the_same_chat(start: Start) -> None:
    """The text stands in the box uncut, the replies go on meanwhile, and it can be sent."""
    async with (
        OllamaServer(manual=True, tokens=40) as server,
        start(server=server) as terminal,
    ):
        await terminal.until("llama3.2:3b")
        for name in ("one", "two", "three"):
            terminal.send(f"Question {name}\r")
        chats = [await server.chat(f"Question {name}") for name in ("one", "two", "three")]
        for chat in chats:
            await chat.release(2)
        await terminal.until("3 running")
        typed = "Written with 漢字 while three of them stream, and never cut"
        for number, character in enumerate(typed):
            terminal.send(character)
            await chats[number % 3].release()
        await terminal.until(lambda _: typed in "".join(terminal.lines[BOX]))
        assert {chat.phase for chat in chats} == {Phase.GENERATING}
        assert [chat.lines for chat in chats] == [21, 21, 21]
        await terminal.until(lambda screen: screen.count("21 tokens") == 3)
        terminal.send("\r")
        await terminal.until(lambda _: typed not in "".join(terminal.lines[BOX]))
        # Three of a user run at once: it waits for one of the others.
        assert len(server.chats) == 3
        await chats[0].finish()
        fourth = await server.chat(typed)
        for chat in (*chats[1:], fourth):
            await chat.finish()
        await terminal.until("completed        4")


async def test_a_long_reply_as_fast_as_it_goes(start: Start) -> None:
    """12,000 tokens: typing goes on, the end is shown, and memory stays sane."""
    pieces = [*(f"word{n} " if n % 12 else f"word{n}\n\n" for n in range(11_990)), *"The end..."]
    async with (
        OllamaServer(manual=True, pieces=lambda question: pieces) as server,
        start(server=server) as terminal,
    ):
        await terminal.until("llama3.2:3b")
        terminal.send("A lot, please\r")
        chat = await server.chat("A lot, please")
        await chat.release(10)
        before = memory(terminal)

        async def flood() -> None:
            while chat.lines < 11_990:
                await chat.release(min(1_000, 11_990 - chat.lines))

        flooding = asyncio.create_task(flood())

        def beyond(lines: int) -> bool:
            return chat.lines > lines or chat.lines == 11_990

        typed = "meanwhile I am writing this"
        for character in typed:
            terminal.send(character)
            await server.until(partial(beyond, chat.lines))
        await terminal.until(lambda _: typed in "".join(terminal.lines[BOX]))
        await flooding
        assert chat.phase is Phase.GENERATING
        await chat.finish()
        await terminal.until(
            lambda screen: "The end..." in screen and "completed        1" in screen
        )
        assert typed in "".join(terminal.lines[BOX])
        assert memory(terminal) - before < 100


async def test_a_large_paste_is_sent_whole(start: Start) -> None:
    """200 kB in many lines, pasted and sent: the server receives every character of it."""
    text = "\n".join(f"{n:05} a line of a log with 漢字 and a [tag] in it" for n in range(4_300))
    assert len(text.encode()) > 200_000
    async with OllamaServer() as server, start(server=server) as terminal:
        await terminal.until("llama3.2:3b")
        terminal.send("Look: ")
        terminal.paste(text)
        await terminal.until("[pasted ")
        assert not server.chats
        terminal.send(" What is it?\r")
        await server.until(lambda: bool(server.chats), within=30)
        assert server.chats[0].question == f"Look: {text} What is it?"
        await terminal.until("✓")


async def test_a_new_line_and_an_earlier_prompt(start: Start) -> None:
    """Ctrl+J breaks the line and sends nothing; Up recalls what was sent."""
    async with OllamaServer() as server, start(server=server) as terminal:
        await terminal.until("llama3.2:3b")
        terminal.send("first line\nsecond line")
        await terminal.until("│ second line")
        assert not server.chats
        terminal.send("\r")
        assert (await server.chat()).question == "first line\nsecond line"
        await terminal.until("✓")
        await terminal.until(lambda screen: "│ second line" not in screen)
        terminal.send("\x1b[A")
        await terminal.until("│ second line")
        terminal.send("\r")
        assert (await server.chat(1)).question == "first line\nsecond line"

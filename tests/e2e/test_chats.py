"""Tabs, the grid, and the screen at any size."""

from __future__ import annotations

from pathlib import Path

from ccchat_tui.testing.ollama_server import OllamaServer, Phase
from tests.e2e.conftest import Start, files
from tests.e2e.streaming import streaming
from tests.e2e.terminal import Terminal
from tests.tui.snapshot_texts import HOSTILE


def whole(terminal: Terminal) -> bool:
    """Whether header, message box and hints are where they belong, over the whole width."""
    lines = terminal.lines
    return (
        lines[0].startswith(" ccchat ")
        and "queued" in lines[0]
        and lines[-4].startswith("╭")
        and lines[-2].startswith("╰")
        and "enter Send" in lines[-1]
        and lines[-1].rstrip().endswith("Commands")
        and len(lines[-1].rstrip()) >= len(lines[-1]) - 2
    )


async def test_tabs(start: Start) -> None:
    """New chats, going to them by number, and a close that asks only while something runs."""
    async with OllamaServer(manual=True) as server, start(server=server) as terminal:
        await terminal.until("llama3.2:3b")
        terminal.send("First chat\r")
        first = await server.chat("First chat")
        await first.release(3)
        # All in one piece, as a slow line brings it: every word goes where it was meant to go.
        terminal.send("left here\x0eSecond chat\r\x1b1 and here\x1b2")
        second = await server.chat("Second chat")
        await terminal.until(lambda _: terminal.lines[1].count("▎") == 1)
        await terminal.until(lambda screen: "▌ Second chat" in screen)
        assert "▎2" in terminal.lines[1]
        await second.finish()
        await terminal.until("✓")
        terminal.send("\x1b1")
        await terminal.until("left here and here")
        assert "▎1 ●" in terminal.lines[1]
        terminal.send("\x1bw")
        await terminal.until("1 reply is still running in this chat.")
        terminal.send("n")
        await terminal.until(lambda screen: "Close this chat?" not in screen)
        assert first.phase is Phase.GENERATING
        terminal.send("\x1b2\x1bw")
        await terminal.until(lambda _: "2 " not in terminal.lines[1])
        assert "▎1 ●" in terminal.lines[1]
        terminal.send("\x1bw")
        await terminal.until("Close this chat?")
        terminal.send("y")
        await first.reached(Phase.LEFT)
        await terminal.until(lambda _: "First chat" not in terminal.lines[1])


async def test_users_side_by_side(start: Start) -> None:
    """A chat for each name; in the grid the three stream beside each other."""
    async with (
        OllamaServer(manual=True) as server,
        start("--users", "Ada,Bob,Cy", server=server, columns=200, rows=60) as terminal,
    ):
        await terminal.until("llama3.2:3b")
        for number, name in enumerate(("Ada", "Bob", "Cy"), 1):
            terminal.send(f"\x1b{number}Of {name}\r")
        terminal.send("\x07")
        chats = [await server.chat(f"Of {name}") for name in ("Ada", "Bob", "Cy")]
        for chat in chats:
            await chat.release(4)
        await terminal.until(lambda _: any(line.count("About: Of") == 3 for line in terminal.lines))
        assert "2 ● Bob · Of Bob" in terminal.text
        for chat in chats:
            await chat.finish()
        await terminal.until(lambda _: any(line.count("✓") == 3 for line in terminal.lines))
        assert server.peak == 3
        terminal.send("\x1b1\x07")
        await terminal.until(lambda screen: screen.count("About: Of") == 1)
        assert "About: Of Ada" in terminal.text


async def test_resize_while_it_streams(start: Start) -> None:
    """Smaller, then larger than before: the screen is whole each time, and the reply goes on."""
    async with streaming(start, tokens=60) as it:
        it.terminal.send("a draft")
        await it.terminal.until("│ a draft")
        for columns, rows in ((80, 24), (200, 60), (120, 40)):
            it.terminal.resize(columns, rows)
            await it.chat.release(5)
            await it.terminal.until(f"{it.chat.lines} tokens")
            await it.terminal.until(lambda _: whole(it.terminal))
            assert "│ a draft" in it.terminal.lines[-3]
        assert it.chat.phase is Phase.GENERATING
        await it.chat.finish()


async def test_hostile_text(start: Start) -> None:
    """What a model says is text: none of its sequences reaches the terminal."""
    async with (
        OllamaServer(pieces=lambda question: list(HOSTILE)) as server,
        start(server=server) as terminal,
    ):
        await terminal.until("llama3.2:3b")
        begun = len(terminal.raw)
        terminal.send("Be hostile\r")
        await terminal.until(lambda screen: "✓" in screen and "a separator." in screen)
        drawn = bytes(terminal.raw[begun:])
        for sequence in (b"\x1b]0;", b"\x1b[2J", b"\x1b[31m", b"\x07", b"\x08", b"\x00"):
            assert sequence not in drawn
        text = drawn.decode()
        assert not {"\x9b", "\u202e", "\u2066", "\u2028"} & set(text)
        for words in ("[bold]not bold[/bold]", "[@click=app.bell]click[/]", "[/INST]"):
            assert words in terminal.text
        assert "owned" not in terminal.screen.title
        terminal.send("still \x1b[200~[/alive]\x1b[201~")
        await terminal.until("still [/alive]")


async def test_commands_by_name(start: Start, tmp_path: Path) -> None:
    """The palette finds a command by a part of its name, and runs it: a picture is saved."""
    async with OllamaServer() as server, start(server=server) as terminal:
        await terminal.until("llama3.2:3b")
        terminal.send("\x10")
        await terminal.until("Search for commands")
        terminal.send("picture")
        await terminal.until(lambda screen: "Save a picture" in screen and "alt+n" not in screen)
        terminal.send("\r")
        await terminal.until("Saved screenshot to")
        # What is said in passing covers nothing that is being written.
        assert whole(terminal)
        [picture] = files(tmp_path, "*.svg")
        assert "llama3.2:3b" in picture


async def test_settings_of_a_chat(start: Start) -> None:
    """Filled in as fast as the keys come; what cannot be is named, and the rest goes along."""
    async with OllamaServer() as server, start(server=server) as terminal:
        await terminal.until("llama3.2:3b")
        terminal.send("\x1bOS")
        await terminal.until("System prompt")
        terminal.send("\tBe terse.\thot\r")
        await terminal.until("temperature cannot be 'hot'")
        terminal.send("\x7f\x7f\x7f0.5\r")
        await terminal.until("system prompt · temperature 0.5")
        terminal.send("A question\r")
        chat = await server.chat()
        assert chat.body["messages"][0] == {"role": "system", "content": "Be terse."}
        assert chat.body["options"]["temperature"] == 0.5

"""No server, a server that comes later, a server that dies."""

from __future__ import annotations

from ccchat_tui.testing.ollama_server import OllamaServer
from tests.e2e.conftest import Start


async def no_server() -> OllamaServer:
    """A server that does not listen yet, at an address where nobody else does."""
    server = OllamaServer()
    await server.start()
    await server.stop()
    return server


async def test_without_a_server_the_demo_model_answers(start: Start) -> None:
    """A first start with nothing at hand: it is told twice, and one can chat."""
    server = await no_server()
    async with start(server=server) as terminal:
        screen = await terminal.until("the chats stay.")
        words = " ".join(screen.split())
        assert f"Ollama does not answer at {server.url}; this is the built-in demo" in words
        await terminal.until(lambda _: "no server: demo model" in terminal.lines[0])
        terminal.send("Tell me about lighthouses\r")
        await terminal.until("✓")
        assert "lighthouses" in terminal.text


async def test_a_server_that_was_started_later(start: Start) -> None:
    """F5 changes over; what was said stays, and what is asked next is asked of the server."""
    server = await no_server()
    async with start(server=server) as terminal:
        await terminal.until("no server: demo model")
        terminal.send("An early question\r")
        await terminal.until("✓")
        await server.start()
        terminal.send("\x1b[15~")
        await terminal.until(f"Connected to Ollama at {server.url}.")
        await terminal.until(lambda _: "demo" not in terminal.lines[0])
        assert "does not answer" not in terminal.text
        terminal.send("A late question\r")
        await terminal.until("About: A late question")
        assert "An early question" in terminal.text
        chat = await server.chat("A late question")
        assert chat.body["messages"][0]["content"] == "An early question"
        await server.stop()


async def test_a_server_that_dies_in_mid_stream(start: Start) -> None:
    """Said in words; what had come is kept, and Retry completes it once the server is back."""
    async with OllamaServer(manual=True) as server, start(server=server) as terminal:
        await terminal.until("llama3.2:3b")
        terminal.send("What is dear\r")
        await (await server.chat("What is dear")).release(3)
        await terminal.until("About: What")
        await server.stop()
        await terminal.until("Retry")
        assert "broke off the connection" in terminal.text
        assert "What had come is kept." in terminal.text
        assert "About: What" in terminal.text
        server.manual = False
        await server.start()
        terminal.send("\x12")
        await terminal.until(lambda screen: "Retry" not in screen and "✓" in screen)
        assert len(server.chats) == 2


async def test_a_request_that_fails_at_once(start: Start) -> None:
    """It is seen in the queue with its words, however short it lived; the pane says what helps."""
    async with OllamaServer() as server, start(server=server) as terminal:
        await terminal.until("llama3.2:3b")
        # The first request loads what talks to servers, and so lives longer than any other.
        terminal.send("Hello\r")
        await terminal.until("completed        1")
        terminal.send("Alas fault:model_not_found\r")
        await terminal.until("✗ you  Alas fault:model")
        await terminal.until("There are: llama3.2:3b, qwen3:8b, gemma3:4b")
        assert "There is no model" in terminal.text

"""Several servers, and a single one that goes and comes back, as the person at the terminal sees
it."""

from __future__ import annotations

from ccchat_tui.testing.ollama_server import OllamaServer
from tests.e2e.conftest import Start


async def test_one_of_two_dies_and_comes_back(start: Start) -> None:
    """Each has its line in the panel; the chat goes on with the other, and nothing is said of it
    in the chat."""
    async with OllamaServer() as one, OllamaServer() as two:
        names = [server.url.removeprefix("http://") for server in (one, two)]
        async with start(env={"OLLAMA_HOST": ",".join(names)}, rows=50) as terminal:
            await terminal.until(lambda _: terminal.text.count("■") == 2)
            await terminal.until("Ollama (2 servers)")
            assert all(name in terminal.text for name in names)
            await two.stop()
            for number in range(8):
                terminal.send(f"Question {number}\r")
                await terminal.until(f"About: Question {number}")
            await terminal.until(lambda _: "□" in terminal.text or "◧" in terminal.text)
            await terminal.until("1 of 2 servers left out")
            assert "Retry" not in terminal.text
            assert len(one.chats) == 8
            await two.start()
            await terminal.until(lambda _: terminal.text.count("■") == 2)
            await terminal.until(lambda _: "left out" not in terminal.text)


async def test_a_single_one_is_left_out_and_the_next_message_finds_it(start: Start) -> None:
    """The header says that it is left out and when it is tried again; a message sent after it was
    started is answered."""
    async with OllamaServer() as server, start(server=server) as terminal:
        await terminal.until("llama3.2:3b")
        terminal.send("Hello\r")
        await terminal.until("About: Hello")
        await server.stop()
        terminal.send("In vain\r")
        await terminal.until("✗ failed")
        terminal.send("In vain, too\r")
        await terminal.until(lambda _: "server left out" in terminal.lines[0])
        await terminal.until("is left out for now")
        await server.start()
        terminal.send("Are you there\r")
        await terminal.until("About: Are you there", within=15)
        await terminal.until(lambda _: "left out" not in terminal.lines[0])
        probes = [request for request in server.requests if request.path == "/api/version"]
        assert len(probes) >= 2, "one at the start, one that found it back"

"""The test server itself: a wrong one would prove wrong things of everything that is tested on it.

Spoken to by a bare socket, so that nothing of ours or of httpx stands between.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

from ccchat_tui.testing.ollama_server import Model, OllamaServer, Phase, text_of


class Socket:
    """A connection, and what is said by it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, server: OllamaServer) -> Socket:
        return cls(*await asyncio.open_connection(server.host, server.port))

    async def send(self, method: str, path: str, body: Any = None) -> None:
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        self.writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        top = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        first, *rest = top.strip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in rest)
        return int(first.split()[1]), headers

    async def chunk(self) -> bytes:
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        data = await self.reader.readexactly(size)
        assert await self.reader.readexactly(2) == b"\r\n"
        return data

    async def whole(self) -> tuple[int, Any]:
        status, headers = await self.head()
        if "content-length" in headers:
            data = await self.reader.readexactly(int(headers["content-length"]))
        else:
            data = b""
            while piece := await self.chunk():
                data += piece
        if "json" in headers.get("content-type", ""):
            lines = [json.loads(line) for line in data.splitlines()]
            return status, lines if "ndjson" in headers["content-type"] else lines[0]
        return status, data

    async def say(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        await self.send(method, path, body)
        return await self.whole()

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


def chat(question: str = "hi", **more: Any) -> dict[str, Any]:
    return {"model": "llama3.2:3b", "messages": [{"role": "user", "content": question}], **more}


async def test_headers_come_with_the_first_line_and_lines_when_they_are_let_go() -> None:
    async with OllamaServer(manual=True, tokens=2) as server:
        client = await Socket.to(server)
        await client.send("POST", "/api/chat", chat())
        asked = await server.chat("hi")
        await asked.reached(Phase.GENERATING)
        assert client.reader._buffer == b""  # type: ignore[attr-defined]
        await asked.release()
        status, headers = await client.head()
        assert (status, headers["content-type"]) == (200, "application/x-ndjson")
        assert headers["transfer-encoding"] == "chunked"
        first = await client.chunk()
        assert first.endswith(b"\n")
        assert json.loads(first)["message"]["content"] == "About: "
        assert not asked.ended
        await asked.finish()
        assert asked.phase is Phase.COMPLETED
        lines = [json.loads(await client.chunk()) for _ in range(2)]
        assert [line["done"] for line in lines] == [False, True]
        assert await client.chunk() == b""
        await client.close()
        await server.settled()
        assert server.disconnects == []


async def test_a_connection_is_kept_for_further_requests() -> None:
    async with OllamaServer(tokens=3) as server:
        client = await Socket.to(server)
        assert (await client.say("GET", "/"))[1] == b"Ollama is running"
        assert (await client.say("GET", "/api/version"))[1] == {"version": "0.33.0"}
        _, lines = await client.say("POST", "/api/chat", chat())
        assert "".join(line["message"]["content"] for line in lines) == text_of("hi", 3)
        _, joined = await client.say("POST", "/api/chat", chat(stream=False))
        assert joined["message"]["content"] == text_of("hi", 3)
        assert joined["done"] is True
        assert (server.connections, len(server.requests), len(server.open)) == (1, 4, 1)
        assert server.close_idle() == 1
        assert await client.reader.read() == b""
        await server.settled()
        await client.close()


async def test_who_leaves_while_waiting_for_a_slot_leaves_the_line() -> None:
    async with OllamaServer(slots=1, manual=True, tokens=1) as server:
        clients = [await Socket.to(server) for _ in range(3)]
        for number, client in enumerate(clients):
            await client.send("POST", "/api/chat", chat(str(number)))
            await server.arrived(number + 1)
        first, second, third = server.chats
        await third.reached(Phase.WAITING)
        await clients[1].close()
        await second.reached(Phase.LEFT)
        assert (first.phase, third.phase) == (Phase.GENERATING, Phase.WAITING)
        await first.finish()
        await third.reached(Phase.GENERATING)
        assert server.peak == 1
        assert [(left.question, left.phase) for left in server.disconnects] == [
            ("1", Phase.WAITING)
        ]
        await third.finish()
        for client in (clients[0], clients[2]):
            await client.close()


async def test_a_full_queue_refuses_only_those_that_need_a_load() -> None:
    models = [Model("a:1"), Model("b:1"), Model("c:1")]
    async with OllamaServer(models=models, max_queue=1, tokens=1) as server:
        client = await Socket.to(server)
        await client.say("POST", "/api/chat", chat(model="a:1"))
        server.loader.gate = asyncio.Event()
        loading = await Socket.to(server)
        await loading.send("POST", "/api/chat", chat("load", model="b:1"))
        await (await server.chat("load")).reached(Phase.LOADING)
        await server.until(lambda: server.loader.pending == 1)
        status, refused = await client.say("POST", "/api/chat", chat(model="c:1"))
        assert status == 503
        assert refused == {
            "error": "server busy, please try again.  maximum pending requests exceeded"
        }
        assert (await client.say("POST", "/api/chat", chat(model="a:1")))[0] == 200
        server.loader.gate.set()
        assert (await loading.whole())[0] == 200
        await client.close()
        await loading.close()


async def test_a_load_is_broken_off_when_its_client_leaves_and_begins_anew() -> None:
    async with OllamaServer(tokens=1) as server:
        server.loader.gate = asyncio.Event()
        client = await Socket.to(server)
        await client.send("POST", "/api/chat", chat("first"))
        await server.until(lambda: server.loader.started == ["llama3.2:3b"])
        await client.close()
        await (await server.chat("first")).reached(Phase.LEFT)
        assert server.loader.aborted == ["llama3.2:3b"]
        assert server.loader.loaded == {}
        server.loader.gate.set()
        again = await Socket.to(server)
        assert (await again.say("POST", "/api/chat", chat("second")))[0] == 200
        assert len(server.loader.started) == 2
        await again.close()


async def test_an_idle_model_makes_room_for_the_next() -> None:
    async with OllamaServer(max_loaded=2, tokens=1) as server:
        client = await Socket.to(server)
        for model in ("llama3.2:3b", "qwen3:8b", "llama3.2:3b", "gemma3:4b"):
            await client.say("POST", "/api/chat", chat(model=model))
        assert server.loader.evicted == ["qwen3:8b"], "the one used longest ago"
        _, listed = await client.say("GET", "/api/ps")
        assert {each["name"] for each in listed["models"]} == {"llama3.2:3b", "gemma3:4b"}
        await client.close()


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "missing request body"),
        (b"{", 400, "unexpected EOF"),
        (b"[]", 400, "invalid"),
        (chat(model=3), 400, "cannot unmarshal number"),
        (chat(model=""), 400, "model is required"),
        (chat(model="nope"), 404, "model 'nope' not found"),
        (chat(think="much"), 400, "invalid think value"),
        (chat(think=True), 400, "does not support thinking"),
        (chat(keep_alive="300"), 400, "missing unit in duration"),
        (chat(options={"stop": "x"}), 500, 'option "stop" must be of type array'),
        (chat(model="gemma3:4b", tools=[{}]), 400, "does not support tools"),
        (chat(format="xml"), 500, "invalid format"),
        (
            {"model": "gemma3:4b", "messages": [{"role": "user", "images": ["%"]}]},
            400,
            "illegal base64",
        ),
    ],
)
async def test_what_is_refused_and_how(body: Any, status: int, words: str) -> None:
    async with OllamaServer() as server:
        client = await Socket.to(server)
        told, answer = await client.say("POST", "/api/chat", body)
        assert told == status
        assert words in answer["error"]
        await client.close()


async def test_pull_and_delete(fake_ollama: OllamaServer) -> None:
    client = await Socket.to(fake_ollama)
    _, lines = await client.say("POST", "/api/pull", {"model": "pullable"})
    assert lines[0] == {"status": "pulling manifest"}
    assert lines[-1] == {"status": "success"}
    assert fake_ollama.models[0].name == "pullable:latest"
    status, lines = await client.say("POST", "/api/pull", {"name": "nope"})
    assert status == 200
    assert lines[-1] == {"error": "pull model manifest: file does not exist"}
    assert (await client.say("POST", "/api/pull", {"model": "nope", "stream": False}))[0] == 500
    assert await client.say("DELETE", "/api/delete", {"model": "pullable"}) == (200, b"")
    assert (await client.say("DELETE", "/api/delete", {"model": "pullable"}))[0] == 404
    assert await client.say("PUT", "/api/tags") == (405, b"405 method not allowed")
    assert await client.say("GET", "/api/nothing") == (404, b"404 page not found")
    await client.close()


async def test_a_wait_for_what_never_happens_raises(fake_ollama: OllamaServer) -> None:
    with pytest.raises(TimeoutError):
        await fake_ollama.until(lambda: False, within=0.01)


async def test_it_runs_by_hand() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "ccchat_tui.testing.ollama_server", "--port", "0", "--fault", "busy"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            url = (await process.stdout.readline()).decode().partition(";")[0]
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        status, _ = await Socket(reader, writer).say("POST", "/api/chat", chat())
        assert status == 503
        writer.close()
        await writer.wait_closed()
    finally:
        process.terminate()
        await process.wait()

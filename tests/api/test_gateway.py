"""Ollama's protocol: its official client works unchanged, and everything goes through the queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.backends.hosts import read_hosts
from ccchat_tui.testing.ollama_server import OllamaServer
from tests.api.desk import MODEL, Desk, api, chat

if TYPE_CHECKING:
    import ollama
else:
    ollama = pytest.importorskip("ollama", reason="the official client is not installed")

HELLO = [{"role": "user", "content": "hello"}]


def at(url: str, token: str = "") -> ollama.AsyncClient:
    """The official client, as somebody else's program has it."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return ollama.AsyncClient(host=url, headers=headers, trust_env=False, timeout=20)


@dataclass
class Both:
    """A server, the API before it, and the official client at each of them."""

    server: OllamaServer
    desk: Desk
    client: ollama.AsyncClient
    direct: ollama.AsyncClient


@asynccontextmanager
async def gateway(folder: Path, **settings: Any) -> AsyncIterator[Both]:
    """All of these, the client with ada's token."""
    async with OllamaServer() as server:
        backend = open_servers(read_hosts(server.url))
        try:
            async with (
                api(folder, backend, **settings) as desk,
                at(desk.address.url, desk.tokens.get("ada")) as client,
                at(server.url) as direct,
            ):
                yield Both(server, desk, client, direct)
        finally:
            await backend.aclose()


async def all_of(pieces: Any, into: list[str]) -> None:
    """Read a stream to its end, or to its error."""
    async for piece in pieces:
        into.append(piece.message.content)  # noqa: PERF401 - kept if it breaks off


class TestOfficialClient:
    async def test_streaming_and_not_it_is_told_the_same_as_by_ollama(self, tmp_path: Path) -> None:
        async with gateway(tmp_path) as both:
            server, client = both.server, both.client
            direct = both.direct
            whole = await client.chat(MODEL, HELLO, options={"seed": 1}, keep_alive="5m")
            theirs = await direct.chat(MODEL, HELLO)
            pieces = [piece async for piece in await client.chat(MODEL, HELLO, stream=True)]
        assert whole.message.content
        assert whole.message.content == theirs.message.content
        assert "".join(piece.message.content or "" for piece in pieces) == whole.message.content
        assert [piece.done for piece in pieces[-2:]] == [False, True]
        for told in (whole, pieces[-1]):
            assert (told.done, told.done_reason) == (theirs.done, theirs.done_reason)
            assert (told.model, told.eval_count) == (theirs.model, theirs.eval_count)
            assert told.prompt_eval_count == theirs.prompt_eval_count
            assert told.total_duration
        assert server.chats[0].body["options"] == {"seed": 1}
        assert server.chats[0].body["keep_alive"] == "5m"

    async def test_thinking(self, tmp_path: Path) -> None:
        async with gateway(tmp_path) as both:
            client = both.client
            told = await client.chat("qwen3:8b", HELLO, think=True)
        assert told.message.thinking == "Let me think. "

    async def test_the_lists(self, tmp_path: Path) -> None:
        async with gateway(tmp_path) as both:
            client, direct = both.client, both.direct
            ours, theirs = await client.list(), await direct.list()
            assert [model.model for model in ours.models] == [m.model for m in theirs.models]
            assert [model.size for model in ours.models] == [m.size for m in theirs.models]
            assert [model.digest for model in ours.models] == [m.digest for m in theirs.models]
            shown, real = await client.show(MODEL), await direct.show(MODEL)
            assert shown.capabilities == real.capabilities
            assert shown.modelinfo
            assert real.modelinfo
            assert shown.modelinfo["llama.context_length"] == real.modelinfo["llama.context_length"]
            await client.chat(MODEL, HELLO)
            (ours_loaded,), (real_loaded,) = (await client.ps()).models, (await direct.ps()).models
            assert ours_loaded.model == real_loaded.model == MODEL
            assert ours_loaded.size_vram == real_loaded.size_vram

    async def test_loading_and_unloading(self, tmp_path: Path) -> None:
        async with gateway(tmp_path) as both:
            client = both.client
            assert (await client.chat(MODEL, [])).done_reason == "load"
            assert (await client.ps()).models
            assert (await client.chat(MODEL, [], keep_alive=0)).done_reason == "unload"
            assert not (await client.ps()).models

    async def test_errors_are_as_ollama_gives_them(self, tmp_path: Path) -> None:
        told = []
        async with gateway(tmp_path) as both:
            for client in (both.client, both.direct):
                with pytest.raises(ollama.ResponseError) as caught:
                    await client.chat("nope", HELLO)
                told.append((caught.value.status_code, caught.value.error))
                stream = await client.chat("nope", HELLO, stream=True)
                with pytest.raises(ollama.ResponseError) as caught:
                    await all_of(stream, [])
                told.append((caught.value.status_code, caught.value.error))
        assert told == [(404, "model 'nope' not found")] * 4

    async def test_an_error_in_the_middle(self, tmp_path: Path) -> None:
        got: list[str] = []
        async with gateway(tmp_path, retry_attempts=0) as both:
            both.server.fail("error_line")
            stream = await both.client.chat(MODEL, HELLO, stream=True)
            with pytest.raises(ollama.ResponseError) as caught:
                await all_of(stream, got)
        assert "".join(got)
        assert caught.value.status_code == -1

    async def test_what_is_not_passed_on_is_refused_in_words(self, tmp_path: Path) -> None:
        async with gateway(tmp_path) as both:
            server, client = both.server, both.client
            for more in ({"format": "json"}, {"logprobs": True}):
                with pytest.raises(ollama.ResponseError, match="is not passed on") as caught:
                    await client.chat(MODEL, HELLO, **more)
                assert caught.value.status_code == 400
            assert not server.chats

    async def test_leaving_cancels(self, tmp_path: Path) -> None:
        async with gateway(tmp_path) as both:
            server, desk, client = both.server, both.desk, both.client
            server.manual = True
            asked = asyncio.create_task(client.chat(MODEL, HELLO))
            await server.chat("hello")
            asked.cancel()
            await asyncio.wait([asked])
            await server.until(lambda: bool(server.disconnects))
            await desk.until_living(0)

    async def test_it_waits_its_turn_and_is_seen(self, tmp_path: Path) -> None:
        async with gateway(tmp_path, max_concurrent=1) as both:
            server, desk, client = both.server, both.desk, both.client
            server.manual = True
            asked = [asyncio.create_task(client.chat(MODEL, HELLO)) for _ in range(2)]
            await desk.until_living(2)
            rows = (await desk.ada.get("/api/ai/requests")).json()["requests"]
            assert [row["position"] for row in rows] == [None, 1]
            await server.arrived(1)
            assert len(server.chats) == 1
            for task in asked:
                task.cancel()
            await asyncio.wait(asked)
            await desk.until_living(0)

    async def test_limits_of_a_user_hold(self, tmp_path: Path) -> None:
        async with gateway(tmp_path, requests_per_minute=1) as both:
            client = both.client
            await client.chat(MODEL, HELLO)
            with pytest.raises(ollama.ResponseError) as caught:
                await client.chat(MODEL, HELLO)
            assert caught.value.status_code == 429

    async def test_without_a_token_nobody_comes_in(self, tmp_path: Path) -> None:
        async with gateway(tmp_path) as both:
            desk = both.desk
            async with at(desk.address.url) as nobody:
                with pytest.raises(ollama.ResponseError, match="OLLAMA_API_KEY") as caught:
                    await nobody.list()
            assert caught.value.status_code == 401

    async def test_the_key_of_the_environment_is_the_token(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with gateway(tmp_path) as both:
            desk = both.desk
            monkeypatch.setenv("OLLAMA_API_KEY", desk.tokens.get("bob"))
            async with at(desk.address.url) as client:
                assert (await client.list()).models


class TestOthers:
    async def test_a_backend_that_is_no_ollama_is_listed_too(self, tmp_path: Path) -> None:
        async with api(tmp_path, DemoBackend()) as desk:
            async with at(desk.address.url, desk.tokens.get("ada")) as client:
                models = (await client.list()).models
                assert models
                assert (await client.show(str(models[0].model))).details
            assert (await desk.ada.get("/api/version")).json()["version"]

    @pytest.mark.parametrize(
        ("path", "body", "status", "words"),
        [
            ("/api/chat", {}, 400, "model is required"),
            ("/api/chat", {"model": 1}, 400, "model is 1"),
            ("/api/chat", chat("x", truncate=False), 400, "truncate is not passed on"),
            ("/api/show", {}, 400, "model is required"),
            ("/api/show", {"name": "nope"}, 404, "model 'nope' not found"),
        ],
    )
    async def test_bad_requests(
        self, tmp_path: Path, path: str, body: Any, status: int, words: str
    ) -> None:
        async with api(tmp_path) as desk:
            response = await desk.ada.post(path, json=body)
        assert response.status_code == status
        assert words in response.json()["error"]

    async def test_a_server_that_is_down(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            desk.backend.down = "nobody answers"
            response = await desk.ada.get("/api/tags")
            assert (response.status_code, response.json()["error"]) == (502, "nobody answers")
            assert (await desk.ada.get("/readyz")).status_code == 503

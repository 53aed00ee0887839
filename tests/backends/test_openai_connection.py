"""How the OpenAI backend gets to its server: paths, TLS, keys, none at all; and the whole way, from
the command line."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from pathlib import Path

import pytest

from ccchat_tui.backends.base import BackendError, ErrorKind
from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import Host, Server, read_host
from ccchat_tui.backends.openai import OpenAIBackend
from ccchat_tui.testing.ollama_server import text_of
from tests.support.certificates import client_trusts, server_context
from tests.support.openai_server import Dialect, OpenAIServer
from tests.support.streams import ask, outcome, read, text_in

ROOT = Path(__file__).parents[2]
KEY = "sk-secret-4711"


def backend_at(url: str, key: str = "") -> OpenAIBackend:
    return OpenAIBackend(read_host(f"openai+{url}"), api_key=key)


async def failure(host: Host, key: str = "", timeout: float = 5.0) -> BackendError:
    """What a reply of the server there fails with."""
    backend = OpenAIBackend(host, api_key=key, connect_timeout=timeout)
    _, error = await outcome(backend, ask("x"))
    assert error is not None
    assert error.message.isprintable()
    assert "ollama" not in error.message.lower()
    assert backend.open == 0
    await backend.aclose()
    return error


class TestNobodyThere:
    async def test_a_server_that_is_not_there(self) -> None:
        async with OpenAIServer() as server:
            host = read_host(f"openai+{server.url}")
        error = await failure(host)
        assert error.kind is ErrorKind.UNREACHABLE
        assert error.message == (
            f"The server does not answer at {host.url}: the connection was refused; start it, or "
            "check the settings"
        )

    async def test_a_name_that_nobody_has(self) -> None:
        error = await failure(read_host("openai+http://no-such-machine.invalid"))
        assert error.kind is ErrorKind.UNREACHABLE
        assert "check that it runs there, and the settings" in error.message

    async def test_a_connection_that_does_not_come_about(self) -> None:
        async with OpenAIServer() as server:
            host = read_host(f"openai+{server.url.replace('http:', 'https:')}")
            error = await failure(host, timeout=0.05)
            assert "no connection within 0.05 s" in error.message
            await server.settled()


class TestPaths:
    @pytest.mark.parametrize("path", ["/v1", "/proxy/llm/v1", "/openai"])
    async def test_the_path_is_the_base_of_all_others(self, path: str) -> None:
        async with OpenAIServer(prefix=path) as server:
            backend = backend_at(server.url + "/")
            await backend.models()
            assert text_in(await read(backend, ask("hi"))) == text_of("hi", server.tokens)
            assert [request.path for request in server.requests] == [
                f"{path}/models",
                f"{path}/chat/completions",
            ]

    async def test_without_one_it_is_v1(self) -> None:
        async with OpenAIServer() as server:
            assert await backend_at(server.origin).models()

    async def test_a_wrong_one_is_told_in_words(self) -> None:
        async with OpenAIServer() as server:
            error = await failure(read_host(f"openai+{server.origin}/api"))
        assert error.kind is ErrorKind.NOT_OLLAMA
        assert "mostly ends in /v1" in error.message


class TestTls:
    async def test_a_certificate_that_is_trusted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client_trusts(monkeypatch)
        async with OpenAIServer(tls=server_context(), key=KEY) as server:
            backend = backend_at(server.url, KEY)
            assert text_in(await read(backend, ask("hi"))) == text_of("hi", server.tokens)
            await server.settled()

    async def test_a_certificate_that_nobody_signed(self) -> None:
        async with OpenAIServer(tls=server_context()) as server:
            error = await failure(read_host(f"openai+{server.url}"))
        assert error.kind is ErrorKind.UNREACHABLE
        assert "SSL_CERT_FILE" in error.message


class TestKeys:
    async def test_it_goes_to_its_server_and_is_shown_nowhere(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        async with OpenAIServer(key=KEY) as server:
            backend = backend_at(server.url, f" {KEY}\n")
            await backend.probe()
            await read(backend, ask("hi"))
            assert {request.headers["authorization"] for request in server.requests} == {
                f"Bearer {KEY}"
            }
        assert KEY not in caplog.text
        assert KEY not in f"{backend!r}{backend._server!r}{vars(backend._server)['_wording']}"

    @pytest.mark.parametrize("key", ["", "sk-wrong"])
    async def test_without_the_right_one_it_is_asked_for(self, key: str) -> None:
        async with OpenAIServer(key=KEY) as server:
            error = await failure(read_host(f"openai+{server.url}"), key)
        assert error.kind is ErrorKind.UNAUTHORIZED
        assert "wants another key than it was given" in error.message

    async def test_a_server_that_repeats_it_does_not_get_it_on_the_screen(self) -> None:
        async with OpenAIServer(models=[{"id": f"m-{KEY}"}]) as server:
            backend = backend_at(server.url, KEY)
            _, error = await outcome(backend, ask("fault:model_vllm", f"no {KEY}"))
            assert error is not None
            assert KEY not in f"{error.message}{error.hints}"
            assert "********" in error.message
            assert "********" in error.hints[0]

    async def test_it_is_not_sent_on_to_another_server(self) -> None:
        async with OpenAIServer() as server, OpenAIServer() as other:
            server.redirect = f"{other.url}/chat/completions"
            error = await failure(read_host(f"openai+{server.url}"), KEY)
            assert error.kind is ErrorKind.NOT_OLLAMA
            assert "give that address in the settings" in error.message
            assert other.connections == 0

    async def test_each_server_of_a_pool_gets_its_own(self) -> None:
        async with OpenAIServer(key="one") as one, OpenAIServer(key="two") as two:
            servers = [
                Server(read_host(f"openai+{each.url}"), api_key=each.key) for each in (one, two)
            ]
            backend = open_servers(servers)
            for number in range(4):
                assert text_in(await read(backend, ask(f"{number}", "mist-7b")))
            assert {len(one.chats), len(two.chats)} == {2}
            await backend.aclose()


async def test_the_command_line_puts_a_load_on_it(tmp_path: Path) -> None:
    async with OpenAIServer(key=KEY, dialect=Dialect(counting=400), manual=True) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ccchat_tui", "simulate", "--host", f"openai+{server.url}"),
            *("--users", "4", "--messages", "2", "--max-concurrent", "8", "--json"),
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "CCCHAT_API_KEY": KEY,
                "XDG_CONFIG_HOME": str(tmp_path),
                "APPDATA": str(tmp_path),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        # All eight are being answered before the first goes on.
        await server.until(lambda: len(server.chats) == 8, within=60.0)
        server.manual = False
        for chat in server.chats:
            chat.let_go()
        out, err = await process.communicate()
    assert process.returncode == 0, err
    report = json.loads(out)
    assert report["totals"]["completed"] == 8
    assert report["peak_concurrency"] == 8
    assert b"mist-7b (OpenAI-compatible, http://127.0.0.1" in err
    assert KEY.encode() not in out + err

"""How the Ollama backend gets to its server: TLS, proxies, keys, paths, and none at all."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
from typing import Any

import pytest

from ccchat_tui.backends.base import BackendError, ErrorKind
from ccchat_tui.backends.hosts import Host, read_host
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.testing.ollama_server import OllamaServer, text_of
from tests.support.certificates import client_trusts, server_context
from tests.support.streams import ask, outcome, read, text_in

KEY = "sk-secret-4711"


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as each:
            each.bind(("::1", 0))
    except OSError:
        return False
    return True


async def failure(host: Host, **more: Any) -> BackendError:
    """What a reply of the server there fails with."""
    backend = OllamaBackend(host, **more)
    _, error = await outcome(backend, ask("x"))
    assert error is not None
    assert error.message.isprintable()
    assert backend.open == 0
    await backend.aclose()
    return error


class TestNobodyThere:
    async def test_a_server_that_is_not_there(self, fake_ollama: OllamaServer) -> None:
        host = read_host(fake_ollama.url)
        backend = OllamaBackend(host)
        await backend.probe()
        await fake_ollama.stop()
        for question in (backend.probe, backend.models, lambda: read(backend, ask("x"))):
            with pytest.raises(BackendError) as caught:
                await question()
            assert caught.value.kind is ErrorKind.UNREACHABLE
            assert f"does not answer at {host.url}" in caught.value.message
            assert "refused" in caught.value.message
            assert "`ollama serve`" in caught.value.message
        await fake_ollama.start()
        assert await backend.probe(), "back again, it is found again"

    @pytest.mark.parametrize("name", ["no-such-machine.invalid", "a" * 70 + ".invalid"])
    async def test_a_name_that_nobody_has(self, name: str) -> None:
        error = await failure(read_host(name))
        assert error.kind is ErrorKind.UNREACHABLE
        assert "there is no machine of that name" in error.message
        assert "ollama serve" not in error.message, "it would have to run there, and not here"

    async def test_a_connection_that_does_not_come_about(self) -> None:
        # Somebody who accepts and then says nothing: TLS is never agreed on.
        async with OllamaServer() as server:
            host = read_host(server.url.replace("http:", "https:"))
            error = await failure(host, connect_timeout=0.05)
            assert error.kind is ErrorKind.UNREACHABLE
            assert "no connection within 0.05 s" in error.message
            await server.settled()

    async def test_another_program_that_hangs_up(self) -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()
            await writer.wait_closed()

        other = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        async with other:
            port = other.sockets[0].getsockname()[1]
            error = await failure(read_host(f"127.0.0.1:{port}"))
        assert error.kind is ErrorKind.DISCONNECTED


class TestTls:
    async def test_a_certificate_that_is_trusted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client_trusts(monkeypatch)
        async with OllamaServer(tls=server_context()) as server:
            backend = OllamaBackend(read_host(server.url))
            assert await backend.probe()
            assert text_in(await read(backend, ask("hi"))) == text_of("hi", server.tokens)
            await server.settled()

    async def test_a_certificate_that_nobody_signed(self) -> None:
        async with OllamaServer(tls=server_context()) as server:
            error = await failure(read_host(server.url))
        assert error.kind is ErrorKind.UNREACHABLE
        assert "certificate" in error.message
        assert "self-signed" in error.message or "self signed" in error.message
        assert "SSL_CERT_FILE" in error.message

    async def test_a_certificate_of_somebody_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client_trusts(monkeypatch, "elsewhere")
        async with OllamaServer(tls=server_context("elsewhere")) as server:
            error = await failure(read_host(server.url))
        assert error.kind is ErrorKind.UNREACHABLE
        assert "IP address mismatch" in error.message

    async def test_https_where_only_http_is_spoken(self) -> None:
        async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            await writer.drain()
            writer.close()

        other = await asyncio.start_server(plain, "127.0.0.1", 0)
        async with other:
            port = other.sockets[0].getsockname()[1]
            error = await failure(read_host(f"https://127.0.0.1:{port}"))
        assert error.kind is ErrorKind.UNREACHABLE
        assert "does not speak HTTPS" in error.message
        assert "; try http://" in error.message

    async def test_a_file_of_certificates_that_is_not_there(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", "/there/is/no/such.pem")
        error = await failure(read_host("https://127.0.0.1:1"))
        assert error.kind is ErrorKind.UNREACHABLE
        assert "SSL_CERT_FILE" in error.message


class TestWays:
    @pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
    async def test_an_address_of_the_longer_kind(self) -> None:
        async with OllamaServer(host="::1") as server:
            assert server.url.startswith("http://[::1]:")
            assert await OllamaBackend(read_host(server.url)).probe()
            (request,) = server.requests
            assert request.headers["host"] == server.url.removeprefix("http://")

    async def test_a_path_before_the_api(self) -> None:
        async with OllamaServer(prefix="/my/ollama") as server:
            backend = OllamaBackend(read_host(server.url + "/"))
            await read(backend, ask("hi"))
            await backend.models()
            assert [request.path for request in server.requests] == [
                "/my/ollama/api/chat",
                "/my/ollama/api/tags",
            ]
            bare = read_host(server.url.removesuffix("/my/ollama"))
            assert (await failure(bare)).kind is ErrorKind.NOT_OLLAMA

    async def test_this_machine_is_asked_past_any_proxy(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        async with OllamaServer() as server:
            assert await OllamaBackend(read_host(server.url)).probe()

    async def test_another_machine_is_asked_by_the_proxy(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        async with OllamaServer() as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            proxy.fail("bad_gateway", path="http://model.example:11434/api/chat")
            error = await failure(read_host("model.example"))
            assert [request.path for request in proxy.requests] == [
                "http://model.example:11434/api/chat"
            ]
        assert error.kind is ErrorKind.GATEWAY

    @pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "ftp://127.0.0.1:1"])
    async def test_a_proxy_of_an_unknown_kind_is_told_in_words(
        self, proxy: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", proxy)
        error = await failure(read_host("model.example"))
        assert error.kind is ErrorKind.UNREACHABLE
        assert "HTTP_PROXY" in error.message


class TestKeys:
    async def test_it_goes_to_its_server_and_is_shown_nowhere(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        async with OllamaServer() as server:
            backend = OllamaBackend(read_host(server.url), api_key=f" {KEY}\n")
            await backend.probe()
            await read(backend, ask("hi"))
            assert {request.headers["authorization"] for request in server.requests} == {
                f"Bearer {KEY}"
            }
        assert KEY not in caplog.text
        assert KEY not in repr(backend)
        assert KEY not in repr(backend._server)

    async def test_a_server_that_repeats_it_does_not_get_it_on_the_screen(
        self, fake_ollama: OllamaServer
    ) -> None:
        backend = OllamaBackend(read_host(fake_ollama.url), api_key=KEY)
        _, error = await outcome(backend, ask("x", f"no {KEY}"))
        assert error is not None
        assert KEY not in error.message
        assert "********" in error.message

    async def test_it_is_not_sent_on_to_another_server(self) -> None:
        async with OllamaServer() as server, OllamaServer() as other:
            server.redirect = f"{other.url}/api/chat"
            error = await failure(read_host(server.url), api_key=KEY)
            assert error.kind is ErrorKind.NOT_OLLAMA
            assert other.url in error.message
            assert other.connections == 0

    async def test_it_goes_along_to_the_safer_door_of_the_same_machine(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client_trusts(monkeypatch)
        async with OllamaServer() as server, OllamaServer(tls=server_context()) as safer:
            server.redirect = f"{safer.url}/api/chat"
            backend = OllamaBackend(read_host(server.url), api_key=KEY)
            assert text_in(await read(backend, ask("hi"))) == text_of("hi", safer.tokens)
            assert safer.requests[0].headers["authorization"] == f"Bearer {KEY}"
            server.redirect = server.url.replace("http:", "ftp:")
            assert (await failure(read_host(server.url))).kind is ErrorKind.NOT_OLLAMA

    @pytest.mark.parametrize("key", ["schlüssel", "two\nlines", "\x00"])
    async def test_one_that_cannot_be_sent_is_told_in_words(self, key: str) -> None:
        error = await failure(read_host("127.0.0.1:1"), api_key=f"a{key}b")
        assert error.kind is ErrorKind.UNAUTHORIZED
        assert "key" in error.message
        assert key not in error.message


def test_nothing_is_imported_before_the_first_question() -> None:
    code = (
        "import sys, ccchat_tui.backends.connect as c, ccchat_tui.backends.hosts as h;"
        "c.open_servers(h.read_hosts('a,b'));"
        "sys.exit(', '.join({'httpx', 'pydantic', 'textual', 'rich'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


async def test_only_silence_has_no_limit_in_the_connection() -> None:
    import httpx  # noqa: PLC0415 - only here is anybody so curious

    from ccchat_tui.backends.http import HttpServer  # noqa: PLC0415

    async with HttpServer(read_host("h"), connect_timeout=3.0)._client(https=False) as client:
        assert client.timeout == httpx.Timeout(connect=3.0, read=None, write=30.0, pool=None)

"""Who comes in: each door is tried."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from ccchat_tui.api import connection
from ccchat_tui.api.address import Address, AddressError, bind, read_address
from ccchat_tui.api.doors import MOST_BODY
from ccchat_tui.api.openapi import document
from ccchat_tui.api.tokens import ADMIN, Tokens, TokensError, check_name
from tests.api.desk import Desk, api, asking, chat

BEHIND = [
    (method.upper(), path.replace("{id}", "1"))
    for path, methods in document()["paths"].items()
    for method, told in methods.items()
    if told.get("security") != []
]
"""Every endpoint that needs a token."""


async def raw(desk: Desk, data: bytes, *, end: bool = False) -> bytes:
    """What a connection answers to these bytes, until it is closed."""
    reader, writer = await asyncio.open_connection(desk.address.host, desk.address.port)
    try:
        writer.write(data)
        if end:
            writer.write_eof()
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


class TestTokens:
    @pytest.mark.parametrize(("method", "path"), BEHIND)
    async def test_nothing_is_told_without_one(
        self, tmp_path: Path, method: str, path: str
    ) -> None:
        async with api(tmp_path) as desk, httpx.AsyncClient(base_url=desk.address.url) as nobody:
            for header in ({}, {"authorization": "Bearer x"}, {"authorization": "Basic x"}):
                response = await nobody.request(method, path, headers=header)
                assert response.status_code == 401, header
                assert response.headers["www-authenticate"] == "Bearer"

    async def test_a_token_in_other_letters_is_none(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk, httpx.AsyncClient(base_url=desk.address.url) as nobody:
            token = desk.tokens.get("ada")
            for wrong in (token.upper(), token[:-1], token + "x", "\u00e9"):
                header = httpx.Headers({"authorization": f"Bearer {wrong}"}, encoding="utf-8")
                assert (await nobody.get("/api/ai/status", headers=header)).status_code == 401

    @pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
    async def test_what_tells_of_nobody_needs_none(self, tmp_path: Path, path: str) -> None:
        async with api(tmp_path) as desk, httpx.AsyncClient(base_url=desk.address.url) as nobody:
            response = await nobody.get(path)
            assert response.status_code == 200
            assert (await nobody.head("/")).status_code == 200

    async def test_revoked_and_added_while_it_runs(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            elsewhere = Tokens(desk.tokens.file)
            assert elsewhere.revoke("ada")
            assert (await desk.ada.get("/api/ai/status")).status_code == 401
            assert (await desk.bob.get("/api/ai/status")).status_code == 200
            desk.ada.headers["authorization"] = f"Bearer {elsewhere.get('cleo')}"
            assert (await desk.ada.get("/api/ai/status")).status_code == 200

    async def test_a_file_that_others_can_read_lets_nobody_in(self, tmp_path: Path) -> None:
        if os.name == "nt":
            pytest.skip("a folder decides who reads there")
        async with api(tmp_path) as desk:
            desk.tokens.file.write_text(desk.tokens.file.read_text() + " ")
            desk.tokens.file.chmod(0o644)
            response = await desk.admin.get("/api/ai/status")
            assert response.status_code == 500
            assert str(tmp_path) not in response.text


class TestTokenFile:
    def test_only_its_owner_reads_it(self, tmp_path: Path) -> None:
        tokens = Tokens(tmp_path / "new" / "tokens.json")
        token = tokens.get("ada")
        if os.name != "nt":
            assert stat.S_IMODE(tokens.file.stat().st_mode) == 0o600
        assert Tokens(tokens.file).get("ada") == token
        assert len(token) > 40
        assert [path.name for path in tokens.file.parent.iterdir()] == ["tokens.json"]

    def test_each_has_its_own_and_only_one_is_the_admins(self, tmp_path: Path) -> None:
        tokens = Tokens(tmp_path / "tokens.json")
        made = tokens.make_missing(("ada", ADMIN, "bob"))
        assert len(set(made.values())) == 3
        whose = [tokens.who(made[name]) for name in ("ada", ADMIN, "bob")]
        assert [(caller.user, caller.admin) for caller in whose if caller] == [
            *(("ada", False), (ADMIN, True), ("bob", False)),
        ]
        assert tokens.who("") is None

    @pytest.mark.parametrize("text", ["", "[]", '{"tokens": []}', '{"tokens": {"a": ""}}', "{"])
    def test_one_that_holds_none_is_told_of(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "tokens.json"
        file.write_text(text)
        file.chmod(0o600)
        with pytest.raises(TokensError, match="holds no tokens; delete it"):
            Tokens(file).get("ada")
        assert file.read_text() == text

    @pytest.mark.parametrize("name", ["", " ", " ada", "a\nb", "\x1b[2J", "x" * 101])
    def test_names_that_nobody_has(self, name: str) -> None:
        with pytest.raises(TokensError, match="no user can be called"):
            check_name(name)


class TestHostAndOrigin:
    async def test_another_name_is_not_ours(self, tmp_path: Path) -> None:
        async with api(tmp_path, names=("chat.example",)) as desk:
            port = desk.address.port
            for host in ("127.0.0.1", f"localhost:{port}", "[::1]:1", "CHAT.example", "localhost."):
                response = await desk.ada.get("/api/ai/status", headers={"host": host})
                assert response.status_code == 200, host
            for host in ("evil.example", "127.0.0.1.evil.example", "10.0.0.1", "a@localhost", ""):
                for path in ("/api/ai/status", "/healthz"):
                    response = await desk.ada.get(path, headers={"host": host})
                    assert response.status_code == 403, host

    async def test_beyond_this_machine_any_address_is_but_no_name(self, tmp_path: Path) -> None:
        async with api(tmp_path, any_ip=True) as desk:
            for host, status in (("10.0.0.1:80", 200), ("[fe80::1]", 200), ("evil.example", 403)):
                response = await desk.ada.get("/api/ai/status", headers={"host": host})
                assert response.status_code == status, host

    async def test_a_page_of_another_site_gets_nothing_done(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            for headers in (
                *({"origin": "http://evil.example"}, {"origin": "null"}, {"origin": ""}),
                {"origin": f"http://localhost:{desk.address.port}"},
                {"sec-fetch-site": "cross-site"},
            ):
                response = await desk.admin.post("/api/ai/pause", headers=headers)
                assert response.status_code == 403, headers
            assert not desk.service.snapshot().paused
            ours = {"origin": desk.address.url, "sec-fetch-site": "same-origin"}
            assert (await desk.admin.post("/api/ai/pause", headers=ours)).status_code == 200


class TestBounds:
    @pytest.mark.parametrize(
        ("more", "status"),
        [
            ("x: " + "a" * 17_000, 431),
            ("\r\n".join(f"x{n}: {n}" for n in range(2000)), 431),
            ("authorization: Bearer other", 400),
            ("origin: http://localhost\r\norigin: http://elsewhere", 400),
            ("content-length: 2\r\ntransfer-encoding: chunked", 400),
        ],
    )
    async def test_a_head_that_may_be_read_in_another_way(
        self, tmp_path: Path, more: str, status: int
    ) -> None:
        """However fast it comes: in one piece, here."""
        async with api(tmp_path) as desk:
            head = "POST /api/ai/pause HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer "
            head += desk.tokens.get("admin") + "\r\n"
            told = await raw(desk, f"{head}{more}\r\n\r\n0\r\n\r\n{head}\r\n".encode())
            assert f" {status} ".encode() in told
            assert told.count(b"HTTP/1.1 ") == 1
            assert not desk.service.snapshot().paused

    async def test_a_body_that_says_it_is_too_large(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            head = (
                f"POST /api/ai/requests HTTP/1.1\r\nhost: localhost\r\n"
                f"authorization: Bearer {desk.tokens.get('ada')}\r\n"
                f"content-length: {MOST_BODY + 1}\r\n\r\n"
            )
            assert b" 413 " in await raw(desk, head.encode())

    async def test_a_body_that_does_not_say_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ccchat_tui.api.doors.MOST_BODY", 1000)
        async with api(tmp_path) as desk:

            async def pieces() -> AsyncIterator[bytes]:
                for _ in range(11):
                    yield b" " * 100

            response = await desk.ada.post("/api/ai/requests", content=pieces())
            assert response.status_code == 413

    async def test_nobody_has_a_large_body_kept(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            head = b"POST /healthz HTTP/1.1\r\nhost: localhost\r\n"
            assert b" 413 " in await raw(desk, head + b"content-length: 4097\r\n\r\n")
            pieces = (
                head + b"transfer-encoding: chunked\r\n\r\n" + b"400\r\n" + b" " * 1024 + b"\r\n"
            )
            assert b" 413 " in await raw(desk, pieces + (b"400\r\n" + b" " * 1024 + b"\r\n") * 4)

    async def test_all_bodies_together_are_bounded(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ccchat_tui.api.doors.MOST_BODIES", 1000)
        async with api(tmp_path) as desk:
            head = (
                f"POST /api/ai/requests HTTP/1.1\r\nhost: localhost\r\n"
                f"authorization: Bearer {desk.tokens.get('ada')}\r\n"
                "content-length: 900\r\nconnection: close\r\n\r\n"
            )
            some = head.encode() + b" " * 600
            _, writer = await asyncio.open_connection(desk.address.host, desk.address.port)
            writer.write(some)
            async with asyncio.timeout(10):
                while b" 503 " not in (told := await raw(desk, some + b" " * 300)):
                    assert b" 400 " in told  # the other one has not come yet
                writer.transport.abort()
                while b" 400 " not in (told := await raw(desk, some + b" " * 300)):
                    assert b" 503 " in told  # nor left

    async def test_a_body_that_does_not_come(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ccchat_tui.api.doors.BODY_SECONDS", 0.05)
        async with api(tmp_path) as desk:
            head = (
                f"POST /api/ai/requests HTTP/1.1\r\nhost: localhost\r\n"
                f"authorization: Bearer {desk.tokens.get('ada')}\r\ncontent-length: 9\r\n\r\n{{"
            )
            assert b" 408 " in await raw(desk, head.encode())

    @pytest.mark.parametrize("data", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: localhost\r\n"])
    async def test_a_head_that_does_not_come(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
    ) -> None:
        monkeypatch.setattr(connection, "HEAD_SECONDS", 0.05)
        async with api(tmp_path) as desk:
            assert await raw(desk, data) == b""

    async def test_a_head_that_is_too_large(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            head = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: "
            assert b" 400 " in await raw(desk, head + b"x" * connection.MOST_HEAD)

    async def test_connections_are_counted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection, "MOST_CONNECTIONS", 1)
        async with api(tmp_path) as desk:
            assert (await desk.ada.get("/healthz")).status_code == 200
            assert b" 503 " in await raw(desk, b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert (await desk.ada.get("/healthz")).status_code == 200

    async def test_who_does_not_read_is_let_go(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection, "READ_SECONDS", 0.05)
        async with api(tmp_path) as desk:
            body = json.dumps(chat("hello")).encode()
            reader, writer = await asyncio.open_connection(desk.address.host, desk.address.port)
            head = (
                f"POST /api/ai/requests HTTP/1.1\r\nhost: localhost\r\n"
                f"authorization: Bearer {desk.tokens.get('ada')}\r\n"
                f"content-length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            await desk.backend.emit("hello", "x" * 20_000_000)
            async with asyncio.timeout(10):
                await desk.backend.calls[0].closed.wait()
            await desk.until_living(0)
            writer.close()
            del reader

    async def test_one_who_reads_slowly_does_not_hold_up_others(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk, asking(desk.bob, "slow"):
            for _ in range(4):
                await desk.backend.emit("slow", "x" * 5_000_000)
            async with asking(desk.ada, "quick") as response:
                await desk.backend.emit("quick", "yes")
                await desk.backend.finish("quick")
                assert b'"done":true' in await response.aread()


class TestEnding:
    async def test_what_is_under_way_ends_with_it(self, tmp_path: Path) -> None:
        async with httpx.AsyncClient(timeout=20, trust_env=False) as follower:
            async with api(tmp_path) as desk:
                following = follower.build_request(
                    "GET", f"{desk.address.url}/api/ai/events", headers=desk.ada.headers
                )
                response = await follower.send(following, stream=True)
                asked = asyncio.create_task(
                    desk.ada.post("/api/ai/requests", json=chat("hello", stream=False))
                )
                await desk.backend.call("hello")
                await desk.service.aclose()
                assert (await asked).status_code == 499
            # The events came to an end, and did not break off.
            assert b"event: ended" in await response.aread()


class TestAddress:
    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("8080", Address("127.0.0.1", 8080)),
            ("0", Address("127.0.0.1", 0)),
            ("localhost:80", Address("localhost", 80)),
            ("[::1]:80", Address("::1", 80)),
            ("0.0.0.0:80", Address("0.0.0.0", 80)),
            ("a-b.example:80", Address("a-b.example", 80)),
        ],
    )
    def test_ways_to_write_it(self, text: str, address: Address) -> None:
        assert read_address(text) == address

    @pytest.mark.parametrize(
        "text",
        [
            *("", "x", ":80", "65536", "-1", "::1:80", "[::1]", "[x]:80", "1.2.3.4.5:80", "a b:80"),
            *("\u0668\u0660", "http://a:80", "999.1.1.1:80"),
        ],
    )
    def test_ways_not_to(self, text: str) -> None:
        with pytest.raises(AddressError, match="give a port"):
            read_address(text)

    def test_what_stays_on_this_machine(self) -> None:
        assert all(Address(host, 1).loopback for host in ("127.0.0.1", "127.9.9.9", "::1"))
        assert Address("Localhost", 1).loopback
        assert not any(Address(host, 1).loopback for host in ("0.0.0.0", "::", "a.example"))

    def test_a_port_that_is_taken(self) -> None:
        taken, address = bind(Address("127.0.0.1", 0))
        try:
            with pytest.raises(AddressError, match=f"{address.port}.*another port"):
                bind(address)
        finally:
            taken.close()

"""Requests that outlive their connection: what is sent of them, and for how long they are kept."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET
from typing import Any, cast

import pytest

from ccchat_tui.api.connection import Connection
from ccchat_tui.api.detached import DetachedRequests
from ccchat_tui.api.rest import Rest
from ccchat_tui.backends.base import ChatMessage, Prompt
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.testing.app import until
from ccchat_tui.testing.scripted import ScriptedBackend
from tests.api.desk import MODEL, Desk, api, chat


async def detach(desk: Desk, text: str, **more: Any) -> str:
    """Ask something that is followed apart. Returns its id."""
    body = chat(text, detached=True, **more)
    told = await desk.ada.post("/api/ai/requests", json=body)
    assert told.status_code == 202, told.text
    request_id: str = told.json()["id"]
    return request_id


async def reply(desk: Desk, request_id: str, **have: int) -> list[dict[str, Any]]:
    """All lines of one, to its end."""
    told = await desk.ada.get(f"/api/ai/requests/{request_id}/reply", params=have)
    assert told.status_code == 200
    return [json.loads(line) for line in told.text.splitlines()]


class TestRest:
    @pytest.mark.parametrize("skip", range(12))
    def test_every_character_comes_once_wherever_it_begins(
        self, monkeypatch: pytest.MonkeyPatch, skip: int
    ) -> None:
        monkeypatch.setattr("ccchat_tui.api.rest.LONGEST", 3)
        parts, grown, rest, got = ["ab", "", "cdefghi"], ["j", "k"], Rest(skip), ""
        for piece in (*grown, None):
            while rest.more(parts):
                new = rest.of(parts)
                assert len(new) <= 3
                got += new
            if piece is not None:
                parts.append(piece)
        assert got == "abcdefghijk"[skip:]
        assert rest.of(parts) == ""


async def test_a_long_reply_is_caught_up_with_in_bounded_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccchat_tui.api.rest.LONGEST", 10)
    async with api(tmp_path) as desk:
        request_id = await detach(desk, "hello")
        whole = "".join(chr(97 + n % 26) for n in range(95))
        await desk.backend.emit("hello", whole, thinking="t" * 25)
        await desk.backend.finish("hello")
        await desk.until_living(0)
        lines = await reply(desk, request_id, text=5)
        assert "".join(line.get("text", "") for line in lines) == whole[5:]
        assert "".join(line.get("thinking", "") for line in lines) == "t" * 25
        assert max(len(line.get("text", "")) for line in lines) == 10
        kinds = [[e["event"] for e in line.get("events", ())] for line in lines]
        assert [number for number, told in enumerate(kinds) if "ended" in told] == [len(lines) - 1]


async def test_what_a_client_leaves_unread_does_not_pile_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[asyncio.Transport] = []
    before = Connection.connection_made

    def note(self: Connection, transport: asyncio.BaseTransport) -> None:
        # What the kernel takes in for us would hide what we keep.
        transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
        made.append(cast("asyncio.Transport", transport))
        before(self, transport)

    monkeypatch.setattr(Connection, "connection_made", note)
    async with api(tmp_path) as desk:
        reader, writer = await asyncio.open_connection(desk.address.host, desk.address.port)
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_RCVBUF, 65_536)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        body = json.dumps(chat("long"))
        writer.write(
            f"POST /api/chat HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
            f"authorization: Bearer {desk.tokens.get('ada')}\r\n"
            f"content-length: {len(body)}\r\n\r\n{body}".encode()
        )
        piece, most = "x" * 20_000, 0
        for _ in range(100):
            await desk.backend.emit("long", piece)
            most = max(most, made[0].get_write_buffer_size())
        assert 65_536 < most < 3 * 65_536
        reader._transport.resume_reading()  # type: ignore[attr-defined]
        await reader.readexactly(200_000)  # a little, so that it is sent what has come meanwhile
        assert made[0].get_write_buffer_size() < 3 * 65_536
        writer.transport.abort()
        await desk.until_living(0)


async def test_a_queued_one_that_nobody_follows_is_forgotten_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ccchat_tui.api.detached.LINGER", 0.01)
    service = ConcurrentChatService(ScriptedBackend(), EngineSettings(max_concurrent=1))
    all_ = DetachedRequests(service)
    prompt = Prompt(MODEL, (ChatMessage("user", "hello"),))
    try:
        for number in range(3):
            detached = all_.expect(f"request-{number}", "ada")
            detached.handle = service.submit(
                user="ada", session_id="s", model=MODEL, prompt=lambda: prompt, preview="hello",
                id=f"request-{number}",
            )  # fmt: skip
        await until(lambda: not service.snapshot().requests)
        await until(lambda: len(all_) == 0)
        assert service.snapshot().totals.cancelled == 3
    finally:
        all_.close()
        await service.aclose()


async def test_what_a_revoked_token_has_asked_for_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccchat_tui.api.revoking.EVERY", 0.05)
    async with api(tmp_path) as desk:
        request_id = await detach(desk, "hello")
        await desk.backend.emit("hello", "half")
        following = asyncio.create_task(reply(desk, request_id))
        nobody_follows = await detach(desk, "another")
        desk.tokens.revoke("ada")
        await following
        await desk.until_living(0)
        assert desk.service.snapshot().totals.cancelled == 2
        told = await desk.admin.get(f"/api/ai/requests/{nobody_follows}")
        assert told.json()["state"] == "cancelled"

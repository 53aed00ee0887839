"""Working from afar when things do not come in order, and on what is no ccchat at all."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ccchat_tui.backends.base import BackendError, ChatMessage, Prompt
from ccchat_tui.backends.ccchat import CcchatServer
from ccchat_tui.backends.hosts import Host
from ccchat_tui.clock import SystemClock
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import RequestState
from ccchat_tui.remote.me import who_am_i
from ccchat_tui.remote.picture import servers_of, snapshot_of
from ccchat_tui.remote.service import RemoteService
from ccchat_tui.testing.app import until
from tests.api.desk import MODEL, api, chat
from tests.remote.far import far


class TestCancelling:
    async def test_a_cancel_that_overtakes_its_request_reaches_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        arrived, go_on = asyncio.Event(), asyncio.Event()
        submit = CcchatServer.submit

        async def late(self: CcchatServer, prompt: Prompt, **terms: Any) -> None:
            arrived.set()
            await go_on.wait()
            await submit(self, prompt, **terms)

        monkeypatch.setattr(CcchatServer, "submit", late)
        async with far(tmp_path) as there:
            handle = there.ask("hello")
            await arrived.wait()
            handle.cancel()
            assert await handle.wait() is RequestState.CANCELLED
            go_on.set()
            await until(lambda: there.desk.service.snapshot().totals.cancelled == 1)
            async with asyncio.timeout(5):
                await there.service.drain()

    async def test_nothing_is_waited_for_that_was_cancelled_without_a_connection(
        self, tmp_path: Path
    ) -> None:
        async with far(tmp_path) as there:
            handle = there.ask("hello")
            await there.desk.backend.call("hello")
            await there.wire.cut()
            # Both the queue and the request wait for a connection then.
            await until(lambda: len(there.service.line.up._waiters) == 2)
            handle.cancel()
            async with asyncio.timeout(5):
                assert await handle.wait() is RequestState.CANCELLED
                await there.service.drain()
            await there.wire.open()

    async def test_the_admin_cancels_more_than_is_seen(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ccchat_tui.remote.line.ROWS", 2)
        async with far(tmp_path, as_="admin", max_concurrent=1) as there:
            for name in ("one", "two", "three", "four", "five"):
                body = chat(name, detached=True, user="bob")
                await there.desk.admin.post("/api/ai/requests", json=body)
            mine = there.ask("mine", user="admin")
            await until(lambda: len(there.service.snapshot().requests) == 2)
            await there.desk.until_living(6)
            told = there.service.cancel_user("bob")
            assert len(told) == 2
            await there.desk.until_living(1)
            assert not mine.ended
            assert mine.id in there.service.cancel_all()
            assert await mine.wait() is RequestState.CANCELLED
            await there.desk.until_living(0)


async def test_who_is_known_no_longer_waits_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccchat_tui.api.revoking.EVERY", 0.02)
    async with far(tmp_path) as there:
        handle = there.ask("hello")
        await there.desk.backend.emit("hello", "half")
        await until(lambda: handle.text == "half")
        there.desk.tokens.revoke("ada")
        await until(lambda: handle.ended)
        await until(lambda: "does not know this token" in there.service.trouble)
        await until(lambda: there.desk.service.snapshot().totals.cancelled == 1)


class Impostor:
    """Speaks HTTP, and answers what it is told to.

    Args:
        answers: By path without its query: the status and the body. A body that is a list is sent
            as lines, and the connection kept open then.
    """

    def __init__(self, answers: dict[str, tuple[int, Any]]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.targets: list[str] = []
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Close what is kept open."""
        for writer in self._open:
            writer.close()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, target, _ = head.split("\r\n", 1)[0].split(" ")
            path = target.partition("?")[0]
            self.asked.append(f"{method} {path}")
            self.targets.append(target)
            status, body = self.answers.get(path, (404, {"error": "no"}))
            if isinstance(body, list):
                writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
                writer.write(b"".join(json.dumps(line).encode() + b"\n" for line in body))
                self._open.add(writer)
                await reader.read()
            else:
                data = json.dumps(body).encode()
                writer.write(
                    f"HTTP/1.1 {status} x\r\ncontent-length: {len(data)}\r\n"
                    "connection: close\r\n\r\n".encode()
                    + data
                )
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


ME = {"user": "ada", "admin": False, "model": "", "at": 0.0}


@asynccontextmanager
async def impostor(**answers: tuple[int, Any]) -> AsyncIterator[tuple[Impostor, RemoteService]]:
    """One at work, and a service on it. Answers are named by the last part of their path."""
    paths = {"submit": "/api/ai/requests", "reply": "/api/ai/requests/request-1/reply"}
    told = {paths.get(name, f"/api/ai/{name}"): each for name, each in answers.items()}
    told = {"/api/ai/me": (200, ME), "/api/ai/events": (200, [{"id": "x-0"}]), **told}
    other = Impostor(told)
    listener = await asyncio.start_server(other, "127.0.0.1", 0)
    server = CcchatServer(Host(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"))
    async with listener:
        service = RemoteService(server, await who_am_i(server), clock=SystemClock())
        service.start()
        try:
            yield other, service
        finally:
            await service.aclose()
            await server.aclose()


def ask(service: RemoteService) -> RequestHandle:
    """Ask something."""
    prompt = Prompt(MODEL, (ChatMessage("user", "hello"),))
    return service.submit(
        user="ada", session_id="s", model=MODEL, prompt=lambda: prompt, preview="hello",
        id="request-1",
    )  # fmt: skip


def event(kind: str, **more: Any) -> dict[str, Any]:
    """An event as it is told of."""
    who = {"request_id": "request-1", "user": "ada", "session_id": "s"}
    return {"event": kind, "at": 1.0, **who, **more}


STARTED = event("started", attempt=1, waited=0.0)
ENDED = event("ended", state="completed", failure=None, stats=None, tokens=1, duration=1.0)


class TestOddServers:
    @pytest.mark.parametrize(
        "line",
        [
            {"text": "before it was started"},
            {"events": 5},
            {"events": None},
            {"events": [STARTED], "text": 5},
            {"events": [{**STARTED, "at": "soon"}]},
            {"events": [{**STARTED, "request_id": "another"}]},
        ],
    )
    async def test_a_reply_that_is_none_ends_the_request(self, line: dict[str, Any]) -> None:
        async with impostor(submit=(202, {"id": "request-1"}), reply=(200, [line])) as (_, service):
            handle = ask(service)
            async with asyncio.timeout(5):
                await handle.wait()
            assert handle.state is RequestState.FAILED
            assert handle.failure is not None
            assert handle.failure.kind == "protocol"
            async with asyncio.timeout(5):
                await service.drain()

    async def test_too_many_connections_end_no_request(self) -> None:
        busy = (503, {"error": "busy"})
        async with impostor(submit=(202, {"id": "request-1"}), reply=busy) as (other, service):
            handle = ask(service)
            await until(lambda: other.asked.count("GET /api/ai/requests/request-1/reply") > 1)
            assert not handle.ended
            lines = [{"events": [STARTED], "text": "hi"}, {"events": [ENDED]}]
            other.answers["/api/ai/requests/request-1/reply"] = (200, lines)
            assert await handle.wait() is RequestState.COMPLETED
            assert handle.text == "hi"

    async def test_a_queue_that_is_none_is_said_once(self) -> None:
        status = (200, {"limits": 1, "totals": 2, "in_flight": 3})
        rows: tuple[int, Any] = (200, {"requests": []})
        async with impostor(status=status) as (other, service):
            other.answers["/api/ai/requests"] = rows
            said: list[str] = []
            service.say = said.append
            await until(lambda: other.asked.count("GET /api/ai/status") > 2)
            assert len(said) == 1
            assert "is it newer?" in said[0]

    async def test_a_place_that_is_none_is_not_gone_back_to(self) -> None:
        odd = [{"id": "x-1"}, {"id": "\ud800"}, {"id": "x" * 101}, {"id": 5}]
        paused = {"id": "\ud800", "event": {"event": "paused", "at": 1.0}}
        async with impostor(events=(200, [*odd, paused])) as (other, service):
            told: list[Any] = []
            service.subscribe(told.append)
            await until(lambda: len(told) == 1)
            other.answers["/api/ai/events"] = (500, {"error": "broke"})
            other.cut()
            await until(lambda: any(each.endswith("after=x-1") for each in other.targets))

    async def test_moments_are_of_our_clock_whatever_is_told(self) -> None:
        far_off = [
            {"id": "x-1", "event": {"event": "paused", "at": 1e300}},
            {"id": "x-2", "event": {"event": "resumed", "at": -1e300}},
        ]
        async with impostor(events=(200, far_off)) as (_, service):
            told: list[Any] = []
            service.subscribe(told.append)
            await until(lambda: len(told) == 2)
            now = SystemClock().monotonic()
            assert all(now - 4000 < each.at <= now for each in told)

    async def test_another_clock_is_gone_by_after_a_break(self) -> None:
        async with impostor(events=(200, [{"id": "x-0"}])) as (other, service):
            told: list[Any] = []
            service.subscribe(told.append)
            await until(lambda: "GET /api/ai/events" in other.asked)
            other.answers["/api/ai/events"] = (500, {"error": "broke"})
            service._spawn(service.line.follow(), "another")
            await until(lambda: service.trouble != "")
            other.answers["/api/ai/me"] = (200, {**ME, "at": 1e6})
            paused = {"id": "y-1", "event": {"event": "paused", "at": 1e6 - 10}}
            other.answers["/api/ai/events"] = (200, [paused])
            await until(lambda: bool(told))
            assert 9 < SystemClock().monotonic() - told[0].at < 20

    @pytest.mark.parametrize("wrong", [{"user": 5}, {"at": "now"}, {"model": None}])
    async def test_somebody_who_cannot_say_who_we_are_is_no_ccchat(
        self, wrong: dict[str, Any]
    ) -> None:
        with pytest.raises(BackendError, match="is no ccchat"):
            async with impostor(me=(200, {**ME, **wrong})):
                pass


async def test_a_picture_of_other_things_is_refused_wherever_it_is_wrong(tmp_path: Path) -> None:
    async with api(tmp_path, max_concurrent=1) as desk:
        for name in ("one", "two"):
            await desk.ada.post("/api/ai/requests", json=chat(name, detached=True))
        status = (await desk.admin.get("/api/ai/status")).json()
        rows = (await desk.admin.get("/api/ai/requests?all=1")).json()["requests"]
    assert len(snapshot_of(status, rows, 0.0).requests) == 2
    status["servers"] = [
        {"server": "one", "state": "closed", "in_flight": 0, "weight": 1.0, "limit": 2,
         "completed": 1, "failed": 0, "address": "http://one", "reason": ""},
    ]  # fmt: skip
    assert servers_of(status)[0].name == "one"
    tried = 0
    for odd in ({"x": 1}, [1], -1, 1e300, "\x1b[2J", "x" * 10_000, None, True):
        for where in ("status", "limits", "totals", "users", "rows", "servers"):
            for name in {
                "status": status, "limits": status["limits"], "totals": status["totals"],
                "users": status["users"][0], "rows": rows[0], "servers": status["servers"][0],
            }[where]:  # fmt: skip
                changed = copy.deepcopy({"status": status, "rows": rows})
                there: Any = changed["rows"][0]
                if where != "rows":
                    there = changed["status"]
                    there = there if where == "status" else there[where]
                    there = there[0] if isinstance(there, list) else there
                there[name] = odd
                try:
                    told = repr(
                        (snapshot_of(changed["status"], changed["rows"], 0.0),
                         servers_of(changed["status"]))
                    )  # fmt: skip
                except ValueError:
                    tried += 1
                    continue
                assert "{'x'" not in told, (where, name)
                assert "[1]" not in told, (where, name)
                assert "1e+300" not in told, (where, name)
                assert "x1b" not in told, (where, name)
                assert "x" * 1000 not in told, (where, name)
    assert tried > 200

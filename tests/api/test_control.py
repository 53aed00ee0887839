"""The control API: what is seen of the queue, and how it is steered."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.scenarios.report import make_report
from tests.api.desk import MODEL, Desk, api, asking, chat, events, lines


class TestSubmit:
    async def test_a_reply_comes_as_it_grows(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk, asking(desk.ada, "hello") as response:
            told = lines(response)
            assert (await anext(told))["message"]["content"] == ""
            await desk.backend.emit("hello", "one ")
            first = await anext(told)
            assert first["message"] == {"role": "assistant", "content": "one "}
            assert (first["model"], first["done"]) == (MODEL, False)
            await desk.backend.emit("hello", "", thinking="hm")
            assert (await anext(told))["message"]["thinking"] == "hm"
            await desk.backend.finish("hello", tokens=2)
            last = await anext(told)
            assert (last["done"], last["done_reason"], last["eval_count"]) == (True, "stop", 2)
            assert last["prompt_eval_count"] == 12
            assert last["total_duration"] > 0
            assert [line async for line in told] == []

    async def test_or_whole(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            asked = asyncio.create_task(
                desk.ada.post("/api/ai/requests", json=chat("hello", stream=False))
            )
            await desk.backend.emit("hello", "one ", thinking="hm")
            await desk.backend.emit("hello", "two\u2028\ud800")
            await desk.backend.finish("hello")
            response = await asked
        assert response.headers["content-type"] == "application/json"
        told = response.json()
        assert told["message"]["content"] == "one two\u2028\ud800"
        assert (told["message"]["thinking"], told["done"]) == ("hm", True)

    async def test_what_was_asked_reaches_the_server(self, tmp_path: Path) -> None:
        more: dict[str, Any] = {"options": {"temperature": 0.5}, "think": "low", "keep_alive": "5m"}
        async with api(tmp_path) as desk, asking(desk.ada, "hello", **more):
            prompt = (await desk.backend.call("hello")).prompt
        assert (prompt.model, prompt.user, prompt.options) == (MODEL, "ada", {"temperature": 0.5})
        assert (prompt.think, prompt.keep_alive) == ("low", "5m")

    async def test_without_a_model_the_first_is_asked(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk, asking(desk.ada, "hello", model=None):
            assert (await desk.backend.call("hello")).prompt.model == MODEL

    async def test_closing_the_connection_cancels(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            async with asking(desk.ada, "hello"):
                call = await desk.backend.call("hello")
            async with asyncio.timeout(10):
                await call.closed.wait()
            await desk.until_living(0)
            assert desk.service.snapshot().totals.cancelled == 1

    async def test_closing_it_while_it_waits_gives_its_place_away(self, tmp_path: Path) -> None:
        async with api(tmp_path, max_concurrent=1) as desk, asking(desk.ada, "first"):
            await desk.backend.call("first")
            waiting = asyncio.create_task(
                desk.ada.post("/api/ai/requests", json=chat("second", stream=False))
            )
            await desk.until_living(2)
            waiting.cancel()
            await asyncio.wait([waiting])
            await desk.until_living(1)
            assert [call.question for call in desk.backend.calls] == ["first"]

    @pytest.mark.parametrize(
        ("kind", "status"),
        [
            (ErrorKind.BAD_REQUEST, 400),
            (ErrorKind.UNAUTHORIZED, 502),
            (ErrorKind.NOT_OLLAMA, 502),
            (ErrorKind.PROTOCOL, 502),
        ],
    )
    async def test_a_failure_has_a_status(
        self, tmp_path: Path, kind: ErrorKind, status: int
    ) -> None:
        async with api(tmp_path) as desk:
            asked = asyncio.create_task(
                desk.ada.post("/api/ai/requests", json=chat("hello", stream=False))
            )
            await desk.backend.fail("hello", kind, "it went wrong")
            response = await asked
        assert (response.status_code, response.json()) == (status, {"error": "it went wrong"})

    async def test_a_failure_in_the_middle_is_the_last_line(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk, asking(desk.ada, "hello") as response:
            await desk.backend.emit("hello", "one ")
            await desk.backend.fail("hello", ErrorKind.SERVER, "it broke")
            told = [line async for line in lines(response)]
        assert told[-1] == {"error": "it broke"}
        assert "".join(line["message"]["content"] for line in told[:-1]) == "one "

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"messages": []}, "messages is empty"),
            ({"messages": "x"}, "messages is 'x'"),
            ({"messages": ["x"]}, "message 1 is 'x'"),
            ({"messages": [{"role": "boss", "content": ""}]}, "role 'boss'"),
            ({"messages": [{"role": ["user"], "content": ""}]}, "role ['user']"),
            ({"messages": [{"role": "user", "content": 1}]}, "content 1"),
            (chat("x", model=1), "model is 1"),
            (chat("x", stream="yes"), "stream is 'yes'"),
            (chat("x", think="much"), "think is 'much'"),
            (chat("x", options=[]), "options is []"),
            (chat("x", priority="top"), "priority is 'top'"),
            (chat("x", timeout_ms=0), "timeout_ms is 0"),
            (chat("x", colour="red"), "no field 'colour'"),
            ([], "the body is []"),
        ],
    )
    async def test_nonsense_is_told_by_its_name(
        self, tmp_path: Path, body: Any, words: str
    ) -> None:
        async with api(tmp_path) as desk:
            response = await desk.ada.post("/api/ai/requests", json=body)
        assert response.status_code == 400
        assert words in response.json()["error"]

    @pytest.mark.parametrize("body", [b"", b"{", b'{"messages": NaN}', b"[" * 100_000, b"\xff"])
    async def test_what_is_no_json_is_refused(self, tmp_path: Path, body: bytes) -> None:
        async with api(tmp_path) as desk:
            response = await desk.ada.post("/api/ai/requests", content=body)
        assert response.status_code == 400

    async def test_too_many_in_a_minute(self, tmp_path: Path) -> None:
        async with api(tmp_path, requests_per_minute=1) as desk, asking(desk.ada, "one"):
            refused = await desk.ada.post("/api/ai/requests", json=chat("two"))
            assert refused.status_code == 429
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            async with asking(desk.bob, "three"):
                pass

    async def test_a_full_queue(self, tmp_path: Path) -> None:
        async with (
            api(tmp_path, max_concurrent=1, max_queue=1) as desk,
            asking(desk.ada, "one"),
            asking(desk.ada, "two"),
        ):
            refused = await desk.bob.post("/api/ai/requests", json=chat("three"))
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")

    async def test_when_it_closes_nothing_more_is_taken(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            await desk.service.drain()
            refused = await desk.ada.post("/api/ai/requests", json=chat("hello"))
            assert refused.status_code == 503
            assert (await desk.ada.get("/readyz")).status_code == 503

    async def test_only_the_admin_goes_before_others_or_asks_for_them(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            for more in ({"priority": "high"}, {"user": "bob"}):
                refused = await desk.ada.post("/api/ai/requests", json=chat("x", **more))
                assert refused.status_code == 403
            async with asking(desk.admin, "hello", priority="high", user="bob") as response:
                (row,) = desk.service.snapshot().requests
                assert (row.user, row.priority.name, row.id) == (
                    *("bob", "HIGH"),
                    response.headers["x-request-id"],
                )


class TestSeen:
    async def test_the_status_has_the_names_of_the_report(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk, asking(desk.ada, "hello"):
            told = (await desk.admin.get("/api/ai/status")).json()
            report = make_report(desk.service.snapshot(), 1.0, {}, ())
        assert set(report) - {"wall_ms"} <= set(told)
        assert told["in_flight"] == 1
        assert told["totals"] == report["totals"]
        assert told["limits"] == report["limits"]

    async def test_users_see_their_own(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk, asking(desk.ada, "mine"), asking(desk.bob, "his"):
            await desk.until_living(2)
            (row,) = (await desk.ada.get("/api/ai/requests")).json()["requests"]
            assert (row["user"], row["preview"], row["model"]) == ("ada", "mine", MODEL)
            status = (await desk.ada.get("/api/ai/status")).json()
            assert [user["user"] for user in status["users"]] == ["ada"]
            assert (await desk.ada.get("/api/ai/requests?all=1")).status_code == 403
            everyone = (await desk.admin.get("/api/ai/requests?all=1")).json()["requests"]
            assert {row["user"] for row in everyone} == {"ada", "bob"}
            assert (await desk.ada.get(f"/api/ai/requests/{row['id']}")).json()["id"] == row["id"]
            for method in ("GET", "DELETE"):
                others = await desk.bob.request(method, f"/api/ai/requests/{row['id']}")
                unknown = await desk.bob.request(method, "/api/ai/requests/0")
                assert others.status_code == unknown.status_code == 404
                assert others.json()["error"].replace(row["id"], "0") == unknown.json()["error"]
            assert len(desk.service.snapshot().requests) == 2

    async def test_ended_ones_are_remembered_for_a_while(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            async with asking(desk.ada, "good") as response:
                await desk.backend.emit("good", "yes")
                await desk.backend.finish("good", tokens=3)
                await response.aread()
            async with asking(desk.ada, "bad") as response:
                await desk.backend.fail("bad", ErrorKind.BAD_REQUEST, "no")
                await response.aread()
                ident = response.headers["x-request-id"]
            path = "/api/ai/requests"
            (row,) = (await desk.ada.get(f"{path}?state=completed")).json()["requests"]
            assert (row["preview"], row["state"], row["tokens"]) == ("good", "completed", 3)
            both = (await desk.ada.get(f"{path}?state=completed,failed")).json()["requests"]
            assert [row["preview"] for row in both] == ["bad", "good"]
            assert (await desk.ada.get(f"{path}/{ident}")).json()["failure"] == "no"
            assert (await desk.bob.get(f"{path}/{ident}")).status_code == 404
            assert (await desk.bob.get(f"{path}?state=failed")).json() == {"requests": []}
            assert (await desk.ada.get(f"{path}?state=odd")).status_code == 400


class TestSteered:
    async def test_one_is_cancelled(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk, asking(desk.ada, "hello") as response:
            await desk.backend.emit("hello", "part")
            path = f"/api/ai/requests/{response.headers['x-request-id']}"
            assert (await desk.ada.delete(path)).json()["cancelled"] is True
            told = [line async for line in lines(response)]
            assert "error" in told[-1]
            assert (await desk.ada.delete(path)).json()["cancelled"] is False

    async def test_all_of_ones_own(self, tmp_path: Path) -> None:
        async with (
            api(tmp_path) as desk,
            asking(desk.ada, "one") as one,
            asking(desk.ada, "two") as two,
            asking(desk.bob, "three") as three,
        ):
            for query in ("?user=bob", "?all=1"):
                refused = await desk.ada.delete(f"/api/ai/requests{query}")
                assert refused.status_code == 403
            told = (await desk.ada.delete("/api/ai/requests")).json()["cancelled"]
            assert set(told) == {each.headers["x-request-id"] for each in (one, two)}
            told = (await desk.admin.delete("/api/ai/requests?user=bob")).json()["cancelled"]
            assert told == [three.headers["x-request-id"]]

    async def test_limits(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            told = await desk.admin.patch("/api/ai/limits", json={"max_concurrent": 2.0})
            assert told.json()["limits"]["max_concurrent"] == 2
            assert told.json()["limits"]["max_concurrent_per_user"] == 3
            for body in (
                *({}, {"max_concurrent": 0}, {"max_concurrent": True}, {"max_concurrent": 1001}),
                *({"max_concurrent_per_user": "auto"}, {"speed": 1}),
            ):
                refused = await desk.admin.patch("/api/ai/limits", json=body)
                assert refused.status_code == 400, body
            assert (
                await desk.admin.patch("/api/ai/limits", json={"max_concurrent": "auto"})
            ).json()
            adaptive = desk.service.snapshot().adaptive
            assert adaptive is not None
            assert adaptive.on

    async def test_pause_and_resume(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            assert (await desk.admin.post("/api/ai/pause")).json() == {"paused": True}
            async with asking(desk.ada, "hello"):
                assert desk.service.snapshot().queue_length == 1
                assert (await desk.admin.post("/api/ai/resume")).json() == {"paused": False}
                await desk.backend.call("hello")

    async def test_only_the_admin_steers(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            limits = {"max_concurrent": 1}
            assert (await desk.ada.patch("/api/ai/limits", json=limits)).status_code == 403
            for path in ("pause", "resume"):
                assert (await desk.ada.post(f"/api/ai/{path}")).status_code == 403
            assert not desk.service.snapshot().paused


class TestEvents:
    async def read(
        self, desk: Desk, name: str, count: int, last: str = ""
    ) -> list[tuple[str, str, dict[str, Any]]]:
        headers = {"last-event-id": last} if last else {}
        got = []
        async with desk.clients[name].stream("GET", "/api/ai/events", headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            async for event in events(response):
                got.append(event)
                if len(got) == count:
                    break
        return got

    async def run_one(self, desk: Desk, name: str, text: str) -> None:
        async with asking(desk.clients[name], text) as response:
            await desk.backend.emit(text, "yes")
            await desk.backend.finish(text)
            await response.aread()

    async def test_what_happens_and_from_where_one_left(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            async with desk.ada.stream("GET", "/api/ai/events") as response:
                told = events(response)
                await self.run_one(desk, "bob", "his")
                await self.run_one(desk, "ada", "mine")
                got = [await anext(told) for _ in range(4)]
            kinds = ["queued", "started", "first_token", "ended"]
            assert [kind for _, kind, _ in got] == kinds
            assert {data["user"] for _, _, data in got} == {"ada"}
            assert got[-1][2]["state"] == "completed"
            assert got[-1][2]["stats"]["done_reason"] == "stop"
            assert got[0][2]["priority"] == "normal"
            assert got[1][2]["waited"] >= 0
            assert await self.read(desk, "ada", 2, got[1][0]) == got[2:]
            first = got[0][0].partition("-")[0] + "-1"
            everyones = await self.read(desk, "admin", 7, first)
            assert [data["user"] for _, _, data in everyones] == ["bob"] * 3 + ["ada"] * 4

    @pytest.mark.parametrize("last", ["0-0", "nonsense", "-"])
    async def test_a_place_that_is_not_known_is_told_of(self, tmp_path: Path, last: str) -> None:
        async with api(tmp_path) as desk:
            assert await self.read(desk, "ada", 1, last) == [("", "missed", {})]

    async def test_who_comes_back_too_late_is_told_what_it_missed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ccchat_tui.api.journal.EVENTS", 3)
        async with api(tmp_path) as desk:
            async with desk.ada.stream("GET", "/api/ai/events") as response:
                await self.run_one(desk, "ada", "one")
                first, _, _ = await anext(events(response))
            await self.run_one(desk, "ada", "two")
            assert (await self.read(desk, "ada", 1, first))[0][1] == "missed"

    async def test_a_sign_of_life(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ccchat_tui.api.feed.HEARTBEAT", 0.01)
        async with api(tmp_path) as desk:
            await self.run_one(desk, "bob", "his")
            async with desk.ada.stream("GET", "/api/ai/events") as response:
                async for line in response.aiter_lines():
                    if line.startswith("id:"):
                        break
            # The place that was reached, though nothing of ada's ever happened.
            last = line.removeprefix("id:").strip()
            await self.run_one(desk, "ada", "mine")
            assert (await self.read(desk, "ada", 1, last))[0][1] == "queued"

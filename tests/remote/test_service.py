"""Working on another ccchat's engine: what is asked, seen and steered from afar."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ccchat_tui.backends.base import BackendError, ErrorKind
from ccchat_tui.backends.ccchat import CcchatServer
from ccchat_tui.backends.hosts import Host
from ccchat_tui.engine.events import LimitsChanged
from ccchat_tui.engine.request import Rejected, RequestState
from ccchat_tui.remote.me import who_am_i
from ccchat_tui.testing.app import until
from tests.api.desk import MODEL, api
from tests.remote.far import far

ALL = ["Queued", "Started", "FirstToken", "Ended"]


class TestAsking:
    async def test_a_reply_comes_as_it_grows(self, tmp_path: Path) -> None:
        async with far(tmp_path) as there:
            handle = there.ask("hello")
            assert handle.state is RequestState.QUEUED
            await there.desk.backend.call("hello")
            await until(lambda: handle.state is RequestState.CONNECTING)
            await there.desk.backend.emit("hello", "one ", thinking="hm")
            await until(lambda: handle.text == "one ")
            assert (handle.state, handle.thinking) == (RequestState.STREAMING, ["hm"])
            await there.desk.backend.emit("hello", "two é\u2028\ud800")
            await there.desk.backend.finish("hello", tokens=7)
            assert await handle.wait() is RequestState.COMPLETED
            assert handle.text == "one two é\u2028\ud800"
            assert (handle.tokens, handle.attempt) == (7, 1)
            assert handle.stats is not None
            assert handle.stats.done_reason == "stop"
            assert there.happened(handle.id) == ALL
            assert there.service.find(handle.id) is None

    async def test_it_runs_there_for_this_user_and_session(self, tmp_path: Path) -> None:
        async with far(tmp_path, max_concurrent=1) as there:
            first, second = there.ask("first"), there.ask("second")
            await until(lambda: len(there.desk.service.snapshot().requests) == 2)
            rows = there.desk.service.snapshot().requests
            assert {row.preview for row in rows} == {"shown: first", "shown: second"}
            assert {(row.id, row.user, row.session_id) for row in rows} == {
                (first.id, "ada", "chat-1"),
                (second.id, "ada", "chat-1"),
            }

    async def test_a_failure_is_told_as_it_is_there(self, tmp_path: Path) -> None:
        async with far(tmp_path, retry_attempts=0) as there:
            handle = there.ask("hello")
            await there.desk.backend.fail("hello", ErrorKind.OUT_OF_MEMORY, "no room")
            await handle.wait()
            assert handle.state is RequestState.FAILED
            assert handle.failure is not None
            assert (handle.failure.kind, handle.failure.message) == ("out_of_memory", "no room")

    async def test_a_retry_is_followed(self, tmp_path: Path) -> None:
        async with far(tmp_path, retry_base=0.01) as there:
            handle = there.ask("hello")
            await there.desk.backend.fail("hello", ErrorKind.SERVER, "broke")
            await there.desk.backend.emit(1, "now")
            await there.desk.backend.finish(1)
            await handle.wait()
            assert (handle.state, handle.text) == (RequestState.COMPLETED, "now")
            assert handle.attempt == 2
            happened = there.happened(handle.id)
            assert happened[:2] == ["Queued", "Started"]
            assert "Retrying" in happened
            assert happened.count("Ended") == 1

    async def test_a_refusal_ends_it_with_when_to_try_again(self, tmp_path: Path) -> None:
        async with far(tmp_path, requests_per_minute=1) as there:
            there.ask("first")
            second = there.ask("second")
            await second.wait()
            assert second.state is RequestState.FAILED
            assert second.failure is not None
            assert "try again in" in second.failure.message

    async def test_another_user_is_the_admins_to_ask_for(self, tmp_path: Path) -> None:
        async with far(tmp_path) as there:
            handle = there.ask("hello", user="bob")
            await handle.wait()
            assert handle.failure is not None
            assert "only the admin" in handle.failure.message


class TestCancelling:
    async def test_one_that_runs_is_cancelled_there(self, tmp_path: Path) -> None:
        async with far(tmp_path) as there:
            handle = there.ask("hello")
            await there.desk.backend.emit("hello", "half")
            await until(lambda: handle.text != "")
            assert there.service.cancel(handle.id)
            assert handle.cancelling
            assert not there.service.cancel(handle.id)
            assert await handle.wait() is RequestState.CANCELLED
            assert handle.text == "half"
            assert there.desk.service.snapshot().totals.cancelled == 1

    async def test_the_admin_cancels_anybodys(self, tmp_path: Path) -> None:
        async with far(tmp_path, as_="admin") as there:
            mine = there.ask("hello", user="bob")
            async with there.desk.ada.stream(
                "POST", "/api/ai/requests",
                json={"model": MODEL, "messages": [{"role": "user", "content": "hers"}]},
            ):  # fmt: skip
                await until(lambda: len(there.service.snapshot().requests) == 2)
                hers = next(r for r in there.service.snapshot().requests if r.id != mine.id)
                assert (hers.user, hers.preview) == ("ada", "hers")
                assert there.service.cancel(hers.id)
                await until(lambda: there.desk.service.snapshot().totals.cancelled == 1)
            await until(lambda: "Ended" in there.happened(hers.id))
            assert not mine.ended

    async def test_leaving_cancels_what_is_ours(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            async with far(tmp_path / "other") as there:
                handle = there.ask("hello")
                await there.desk.backend.call("hello")
                await there.service.aclose()
                assert handle.state is RequestState.CANCELLED
                assert there.desk.service.snapshot().totals.cancelled == 1
                with pytest.raises(Rejected):
                    there.ask("more")
            assert desk.service.snapshot().in_flight == 0


class TestSeeing:
    async def test_the_queue_is_seen_as_it_stands(self, tmp_path: Path) -> None:
        async with far(tmp_path, max_concurrent=1) as there:
            there.ask("first")
            second = there.ask("second")
            await until(lambda: there.service.snapshot().queue_length == 1)
            snapshot = there.service.snapshot()
            assert (snapshot.in_flight, snapshot.limits.max_concurrent) == (1, 1)
            queued = next(row for row in snapshot.requests if row.id == second.id)
            assert (queued.state, queued.position) == (RequestState.QUEUED, 1)
            assert len(there.service.snapshot(1).requests) == 1
            assert there.service.history.buckets(1)[0].queue_length == 1

    async def test_a_user_sees_how_many_there_are_and_only_their_own_rows(
        self, tmp_path: Path
    ) -> None:
        async with far(tmp_path) as there, there.desk.bob.stream(
            "POST", "/api/ai/requests",
            json={"model": MODEL, "messages": [{"role": "user", "content": "his"}]},
        ):  # fmt: skip
            mine = there.ask("hello")
            await until(lambda: there.service.snapshot().in_flight == 2)
            assert [row.id for row in there.service.snapshot().requests] == [mine.id]

    async def test_the_admin_steers_and_a_user_does_not(self, tmp_path: Path) -> None:
        async with far(tmp_path, as_="admin") as there:
            there.service.set_limits(max_concurrent=9)
            await until(lambda: there.service.snapshot().limits.max_concurrent == 9)
            assert any(isinstance(e, LimitsChanged) for e in there.told)
            there.service.pause()
            await until(lambda: there.service.snapshot().paused)
            there.service.resume()
            await until(lambda: not there.service.snapshot().paused)
            with pytest.raises(ValueError, match="max_concurrent"):
                there.service.set_limits(max_concurrent=0)
        async with far(tmp_path) as there:
            there.service.pause()
            assert "Only the admin" in there.said[0]
            assert "you are ada" in there.said[0]
            assert not there.desk.service.snapshot().paused

    async def test_it_knows_the_models_there(self, tmp_path: Path) -> None:
        async with far(tmp_path) as there:
            assert MODEL in [info.name for info in await there.service.backend.models()]


class TestBreaks:
    async def test_a_reply_goes_on_where_it_was(self, tmp_path: Path) -> None:
        async with far(tmp_path) as there:
            handle = there.ask("hello")
            await there.desk.backend.emit("hello", "one ", thinking="h")
            await until(lambda: handle.text == "one ")
            await there.wire.cut()
            await until(lambda: there.service.trouble != "")
            await there.desk.backend.emit("hello", "two ", thinking="m")
            await there.desk.backend.emit("hello", "three")
            with pytest.raises(Rejected, match="again when it is back"):
                there.ask("more")
            await there.wire.open()
            await until(lambda: handle.text == "one two three")
            assert there.service.trouble == ""
            await there.desk.backend.finish("hello")
            assert await handle.wait() is RequestState.COMPLETED
            assert "".join(handle.thinking) == "hm"
            assert there.happened(handle.id) == ALL

    async def test_one_that_ended_meanwhile_is_caught_up_with(self, tmp_path: Path) -> None:
        async with far(tmp_path) as there:
            handle = there.ask("hello")
            await there.desk.backend.call("hello")
            await there.wire.cut()
            await until(lambda: there.service.trouble != "")
            await there.desk.backend.emit("hello", "all of it")
            await there.desk.backend.finish("hello")
            await there.desk.until_living(0)
            await there.wire.open()
            assert await handle.wait() is RequestState.COMPLETED
            assert handle.text == "all of it"
            assert there.happened(handle.id) == ALL

    async def test_what_others_did_meanwhile_is_told(self, tmp_path: Path) -> None:
        async with far(tmp_path, as_="admin") as there:
            await until(lambda: there.service.snapshot().limits.max_concurrent > 0)
            await there.wire.cut()
            await until(lambda: there.service.trouble != "")
            there.desk.service.set_limits(max_concurrent=8)
            await there.wire.open()
            await until(lambda: bool(there.told))
            assert [type(e) for e in there.told] == [LimitsChanged]
            await until(lambda: there.service.snapshot().limits.max_concurrent == 8)

    async def test_cancelled_without_a_connection_it_ends_here(self, tmp_path: Path) -> None:
        async with far(tmp_path) as there:
            handle = there.ask("hello")
            await there.desk.backend.call("hello")
            await until(lambda: handle.state is RequestState.CONNECTING)
            await there.wire.cut()
            await until(lambda: there.service.trouble != "")
            assert there.service.cancel(handle.id)
            assert await handle.wait() is RequestState.CANCELLED

    async def test_nobody_follows_for_long(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with far(tmp_path) as there:
            handle = there.ask("hello")
            await there.desk.backend.emit("hello", "half")
            await until(lambda: handle.text != "")
            # Not before: on a slow machine it may take so long until somebody follows.
            monkeypatch.setattr("ccchat_tui.api.detached.LINGER", 0.05)
            await there.wire.cut()
            await there.desk.until_living(0)
            assert there.desk.service.snapshot().totals.cancelled == 1
            async with asyncio.timeout(10):  # until it is forgotten there
                path = f"/api/ai/requests/{handle.id}/reply"
                while (await there.desk.ada.get(path)).status_code != 404:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            await there.wire.open()
            await handle.wait()
            assert handle.state is RequestState.FAILED
            assert handle.failure is not None
            assert "does not know this request any more" in handle.failure.message
            assert handle.text == "half"

    async def test_asked_twice_by_one_id_it_is_asked_once(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            body = {
                "model": MODEL,
                "messages": [{"role": "user", "content": "hello"}],
                "id": "just-this-one",
                "detached": True,
            }
            for _ in range(2):
                assert (await desk.ada.post("/api/ai/requests", json=body)).status_code == 202
            assert (await desk.bob.post("/api/ai/requests", json=body)).status_code == 409
            assert desk.service.snapshot().totals.submitted == 1
            reply = await desk.bob.get("/api/ai/requests/just-this-one/reply")
            assert reply.status_code == 404


class TestWhoIsThere:
    async def test_a_wrong_token_is_told_with_the_remedy(self, tmp_path: Path) -> None:
        async with api(tmp_path) as desk:
            server = CcchatServer(Host(desk.address.url), api_key="nobodys")
            with pytest.raises(BackendError, match="ccchat token --user NAME"):
                await who_am_i(server)

    async def test_something_else_there_is_told(self, tmp_path: Path) -> None:
        async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
            writer.close()

        listener = await asyncio.start_server(other, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        async with listener:
            with pytest.raises(BackendError, match="is no ccchat"):
                await who_am_i(CcchatServer(Host(f"http://127.0.0.1:{port}")))

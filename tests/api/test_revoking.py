"""A token that is revoked ends what was begun with it, and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ccchat_tui.api import revoking
from ccchat_tui.api.revoking import Revoking, until_gone
from ccchat_tui.api.tokens import Caller, Tokens
from ccchat_tui.testing.app import until
from tests.api.desk import api, asking, chat


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revoking, "EVERY", 0.02)


async def test_streams_of_replies_and_of_events_end(tmp_path: Path) -> None:
    async with (
        api(tmp_path) as desk,
        asking(desk.ada, "one") as reply,
        desk.ada.stream("GET", "/api/ai/events") as feed,
        asking(desk.bob, "other") as others,
    ):
        whole = asyncio.create_task(desk.ada.post("/api/chat", json=chat("two", stream=False)))
        await desk.backend.call("two")
        await desk.backend.emit("one", "yes")
        assert Tokens(desk.tokens.file).revoke("ada")
        async with asyncio.timeout(10):
            last = [line async for line in reply.aiter_lines()][-1]
            assert "Cancelled" in last
            assert b"event: queued" in await feed.aread()  # it ends
            assert (await whole).status_code == 499
        await desk.until_living(1)
        await desk.backend.finish("other")
        assert b'"done":true' in await others.aread()


async def test_another_token_of_the_same_user_changes_nothing_for_the_old_one(
    tmp_path: Path,
) -> None:
    """It is the token that counts, and not the name."""
    async with api(tmp_path) as desk, asking(desk.ada, "one") as reply:
        elsewhere = Tokens(desk.tokens.file)
        elsewhere.revoke("ada")
        elsewhere.get("ada")
        async with asyncio.timeout(10):
            await reply.aread()
        await desk.until_living(0)


async def test_tokens_that_cannot_be_read_for_a_moment_end_nothing(tmp_path: Path) -> None:
    async with api(tmp_path) as desk, asking(desk.ada, "one") as reply:
        good = desk.tokens.file.read_text(encoding="utf-8")
        desk.tokens.file.write_text("{", encoding="utf-8")
        looked, who = [], desk.tokens.who

        def counted(token: str) -> Caller | None:
            looked.append(token)
            return who(token)

        desk.tokens.who = counted  # type: ignore[method-assign]
        await until(lambda: len(looked) > 2)
        desk.tokens.file.write_text(good, encoding="utf-8")
        await desk.backend.finish("one")
        assert b'"done":true' in await reply.aread()


async def test_while_nothing_is_under_way_it_sleeps(tmp_path: Path) -> None:
    watch: Any = Revoking(Tokens(tmp_path / "tokens.json"))
    with watch.under_way("a"), watch.under_way("a"), watch.under_way("b"):
        assert watch._timer is not None
    assert watch._timer is None
    assert watch._under_way == {}


async def test_who_waits_for_a_client_that_does_not_leave_may_be_cancelled() -> None:
    heard = asyncio.Event()

    async def receive() -> dict[str, str]:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            heard.set()
            raise
        return {}

    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    received: Any = until_gone(receive, gone)
    waiting: asyncio.Task[Any] = asyncio.create_task(received())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait((waiting,))
    async with asyncio.timeout(10):
        await heard.wait()

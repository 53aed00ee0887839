"""What is kept of conversations while they go on, over the real engine and a real file."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ccchat_tui.backends.base import ErrorKind
from ccchat_tui.engine.request import Rejected
from ccchat_tui.sessions.keeper import StoreKeeper
from ccchat_tui.sessions.loading import load_session
from ccchat_tui.sessions.model import Session, Turn, TurnState
from ccchat_tui.sessions.search import total
from ccchat_tui.sessions.store import Store
from ccchat_tui.sessions.tabs import take_over
from ccchat_tui.testing.app import until
from tests.sessions.stored import everything, kept
from tests.sessions.talk import MODEL, Talk


class Kept(Talk):
    """A conversation that is kept."""

    def __init__(self, path: Path, interval: float, settings: dict[str, Any]) -> None:
        super().__init__({"retry_attempts": 0} | settings)
        self.manager.close(self.session)
        self.path = path
        self.store = Store(path)
        # Nothing is written by itself unless a test wants it.
        self.keeper = StoreKeeper(
            self.store, self.manager, clock=self.manager._clock, interval=interval
        )
        self.manager.keeper = self.keeper
        self.session = self.manager.create("Ada")
        self.store.open()

    async def on_disk(self, session: Session | None = None) -> Session | None:
        """A conversation as it stands in the file, when all that was put has been written."""
        wanted = (session or self.session).id
        return await self.store.write(lambda database: load_session(database, wanted))

    async def turn_on_disk(self) -> Turn:
        session = await self.on_disk()
        assert session is not None
        [turn] = session.turns
        return turn


@asynccontextmanager
async def keeping(path: Path, *, interval: float = 3600.0, **settings: Any) -> AsyncIterator[Kept]:
    talk = Kept(path, interval, settings)
    try:
        yield talk
    finally:
        talk.keeper.leave()
        await talk.service.aclose()
        talk.keeper.stop()
        talk.manager.stop()
        assert await talk.store.aclose() == 0
        assert talk.keeper._live == {}, "what has ended is followed no more"
        assert talk.keeper._timer is None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "c.db"


# Turns ------------------------------------------------------------------------------------


async def test_a_turn_is_on_the_disk_before_anybody_is_told_so(path: Path) -> None:
    async with keeping(path) as talk:
        turn = talk.send("why?")
        told: list[dict[str, list[str]]] = []
        talk.manager.keeper.when_kept(turn, lambda: told.append(everything(path)))
        assert told == [], "not in the same step: that would be a wait for the disk"
        await until(lambda: bool(told))
        assert told == [{talk.session.id: ["why?"]}]
        again: list[str] = []
        talk.manager.keeper.when_kept(turn, lambda: again.append("at once"))
        assert again == ["at once"]
        stored = await talk.on_disk()
        assert stored is not None
        assert (stored.user, stored.title, stored.model) == ("Ada", "why?", MODEL)


async def test_a_reply_is_written_as_it_grows_and_only_what_is_new(path: Path) -> None:
    async with keeping(path) as talk:
        turn = talk.send("why?")
        sizes = []
        for piece in ("one ", "two ", "three"):
            await talk.script.emit("why?", piece, thinking="hm ")
            before = (await talk.turn_on_disk()).reply
            assert piece not in before, "not for each piece"
            talk.keeper.tick()
            assert (await talk.turn_on_disk()).reply == before + piece
            talk.keeper.tick()  # nothing new: nothing is written
            sizes.append(
                await talk.store.write(
                    lambda db: db.execute(
                        "SELECT count(*), max(length(reply)), sum(length(thinking)) FROM pieces"
                    ).fetchone()
                )
            )
        assert sizes == [(1, 4, 3), (2, 4, 6), (3, 5, 9)]
        await talk.script.finish("why?", tokens=9)
        await talk.becomes(turn, TurnState.COMPLETED)
        stored = await talk.turn_on_disk()
        assert (stored.state, stored.reply) == (TurnState.COMPLETED, "one two three")
        assert stored.thinking == ["hm hm hm "]
        assert stored.stats is not None
        assert stored.stats.tokens == 9
        left = await talk.store.write(
            lambda db: db.execute("SELECT count(*) FROM pieces").fetchone()
        )
        assert left == (0,)


async def test_it_is_written_by_itself_while_something_is_on_its_way(path: Path) -> None:
    async with keeping(path, interval=0.01) as talk:
        turn = talk.send("why?")
        await talk.script.emit("why?", "be")

        async def comes(text: str) -> None:
            while (await talk.turn_on_disk()).reply != text:
                pass

        await comes("be")
        await talk.script.emit("why?", "cause")
        await comes("because")
        await talk.answer(turn)
        talk.keeper.tick()
        assert talk.keeper._timer is None, "an idle program has no timer"


@pytest.mark.parametrize("kind", [ErrorKind.DISCONNECTED, ErrorKind.MODEL_NOT_FOUND])
async def test_how_it_ended_is_kept_with_its_words(path: Path, kind: ErrorKind) -> None:
    async with keeping(path) as talk:
        turn = talk.send("why?")
        await talk.script.emit("why?", "be")
        await talk.fail(turn, kind, "it broke")
        stored = await talk.turn_on_disk()
        assert (stored.state, stored.reply) == (TurnState.FAILED, "be")
        assert (stored.note, stored.hints) == (turn.note, turn.hints)
        assert stored.stats is not None
        assert stored.stats.tokens == 1


async def test_a_retry_that_is_refused_changes_nothing_on_the_disk(path: Path) -> None:
    async with keeping(path, requests_per_minute=1) as talk:
        turn = talk.send("why?")
        await talk.script.emit("why?", "be")
        await talk.fail(turn, ErrorKind.DISCONNECTED)
        with pytest.raises(Rejected):
            talk.manager.retry(talk.session, turn)
        assert (await talk.turn_on_disk()).reply == "be"


async def test_a_retry_begins_anew_on_the_disk_too_and_what_had_come_stays(path: Path) -> None:
    async with keeping(path) as talk:
        turn = talk.send("why?")
        await talk.script.emit("why?", "half")
        talk.keeper.tick()
        await talk.fail(turn, ErrorKind.DISCONNECTED)
        again = talk.manager.retry(talk.session, turn)
        await talk.script.arrived(2)
        assert (await talk.turn_on_disk()).reply == ""
        await talk.script.emit("why?", "right")
        talk.keeper.tick()
        assert (await talk.turn_on_disk()).reply == "right"
        await talk.answer(again)
        session = await talk.on_disk()
        assert session is not None
        assert [turn.reply for turn in session.every] == ["half", "right"]
        assert everything(path) == {talk.session.id: ["why?", "why?"]}


async def test_versions_branches_and_which_is_shown_are_on_the_disk(path: Path) -> None:
    async with keeping(path, max_concurrent_per_user=9) as talk:
        first = talk.send("one")
        await talk.answer(first, "1")
        await talk.answer(talk.send("behind"), "2")
        again = talk.manager.versions.regenerate(talk.session, first)
        branch = talk.manager.versions.resend(talk.session, first, "other")

        async def same_on_disk() -> None:
            stored = await talk.on_disk()
            assert stored is not None
            mine, theirs = talk.session, stored
            assert [turn.id for turn in mine.turns] == [turn.id for turn in theirs.turns]
            assert {(t.id, t.place, t.after, t.picked) for t in mine.every} == {
                (t.id, t.place, t.after, t.picked) for t in theirs.every
            }

        for turn in (first, again, branch, first):
            talk.manager.versions.show(talk.session, turn)
            await same_on_disk()
        talk.manager.versions.delete(talk.session, first)
        talk.manager.versions.delete(talk.session, again)
        await same_on_disk()
        assert [turn.question for turn in talk.session.every] == ["behind", "other"]
        talk.manager.versions.undelete(talk.session)
        await same_on_disk()
        talk.manager.versions.undelete(talk.session)
        await same_on_disk()
        assert talk.session.turns[0] is first


async def test_only_what_stood_in_the_box_takes_the_draft_with_it(path: Path) -> None:
    async with keeping(path) as talk:
        first = talk.send("one")
        await talk.answer(first, "1")
        talk.keeper.draft_changed(talk.session, lambda: "a draft")
        talk.keeper.tick()

        async def draft() -> str:
            stored = await talk.on_disk()
            assert stored is not None
            return stored.draft

        assert await draft() == "a draft"
        versions = talk.manager.versions
        again = versions.regenerate(talk.session, first)
        assert await draft() == "a draft"
        versions.delete(talk.session, again)
        versions.undelete(talk.session)
        assert await draft() == "a draft"
        versions.resend(talk.session, first, "other", drafted=False)
        assert await draft() == "a draft"
        talk.send("a draft")
        assert await draft() == ""


async def test_what_a_killed_process_was_going_on_with_keeps_both_parts(path: Path) -> None:
    async with keeping(path) as talk:
        turn = talk.send("why?")
        await talk.script.emit("why?", "Once ")
        await talk.script.finish("why?", reason="length")
        await talk.becomes(turn, TurnState.COMPLETED)
        talk.manager.versions.go_on(talk.session, turn)
        assert (await talk.turn_on_disk()).reply == "Once "
        await talk.script.emit(1, "upon ")
        again = talk.manager.versions.regenerate(talk.session, turn)
        await talk.script.emit(2, "Twice")
        talk.keeper.tick()
        await talk.on_disk()

        def killed(database: sqlite3.Connection) -> None:
            take_over(database, lambda _owner: False)

        await talk.store.write(killed)
        stored = await talk.on_disk()
        assert stored is not None
        assert [(each.id, each.reply, each.state) for each in stored.every] == [
            (turn.id, "Once upon ", TurnState.INTERRUPTED),
            (again.id, "Twice", TurnState.INTERRUPTED),
        ]
        assert [each.id for each in stored.turns] == [again.id]


async def test_leaving_interrupts_what_runs_and_what_waits(path: Path) -> None:
    async with keeping(path, max_concurrent=1) as talk:
        done = talk.send("done")
        await talk.answer(done, "yes")
        talk.send("runs")
        await talk.script.emit("runs", "so far")
        talk.send("waits")
        talk.session.ordered = True
        talk.send("held")
    stored = kept(path, talk.session.id)
    assert stored is not None
    assert [(turn.question, turn.state.value, turn.reply) for turn in stored.turns] == [
        ("done", "completed", "yes"),
        ("runs", "interrupted", "so far"),
        ("waits", "interrupted", ""),
        ("held", "interrupted", ""),
    ]
    assert stored.turns[1].note == "ccchat ended before this reply did. What had come is kept."
    assert stored.turns[2].note == "ccchat ended before anything came."


# Sessions ---------------------------------------------------------------------------------


async def test_an_empty_chat_is_not_kept_until_something_is_done_with_it(path: Path) -> None:
    async with keeping(path) as talk:
        talk.manager.mark_read(talk.session)
        talk.manager.set_models(["qwen3:8b"], "qwen3:8b")
        assert await talk.store.read(total) == 0
        talk.manager.rename(talk.session, "My plans")
        stored = await talk.on_disk()
        assert stored is not None
        assert stored.title == "My plans"
        other = talk.manager.create("Bob")
        other.system = "Be brief."
        talk.manager.changed(other)
        stored = await talk.on_disk(other)
        assert stored is not None
        assert (stored.system, stored.user) == ("Be brief.", "Bob")


async def test_a_closed_chat_stays_with_the_end_of_its_replies(path: Path) -> None:
    async with keeping(path) as talk:
        turn = talk.send("why?")
        await talk.script.emit("why?", "be")
        talk.manager.close(talk.session)
        await talk.becomes(turn, TurnState.CANCELLED)
        talk.keeper.tick()
        stored = await talk.turn_on_disk()
        assert (stored.state, stored.reply) == (TurnState.CANCELLED, "be")
        tab = await talk.store.write(lambda db: db.execute("SELECT tab FROM sessions").fetchone())
        assert tab == (None,)


async def test_a_session_that_comes_back_is_not_written_anew(path: Path) -> None:
    async with keeping(path) as talk:
        await talk.answer(talk.send("why?"), "because")
    async with keeping(path) as talk:
        back = await talk.on_disk(talk.session)  # its identifier is counted, and the same
        assert back is not None
        talk.manager.close(talk.session)
        changes = await talk.store.write(lambda db: db.total_changes)
        talk.keeper.adopt(back)
        talk.manager.adopt(back)
        talk.manager.set_models([MODEL], MODEL)
        assert await talk.store.write(lambda db: db.total_changes) == changes
        talk.session = back
        turn = talk.manager.retry(back, back.turns[0])
        await talk.answer(turn, "of apples")
        assert (await talk.turn_on_disk()).reply == "of apples"


async def test_a_model_that_only_stands_in_is_not_kept_as_its_own(path: Path) -> None:
    async with keeping(path) as talk:
        talk.session.model = "qwen3:8b"
        await talk.answer(talk.send("why?"), "x")
        talk.manager.set_models(["demo:medium"], "demo:medium", stand_in=True)
        fresh = talk.manager.create("Bob")
        assert talk.session.model == fresh.model == "demo:medium"
        assert (await talk.turn_on_disk()).model == "qwen3:8b"
        stored = await talk.on_disk()
        assert stored is not None
        assert stored.model == "qwen3:8b"
        talk.manager.set_models([MODEL, "qwen3:8b"], MODEL)
        assert (talk.session.model, fresh.model) == ("qwen3:8b", MODEL)


# Drafts -----------------------------------------------------------------------------------


async def test_a_draft_is_kept_and_goes_with_the_turn_that_it_becomes(path: Path) -> None:
    async with keeping(path) as talk:
        box = ["why"]
        talk.keeper.draft_changed(talk.session, lambda: box[0])
        box[0] = "why?"
        talk.keeper.draft_changed(talk.session, lambda: box[0])
        assert await talk.store.read(total) == 0, "not for each letter"
        talk.keeper.tick()
        stored = await talk.on_disk()
        assert stored is not None
        assert stored.draft == "why?"
        turn = talk.send("why?")
        stored = await talk.on_disk()
        assert stored is not None
        assert (stored.draft, len(stored.turns)) == ("", 1)
        box[0] = "and then"
        talk.keeper.draft_changed(talk.session, lambda: box[0])
        await talk.answer(turn, "x")
    stored = kept(path, talk.session.id)
    assert stored is not None
    assert stored.draft == "and then", "leaving writes it"


async def test_a_box_that_is_empty_as_it_was_keeps_no_chat(path: Path) -> None:
    async with keeping(path) as talk:
        talk.keeper.draft_changed(talk.session, lambda: "")
        talk.keeper.tick()
        assert await talk.store.read(total) == 0

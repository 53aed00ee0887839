"""The store as a loop uses it, with real files, real faults of the disk, and a second process."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from ccchat_tui.sessions.database import open_database
from ccchat_tui.sessions.history import (
    claim,
    delete,
    rename,
    restore,
    set_pinned,
    set_tags,
    tags_from,
)
from ccchat_tui.sessions.migrations import MIGRATIONS
from ccchat_tui.sessions.problems import StoreProblem
from ccchat_tui.sessions.search import page, search, total
from ccchat_tui.sessions.store import Store
from ccchat_tui.sessions.tabs import claim_tabs
from ccchat_tui.testing.app import until
from tests.sessions.stored import MOMENT, conversation, everything, kept, opened, put, same, write

LONG = "x" * 200_000


class Told:
    """What a store says of its troubles."""

    def __init__(self) -> None:
        self.problems: list[StoreProblem | None] = []

    def __call__(self, problem: StoreProblem | None) -> None:
        self.problems.append(problem)

    @property
    def words(self) -> str:
        last = self.problems[-1]
        return last.message if last else "all is well"


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("ccchat")}


async def test_written_in_order_also_what_came_before_it_was_opened(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    store = Store(path)
    done: list[int] = []
    for number in (1, 2, 3):
        store.put(
            partial(write, session=conversation(number), owner=store.owner.token),
            partial(done.append, number),
        )
    assert not path.exists()
    assert done == []
    store.open()
    store.open()
    await until(lambda: done == [1, 2, 3])
    assert await store.read(total) == 3
    assert threads() == {"ccchat store", "ccchat search_0"}
    assert await store.aclose() == 0
    assert threads() == set()
    assert names(tmp_path) == ["c.db"], "nothing is left beside it"


async def test_what_waits_is_written_when_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    async with opened(path) as store:
        for number in range(50):
            store.put(partial(write, session=conversation(number, turns=(("q", "r"),)), owner=""))
    assert len(everything(path)) == 50


async def test_never_opened_and_closed_twice(tmp_path: Path) -> None:
    store = Store(tmp_path / "c.db")
    assert await store.aclose() == 0
    assert await store.aclose() == 0
    assert names(tmp_path) == []


async def test_a_full_disk_is_told_loses_nothing_and_passes(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    told = Told()
    store = Store(path, told, again_after=0.02)
    store.open()

    def pages(database: sqlite3.Connection, more: int) -> None:
        used = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {used + more}")

    await store.write(partial(pages, more=4))
    done = asyncio.Event()
    first = conversation(1, turns=((LONG, LONG),))
    store.put(partial(write, session=first, owner=""), done.set)
    async with asyncio.timeout(20):
        await done.wait()  # who waits for it is let go: it is in memory
    assert "the disk is full" in told.words
    assert str(path) in told.words
    assert store.problem is told.problems[0]
    again = asyncio.Event()
    second = conversation(2, turns=(("short", "too"),))
    store.put(partial(write, session=second, owner=""), again.set)
    async with asyncio.timeout(20):
        await again.wait()
    await asyncio.sleep(0.1)
    assert len(told.problems) == 1, "said once, however often it is tried"
    assert everything(path) == {}, "in order: nothing overtakes what cannot be written"
    # Asking goes on.
    assert await store.read(total) == 0
    await store.write(partial(pages, more=1000))
    await until(lambda: told.problems[-1] is None)
    assert store.problem is told.problems[-1]
    assert await store.aclose() == 0
    assert same(kept(path, "s1"), first)
    assert same(kept(path, "s2"), second)


async def test_a_folder_that_cannot_be_made_yet(tmp_path: Path) -> None:
    """Nothing can be written at the start; when it can, everything is."""
    folder = tmp_path / "folder"
    folder.touch()  # a file stands in the way
    told = Told()
    store = Store(folder / "c.db", told, again_after=0.02)
    store.open()
    with pytest.raises(StoreProblem):
        await store.read(total)
    session = conversation(turns=(("a", "b"),))
    store.put(partial(write, session=session, owner=""))
    await until(lambda: bool(told.problems))
    assert str(folder) in told.words
    folder.unlink()
    await until(lambda: told.problems[-1] is None)
    assert await store.read(total) == 1
    assert await store.aclose() == 0
    assert same(kept(folder / "c.db", "s1"), session)


async def test_what_cannot_be_saved_in_the_end_is_counted(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with opened(tmp_path / "file" / "c.db") as store:
        for number in (1, 2):
            store.put(partial(write, session=conversation(number), owner=""))
        assert await store.aclose() == 2


async def test_a_newer_file_is_told_and_nobody_waits_for_it(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    open_database(path, (*MIGRATIONS, ("CREATE TABLE future (x)",))).close()
    told = Told()
    store = Store(path, told)
    done = asyncio.Event()
    store.put(partial(write, session=conversation(), owner=""), done.set)
    store.open()
    async with asyncio.timeout(20):
        await done.wait()
    assert "newer ccchat" in told.words
    with pytest.raises(StoreProblem, match="newer ccchat"):
        await store.read(total)
    assert await store.aclose() == 0, "there is no use in keeping what never can be written"


async def test_another_program_that_writes_for_long_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    told = Told()
    async with opened(path) as store:
        store.told = told
        await put(store, conversation(1))
        with closing(open_database(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            write(other, conversation(2))
            done = asyncio.Event()
            store.put(partial(write, session=conversation(3), owner=""), done.set)
            await asyncio.sleep(0.2)
            assert not done.is_set()
            other.execute("COMMIT")
            async with asyncio.timeout(20):
                await done.wait()
        assert told.problems == []
        assert await store.read(total) == 3


async def test_a_fault_of_ours_stands_in_nobodys_way(tmp_path: Path) -> None:
    told = Told()
    path = tmp_path / "c.db"
    done: list[str] = []

    def broken(database: sqlite3.Connection) -> None:
        write(database, conversation(9))
        database.execute("SELECT nonsense")

    gate = threading.Event()
    async with opened(path) as store:
        store.told = told
        store.put(lambda _database: gate.wait(10))  # the next ones come in one piece
        store.put(partial(write, session=conversation(1), owner=""), partial(done.append, "1"))
        store.put(broken, partial(done.append, "broken"))
        store.put(partial(write, session=conversation(2), owner=""), partial(done.append, "2"))
        gate.set()
        await until(lambda: done == ["1", "broken", "2"])
        assert "nonsense" in told.words
        assert [each.id for each in await store.read(partial(page, first=0, count=9))] == [
            "s2",
            "s1",
        ]
        with pytest.raises(ZeroDivisionError):
            await store.write(lambda _database: 1 // 0)
        await put(store, conversation(3))
    assert kept(path, "s9") is None


async def test_a_question_nobody_waits_for_any_more_is_broken_off(tmp_path: Path) -> None:
    forever = (
        "WITH RECURSIVE n (x) AS (SELECT begun() UNION ALL SELECT x + 1 FROM n) "
        "SELECT count(*) FROM n"
    )
    asked = threading.Event()

    def endless(database: sqlite3.Connection) -> object:
        database.create_function("begun", 0, asked.set)
        return database.execute(forever).fetchone()

    async with opened(tmp_path / "c.db") as store:
        await put(store, conversation(1))
        assert await store.read(total) == 1
        task = asyncio.create_task(store.read(endless))
        await asyncio.to_thread(asked.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(20):
            assert await store.read(total) == 1
        with pytest.raises(StoreProblem, match="it is read-only"):
            await store.read(lambda database: database.execute("DELETE FROM sessions"))
        asked.clear()
        task = asyncio.create_task(store.read(endless))
        await asyncio.to_thread(asked.wait, 20)
        async with asyncio.timeout(20):
            await store.aclose()
        with pytest.raises(StoreProblem):
            await task


async def test_two_at_once_each_with_its_own(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    async with opened(path) as one, opened(path) as two:
        await asyncio.gather(
            *(put(one, conversation(number, turns=(("a", "b"),))) for number in range(0, 40, 2)),
            *(put(two, conversation(number, turns=(("c", "d"),))) for number in range(1, 40, 2)),
        )
        assert await one.read(total) == await two.read(total) == 40
        # What one has open is not taken, named or deleted by the other.
        for job in (
            partial(claim, session_id="s1", owner=one.owner),
            partial(rename, session_id="s1", title="mine", owner=one.owner),
            partial(delete, session_id="s1", owner=one.owner, now=MOMENT),
        ):
            with pytest.raises(StoreProblem, match="open in another ccchat"):
                await one.write(job)
        assert await one.write(partial(claim_tabs, owner=one.owner.token, users=None)) == ([], "")
        await two.aclose()
        tabs, _ = await one.write(partial(claim_tabs, owner=one.owner.token, users=None))
        assert len(tabs) == 20
        assert (await one.write(partial(claim, session_id="s1", owner=one.owner))).id == "s1"
    assert len(everything(path)) == 40


async def test_deleting_and_taking_it_back(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    session = conversation(1, turns=(("where is the herring?", "in the soup"),))
    async with opened(path) as store:
        await put(store, session, conversation(2))
        gone = partial(delete, session_id="s1", owner=store.owner, now=MOMENT)
        await store.write(gone)
        assert await store.read(partial(search, typed="herring")) == []
        assert await store.read(total) == 1
        with pytest.raises(StoreProblem, match="not there any more"):
            await store.write(gone)
        await store.write(partial(restore, session_id="s1", owner=store.owner))
        assert len(await store.read(partial(search, typed="herring"))) == 1
        await store.write(gone)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT id FROM sessions").fetchall() == [("s2",)]
        assert database.execute("SELECT count(*) FROM turns").fetchone() == (0,)


async def test_naming_pinning_and_tagging(tmp_path: Path) -> None:
    async with opened(tmp_path / "c.db") as store:
        await put(store, *(conversation(number) for number in (1, 2, 3)))
        await store.write(partial(set_pinned, session_id="s1", pinned=True))
        await store.write(partial(set_tags, session_id="s2", tags=tags_from("#Fish, soup fish")))
        await store.write(partial(rename, session_id="s3", title="Crème", owner=store.owner))
        shown = await store.read(partial(page, first=0, count=2))
        assert [(each.id, each.pinned) for each in shown] == [("s1", True), ("s3", False)]
        [rest] = await store.read(partial(page, first=2, count=2))
        assert (rest.id, rest.tags) == ("s2", ("Fish", "soup", "fish"))
        for typed, found in (("SOUP", ["s2"]), ("creme", ["s3"]), ("conversation 1", ["s1"])):
            hits = await store.read(partial(search, typed=typed))
            assert [hit.summary.id for hit in hits] == found


@pytest.mark.parametrize(
    ("typed", "tags"),
    [("", ()), ("a,b  #c", ("a", "b", "c")), ("## a a", ("a",)), ("x" * 99, ("x" * 40,))],
)
def test_tags_from_text(typed: str, tags: tuple[str, ...]) -> None:
    assert tags_from(typed) == tags
    assert len(tags_from(" ".join(map(str, range(99))))) == 20


async def test_the_loop_goes_on_while_it_writes(tmp_path: Path) -> None:
    """Nothing of it happens in the loop's own thread."""
    here = threading.get_ident()
    seen: set[int] = set()

    def note(_database: sqlite3.Connection) -> None:
        seen.add(threading.get_ident())

    async with opened(tmp_path / "c.db") as store:
        store.put(note)
        await store.write(note)
        await store.read(note)
    assert seen
    assert here not in seen


async def test_closing_tries_once_more_whatever_the_pause(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.touch()
    store = Store(folder / "c.db", again_after=3600)
    store.open()
    store.put(partial(write, session=conversation(), owner=""))
    await until(lambda: store.problem is not None)
    folder.unlink()
    assert await store.aclose() == 0
    assert same(kept(folder / "c.db", "s1"), conversation())


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be taken away")
@pytest.mark.parametrize("what", ["the file", "the folder"])
async def test_a_file_that_is_taken_away_is_told_and_written_back(
    tmp_path: Path, what: str
) -> None:
    path = tmp_path / "folder" / "c.db"
    told = Told()
    store = Store(path, told, again_after=0.02)
    store.open()
    await put(store, conversation(1, turns=(("a", "b"),)))
    assert await store.read(total) == 1
    if what == "the file":
        path.unlink()  # and not what has been written ahead for it
    else:
        shutil.rmtree(path.parent)
    store.put(partial(write, session=conversation(2, turns=(("c", "d"),)), owner=""))
    await until(lambda: len(told.problems) == 2)
    assert told.problems[0] is not None
    assert "deleted or moved away" in told.problems[0].message
    assert told.problems[1] is None
    assert await store.read(total) == 2, "what is read is what is there now"
    assert await store.aclose() == 0
    assert everything(path) == {"s1": ["a"], "s2": ["c"]}
    assert names(path.parent) == ["c.db"]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be taken away")
async def test_two_that_share_a_file_which_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    told = Told()
    first, second = Store(path, again_after=0.02), Store(path, told, again_after=0.02)
    for number, store in enumerate((first, second), 1):
        store.open()
        await put(store, conversation(number, turns=(("q", "r"),)))
    path.unlink()
    first.put(partial(write, session=conversation(3, turns=(("q", "r"),)), owner=""))
    await until(path.exists)
    second.put(partial(write, session=conversation(4, turns=(("q", "r"),)), owner=""))
    await until(lambda: None in told.problems)
    assert await second.aclose() == await first.aclose() == 0
    assert sorted(everything(path)) == ["s1", "s2", "s3", "s4"]


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be taken away")
async def test_another_file_in_its_place_is_left_alone(tmp_path: Path) -> None:
    path, aside = tmp_path / "c.db", tmp_path / "aside.db"
    told = Told()
    store = Store(path, told, again_after=0.02)
    store.open()
    await put(store, conversation(1, turns=(("a", "b"),)))
    path.rename(aside)
    path.write_bytes(b"somebody else's")
    store.put(partial(write, session=conversation(2, turns=(("c", "d"),)), owner=""))
    await until(lambda: bool(told.problems))
    assert "another file was put in its place" in told.words
    assert path.read_bytes() == b"somebody else's"
    path.unlink()
    aside.rename(path)
    await until(lambda: told.problems[-1] is None)
    assert await store.aclose() == 0
    assert everything(path) == {"s1": ["a"], "s2": ["c"]}

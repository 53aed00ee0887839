"""Conversations that leave the app as files, and those that come in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from platformdirs import user_downloads_path

from ccchat_tui.sessions.problems import StoreProblem
from ccchat_tui.text import one_line
from ccchat_tui.tui.paths import NOT_YOURS, from_typed, reached, typed_paths

if TYPE_CHECKING:
    from ccchat_tui.sessions.archive import ArchivedSession
    from ccchat_tui.sessions.export import Form
    from ccchat_tui.sessions.model import Session
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.widgets.chat_pane import ChatPane

LARGEST_ARCHIVE: Final = 200_000_000
"""Bytes of a file of conversations at most."""
MOST_TABS: Final = 20
"""Conversations of one file that are opened where nothing is kept."""


class DocumentError(Exception):
    """A document cannot be written or read.

    Args:
        message: In words: the file, what is wrong, and what helps.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Documents:
    """Writes chats into files, and opens those of files.

    Args:
        app: Whose chats they are.
    """

    def __init__(self, app: CCChatApp) -> None:
        self._app = app

    # Out ------------------------------------------------------------------------------------

    async def export(self, session: Session, form: Form | None = None, path: str = "") -> str:
        """Write a chat into a new file.

        Args:
            session: The chat.
            form: Which kind of document; `None` goes by the ending of the path.
            path: Where; empty, or a folder, for a name made from the title.

        Returns:
            Where it is, in words.

        Raises:
            DocumentError: It could not be written, or there is a file of that name.
        """
        from ccchat_tui.sessions.archive import archived  # noqa: PLC0415 - loads pydantic's models
        from ccchat_tui.sessions.search import summary_of  # noqa: PLC0415

        pinned = False
        tags: Sequence[str] = ()
        with suppress(StoreProblem):  # nothing is kept, or it cannot be read: then it has neither
            kept = await self._app.keeping.ask(partial(summary_of, session_id=session.id))
            if kept is not None:
                pinned, tags = kept.pinned, kept.tags
        item = archived(session, pinned=pinned, tags=tags)
        written = await asyncio.to_thread(_write, item, form, path)
        return f"Exported to {one_line(str(written), 300)}"

    def export_soon(self, pane: ChatPane, form: Form) -> None:
        """Write a chat into a file with a name made from its title, and say where in its pane."""

        async def export() -> None:
            try:
                pane.tell(await self.export(pane.session, form))
            except DocumentError as error:
                pane.tell(error.message, problem=True)

        self._app.run_worker(export(), group="documents")

    # In -------------------------------------------------------------------------------------

    async def open_file(self, typed: str) -> str:
        """Open a file of conversations: the first of them in a tab, the others in the history, or
        in tabs where nothing is kept.

        Args:
            typed: The file's path as it was typed or pasted.

        Returns:
            What came of it, in words.

        Raises:
            DocumentError: It is no such file, or cannot be read.
        """
        items = await asyncio.to_thread(_read, typed)
        name = one_line(Path(typed).name, 60)
        try:
            ids = await self._app.keeping.take_in(items[:MOST_TABS] if not self._kept else items)
        except StoreProblem as problem:
            raise DocumentError(problem.message) from None
        new = sum(ids.values())
        words = f"{name}: {new} imported" if new else f"{name}: all of it is here already"
        if new and len(ids) > new:
            words += f", {len(ids) - new} already here"
        if len(ids) > 1 and self._kept:
            words += "; the first is open, and all are in the history (F12)"
        elif len(items) > len(ids):
            words += f"; the other {len(items) - len(ids)} are left out, for nothing is kept"
        return f"{words}."

    @property
    def _kept(self) -> bool:
        return self._app.keeping.keeps

    def ask_import(self) -> None:
        """Ask for a file, open what is in it, and say in the pane what came of it."""
        from ccchat_tui.tui.screens.choose_file import ChooseFileScreen  # noqa: PLC0415

        asked = self._app.chats.active

        async def open_file(typed: str) -> None:
            try:
                words = await self.open_file(typed)
            except DocumentError as error:
                asked.tell(error.message, problem=True)
            else:
                self._app.chats.active.tell(words)

        def answered(typed: str | None) -> None:
            if typed:
                self._app.run_worker(open_file(typed), group="documents")

        words = "A file that was exported as JSON; Tab completes its path."
        self._app.push_screen(ChooseFileScreen("Import conversations", words), answered)


# In a thread ----------------------------------------------------------------------------------


def _write(item: ArchivedSession, form: Form | None, typed: str) -> Path:
    """Returns the file that was written; raises `DocumentError`."""
    from ccchat_tui.sessions.export import export, form_of  # noqa: PLC0415 - loads pydantic's models

    if not reached():
        raise DocumentError(NOT_YOURS)
    path = from_typed(typed) if typed else _usual_folder()
    named = not _is_folder(path)
    if named and form is None and path.suffix:
        form = form_of(path.suffix)
        if form is None:
            raise DocumentError(
                f"{one_line(path.name, 60)}: the kind of document is not clear from that name. "
                "End it with .md, .json or .html, or say markdown, json or html before it."
            )
    form = form or "md"
    if named:
        paths = iter([path if path.suffix else path.with_name(f"{path.name}.{form}")])
    else:
        paths = (path / name for name in _names(item.title, form))
    text = export([item], form)
    for each in paths:
        try:
            _write_new(each, text)
        except FileExistsError:
            if named:
                raise DocumentError(
                    f"There is a file {one_line(str(each), 200)} already; it was left as it is. "
                    "Give another name."
                ) from None
        except OSError as error:
            where = one_line(str(each), 200)
            raise DocumentError(
                f"{where} cannot be written: {error.strerror or error}. Give another path."
            ) from None
        except ValueError as error:
            raise DocumentError(f"That is no path: {error}. Give another one.") from None
        else:
            return each.absolute()
    raise AssertionError("there is always a further name")


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet, whole or not at all."""
    with path.open("x", encoding="utf-8", newline="\n") as file:
        try:
            file.write(text)
            file.flush()
        except BaseException:
            file.close()
            path.unlink(missing_ok=True)
            raise


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _usual_folder() -> Path:
    """The folder for downloads, or where there is none the one we run in."""
    folder = user_downloads_path()
    return folder if folder.is_dir() else Path.cwd()


def _names(title: str, form: Form) -> Iterator[str]:
    """Names for a file, one after the other, of which the first that is free is taken."""
    word = re.sub(r"[^\w]+", "-", title)[:60].strip("-").lower() or "chat"
    yield f"ccchat-{word}.{form}"
    yield from (f"ccchat-{word}-{number}.{form}" for number in count(2))


def _read(typed: str) -> list[ArchivedSession]:
    """The conversations of a file; raises `DocumentError`."""
    from ccchat_tui.sessions.archive import ArchiveError, from_json  # noqa: PLC0415

    if not reached():
        raise DocumentError(NOT_YOURS)
    path = typed_paths(typed)[0]
    name = one_line(str(path), 120)
    try:
        if path.is_dir():
            raise DocumentError(f"{name} is a folder. Give a file that was exported as JSON.")
        size = path.stat().st_size
        if size > LARGEST_ARCHIVE:
            raise DocumentError(
                f"{name} is too large to be opened here ({size:,} bytes). "
                "`ccchat import` reads it into the history."
            )
        items = from_json(path.read_bytes())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise DocumentError(f"{name} cannot be read: {why}. Give another path.") from None
    except ArchiveError as error:
        raise DocumentError(
            f"{name} cannot be imported: {error.message}. Give a file that was exported as JSON."
        ) from None
    if not items:
        raise DocumentError(f"{name} holds no conversation.")
    return items

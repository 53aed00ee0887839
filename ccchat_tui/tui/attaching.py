"""What is attached in one pane: read in a thread, shown above the box, sent with the message."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from ccchat_tui.sessions.attachments import (
    Attachment,
    AttachmentError,
    check_room,
    read_attachment,
)
from ccchat_tui.sessions.checks import blind_words
from ccchat_tui.sessions.estimate import Estimator
from ccchat_tui.text import one_line
from ccchat_tui.tui.paths import NOT_YOURS, files_in, reached, typed_paths
from ccchat_tui.tui.widgets.attachments import AttachmentBar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ccchat_tui.sessions.manager import SessionManager
    from ccchat_tui.sessions.model import Session
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.widgets.chat_pane import ChatPane

NO_PICTURE_COMES: Final = (
    "Nothing was pasted. If it was a picture: a terminal passes on no picture from the clipboard. "
    "Save it as a file, and drag that here or give its path with /attach."
)
_COUNT_AFTER: Final = 0.2
"""Seconds after a letter until the estimate is worked out again."""


class Attaching:
    """The files of one pane.

    Args:
        pane: Where they are shown.
        session: Whose they are.
        sessions: Who sends and keeps them.
    """

    def __init__(self, pane: ChatPane, session: Session, sessions: SessionManager) -> None:
        self.bar = AttachmentBar()
        self._pane = pane
        self._session = session
        self._sessions = sessions
        self._reading: list[str] = []
        self._offered: tuple[Path, ...] = ()
        self._pasted = ""
        self._estimator = Estimator()
        self._counting = False
        self._asked: set[str] = set()

    @property
    def _app(self) -> CCChatApp:
        return cast("CCChatApp", self._pane.app)

    # Attaching ------------------------------------------------------------------------------

    async def attach(self, paths: Sequence[Path]) -> None:
        """Read files and attach them. What cannot be attached changes nothing of the others.

        Raises:
            AttachmentError: One or more could not be; in words, a line for each.
        """
        if not reached():
            raise AttachmentError(NOT_YOURS)
        problems: list[str] = []
        for path in paths:
            name = one_line(path.name, 40)
            with self._shown_as_read(name):
                try:
                    file = await asyncio.to_thread(read_attachment, path)
                    await self._check(file)
                except AttachmentError as error:
                    problems.append(error.message)
                    continue
            self._set((*self._session.attached, file))
        await self._app.facts.learn(self._session.model)
        self.show()
        if problems:
            raise AttachmentError("\n".join(problems))

    @contextmanager
    def _shown_as_read(self, name: str) -> Iterator[None]:
        self._reading.append(name)
        self.bar.show_files(self._session.attached, self._reading)
        try:
            yield
        finally:
            self._reading.remove(name)
            if self.bar.is_attached:
                self.bar.show_files(self._session.attached, self._reading)

    async def _check(self, file: Attachment) -> None:
        """Raises `AttachmentError` if there is no room for a file, or nobody to look at it."""
        check_room(self._session.attached, file)
        model = self._session.model or self._sessions.default_model
        if not file.is_picture or not model:
            return
        facts = self._app.facts
        if facts.sees(model) is None:
            await facts.learn(model)
        if facts.sees(model) is False:
            raise AttachmentError(blind_words(model, [file.name]))
        check_room(self._session.attached, file)  # others may have come meanwhile

    async def attach_typed(self, text: str) -> None:
        """Attach the files that somebody typed, or pasted, behind a command. Raises as `attach`."""
        if not reached():
            raise AttachmentError(NOT_YOURS)
        await self.attach(await asyncio.to_thread(typed_paths, text))

    def attach_soon(self, text: str) -> None:
        """Attach the files that somebody typed, and say in the pane what is wrong with them."""
        self._pane.run_worker(self._and_tell(self.attach_typed(text)), group="attach")

    async def _and_tell(self, attaching: Coroutine[Any, Any, None]) -> None:
        try:
            await attaching
        except AttachmentError as error:
            self._pane.tell(error.message, problem=True)
        else:
            self._pane.tell("")

    def put(self, files: Sequence[Attachment]) -> None:
        """Attach files that have been read already, in the place of what is attached."""
        self._set(tuple(files))

    def take_out(self, index: int) -> None:
        """Take a file out."""
        files = self._session.attached
        if 0 <= index < len(files):
            self._set((*files[:index], *files[index + 1 :]))

    def take_all_out(self) -> None:
        """Take all of them out."""
        self._set(())

    def sent(self) -> None:
        """They have gone with a message."""
        self.leave_offer()
        if self._session.attached:
            self._set(())

    def _set(self, files: tuple[Attachment, ...]) -> None:
        self._session.attached = files
        self._sessions.keeper.attached_changed(self._session)
        self.show()

    def look_at_model(self) -> None:
        """Find out whether the model sees, if there is anything to be seen: pictures of earlier
        questions go only to one that may."""
        model = self._session.model
        if not model or model in self._asked or self._sessions.connecting:
            return
        files = (file for turn in self._session.turns for file in turn.attachments)
        if any(file.is_picture for file in (*self._session.attached, *files)):
            self._asked.add(model)
            # Asked for here: an app that is not ours has none, and no files either.
            if self._app.facts.sees(model) is None:
                self._pane.run_worker(self._learn(model), group="facts")
            else:
                self.show()

    async def _learn(self, model: str) -> None:
        await self._app.facts.learn(model)
        self.show()

    # What is shown --------------------------------------------------------------------------

    def show(self) -> None:
        """Show the files as they are now, and what they come to."""
        if self.bar.is_attached:
            self.bar.show_files(self._session.attached, self._reading)
            self._count()

    def written(self) -> None:
        """The text in the box has changed."""
        if self._offered and self._pasted not in self._pane.composer.text:
            self.leave_offer()
        if self._session.attached and not self._counting:
            self._counting = True
            self._pane.set_timer(_COUNT_AFTER, self._count)

    def _count(self) -> None:
        self._counting = False
        files, session = self._session.attached, self._session
        if not files:
            return
        total = self._estimator.next_request(session, self._pane.composer.full_text)
        window = self._app.facts.window(session)
        model = session.model or self._sessions.default_model
        of = f" of {window:,}" if window else ""
        facts = [(f"in all ≈ {total:,}{of} tokens", "$text-muted")]
        pictures = [file.name for file in files if file.is_picture]
        if pictures and self._app.facts.sees(model) is False:
            facts.append((blind_words(model, pictures), "$text-error"))
        alone = next((file for file in files if window and file.tokens > window), None)
        if alone is not None:
            words = (
                f"{one_line(alone.name, 24)} alone is more than the context holds: "
                "raise num_ctx, or attach a part"
            )
            facts.append((words, "$text-warning"))
        elif window and total > window:
            words = "more than the context holds: the server leaves out the oldest"
            facts.append((words, "$text-warning"))
        self.bar.show_facts(facts)

    # What is pasted -------------------------------------------------------------------------

    def pasted(self, text: str, shown: str) -> None:
        """Something was pasted: if it is the path of a file, offer to attach that file.

        Args:
            text: What came from the terminal.
            shown: What stands in the box for it.
        """
        if not text:
            self._pane.tell(NO_PICTURE_COMES)
        elif shown and not self._pane.composer.text.startswith("/"):
            self._pane.run_worker(self._look_for_files(text, shown), group="paste", exclusive=True)

    async def _look_for_files(self, text: str, shown: str) -> None:
        paths = await asyncio.to_thread(files_in, text)
        if not paths or shown not in self._pane.composer.text:
            return
        self._offered, self._pasted = tuple(paths), shown
        keymap = self._app.keymap
        what = one_line(paths[0].name, 40) if len(paths) == 1 else f"these {len(paths)} files"
        take = keymap.told("attach", "Alt+A")
        keys = ("Esc leaves it as text", "Esc")
        if take:
            keys = (f"{take} does, {keys[0]}", f"{take} · {keys[1]}")
        self.bar.show_offer(f"Attach {what}?", *keys)

    def take_offer(self) -> bool:
        """Attach what is offered, in the place of the text. Returns whether anything was."""
        paths, pasted = self._offered, self._pasted
        if not self.leave_offer():
            return False
        self._pane.run_worker(self._attach_offered(paths, pasted), group="attach")
        return True

    async def _attach_offered(self, paths: Sequence[Path], pasted: str) -> None:
        before = len(self._session.attached)
        await self._and_tell(self.attach(paths))
        if len(self._session.attached) == before + len(paths):
            # Only now: of what could not be attached the text is still there.
            self._pane.composer.take_out(pasted)

    def leave_offer(self) -> bool:
        """Offer it no more. Returns whether anything was offered."""
        offered, self._offered, self._pasted = self._offered, (), ""
        if offered:
            self.bar.show_offer("")
        return bool(offered)

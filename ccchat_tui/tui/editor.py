"""A message written in one's own editor."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textual.app import SuspendNotSupported

from ccchat_tui.text import one_line

if TYPE_CHECKING:
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.widgets.chat_pane import ChatPane

USUAL: Final = ("sensible-editor", "nano", "vim", "vi", "emacs")
"""What is looked for where no editor is named."""
LARGEST: Final = 8_000_000
"""Bytes that are read back."""


class EditorError(Exception):
    """The editor could not do it, in words. What stands in the message box stays."""


def editor_command(env: Mapping[str, str], *, windows: bool = os.name == "nt") -> list[str]:
    """The words that start the editor: `VISUAL`, `EDITOR`, or what there usually is.

    Args:
        env: The environment.
        windows: Whether this is Windows.

    Raises:
        EditorError: There is none, or what is named cannot be read.
    """
    for name in ("VISUAL", "EDITOR"):
        named = env.get(name, "").strip()
        if not named:
            continue
        try:
            words = shlex.split(named, posix=not windows)
        except ValueError as error:
            raise EditorError(f"{name} cannot be read: {str(error).lower()}.") from None
        return [word.strip('"') for word in words] if windows else words
    if windows:
        return ["notepad"]
    found = next((each for each in USUAL if shutil.which(each, path=env.get("PATH"))), None)
    if found is None:
        raise EditorError("No editor was found. Name yours in VISUAL or EDITOR.")
    return [found]


async def edit(app: CCChatApp, text: str) -> str:
    """Let a text be edited while replies stream on, unseen.

    Args:
        app: Gives up the terminal meanwhile.
        text: What is there to begin with.

    Returns:
        The text as it was saved, without the end of its last line.

    Raises:
        EditorError: The editor could not be started, or ended with an error.
    """
    words = editor_command(os.environ)
    # Only its owner may read it; the ending lets editors know Markdown.
    handle, name = tempfile.mkstemp(prefix="ccchat-", suffix=".md")
    file = Path(name)
    keep = False
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            out.write(text)
        code = await _run(app, [*words, name])
        after = _read(file)
        if code:
            keep = after != text
            where = f" What was written is in {file}." if keep else ""
            raise EditorError(f"{_shown(words)} ended with {code}: nothing was taken.{where}")
        return after.removesuffix("\n") if not text.endswith("\n") else after
    finally:
        if not keep:
            _remove(file)


async def write_in_editor(app: CCChatApp, pane: ChatPane) -> None:
    """Let what stands in a message box be written in the editor; what goes wrong is told there."""
    if app.terminal_given:
        return
    before = pane.composer.full_text
    try:
        after = await edit(app, before)
    except EditorError as error:
        pane.tell(str(error), problem=True)
        return
    pane.tell("")
    if after != before and pane.composer.is_attached:
        pane.composer.set_draft(after)
        pane.composer.focus()


@contextmanager
def _handed_over(app: CCChatApp) -> Iterator[None]:
    """Give the terminal to another program. The app goes on, and draws nothing."""
    with app.suspend(), app.batch_update():
        app.terminal_given = True
        try:
            yield
        finally:
            app.terminal_given = False


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink()


def _shown(words: list[str]) -> str:
    return one_line(" ".join(words), 60)


async def _run(app: CCChatApp, words: list[str]) -> int:
    """Run a program in the terminal. Nothing is drawn meanwhile, and nothing stands still."""
    try:
        with _handed_over(app):
            process = await asyncio.create_subprocess_exec(*words)
            try:
                return await process.wait()
            finally:
                if process.returncode is None:
                    process.terminate()
                    await process.wait()
    except SuspendNotSupported:
        raise EditorError("This terminal cannot be given to another program.") from None
    except FileNotFoundError:
        raise EditorError(
            f"There is no program {_shown(words[:1])}. Name your editor in VISUAL or EDITOR."
        ) from None
    except OSError as error:
        raise EditorError(f"{_shown(words[:1])} cannot be started: {error.strerror}.") from None


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > LARGEST:
            raise EditorError(f"What was written is too large for a message; it is in {file}.")
        return file.read_text(encoding="utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise EditorError(f"{file} is not UTF-8 text: nothing was taken.") from None
    except OSError as error:
        raise EditorError(f"{file} cannot be read: {error.strerror}.") from None

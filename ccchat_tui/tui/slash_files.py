"""The commands that have to do with files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ccchat_tui.sessions.attachments import AttachmentError
from ccchat_tui.text import one_line
from ccchat_tui.tui.documents import DocumentError
from ccchat_tui.tui.paths import completions
from ccchat_tui.tui.slash import SlashCall, SlashCommand, SlashError

if TYPE_CHECKING:
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.widgets.chat_pane import ChatPane

_FORMS = ("markdown", "json", "html")


def file_commands() -> Iterable[SlashCommand]:
    """All of them."""
    yield SlashCommand(
        "attach", "a picture or a text goes with the message", _attach, "[PATH]", suggest=_paths
    )
    yield SlashCommand(
        "detach", "take a file out again, or all of them", _detach, "[NAME]", complete=_attached
    )
    yield SlashCommand(
        "export", "write this chat into a new file", _export, "[FORM] [PATH]", suggest=_forms
    )
    yield SlashCommand(
        "import", "open conversations that were exported as JSON", _import, "[PATH]", suggest=_paths
    )


async def _attach(call: SlashCall) -> None:
    if not call.argument:
        call.take()
        call.app.chats.action_attach()
        return
    try:
        await call.pane.attaching.attach_typed(call.argument)
    except AttachmentError as error:
        raise SlashError(error.message) from None


async def _detach(call: SlashCall) -> str | None:
    files = call.pane.session.attached
    if not call.argument:
        call.pane.attaching.take_all_out()
        return None if files else "Nothing is attached."
    for index, file in enumerate(files):
        if file.name == call.argument:
            call.pane.attaching.take_out(index)
            return None
    there = ", ".join(one_line(file.name, 40) for file in files) or "nothing"
    raise SlashError(f"No file {one_line(call.argument, 60)} is attached. Attached is {there}.")


async def _export(call: SlashCall) -> str:
    from ccchat_tui.sessions.export import form_of  # noqa: PLC0415 - loads pydantic's models

    if not call.pane.session.turns:
        raise SlashError("There is nothing in this chat yet that could be exported.")
    first, _, rest = call.argument.partition(" ")
    form = form_of(first) if first and "." not in first else None
    path = rest.strip() if form else call.argument
    try:
        return await call.app.documents.export(call.pane.session, form, path)
    except DocumentError as error:
        raise SlashError(error.message) from None


async def _import(call: SlashCall) -> str | None:
    if not call.argument:
        call.take()
        call.app.documents.ask_import()
        return None
    try:
        words = await call.app.documents.open_file(call.argument)
    except DocumentError as error:
        raise SlashError(error.message) from None
    # It stands where one is now.
    call.app.chats.active.tell(words)
    return words if call.app.chats.active is call.pane else None


def _paths(_app: CCChatApp, _pane: ChatPane, typed: str) -> Iterable[str]:
    return completions(typed) if typed else []


def _forms(_app: CCChatApp, _pane: ChatPane, typed: str) -> Iterable[str]:
    form, space, path = typed.partition(" ")
    if space and form in _FORMS:
        return [f"{form} {name}" for name in completions(path)] if path else []
    return [form for form in _FORMS if form.startswith(typed) and form != typed]


def _attached(_app: CCChatApp, pane: ChatPane) -> Iterable[str]:
    return [file.name for file in pane.session.attached]

"""Prompt templates as slash commands."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ccchat_tui.tui.slash import SlashCall, SlashCommand
from ccchat_tui.tui.templates import Template, Templates, load_templates

if TYPE_CHECKING:
    from ccchat_tui.tui.app import CCChatApp


class PromptFolder:
    """The commands of a folder, read again when something in it has changed.

    Args:
        app: Tells what is wrong with its files.
        folder: Where they are; `None` for nowhere.
        taken: Names that templates cannot have.
    """

    def __init__(self, app: CCChatApp, folder: Path | None, taken: Iterable[str]) -> None:
        self._app = app
        self._folder = folder
        self._taken = frozenset(taken)
        self._stamp: object = None
        self._templates = Templates()

    def commands(self) -> Iterable[SlashCommand]:
        """One for each template there is now."""
        if self._folder is None:
            return
        stamp = _stamp(self._folder)
        if stamp != self._stamp:
            self._stamp = stamp
            before = self._templates.problems
            self._templates = load_templates(self._folder, self._taken)
            for words in self._templates.problems:
                if words not in before:
                    self._app.notify(words, severity="warning", timeout=10, markup=False)
        for template in self._templates.found:
            usage = " ".join(f"[{name.upper()}]" for name in list(template.variables)[:1])
            run = partial(_run, template=template)
            yield SlashCommand(template.name, template.about, run, usage)


def _stamp(folder: Path) -> object:
    """Differs once a file has come, gone or changed."""
    try:
        return [
            (file.name, file.stat().st_mtime_ns, file.stat().st_size)
            for file in sorted(folder.iterdir())
        ]
    except OSError as error:
        return error.errno


async def _run(call: SlashCall, *, template: Template) -> None:
    """Put the filled-in text into the message box, where it may be changed before it is sent."""
    variables = template.variables
    if call.argument and variables:
        variables[next(iter(variables))] = call.argument
    composer = call.pane.composer
    call.take()
    if not variables:
        text = template.text + (f"\n\n{call.argument}" if call.argument else "")
        composer.set_draft(text)
        return
    from ccchat_tui.tui.screens.fill_in import FillInScreen  # noqa: PLC0415 - when asked for

    def answered(values: dict[str, str] | None) -> None:
        if values is not None and composer.is_attached:
            composer.set_draft(template.filled(values))

    call.app.push_screen(FillInScreen(template, variables), answered)

"""Slash commands: what a message that begins with `/` means, and who may add commands.

Only names that are known are commands. `/mnt/data is full`, or any other text that merely begins
with a slash, is a message; a first word that looks like a mistyped command is told and not sent.
`//` before a word sends the word with one slash, whatever it is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from ccchat_tui.quick import dataclass
from ccchat_tui.text import one_line
from ccchat_tui.tui.paths import last_name

if TYPE_CHECKING:
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.widgets.chat_pane import ChatPane

_NAME: Final = re.compile(r"/([A-Za-z][A-Za-z0-9_-]*)(?=\s|\Z)")
_CLOSE: Final = 0.7
"""How alike a word and a command must be for it to be taken for a slip of the fingers."""


class SlashError(Exception):
    """A command cannot be run as it was given. The text stays where it was typed.

    Args:
        message: What is wrong and what would be right, in words.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class SlashCall:
    """A command as it was given, to be run once."""

    app: CCChatApp
    pane: ChatPane
    """In whose message box it was typed."""
    command: SlashCommand
    argument: str
    """What stands behind the name, without white space around it."""
    text: str
    """The whole text."""
    taken: bool = False

    def take(self) -> None:
        """The command will be run: its text goes out of the message box.

        Called for each command when it has ended without a `SlashError`; one that puts something
        into the box itself calls it before.
        """
        if not self.taken:
            self.taken = True
            if self.pane.composer.is_attached:
                self.pane.composer.accepted(self.text)


Run = Callable[[SlashCall], Coroutine[Any, Any, str | None]]
"""What a command does. It returns what is to be said above the message box, if anything.

Raises:
    SlashError: The argument cannot be used; nothing was changed.
"""

Complete = Callable[["CCChatApp", "ChatPane"], Iterable[str]]
"""What the argument may be, as far as that can be told."""

CompleteWord = Callable[["CCChatApp", "ChatPane", str], "tuple[str, Iterable[str]]"]
"""Given what stands of the argument: the word at its end that is begun, and what it may be."""


Suggest = Callable[["CCChatApp", "ChatPane", str], Iterable[str]]
"""What an argument that is begun may become."""


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """One command."""

    name: str
    """Without the slash."""
    words: str
    """What it does."""
    run: Run
    usage: str = ""
    """What stands behind the name: `MODEL`, or `[TITLE]` where it may be left out."""
    complete: Complete | None = None
    complete_word: CompleteWord | None = None
    """In the place of `complete`, where the argument is made of several words."""
    suggest: Suggest | None = None
    """What the argument may become, where that hangs on what is typed of it."""
    needed: bool = False
    """Whether it can do nothing without an argument."""

    @property
    def shown(self) -> str:
        """Name and usage, as they are typed."""
        return f"/{self.name} {self.usage}".rstrip()


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can stand at the cursor."""

    text: str
    """What is written in the place of what stands there."""
    shown: str
    words: str
    begin: int
    """Where in the line what it takes the place of begins."""


class Slash:
    """The commands there are. Features add theirs with `add`; other sources, such as a folder of
    files, with `add_source`.

    Args:
        app: Whose commands they are.
    """

    def __init__(self, app: CCChatApp) -> None:
        self._app = app
        self._commands: dict[str, SlashCommand] = {}
        self._sources: list[Callable[[], Iterable[SlashCommand]]] = []

    def add(self, *commands: SlashCommand) -> None:
        """Add commands.

        Raises:
            ValueError: There is one of that name, or the name cannot be typed as a command.
        """
        for command in commands:
            if command.name in self._commands or not _NAME.fullmatch(f"/{command.name}"):
                raise ValueError(f"/{command.name} is taken, or is no name for a command")
            self._commands[command.name] = command

    def add_source(self, source: Callable[[], Iterable[SlashCommand]]) -> None:
        """Add whatever commands `source` gives when it is asked; ours win over its own."""
        self._sources.append(source)

    def __iter__(self) -> Iterator[SlashCommand]:
        found = dict(self._commands)
        for source in self._sources:
            for command in source():
                found.setdefault(command.name, command)
        yield from sorted(found.values(), key=lambda command: command.name)

    def find(self, name: str) -> SlashCommand | None:
        """The command of a name, upper or lower case alike."""
        return self._commands.get(name.lower()) or next(
            (command for command in self if command.name.lower() == name.lower()), None
        )

    def read(self, text: str, pane: ChatPane) -> SlashCall | str:
        """What a text in the message box is.

        Returns:
            A command to run, or the message that is to be sent.

        Raises:
            SlashError: It looks like a command that there is not.
        """
        if not text.startswith("/"):
            return text
        if re.match(r"//\w", text):
            return text[1:]
        found = _NAME.match(text)
        if found is None:
            return text
        command, argument = self.find(found[1]), text[found.end() :].strip()
        if command is not None:
            if command.needed and not argument:
                raise SlashError(f"{command.shown}: {command.words}. What is missing?")
            return SlashCall(self._app, pane, command, argument, text)
        names = [command.name for command in self]
        close = difflib.get_close_matches(found[1].lower(), names, 1, _CLOSE)
        if argument and not close:
            return text
        remedy = f"Did you mean /{close[0]}?" if close else "/help lists what there is."
        word = one_line(found[1], 30)
        raise SlashError(f"There is no command /{word}. {remedy} //{word} sends it as a message.")

    def choices(self, line: str, pane: ChatPane) -> list[Choice]:
        """What may stand at the end of a line.

        Args:
            line: The first line of the message box, up to the cursor.
            pane: Whose box it is.
        """
        if not line.startswith("/") or line.startswith("//"):
            return []
        name, space, typed = line[1:].partition(" ")
        if not space:
            return _names(name, self)
        command = self.find(name)
        if command is None:
            return []
        if command.complete_word is not None:
            word, words = command.complete_word(self._app, pane, typed)
            shown = (one_line(each, 200) for each in words)
            begin = len(line) - len(word)
            return [Choice(f"{each} ", each, "", begin) for each in _ranked(word, shown)]
        typed = typed.lstrip()
        begin = len(line) - len(typed)
        if command.suggest is not None:
            texts = command.suggest(self._app, pane, typed)
            return [Choice(each, one_line(last_name(each), 200), "", begin) for each in texts]
        given = command.complete(self._app, pane) if command.complete else ()
        found = (one_line(each, 200) for each in given)
        return [
            Choice(each, each, "", begin)
            for each in _ranked(typed, found)
            if each.lower() != typed.lower()
        ]


def _names(typed: str, commands: Iterable[SlashCommand]) -> list[Choice]:
    by_name = {command.name: command for command in commands}
    return [
        Choice(f"/{name} ", by_name[name].shown, by_name[name].words, 0)
        for name in _ranked(typed, by_name)
    ]


def _ranked(typed: str, texts: Iterable[str]) -> list[str]:
    """Those that begin with what is typed, then those that hold it, each in their own order."""
    typed = typed.lower()
    texts = list(dict.fromkeys(texts))
    first = [text for text in texts if text.lower().startswith(typed)]
    return first + [text for text in texts if typed in text.lower() and text not in first]

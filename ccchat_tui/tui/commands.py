"""The command palette: everything that a key does, and what has no key."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.theme import BUILTIN_THEMES

from ccchat_tui.quick import dataclass
from ccchat_tui.text import one_line

if TYPE_CHECKING:
    from ccchat_tui.tui.app import CCChatApp

_LEFT_OUT = ("jump(", "app.focus_", "command_palette")


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that can be done."""

    name: str
    help: str
    action: str
    node: DOMNode


def commands(app: CCChatApp) -> Iterator[Command]:
    """Everything there is to do now: bindings first, then chats, themes and the rest."""
    chats = app.chats
    pane = chats.active
    told: set[str] = set()
    for node in (chats, pane, pane.transcript, chats.panel.queue, app):
        for binding in _bindings(node):
            words = binding.tooltip or binding.description
            # Moving about is done by keys; going to a chat has commands of its own below.
            moves = not binding.show and node not in (chats, app) and "deed(" not in binding.action
            if moves or not words or words in told or binding.action.startswith(_LEFT_OUT):
                continue
            told.add(words)
            yield Command(words, f"key {app.get_key_display(binding)}", binding.action, node)
    for each in chats.deck.panes:
        title = one_line(f"{each.session.user} · {each.session.title}", 60)
        yield Command(f"Go to chat {each.number}: {title}", "", f"go_to('{each.session.id}')", app)
    for form, words in (("md", "Markdown"), ("json", "JSON"), ("html", "a web page")):
        yield Command(f"Export this chat as {words}", "into a file", f"export({form!r})", chats)
    yield Command("Import conversations", "from a file that was exported as JSON", "import", chats)
    yield Command("Fetch a model", "and see how far others are", "fetch_model", chats)
    if pane.comparison is not None:
        words = "its conversations stay in the history"
        yield Command("Close the comparison", words, "close_compared", chats)
        words = "each an ordinary chat from now on"
        yield Command("Keep all chats of the comparison", words, "keep_all_compared", chats)
    yield Command("Is everything saved?", "and if not, why", "saving", chats)
    yield Command(
        "One at a time and at once, side by side", "a load of simulated users", "compare_runs", app
    )
    yield Command("Use the demo model", "instead of the server", "use_demo", app)
    for command in themes(app):
        yield replace(command, name=f"Theme: {command.name}")
    yield Command("Save a picture of the screen", "as an SVG file", "screenshot", app)


def themes(app: CCChatApp) -> Iterator[Command]:
    """Every theme there is: ours and the person's own, then those that come with Textual."""
    there = app.available_themes
    for name in sorted(there, key=lambda name: (name in BUILTIN_THEMES, name)):
        words = "dark" if there[name].dark else "light"
        if name in BUILTIN_THEMES:
            words += ", one of Textual's"
        if name == app.theme:
            words += ", in use"
        yield Command(one_line(name, 40), words, f"theme({name!r})", app)


def _bindings(node: DOMNode) -> Iterator[Binding]:
    for bindings in node._bindings.key_to_bindings.values():
        yield from bindings


def _help(command: Command) -> str | None:
    """The second line of a hit, which the palette reads as markup."""
    return command.help.replace("[", r"\[") or None


class ChatCommands(Provider):
    """Offers `commands`, all of them while nothing is typed."""

    def _commands(self) -> Iterator[Command]:
        return commands(cast("CCChatApp", self.app))

    def _run(self, command: Command) -> partial[Coroutine[Any, Any, bool]]:
        return partial(self.app.run_action, command.action, command.node)

    async def discover(self) -> Hits:
        """All of them, in their own order."""
        for command in self._commands():
            shown = Content(command.name)
            yield DiscoveryHit(shown, self._run(command), command.name, help=_help(command))

    async def search(self, query: str) -> Hits:
        """Those that match what is typed, the best first."""
        matcher = self.matcher(query)
        for command in self._commands():
            score, places = matcher.fuzzy_search.match(query, command.name)
            if score > 0:
                # Not `matcher.highlight`, which reads markup: a chat's title may hold anything.
                shown = Content(command.name)
                for place in places:
                    shown = shown.stylize(matcher.match_style, place, place + 1)
                yield Hit(score, shown, self._run(command), command.name, help=_help(command))


class ThemeCommands(ChatCommands):
    """Offers `themes`."""

    def _commands(self) -> Iterator[Command]:
        return themes(cast("CCChatApp", self.app))

"""Every key there is, read from the bindings themselves, so that it is never out of date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import Static

from ccchat_tui.quick import dataclass
from ccchat_tui.tui.screens.dialog import Dialog

MOST_KEYS = 4
"""More keys than these for one thing are told by the first and the last."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One thing that keys do."""

    keys: tuple[str, ...]
    """As they are shown."""
    words: str


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """What keys do in one place."""

    title: str
    rows: tuple[KeyRow, ...]


def key_groups(
    places: Iterable[tuple[str, DOMNode]], display: Callable[[Binding], str]
) -> list[KeyGroup]:
    """Read the bindings of some places.

    Args:
        places: A title and the node whose bindings work there.
        display: How a key is shown.
    """
    groups = []
    for title, node in places:
        rows: dict[str, list[str]] = {}
        for binding in _bindings(node):
            words = binding.tooltip or binding.description
            if not words or binding.system:
                continue
            keys = rows.setdefault(words, [])
            if (shown := display(binding)) not in keys:
                keys.append(shown)
        if rows:
            told = tuple(KeyRow(_folded(keys), words) for words, keys in rows.items())
            groups.append(KeyGroup(title, told))
    return groups


def _folded(keys: list[str]) -> tuple[str, ...]:
    """A long row of keys that do the same, such as one for each number, as its ends."""
    return tuple(keys) if len(keys) <= MOST_KEYS else (f"{keys[0]} … {keys[-1]}",)


def _bindings(node: DOMNode) -> Iterable[Binding]:
    for bindings in node._bindings.key_to_bindings.values():
        yield from bindings


class HelpScreen(Dialog[None]):
    """The keys, grouped by where they work.

    Args:
        groups: What to show.
        about: A line on top.
    """

    DEFAULT_CSS = """
    HelpScreen > .box { width: 92; height: 92%; padding: 1 1; }
    HelpScreen VerticalScroll { scrollbar-size-vertical: 1; padding: 0 1; }
    """

    def __init__(self, groups: Sequence[KeyGroup], about: str) -> None:
        super().__init__("Keys")
        self._groups = groups
        self._about = about

    def ask(self) -> ComposeResult:
        """One long text, scrolled by the usual keys."""
        with VerticalScroll():
            yield Static(self._text())

    def on_mount(self) -> None:
        """The arrows scroll at once."""
        self.query_one(VerticalScroll).focus()

    def _text(self) -> Content:
        pieces: list[tuple[str, str] | str] = [(self._about, "$text-muted"), "\n"]
        column = max(
            (len(", ".join(row.keys)) for group in self._groups for row in group.rows), default=0
        )
        column = min(column, 28)
        for group in self._groups:
            pieces += ["\n", (group.title, "bold $primary"), "\n"]
            for row in group.rows:
                keys = ", ".join(row.keys)
                pieces += [(f"  {keys:<{column}}  ", "bold"), row.words, "\n"]
        return Content.assemble(*pieces)

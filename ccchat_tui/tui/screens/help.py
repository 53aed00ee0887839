"""Every key there is, read from the bindings themselves, so that it is never out of date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from textwrap import wrap

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import Static

from ccchat_tui.quick import dataclass
from ccchat_tui.tui.screens.dialog import Dialog

MOST_COLUMNS = 28
"""Keys take no more columns than these, and no more than two in five."""
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
            yield Static()

    def on_mount(self) -> None:
        """The arrows scroll at once."""
        self.query_one(VerticalScroll).focus()

    def on_resize(self) -> None:
        """Each thing stays beside its keys, however narrow it gets."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        self.query_one(Static).update(self._text())

    def _text(self) -> Content:
        width = self.query_one(VerticalScroll).scrollable_content_region.width
        return key_text(self._about, self._groups, width)


def key_text(about: str, groups: Sequence[KeyGroup], width: int) -> Content:
    """The keys in a column, and what they do in another.

    Args:
        about: A line on top.
        groups: What to show.
        width: Columns there are for it.
    """
    pieces: list[tuple[str, str] | str] = [(about, "$text-muted"), "\n"]
    column = max((len(", ".join(row.keys)) for group in groups for row in group.rows), default=0)
    column = max(1, min(column, MOST_COLUMNS, width * 2 // 5))
    room = max(1, width - column - 4)
    for group in groups:
        pieces += ["\n", (group.title, "bold $primary"), "\n"]
        for row in group.rows:
            lines = zip_longest(
                wrap(", ".join(row.keys), column, break_on_hyphens=False),
                wrap(row.words, room),
                fillvalue="",
            )
            for keys, words in lines:
                pieces += [(f"  {keys:<{column}}  ", "bold"), words, "\n"]
    return Content.assemble(*pieces)

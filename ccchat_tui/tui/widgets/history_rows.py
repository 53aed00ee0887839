"""The list of conversations: only what is on the screen is asked for and laid out, however many
there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from ccchat_tui.sessions.search import Hit
from ccchat_tui.text import one_line
from ccchat_tui.tui.widgets.line import Piece
from ccchat_tui.tui.widgets.piece_rows import PieceRow, PieceRows

PAGE = 100
"""So many conversations are asked for at once."""
WHEEL = 3
"""Conversations that one notch of the wheel moves by."""


class HistoryRows(PieceRows, can_focus=True):
    """Conversations with a cursor, one row each, or two where something was searched for.

    Args:
        now: The present moment; today's conversations show the hour.
        zone: Whose hours are shown; `None` for the machine's own.
    """

    FOCUS_ON_CLICK = False  # the line above goes on taking what is typed
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, id="list.up"),
        Binding("down", "move(1)", "Down", show=False, id="list.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="list.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="list.page_down"),
        Binding("home", "move(-1000000000)", "First", show=False, id="list.first"),
        Binding("end", "move(1000000000)", "Last", show=False, id="list.last"),
        Binding("enter", "choose", "Open", show=False),
    ]
    DEFAULT_CSS = """
    HistoryRows {
        height: 1fr;
        min-height: 3;
    }
    """

    class Wanted(Message):
        """Conversations are in sight that have not been given yet."""

        def __init__(self, first: int, count: int) -> None:
            super().__init__()
            self.first = first
            self.count = count

    class Chosen(Message):
        """A conversation is to be opened."""

        def __init__(self, hit: Hit) -> None:
            super().__init__()
            self.hit = hit

    def __init__(self, now: datetime, zone: tzinfo | None = None) -> None:
        super().__init__()
        self._now = now.astimezone(zone)
        self._zone = zone
        self._items: dict[int, Hit] = {}
        self._asked: set[int] = set()
        self._total = 0
        self._top = 0
        self._at = 0
        self._tall = False
        self._here: frozenset[str] = frozenset()
        self._follow = ""

    def follow(self, session_id: str) -> None:
        """Put the cursor on a conversation that has moved, once what is in sight has come."""
        self._follow = session_id

    @property
    def total(self) -> int:
        """How many there are."""
        return self._total

    @property
    def known(self) -> int:
        """How many have been given."""
        return len(self._items)

    @property
    def complete(self) -> bool:
        """Whether all that are in sight have been given."""
        seen = range(self._top, min(self._total, self._top + self._seen))
        return all(place in self._items for place in seen)

    @property
    def selected(self) -> Hit | None:
        """The one under the cursor; `None` where there is none, or it is not known yet."""
        return self._items.get(self._at)

    def show_pages(self, total: int, *, keep_place: bool = False) -> None:
        """Show a list of one row each; what is in it is asked for by `Wanted`.

        Args:
            total: How many conversations there are.
            keep_place: Whether the cursor stays where it is.
        """
        self._reset({}, total, tall=False, keep_place=keep_place)

    def show_hits(
        self, hits: Sequence[Hit], here: frozenset[str], *, keep_place: bool = False
    ) -> None:
        """Show what was found, with a second row each that says what.

        Args:
            hits: All of them.
            here: The ids of all that are open in tabs of this program.
            keep_place: Whether the cursor stays where it is.
        """
        self._here = here
        self._reset(dict(enumerate(hits)), len(hits), tall=True, keep_place=keep_place)

    def _reset(self, items: dict[int, Hit], total: int, *, tall: bool, keep_place: bool) -> None:
        self._items = items
        self._asked.clear()
        self._total = total
        self._tall = tall
        self._top, self._at = (self._top, self._at) if keep_place else (0, 0)
        self._move_to(self._at)
        if items:
            self._go_along()

    def _go_along(self) -> None:
        followed, self._follow = self._follow, ""
        for place, hit in self._items.items():
            if hit.summary.id == followed:
                self._move_to(place)

    def give(self, first: int, hits: Sequence[Hit], here: frozenset[str]) -> None:
        """Show conversations that were asked for.

        Args:
            first: The place of the first of them in the list.
            hits: From there on.
            here: The ids of all that are open in tabs of this program.
        """
        self._here = here
        self._items.update(enumerate(hits, first))
        self._draw()
        self._go_along()

    def action_move(self, step: int) -> None:
        """Move the cursor."""
        self._move_to(self._at + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by a screen."""
        self._move_to(self._at + step * max(1, self._seen - 1))

    def action_choose(self) -> None:
        """Open the one under the cursor."""
        if (hit := self.selected) is not None:
            self.post_message(self.Chosen(hit))

    def on_resize(self) -> None:
        """Another size: lay out what is in sight."""
        super().on_resize()
        self._move_to(self._at)

    def on_click(self, event: events.Click) -> None:
        """The first click puts the cursor there, the second opens."""
        event.stop()
        place = self._top + event.get_content_offset_capture(self).y // self._height
        if not 0 <= place < self._total:
            return
        again = place == self._at
        self._move_to(place)
        if again:
            self.action_choose()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the cursor along."""
        event.stop()
        self.action_move(WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the cursor along."""
        event.stop()
        self.action_move(-WHEEL)

    # Within -------------------------------------------------------------------------------

    @property
    def _height(self) -> int:
        return 2 if self._tall else 1

    @property
    def _seen(self) -> int:
        """How many fit on the screen."""
        return max(1, self.size.height // self._height)

    def _move_to(self, place: int) -> None:
        self._at = max(0, min(place, self._total - 1))
        lowest = max(0, self._total - self._seen)
        self._top = max(self._at - self._seen + 1, min(self._top, self._at, lowest))
        self._draw()

    def _draw(self) -> None:
        rows: list[PieceRow] = []
        for place in range(self._top, min(self._total, self._top + self._seen)):
            hit = self._items.get(place)
            if hit is None:
                self._want(place)
                rows += [()] * self._height
            else:
                rows += self._rows_of(hit, selected=place == self._at)
        self.show(rows)

    def _want(self, place: int) -> None:
        first = place // PAGE * PAGE
        if first not in self._asked:
            self._asked.add(first)
            self.post_message(self.Wanted(first, min(PAGE, self._total - first)))

    def _rows_of(self, hit: Hit, *, selected: bool) -> list[PieceRow]:
        summary = hit.summary
        ground = " on $chosen" if selected else ""
        quiet, loud = f"$text-muted{ground}", f"bold $foreground{ground}"
        width = max(20, self.size.width)
        mark = "★ " if summary.pinned else "  "
        if summary.id in self._here:
            mark = f"{mark[0]}●"
        many = f"{summary.turns} turn" + ("" if summary.turns == 1 else "s")
        tags = one_line(" ".join(f"#{tag}" for tag in summary.tags), width // 4)
        who = one_line(summary.user, 12)
        tail = f"  {tags}" * bool(tags) + f"  {who}  {many:>9} "
        when = f"{self._when(summary.updated_at):>10}"
        room = max(4, width - 2 - len(mark) - len(when) - 2 - cell_len(tail))
        title = one_line(summary.title, room)
        title += " " * (room - cell_len(title))
        first = (
            Piece("▎" if selected else " ", f"$primary{ground}"),
            Piece(f"{mark} ", f"$accent{ground}"),
            Piece(f"{when}  ", quiet),
            Piece(title, loud),
            Piece(tail, quiet),
        )
        if not self._tall:
            return [first]
        told = one_line(hit.excerpt or "found in its title, user or tags", max(4, width - 17))
        second = (
            Piece("▎" if selected else " ", f"$primary{ground}"),
            Piece(" " * 15, ground.strip()),
            Piece(told + " " * max(0, width - 16 - cell_len(told)), quiet),
        )
        return [first, second]

    def _when(self, moment: datetime) -> str:
        local = moment.astimezone(self._zone)
        if local.date() == self._now.date():
            return f"{local:%H:%M}"
        return f"{local:%Y-%m-%d}"

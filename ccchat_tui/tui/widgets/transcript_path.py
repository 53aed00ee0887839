"""Versions and branches in a transcript: how other turns come into the place of those shown, and
the keys that ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from textual.binding import Binding, BindingType
from textual.message import Message

from ccchat_tui.sessions.model import Turn
from ccchat_tui.tui.markdown.lines import spans_cells
from ccchat_tui.tui.widgets.transcript_find import FindingTranscript
from ccchat_tui.tui.widgets.transcript_index import RowIndex
from ccchat_tui.tui.widgets.transcript_turn import INDENT, TurnRows
from ccchat_tui.tui.widgets.transcript_words import EARLIER, GO_ON, LATER

Deed = Literal[
    "regenerate", "edit", "go_on", "quote", "delete", "undelete", "earlier", "later"
]  # fmt: skip
"""What can be done to a turn; the last two show another version or branch in its place."""

TURN_KEYS: Final[list[BindingType]] = [
    Binding("g", "deed('regenerate')", "Regenerate", id="replies.regenerate",
            tooltip="Ask for another reply, and keep this one"),
    Binding("e", "deed('edit')", "Edit", id="replies.edit",
            tooltip="Edit a question, and ask it in a branch of its own"),
    Binding("o", "deed('go_on')", "Continue", id="replies.continue",
            tooltip="Go on with a reply that was cut off"),
    Binding("q", "deed('quote')", "Quote", id="replies.quote",
            tooltip="Quote the reply, or what is selected, in the message box"),
    Binding("left", "deed('earlier')", "Version before", id="replies.earlier_version", show=False,
            tooltip="Show the version or branch before this one"),
    Binding("right", "deed('later')", "Version after", id="replies.later_version", show=False,
            tooltip="Show the version or branch after this one"),
    Binding("d", "deed('delete')", "Delete", id="replies.delete",
            tooltip="Delete a question with its reply"),
    Binding("u", "deed('undelete')", "Undelete", id="replies.undelete", show=False,
            tooltip="Take the last delete of a question back"),
]  # fmt: skip
_BUTTONS: Final[dict[str, Deed]] = {GO_ON: "go_on", EARLIER: "earlier", LATER: "later"}


class PathTranscript(FindingTranscript):
    """Shows one path through the versions and branches of a conversation, and asks for others."""

    class DeedRequested(Message, namespace="transcript"):
        """Something is to be done to a turn."""

        def __init__(self, deed: Deed, turn_id: str) -> None:
            super().__init__()
            self.deed: Deed = deed
            self.turn_id = turn_id
            """Which; empty if there is none at all."""

    @property
    def chosen_turn(self) -> Turn | None:
        """The turn under the cursor, else the newest."""
        view = self._chosen()
        return view.turn if view else None

    def _chosen(self) -> TurnRows | None:
        """The turn under the cursor, else the newest."""
        if not self._views:
            return None
        return self._views[-1 if self._cursor is None else self._cursor]

    def action_deed(self, deed: Deed) -> None:
        """Ask for something to be done to the chosen turn, else to the newest."""
        turn = self.chosen_turn
        if deed == "go_on" and self._cursor is None:
            turn = next((each for each in reversed(self.turns) if each.can_go_on), turn)
        self.post_message(self.DeedRequested(deed, turn.id if turn else ""))

    def _press(self, turn_id: str, across: int, row: int) -> bool:
        """Do what a button below a reply is for. Returns whether there is one.

        Args:
            turn_id: Whose reply.
            across: The cell of the row.
            row: Of all.
        """
        index, offset = self._index.find(row)
        found = self._views[index].line(offset)
        across -= INDENT
        for span in found[0].spans if found else ():
            across -= spans_cells([span])
            if across < 0:
                deed = _BUTTONS.get(span[0])
                if deed is not None:
                    self.post_message(self.DeedRequested(deed, turn_id))
                return deed is not None
        return False

    def show_path(self, turns: Sequence[Turn]) -> None:
        """Show these turns and no others. What stays the same above stays where it is in sight;
        what is new at the end is only added."""
        old = self.turns
        pairs = zip(old, turns, strict=False)
        same = next((n for n, (a, b) in enumerate(pairs) if a is not b), min(len(old), len(turns)))
        if same == len(old):
            for turn in turns[same:]:
                self.add_turn(turn)
        else:
            self._change_path(turns, same)
        for view in self._views:
            # How many versions there are may be told below any of them.
            if view.laid_out:
                self._live[view] = None
        if self.is_visible:
            self.on_frame()

    def _change_path(self, turns: Sequence[Turn], same: int) -> None:
        was = self._following
        following = was and same >= len(turns) - 1
        if was and not following:
            self._take_anchor()
        known = {view.turn.id: view for view in self._views}
        kept = self._views[:same]
        heights = [self._index.height(index) for index in range(same)]
        self._views, self._index = kept, RowIndex(heights)
        self._by_id = {view.turn.id: view for view in kept}
        self._live = {view: None for view in self._live if view.index < same}
        self._strips.clear()
        for turn in turns[same:]:
            self._append(turn, known.get(turn.id))
        if self.text_selection is not None:
            # It is told by rows, in which something else stands now.
            self.screen.clear_selection()
        last = len(self._views) - 1
        if self._cursor is not None:
            self._cursor = min(self._cursor, last) if self._views else None
        if self._anchor[0] >= same:
            self._anchor = (max(0, min(same, last)), "above", 0)
        self._following = following or not self._views
        self._new_rows = 0
        if self.is_visible and not self._following:
            self._see_to(self._views[min(same, last)])
            self._settle()
            self._following = round(self.scroll_y) >= self.max_scroll_y
        self._settle()
        if self._following != was:
            self.post_message(self.FollowChanged(self._following, 0))
        if self._finder is not None and self.is_visible:
            self._look()
            self._tell_found()
        self.refresh()

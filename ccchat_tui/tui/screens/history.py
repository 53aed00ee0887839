"""Every conversation there is: found again, opened, named, marked, deleted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from ccchat_tui.quick import dataclass
from ccchat_tui.sessions.history import tags_from
from ccchat_tui.sessions.problems import StoreProblem
from ccchat_tui.sessions.search import Hit, page, search, total, words_of
from ccchat_tui.text import one_line, sanitize
from ccchat_tui.tui.screens.ask_text import AskTextScreen
from ccchat_tui.tui.screens.dialog import Dialog
from ccchat_tui.tui.widgets.fields import Line
from ccchat_tui.tui.widgets.history_rows import HistoryRows

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ccchat_tui.tui.keeping import Keeping

KEYS = "Enter opens · F2 name · F3 tags · F4 pin · F9 delete · Ctrl+Z undo"


@dataclass(frozen=True, slots=True)
class Found:
    """The answer of the screen: what is to be opened, and where."""

    session_id: str
    turn: str = ""
    """The turn that is to be in view; empty for the end."""
    words: tuple[str, ...] = ()
    """What is to be in view of it."""


class HistoryScreen(Dialog[Found]):
    """Lists conversations and does what is asked with them; who opened it opens what is chosen.

    Args:
        keeping: Who asks the store.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        # At once, so that they work while one types.
        Binding("f2", "rename", "Name", priority=True),
        Binding("f3", "tag", "Tags", priority=True),
        Binding("f4", "pin", "Pin", priority=True),
        Binding("f9", "delete", "Delete", priority=True),
        Binding("ctrl+z", "undo", "Undo the delete", priority=True),
    ]
    DEFAULT_CSS = """
    HistoryScreen > .box { width: 120; height: 92%; padding: 1 1 0 1; }
    HistoryScreen .said { color: $text-muted; padding: 0 1; }
    HistoryScreen .said.-problem { color: $text-error; }
    """

    def __init__(self, keeping: Keeping) -> None:
        super().__init__("History")
        self._keeping = keeping
        self._typed = ""
        self._hits: list[Hit] = []
        self._deleted: list[tuple[str, str]] = []
        self._asked = False
        """Whether a question is on its way, so that the list is of an older one."""
        self._choose_next = False
        """Whether Enter was pressed meanwhile: it is meant for what comes."""
        self.list = HistoryRows(keeping.now(), keeping.zone)

    @property
    def asking(self) -> bool:
        """Whether a question is on its way."""
        return self._asked

    def ask(self) -> ComposeResult:
        """A line to type in, the list, and what there is to say."""
        yield Line(placeholder="type to search in all that was ever said", id="search")
        yield self.list
        yield Static(classes="said", markup=False)

    def on_mount(self) -> None:
        """Show them all."""
        self.query_one(Line).focus()
        self._show()

    # Searching ----------------------------------------------------------------------------

    @on(Line.Changed)
    def _changed(self, event: Line.Changed) -> None:
        event.stop()
        if words_of(event.value) == words_of(self._typed) and event.value and self._typed:
            self._typed = event.value
            return
        self._typed = event.value
        self._show()

    def _show(self, *, keep_place: bool = False) -> None:
        """Ask for what is to be listed; a question that is not answered yet is given up."""
        self._asked = True
        self._choose_next = False
        self.run_worker(self._list(keep_place), group="history", exclusive=True)

    async def _list(self, keep_place: bool) -> None:
        typed = self._typed
        try:
            if words_of(typed):
                self._hits = await self._keeping.ask(partial(search, typed=typed))
                here = self._keeping.open_here()
                self.list.show_hits(self._hits, here, keep_place=keep_place)
            else:
                count = await self._keeping.ask(total)
                self.list.show_pages(count, keep_place=keep_place)
        except StoreProblem as problem:
            self._say(problem.message, problem=True)
            return
        self._say(self._words())
        self._asked = False
        if self._choose_next:
            self._choose_next = False
            self.list.action_choose()

    def _words(self) -> str:
        count = self.list.total
        many = f"{count:,} conversation" + ("" if count == 1 else "s")
        if words_of(self._typed):
            return f"{many} with “{one_line(self._typed, 30)}”. {KEYS}"
        return f"{many}. {KEYS}" if count else "Nothing has been kept yet."

    @on(HistoryRows.Wanted)
    async def _wanted(self, event: HistoryRows.Wanted) -> None:
        event.stop()
        typed = self._typed
        try:
            rows = await self._keeping.ask(partial(page, first=event.first, count=event.count))
        except StoreProblem as problem:
            self._say(problem.message, problem=True)
            return
        if typed == self._typed:
            self.list.give(event.first, [Hit(each) for each in rows], self._keeping.open_here())

    # Opening ------------------------------------------------------------------------------

    @on(Line.Submitted)
    def _entered(self, event: Line.Submitted) -> None:
        event.stop()
        if self._asked:
            self._choose_next = True
        else:
            self.list.action_choose()

    @on(HistoryRows.Chosen)
    def _chosen(self, event: HistoryRows.Chosen) -> None:
        event.stop()
        hit = event.hit
        self.dismiss(Found(hit.summary.id, hit.turn, tuple(words_of(self._typed))))

    def on_key(self, event: events.Key) -> None:
        """The keys that move work in the list while one types."""
        moves = {"up": (-1, "move"), "down": (1, "move"), "pageup": (-1, "page"),
                 "pagedown": (1, "page")}  # fmt: skip
        if event.key in moves and self.focused is not self.list:
            event.stop()
            event.prevent_default()
            step, way = moves[event.key]
            self.list.action_move(step) if way == "move" else self.list.action_page(step)

    # Doing --------------------------------------------------------------------------------

    def action_rename(self) -> None:
        """Give the conversation another title."""
        if (hit := self.list.selected) is None:
            return

        def answered(title: str | None) -> None:
            if title:
                self._do(self._keeping.rename(hit.summary.id, title), f"It is “{title}” now.")

        question = "The name of this conversation."
        self.app.push_screen(
            AskTextScreen("Rename", question, hit.summary.title, needed=True), answered
        )

    def action_tag(self) -> None:
        """Give the conversation tags."""
        if (hit := self.list.selected) is None:
            return

        def answered(typed: str | None) -> None:
            if typed is not None:
                self._do(self._keeping.tag(hit.summary.id, tags_from(typed)), "Tagged.")

        question = "Tags, separated by spaces; nothing for none. The search finds them."
        present = " ".join(hit.summary.tags)
        self.app.push_screen(AskTextScreen("Tags", question, present), answered)

    def action_pin(self) -> None:
        """Keep the conversation above the others, or no more."""
        if (hit := self.list.selected) is not None:
            pinned = not hit.summary.pinned
            said = "Pinned: it stays on top." if pinned else "Not pinned any more."
            self._do(self._keeping.pin(hit.summary.id, pinned), said, follow=hit.summary.id)

    def action_delete(self) -> None:
        """Delete the conversation; `undo` brings it back."""
        if (hit := self.list.selected) is None:
            return
        summary = hit.summary

        async def delete() -> None:
            await self._keeping.delete(summary.id)
            self._deleted.append((summary.id, summary.title))

        self._do(delete(), f"“{one_line(summary.title, 40)}” is deleted. Ctrl+Z brings it back.")

    def action_undo(self) -> None:
        """Bring back what was deleted last."""
        if not self._deleted:
            self._say("Nothing was deleted here.")
            return
        session_id, title = self._deleted.pop()
        self._do(self._keeping.restore(session_id), f"“{one_line(title, 40)}” is back.")

    def _do(self, what: Awaitable[None], said: str, *, follow: str = "") -> None:
        self.run_worker(self._done(what, said, follow), group="doing")

    async def _done(self, what: Awaitable[None], said: str, follow: str) -> None:
        try:
            await what
        except StoreProblem as problem:
            self._say(problem.message, problem=True)
            return
        self.list.follow(follow)
        await self._list(keep_place=True)
        self._say(said)

    def _say(self, words: str, *, problem: bool = False) -> None:
        line = self.query_one(".said", Static)
        line.update(Content(one_line(sanitize(words), 200)))
        line.set_class(problem, "-problem")

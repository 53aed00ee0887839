"""One chat: its transcript, a line for news, and the box where the next message is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from ccchat_tui.clock import Clock
from ccchat_tui.engine.request import Rejected
from ccchat_tui.sessions.comparison import Comparison
from ccchat_tui.sessions.manager import SessionManager
from ccchat_tui.sessions.model import Session, Turn
from ccchat_tui.text import one_line, sanitize
from ccchat_tui.tui.attaching import Attaching
from ccchat_tui.tui.refusals import words_of
from ccchat_tui.tui.sending import AskAll, Sending
from ccchat_tui.tui.slash import Slash
from ccchat_tui.tui.slash_completion import Completion
from ccchat_tui.tui.turn_deeds import TurnDeeds
from ccchat_tui.tui.widgets.attachments import AttachmentBar
from ccchat_tui.tui.widgets.composer import PLACEHOLDER, Composer
from ccchat_tui.tui.widgets.find_bar import FindBar
from ccchat_tui.tui.widgets.info_line import InfoLine
from ccchat_tui.tui.widgets.piece_rows import PieceRows
from ccchat_tui.tui.widgets.slash_list import SlashList
from ccchat_tui.tui.widgets.tab_bar import STATUS_GLYPHS
from ccchat_tui.tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from ccchat_tui.tui.widgets.compare_figures import CompareFigures


class ChatPane(Vertical):
    """The same widget under the tabs and in the grid, so that nothing typed is ever moved.

    Args:
        session: The conversation it shows.
        sessions: Who keeps the conversations.
        clock: For the seconds that a reply has been waited for.
        notice: A plain line at the top of the transcript; empty for none.
        slash: The commands that may be typed in place of a message; `None` for none.
        colour: Of its user, as in `#ff8800`; empty for none.
    """

    class Activated(Message):
        """The person works in this pane now."""

        def __init__(self, pane: ChatPane) -> None:
            super().__init__()
            self.pane = pane

    BINDING_GROUP_TITLE = "In a chat"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel_newest", "Cancel reply", tooltip="Cancel the newest reply"),
    ]

    DEFAULT_CSS = """
    ChatPane {
        width: 1fr;
        height: 1fr;
    }
    ChatPane .news {
        display: none;
        height: auto;
        max-height: 4;
        padding: 0 1;
    }
    ChatPane .news.-told {
        display: block;
    }
    ChatPane.-compared .news {
        max-height: 7;
    }
    ChatPane.-compared InfoLine {
        display: none;
    }
    """

    framed: reactive[bool] = reactive(False, toggle_class="-framed")
    """Whether it has a border with its title, as in the grid."""

    def __init__(
        self,
        session: Session,
        sessions: SessionManager,
        *,
        clock: Clock,
        notice: str = "",
        slash: Slash | None = None,
        colour: str = "",
    ) -> None:
        super().__init__()
        self.session = session
        self._colour = colour
        self.number = 0
        """Its place among the tabs, from 1."""
        self._sessions = sessions
        self.transcript = Transcript(clock=clock)
        # A cursor that blinks would draw twice a second while nothing happens.
        self.composer = Composer(blink=False)
        if slash is not None:
            self.composer.completion = Completion(lambda line: slash.choices(line, self))
        self._choices = SlashList()
        self.attaching = Attaching(self, session, sessions)
        self.find_bar = FindBar()
        self._news = Static(classes="news", markup=False)
        self._info = InfoLine()
        self._notice = notice
        self._beside = False
        self._focus_wanted = False
        self.figures: CompareFigures | None = None
        """What its model takes, while it is one of a comparison."""
        self._shape = -1
        self.deeds = TurnDeeds(self, sessions)
        """What is done to its turns."""
        self._sending = Sending(self, sessions, slash)

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self.transcript
        yield self.find_bar
        yield self._news
        yield self._info
        if self.figures is not None:
            yield self.figures
        yield self._choices
        yield self.attaching.bar
        yield self.composer

    def on_mount(self) -> None:
        """Show what is there already."""
        self.transcript.set_turns(self.session.turns)
        self._shape = self.session.shape
        self._show_notice()
        self.show_session()
        if self.session.draft:
            self.composer.set_draft(self.session.draft)
        self.attaching.show()
        if self._focus_wanted:
            self.focus_composer()

    # What it is told ----------------------------------------------------------------------

    def set_notice(self, text: str) -> None:
        """Show a plain line at the top of the transcript; empty for none."""
        self._notice = text
        self._show_notice()

    def set_beside(self, beside: bool) -> None:
        """Leave the plain line to another pane in sight, which has it already, or not."""
        if beside != self._beside:
            self._beside = beside
            self._show_notice()

    def _show_notice(self) -> None:
        if self.is_attached:
            self.transcript.set_notice("" if self._beside else self._notice)

    def turn_changed(self, turn: Turn) -> None:
        """A turn of this chat is new, or has changed."""
        self._show_path()
        self.transcript.turn_changed(turn)

    def _show_path(self) -> None:
        if self._shape not in (-1, self.session.shape):
            self._shape = self.session.shape
            self.transcript.show_path(self.session.turns)

    def tell(self, words: str, *, problem: bool = False) -> None:
        """Show news in the line above the box; empty words take it away."""
        self._news.update(Content(sanitize(words)))
        self._news.set_class(bool(words), "-told")
        self._news.set_class(problem, "-problem")

    @property
    def news(self) -> str:
        """What the line above the box says; empty for nothing."""
        return str(self._news.content) if self._news.has_class("-told") else ""

    def show_session(self) -> None:
        """Show title, settings and state as they are now."""
        session = self.session
        self._show_path()
        status = self._sessions.status(session)
        glyph = STATUS_GLYPHS[status].strip()
        who, what = one_line(session.user, 14), one_line(session.title, 40)
        title = f"{self.number} {glyph} {who} · {what}"
        if self.figures is not None:
            self.figures.show_session()
            title = f"{glyph} {self.figures.head}"
        self.border_title = Content(" ".join(title.split()))
        self._info.show_session(session, len(self._sessions.running(session)), self._colour)
        self.attaching.look_at_model()

    @property
    def comparison(self) -> Comparison | None:
        """What it is one of, if it is."""
        return None if self.figures is None else self.figures.comparison

    def compare(self, figures: CompareFigures | None, ask_all: AskAll | None = None) -> None:
        """Make it one of a comparison, before it is mounted, or an ordinary chat again.

        Args:
            figures: What its model takes; `None` for an ordinary chat.
            ask_all: What a message in its box is given to, with its files.
        """
        if self.figures is not None:
            self.figures.remove()
        self.figures, self._sending.ask_all = figures, ask_all
        self.set_class(figures is not None, "-compared")
        self.composer.placeholder = PLACEHOLDER if figures is None else "A question for all models"
        if self.is_attached:
            self.composer.tell_keys()
            self.show_session()

    def keep_draft(self, text: str) -> bool:
        """Put a text that has nowhere else to go into the box, unless something is written there.

        Returns:
            Whether it was put there.
        """
        if self.composer.is_attached:
            if self.composer.text.strip():
                return False
            self.composer.set_draft(text)
        else:
            self.session.draft = text
        return True

    def focus_composer(self) -> None:
        """Put the cursor into the box, as soon as there is one: what is typed next is for it."""
        self._focus_wanted = not self.composer.is_attached
        if not self._focus_wanted:
            # Not `Widget.focus`, which waits behind the keys that have come already.
            self.screen.set_focus(self.composer)

    # Finding ------------------------------------------------------------------------------

    def find(self, words: str = "") -> None:
        """Find words in this chat; without any, ask for them."""
        self.find_bar.open(words)

    @on(FindBar.Changed)
    def _find_other(self, event: FindBar.Changed) -> None:
        event.stop()
        self.transcript.find(event.words)
        self.find_bar.show_found(*self.transcript.found)

    @on(FindBar.Stepped)
    def _find_next(self, event: FindBar.Stepped) -> None:
        event.stop()
        self.transcript.find_next(event.step)

    @on(FindBar.Left)
    def _find_nothing(self, event: FindBar.Left) -> None:
        event.stop()
        self.transcript.find("")
        self.focus_composer()

    @on(Transcript.Found)
    def _found(self, event: Transcript.Found) -> None:
        event.stop()
        self.find_bar.show_found(event.number, event.count)

    # What the person does -----------------------------------------------------------------

    @on(Composer.Submitted)
    async def _submitted(self, event: Composer.Submitted) -> None:
        event.stop()
        await self._sending.submit(event.text)

    @on(Composer.Changed)
    def _written(self, event: Composer.Changed) -> None:
        event.stop()
        self._sessions.keeper.draft_changed(self.session, lambda: self.composer.kept_text)
        self.attaching.written()
        self._show_choices()

    @on(Composer.SelectionChanged)
    @on(Composer.Offered)
    def _show_choices(self) -> None:
        """Show what may stand at the cursor."""
        offered = self.composer.has_focus and self.composer.offered()
        completion = self.composer.completion
        if completion is not None:
            self._choices.offer(completion.choices if offered else (), completion.index)

    @on(PieceRows.Pressed)
    def _choice_pressed(self, event: PieceRows.Pressed) -> None:
        if event.rows is self._choices:
            event.stop()
            self.focus_composer()
            self.composer.choose(int(event.target.removeprefix("choice:")))

    def on_descendant_blur(self, _event: events.DescendantBlur) -> None:
        """Nothing is offered to who is elsewhere."""
        self._show_choices()

    @on(Composer.CancelRequested)
    def _escape(self, event: Composer.CancelRequested) -> None:
        event.stop()
        if not self.attaching.leave_offer():
            self.action_cancel_newest()

    @on(Composer.Pasted)
    def _pasted(self, event: Composer.Pasted) -> None:
        event.stop()
        self.attaching.pasted(event.text, event.shown)

    @on(Composer.NothingToSend)
    def _nothing_to_send(self, event: Composer.NothingToSend) -> None:
        event.stop()
        if self.session.attached:
            self.tell("Write what is to be done with what is attached, then send it.")

    @on(AttachmentBar.TakeOutRequested)
    def _take_out(self, event: AttachmentBar.TakeOutRequested) -> None:
        event.stop()
        self.attaching.take_out(event.index)

    @on(AttachmentBar.OfferTaken)
    def _offer_taken(self, event: AttachmentBar.OfferTaken) -> None:
        event.stop()
        self.attaching.take_offer()

    @on(AttachmentBar.OfferLeft)
    def _offer_left(self, event: AttachmentBar.OfferLeft) -> None:
        event.stop()
        self.attaching.leave_offer()

    @on(AttachmentBar.Left)
    def _bar_left(self, event: AttachmentBar.Left) -> None:
        event.stop()
        self.focus_composer()

    @on(Transcript.CancelRequested)
    def _cancel(self, event: Transcript.CancelRequested) -> None:
        event.stop()
        if turn := self._turn(event.turn_id):
            self._sessions.cancel_turn(turn)

    @on(Transcript.RetryRequested)
    def _retry(self, event: Transcript.RetryRequested) -> None:
        event.stop()
        if turn := self._turn(event.turn_id):
            self.retry(turn)

    @on(Transcript.DeedRequested)
    def _deed(self, event: Transcript.DeedRequested) -> None:
        event.stop()
        self.deeds.do(event.deed, self._turn(event.turn_id))

    def retry(self, turn: Turn) -> None:
        """Ask a question again; a refusal is told in the pane and changes nothing."""
        try:
            self._sessions.retry(self.session, turn)
        except Rejected as refusal:
            self.tell(f"Not asked again: {words_of(refusal)}", problem=True)
        else:
            self.tell("")

    def action_cancel_newest(self) -> None:
        """Leave a question that is edited; else cancel the newest reply, and with none running,
        take the news away."""
        if self.deeds.leave_editing():
            return
        if self._sessions.cancel_newest(self.session) is None:
            self.tell("")

    def action_retry_last(self) -> None:
        """Ask the newest question again that did not get its whole reply."""
        for turn in reversed(self.session.turns):
            if not turn.state.alive and turn.note:
                self.retry(turn)
                return
        self.tell("There is nothing to retry in this chat.")

    def on_descendant_focus(self, _event: events.DescendantFocus) -> None:
        """Whatever is focused in it, the person works here now."""
        self.post_message(self.Activated(self))

    def on_click(self) -> None:
        """A click on the replies or between the parts counts too."""
        if not self.has_focus_within:
            self.focus_composer()

    def on_key(self, event: events.Key) -> None:
        """What would be written, and means nothing in the replies, is for the message box."""
        if (
            event.is_printable
            and not self.composer.has_focus
            and event.key not in self.screen.active_bindings
        ):
            self._to_composer(event)

    def on_paste(self, event: events.Paste) -> None:
        """Nothing is pasted into replies."""
        if not self.composer.has_focus:
            self._to_composer(event)

    def _to_composer(self, event: events.Key | events.Paste) -> None:
        event.stop()
        self.focus_composer()
        self.composer.post_message(event)

    def _turn(self, turn_id: str) -> Turn | None:
        return next((turn for turn in self.session.turns if turn.id == turn_id), None)

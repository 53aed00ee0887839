"""The comparisons of the app: which panes lie side by side, what is asked in all of them, and how
one is left again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ccchat_tui.engine.events import EngineEvent, RequestFirstToken
from ccchat_tui.sessions.comparison import Comparison
from ccchat_tui.sessions.model import Session, Turn
from ccchat_tui.tui.refusals import compared_words
from ccchat_tui.tui.widgets.deck import COMPARED_WIDTH

if TYPE_CHECKING:
    from ccchat_tui.sessions.attachments import Attachment
    from ccchat_tui.sessions.together import Sent
    from ccchat_tui.tui.app import CCChatApp
    from ccchat_tui.tui.widgets.chat_pane import ChatPane


class Comparisons:
    """Every comparison there is, and the panes that show it.

    Args:
        app: Whose panes they are.
    """

    def __init__(self, app: CCChatApp) -> None:
        self._app = app
        self._all: list[Comparison] = []
        self._panel_hidden = False
        """Whether the queue panel has made way for panes side by side."""
        app.sessions.subscribe(self._on_session)
        app.service.subscribe(self._on_event)

    def of(self, session: Session) -> Comparison | None:
        """The comparison that a conversation belongs to, if it does to one."""
        return next((each for each in self._all if session in each.sessions), None)

    # Beginning and leaving ----------------------------------------------------------------

    def choose(self, like: Session) -> None:
        """Ask which models are to be compared, and open them."""
        from ccchat_tui.tui.screens.compare_models import CompareModelsScreen  # noqa: PLC0415

        def answered(models: str | None) -> None:
            if models:
                self.begin(like, picker.chosen)

        picker = CompareModelsScreen(like.model, desk=self._app.models, zone=self._app.keeping.zone)
        self._app.push_screen(picker, answered)
        self._app.models.fill(picker)

    def begin(self, like: Session, models: Sequence[str], question: str = "") -> None:
        """Open panes side by side, one a model, and ask them.

        Args:
            like: The conversation from which it was asked for: whose user, system prompt and
                options they get. Files that are attached there go with the first question.
            models: Two or more.
            question: The first question; empty if it is still to be written.
        """
        from ccchat_tui.tui.widgets.compare_figures import CompareFigures  # noqa: PLC0415

        chats, sessions = self._app.chats, self._app.sessions
        comparison = Comparison(like.id)
        for model in models:
            comparison.add(sessions, like, model)
        self._all.append(comparison)
        first: ChatPane | None = None
        for session in comparison.sessions:
            pane = chats.pane_of(session.id)
            assert pane is not None
            first = first or pane
            pane.composer.prompts = first.composer.prompts
            figures = CompareFigures(session, comparison, self._app.wall)
            pane.compare(figures, lambda text, files: self._ask(comparison, text, files))
        self._make_room(len(models))
        assert first is not None
        chats.activate(first)
        if like.attached:
            # The files are for whatever is asked next, and that is asked here.
            first.attaching.put(like.attached)
            if (asking := chats.pane_of(like.id)) is not None:
                asking.attaching.take_all_out()
        if question:
            sent = self._ask(comparison, question, first.session.attached)
            if not sent.refused:
                first.attaching.sent()
            else:
                # It is not lost, and Enter asks those that have not got it.
                first.keep_draft(question)
                first.tell(compared_words(sent), problem=True)

    def _ask(self, comparison: Comparison, text: str, files: Sequence[Attachment]) -> Sent:
        """Ask all of a comparison, and have each pane that is asked show it."""
        sent = comparison.ask(self._app.sessions, text, files)
        refused = [session for session, _ in sent.refused]
        for session in comparison.sessions:
            pane = self._app.chats.pane_of(session.id)
            if pane is not None and session not in refused:
                pane.transcript.see_newest()
        return sent

    def keep(self, session: Session) -> None:
        """Keep one conversation as an ordinary chat, and close the others of its comparison."""
        comparison = self.of(session)
        if comparison is None:
            return
        others = [each for each in comparison.sessions if each is not session]

        def keep() -> None:
            self._dissolve(comparison)
            comparison.let_go(self._app.sessions, session)
            for other in others:
                self._app.sessions.close(other)
            self._app.action_go_to(session.id)

        self._ask_first(others, "Close the others?", keep)

    def keep_all(self, session: Session) -> None:
        """Keep every conversation of a comparison as an ordinary chat."""
        if (comparison := self.of(session)) is not None:
            self._dissolve(comparison)
            self._app.action_go_to(session.id)

    def close(self, session: Session) -> None:
        """Close all conversations of a comparison, as they are; the history has them."""
        comparison = self.of(session)
        if comparison is None:
            return

        def close() -> None:
            # First of all back to where one came from: closing goes to whoever is next.
            self._app.action_go_to(comparison.origin)
            if comparison in self._all:
                self._dissolve(comparison)
            for each in comparison.sessions:
                self._app.sessions.close(each)

        self._ask_first(comparison.sessions, "Close the comparison?", close)

    def _ask_first(self, sessions: Sequence[Session], title: str, then: Callable[[], None]) -> None:
        """Do what closes these, with a question while something runs in them."""
        running = sum(len(self._app.sessions.running(each)) for each in sessions)
        if not running or not self._app.settings.confirm_quit:
            then()
            return
        from ccchat_tui.tui.screens.confirm import ConfirmScreen  # noqa: PLC0415

        many = "1 reply is" if running == 1 else f"{running} replies are"
        words = f"{many} still running there. Closing cancels what runs."
        self._app.push_screen(
            ConfirmScreen(title, words, yes="Close"), lambda yes: then() if yes else None
        )

    def _dissolve(self, comparison: Comparison) -> None:
        """Have each of them asked by itself from now on."""
        self._all.remove(comparison)
        for session in comparison.sessions:
            if (pane := self._app.chats.pane_of(session.id)) is not None:
                pane.compare(None)
        self._app.chats.deck.show()
        self._give_room_back()

    # Room ---------------------------------------------------------------------------------

    def _make_room(self, count: int) -> None:
        """Hide the queue panel if more panes fit beside each other without it."""
        chats = self._app.chats
        width = chats.deck.size.width
        if chats.panel.display and width // COMPARED_WIDTH < min(
            count, chats.size.width // COMPARED_WIDTH
        ):
            chats.panel.display = False
            self._panel_hidden = True

    def _give_room_back(self) -> None:
        if self._panel_hidden and not self._all:
            self._panel_hidden = False
            self._app.chats.panel.display = True
            self._app.watch_queue.wake()

    # Following ----------------------------------------------------------------------------

    def show_figures(self) -> None:
        """Show how those stand that are in sight; called as often as the queue is shown."""
        if self._all:
            for pane in self._app.chats.deck.in_sight:
                if pane.figures is not None:
                    pane.figures.show_session()

    def _on_session(self, session: Session, _turn: Turn | None) -> None:
        """One that was closed belongs to nothing; one that is left alone is an ordinary chat."""
        comparison = self.of(session)
        if comparison is None or session in self._app.sessions.sessions:
            return
        comparison.sessions.remove(session)
        if not comparison.sessions:
            self._all.remove(comparison)
            self._give_room_back()
        elif len(comparison.sessions) == 1:
            self._dissolve(comparison)

    def _on_event(self, event: EngineEvent) -> None:
        if isinstance(event, RequestFirstToken):
            session = self._app.sessions.find(event.session_id)
            comparison = self.of(session) if session is not None and self._all else None
            if comparison is not None:
                comparison.first_tokens[event.request_id] = event.after

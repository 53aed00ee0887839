"""The line above the message box of a chat."""

from __future__ import annotations

from textual.message import Message

from ccchat_tui.sessions.model import Session
from ccchat_tui.sessions.presets import Preset
from ccchat_tui.text import one_line
from ccchat_tui.tui.widgets.line import Piece, PieceLine


class InfoLine(PieceLine):
    """Whose chat it is, which model is asked, with what settings, and what runs."""

    DEFAULT_CSS = """
    InfoLine {
        color: $text-muted;
        padding: 0 1;
    }
    """

    class SettingsRequested(Message):
        """The settings in the line were clicked."""

    def chosen(self, target: str) -> None:  # noqa: ARG002 - there is only one
        """Any click opens the settings."""
        self.post_message(self.SettingsRequested())

    def show_session(self, session: Session, running: int, colour: str) -> None:
        """Show how a chat stands.

        Args:
            session: The chat.
            running: How many of its requests run.
            colour: Of its user, as in `#ff8800`; empty for none.
        """
        # Everything a click may change is told here; what is at its default is left unsaid.
        facts = [one_line(session.model, 32) or "no model yet"]
        facts += Preset.of(session).facts
        if session.ordered:
            facts.append("one after the other")
        pieces = [Piece("▎", colour, "settings")] if colour else []
        pieces += [
            Piece(one_line(session.user, 16), "bold", "settings"),
            Piece(f"  {' · '.join(facts)}", "", "settings"),
        ]
        if running:
            pieces.append(Piece(f"  {running} running", "$state-streaming"))
        self.show(pieces)

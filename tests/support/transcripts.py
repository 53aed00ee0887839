"""A small application around one transcript, and turns to show in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from ccchat_tui.sessions.model import Turn, TurnState
from ccchat_tui.tui.frames import FrameClock
from ccchat_tui.tui.widgets.transcript import Transcript

MOMENT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class StillClock:
    """A clock that goes only when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self.seconds

    def now(self) -> datetime:
        """The same moment, so many seconds on."""
        return MOMENT + timedelta(seconds=self.seconds)


def make_turn(
    number: int,
    reply: str = "",
    *,
    state: TurnState = TurnState.COMPLETED,
    question: str = "",
    thinking: str = "",
) -> Turn:
    """A turn with a name that can be found on the screen."""
    return Turn(
        f"turn-{number}",
        question or f"question {number}",
        "model",
        MOMENT,
        state,
        parts=[reply] if reply else [],
        thinking=[thinking] if thinking else [],
    )


def paragraphs(name: str, count: int) -> str:
    """Short paragraphs, two rows each with the empty one between them."""
    return "".join(f"{name} line {number}\n\n" for number in range(count))


class TranscriptStage(App[None]):
    """One transcript with a box to write in below, and another widget that may hide it."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, turns: list[Turn] | None = None) -> None:
        super().__init__()
        self.clock = StillClock()
        self.transcript = Transcript(clock=self.clock)
        self.input = Input()
        self.pane = Vertical(self.transcript, self.input)
        self.frames = FrameClock(self, fps=1)
        self.first = turns or []
        self.said: list[object] = []

    def compose(self) -> ComposeResult:
        yield Horizontal(self.pane)

    def on_mount(self) -> None:
        self.transcript.set_turns(self.first)

    def on_transcript_retry_requested(self, message: Transcript.RetryRequested) -> None:
        self.said.append(("retry", message.turn_id))

    def on_transcript_cancel_requested(self, message: Transcript.CancelRequested) -> None:
        self.said.append(("cancel", message.turn_id))

    def on_transcript_copied(self, message: Transcript.Copied) -> None:
        self.said.append(("copied", message.what, message.text))

    def on_transcript_follow_changed(self, message: Transcript.FollowChanged) -> None:
        self.said.append(("follow", message.following, message.new_rows))

    @property
    def rows(self) -> list[str]:
        """What is on the screen in the transcript, row by row."""
        transcript = self.transcript
        return [transcript.render_line(y).text.rstrip() for y in range(transcript.size.height)]

    def row_of(self, text: str) -> int:
        """The row in which a text stands."""
        found = [y for y, row in enumerate(self.rows) if text in row]
        assert found, (text, self.rows)
        return found[0]

    @property
    def whole(self) -> list[str]:
        """All rows, those out of sight too."""
        out = []
        for view in self.transcript._views:
            if not view.laid_out:
                view.lay_out()
            out += [line.text.rstrip() for lines in view.sections.values() for line in lines]
        return out

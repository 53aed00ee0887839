"""What a model took for its reply, below its pane in a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len

from ccchat_tui.clock import Clock
from ccchat_tui.quick import dataclass
from ccchat_tui.sessions.comparison import Comparison
from ccchat_tui.sessions.model import Session, Turn, TurnState
from ccchat_tui.text import one_line
from ccchat_tui.tui.glyphs import glyph, word
from ccchat_tui.tui.widgets.line import Piece
from ccchat_tui.tui.widgets.piece_rows import PieceRow, PieceRows
from ccchat_tui.tui.widgets.transcript_words import duration_words

NOT_YET: Final = "…"
NEVER: Final = "\u2013"
_STYLES: Final[dict[TurnState, str]] = {
    state: f"$state-{state.value.replace('_', '-')}"
    for state in TurnState
    if state is not TurnState.INTERRUPTED
}


@dataclass(frozen=True, slots=True)
class Figures:
    """How the reply to one question stands. `None` where that is not known, or not yet."""

    state: TurnState | None = None
    """`None` before anything was asked."""
    first: float | None = None
    """Seconds from the slot to the first token."""
    total: float | None = None
    """Seconds from the slot to the end, or until now."""
    rate: float | None = None
    """Tokens a second: the server's own figure where it has told it, else since the first token."""
    tokens: int = 0


def figures_of(turn: Turn | None, first: float | None, now: float) -> Figures:
    """The figures of a turn.

    Args:
        turn: Which; `None` before anything was asked.
        first: Seconds from its slot to its first token.
        now: The present moment of the engine's clock, in seconds.
    """
    if turn is None:
        return Figures()
    handle = turn.handle
    if handle is None:
        stats = turn.stats
        tokens = (stats.tokens if stats else None) or len(turn.parts) + len(turn.thinking)
        total = turn.duration or None
        rate = stats.tokens_per_second if stats else None
        if rate is None and total is not None and first is not None and total > first:
            rate = tokens / (total - first)
        return Figures(turn.state, first, total, rate, tokens)
    total = None if handle.started_at is None else max(0.0, now - handle.started_at)
    rate = None
    if handle.first_token_at is not None and now > handle.first_token_at:
        rate = handle.tokens / (now - handle.first_token_at)
    return Figures(turn.state, first, total, rate, handle.tokens)


def figure_rows(figures: Figures, width: int) -> list[str]:
    """The figures as two rows: times, and tokens; the longest words that fit.

    Args:
        figures: What is known.
        width: Cells there are.
    """
    unknown = NOT_YET if figures.state is not None and figures.state.alive else NEVER
    first = unknown if figures.first is None else duration_words(figures.first)
    total = unknown if figures.total is None else duration_words(figures.total)
    rate = unknown if figures.rate is None else f"{figures.rate:.0f}"
    tokens = f"{figures.tokens:,}"
    times = (f"first token {first} · total {total}", f"first {first} · total {total}",
             f"{first} · {total}")  # fmt: skip
    counts = (f"{rate} tokens/s · {tokens} token{'' if figures.tokens == 1 else 's'}",
              f"{rate}/s · {tokens} tok")  # fmt: skip
    return [
        next((text for text in texts if cell_len(text) <= width), one_line(texts[-1], width))
        for texts in (times, counts)
    ]


class CompareFigures(PieceRows):
    """Time to the first token, total time, tokens a second and tokens of the newest reply.

    Args:
        session: Whose.
        comparison: What it belongs to.
        clock: The engine's, for what still runs.
    """

    DEFAULT_CSS = """
    CompareFigures {
        height: 2;
        width: 1fr;
        padding: 0 1;
        background: $panel;
        color: $foreground;
    }
    """

    def __init__(self, session: Session, comparison: Comparison, clock: Clock) -> None:
        super().__init__()
        self._session = session
        self.comparison = comparison
        """What the pane belongs to."""
        self._clock = clock

    @property
    def head(self) -> str:
        """What stands above the pane: the model, and which of how many it is."""
        sessions = self.comparison.sessions
        place = sessions.index(self._session) + 1 if self._session in sessions else 1
        return f"{one_line(self._session.model, 40)} · {place} of {len(sessions)}"

    def show_session(self) -> None:
        """Show how it stands now."""
        turn = self._session.turns[-1] if self._session.turns else None
        first = self.comparison.first_token_of(turn) if turn is not None else None
        figures = figures_of(turn, first, self._clock.monotonic())
        self.show(list(self._rows_of(figures)))

    def on_mount(self) -> None:
        """Show what there is already."""
        self.show_session()

    def on_resize(self) -> None:
        """Other words fit now."""
        super().on_resize()
        self.show_session()

    def _rows_of(self, figures: Figures) -> Iterator[PieceRow]:
        width = max(1, self.size.width)
        state = figures.state
        if state is None:
            yield (Piece(one_line("no figures yet", width), "$text-muted"),)
            return
        times, counts = figure_rows(figures, width)
        yield (Piece(times),)
        shown = Piece(counts)
        room = width - shown.width - 2
        doing = f"{glyph(state)} {word(state)}"
        if cell_len(doing) > room:
            doing = glyph(state)
        gap = " " * max(0, width - shown.width - cell_len(doing))
        yield (shown, Piece(gap), Piece(doing if gap else "", _STYLES.get(state, "")))

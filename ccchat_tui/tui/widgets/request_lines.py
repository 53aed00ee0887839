"""The two rows that tell of one request, and the heading over them: text only, no widget."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len

from ccchat_tui.engine.request import RequestState
from ccchat_tui.engine.stats import RequestView
from ccchat_tui.quick import dataclass
from ccchat_tui.text import one_line
from ccchat_tui.tui.glyphs import glyph, word
from ccchat_tui.tui.widgets.ended_requests import EndedRequest, ListItem
from ccchat_tui.tui.widgets.line import Piece
from ccchat_tui.tui.widgets.piece_rows import PieceRow
from ccchat_tui.tui.widgets.queue_words import count, duration, rate

LEAD = 2
"""Cells of the sign at the left and the space after it."""
_STATE = 11
"""Cells the narrowest column of states has: `cancelling…`."""
_SHORT_WORDS = {"waiting_to_retry": "retry wait"}
_TITLES = {
    "waited": ("waited", "wait"),
    "first": ("first token", "first"),
    "tokens": ("tokens",),
    "rate": ("rate",),
}
CACHED = "cached"
"""What is said of a reply out of the reply cache."""
_NOTE = 8
"""Cells below which a note is left out: it would be cut to nothing."""


@dataclass(frozen=True, slots=True)
class Columns:
    """How the rows are divided at some width."""

    width: int
    state: int
    """Cells of the column of states, which takes what the numbers leave."""
    numbers: tuple[tuple[str, str, int], ...]
    """Of each column of numbers: what it holds, its heading, its cells."""
    button: str
    user: int
    """Cells a user's name may take."""
    attempt: str
    """What stands before the number of an attempt."""


@lru_cache(maxsize=16)
def columns_for(width: int) -> Columns:
    """The division for a width; the less there is, the fewer numbers."""
    inner = width - 2
    if inner >= 66:
        user, numbers = 16, _numbered(waited=9, first=14, tokens=9, rate=9)
    elif inner >= 39:
        user, numbers = 10, _numbered(waited=7, first=6, tokens=7, rate=6)
    elif inner >= 33:
        user, numbers = 9, _numbered(waited=7, tokens=7, rate=6)
    else:
        user, numbers = 7, _numbered(waited=5, rate=5)
    return Columns(
        width=width,
        state=max(_STATE, inner - LEAD - sum(cells for _, _, cells in numbers)),
        numbers=numbers,
        button=" ✕ cancel " if inner >= 56 else " ✕ ",
        user=user,
        attempt="try " if inner >= 33 else "\u00d7",
    )


def _numbered(**columns: int) -> tuple[tuple[str, str, int], ...]:
    """Columns with their headings; the long or the short one, by the cells each has."""
    return tuple(
        (name, next(title for title in _TITLES[name] if len(title) < cells), cells)
        for name, cells in columns.items()
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What a row says, whether its request lives or fades."""

    id: str
    user: str
    preview: str
    state: str
    """By what its sign, word and colour are found."""
    alive: bool
    cancellable: bool
    position: int | None
    numbers: dict[str, str]
    attempt: int
    note: str
    said: str = ""
    """In place of the state's own word."""


def facts_of(item: ListItem, columns: Columns) -> Facts:
    """What there is to say of a request."""
    cells = {name: room - 1 for name, _, room in columns.numbers}
    if isinstance(item, EndedRequest):
        event, last = item.event, item.last
        failed = event.state in {RequestState.FAILED, RequestState.TIMED_OUT}
        cached = event.stats is not None and event.stats.cached
        return Facts(
            id=item.id,
            user=event.user,
            preview=item.preview,
            state=event.state.value,
            alive=False,
            cancellable=False,
            position=None,
            numbers=_numbers(last, cells, event.tokens),
            attempt=last.attempt if last else 1,
            note=event.failure.message if failed and event.failure else "",
            said=CACHED if cached else "",
        )
    return Facts(
        id=item.id,
        user=item.user,
        preview=item.preview,
        state="cancelling" if item.cancelling else item.state.value,
        alive=True,
        cancellable=not item.cancelling,
        position=item.position if item.state is RequestState.QUEUED else None,
        numbers=_numbers(item, cells, item.tokens),
        attempt=item.attempt,
        note=item.note,
    )


def _numbers(view: RequestView | None, cells: dict[str, int], tokens: int) -> dict[str, str]:
    told: dict[str, str] = {}
    if view is not None:
        told["waited"] = duration(view.waited, cells.get("waited", 6))
        if view.first_token_after is not None:
            told["first"] = duration(view.first_token_after, cells.get("first", 6))
        if view.tokens_per_second > 0:
            told["rate"] = rate(view.tokens_per_second, cells.get("rate", 6))
    if tokens:
        told["tokens"] = count(tokens, cells.get("tokens", 6))
    return told


def heading(columns: Columns, total: int) -> PieceRow:
    """The row over the list: how many there are, and what the numbers below are."""
    room = LEAD + columns.state
    words = "request" if total == 1 else "requests"
    said = f"{count(total, room - len(words) - 1)} {words}" if total else "Requests"
    style = "$text-muted"
    pieces = [Piece(" "), Piece(f"{said:<{room}}", "bold $foreground")]
    if total:
        pieces += [Piece(f"{title:>{cells}}", style) for _, title, cells in columns.numbers]
    return tuple(pieces)


def request_rows(
    facts: Facts, columns: Columns, *, user_width: int, selected: bool, pointed: bool
) -> tuple[PieceRow, PieceRow]:
    """Both rows of one request, over the full width.

    Args:
        facts: What to say.
        columns: How the rows are divided.
        user_width: Cells of the column of names.
        selected: Whether the cursor is on it.
        pointed: Whether the mouse is on its button.
    """
    ground = " on $chosen" if selected else ""
    target = f"row:{facts.id}"
    bar = Piece("▎" if selected else " ", f"$primary{ground}", target)
    colour = f"$state-{facts.state.replace('_', '-')}"
    if facts.state == "cancelling":
        colour = "$state-cancelled"
    quiet = f"$text-muted{ground}"
    loud = f"$foreground{ground}" if facts.alive else quiet
    bold = f"bold $foreground{ground}" if facts.alive else quiet

    user = one_line(facts.user, user_width)
    tag = f"{columns.attempt}{count(facts.attempt, 3)} " if facts.attempt > 1 else ""
    room = columns.width - 2 - LEAD - user_width - 2 - len(tag) - len(columns.button) - 1
    words = one_line(facts.preview, room)
    first = [
        bar,
        Piece(f"{glyph(facts.state)} ", f"{colour}{ground}", target),
        Piece(_fill(user, user_width + 2), bold, target),
        Piece(_fill(words, room + 1), loud, target),
    ]
    if tag:
        first.append(
            Piece(tag, f"$state-waiting-to-retry{ground}" if facts.alive else quiet, target)
        )
    if facts.cancellable:
        style = "bold $background on $state-failed" if pointed else "$foreground on $foreground 12%"
        first.append(Piece(columns.button, style, f"cancel:{facts.id}"))
    else:
        first.append(Piece(" " * len(columns.button), ground.strip(), target))
    first.append(Piece(" ", ground.strip(), target))

    second = [bar, Piece(" " * LEAD, ground.strip(), target)]
    second += [
        Piece(text, f"{colour}{ground}" if coloured else quiet, target)
        for text, coloured in _second_row(facts, columns)
    ]
    second.append(Piece(" ", ground.strip(), target))
    return tuple(first), tuple(second)


def _second_row(facts: Facts, columns: Columns) -> list[tuple[str, bool]]:
    """State, place, note and numbers: of each its text, and whether it has the state's colour."""
    said = facts.said or word(facts.state)
    if cell_len(said) > columns.state:
        said = _SHORT_WORDS.get(facts.state, said)
    said = one_line(said, columns.state)
    place = f" #{count(facts.position, 3)}" if facts.position is not None else ""
    if cell_len(said) + len(place) > columns.state:
        place = ""
    numbers = [f"{facts.numbers.get(name, ''):>{cells}}" for name, _, cells in columns.numbers]
    filled = max((at + 1 for at, text in enumerate(numbers) if text.strip()), default=0)
    inside = columns.state - cell_len(said) - len(place) - 3
    behind = sum(cells for _, _, cells in columns.numbers[filled:]) - 2
    # A note stands after the state, or where the row has no numbers: where more of it is seen.
    note = one_line(facts.note, max(inside, behind))
    if max(inside, behind) < _NOTE:
        note = ""
    after = f" · {note}" if note and inside >= behind else ""
    last = f"  {note}" if note and inside < behind else ""
    head = _fill(f"{place}{after}", columns.state - cell_len(said))
    kept = numbers[:filled] if last else numbers
    tail = _fill(last, sum(cells for _, _, cells in columns.numbers[filled:])) if last else ""
    return [(said, True), (head, False), ("".join(kept) + tail, False)]


def _fill(text: str, cells: int) -> str:
    return text + " " * max(0, cells - cell_len(text))

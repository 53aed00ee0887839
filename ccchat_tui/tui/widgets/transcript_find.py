"""Finding words in a conversation: where they stand, and how that is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from textual import events
from textual.message import Message
from textual.strip import Strip

from ccchat_tui.quick import dataclass
from ccchat_tui.sessions.model import Turn
from ccchat_tui.tui.widgets.transcript_paint import OFFSET_BITS, select
from ccchat_tui.tui.widgets.transcript_turn import INDENT, TurnRows
from ccchat_tui.tui.widgets.transcript_view import TranscriptView

SEARCHED: Final = ("question", "thinking", "reply")
"""The parts of a turn that are looked through."""
LAID_OUT_FREELY: Final = 100
"""Turns that are laid out for a search without a look at their text first."""

_MARKUP: Final = re.compile(r"[*_`~\\\s]+")

Mark = tuple[int, int, bool]
"""Where in a row a hit begins and ends, in characters, and whether it is the chosen one."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where the words stand; more than one row where they are broken over rows."""

    section: str
    at: int
    """Where in the section's text: the same while the reply grows."""
    spans: tuple[tuple[int, int, int], ...]
    """Row of the turn, begin and end in characters of that row."""


def lowered(text: str) -> str:
    """In small letters, each in the place of the one it was."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(small if len(small := char.lower()) == 1 else char for char in text)


def hits_in(view: TurnRows, words: str) -> list[Hit]:
    """Every place in a turn where some words stand, also where a row was broken among them.

    Args:
        view: It has been laid out.
        words: In small letters.
    """
    return [hit for section in SEARCHED for hit in _in_section(view, section, words)]


def _in_section(view: TurnRows, section: str, words: str) -> Iterator[Hit]:
    lines = view.sections[section]
    if not lines:
        return
    first = view.row_of(section, 0)
    pieces: list[str] = []
    starts: list[int] = []
    leads: list[int] = []
    length = 0
    for number, line in enumerate(lines):
        joined = line.joint is not None and number > 0
        lead = line.lead if joined else 0
        text = line.text[lead:].rstrip()
        joint = (line.joint or "") if joined else "\n" * bool(number)
        pieces += (joint, text)
        starts.append(length + len(joint))
        leads.append(lead)
        length += len(joint) + len(text)
    whole = lowered("".join(pieces))
    row = 0
    at = whole.find(words)
    while at >= 0:
        while row + 1 < len(starts) and starts[row + 1] <= at:
            row += 1
        spans: list[tuple[int, int, int]] = []
        end, here = at + len(words), row
        while here < len(starts) and starts[here] < end:
            begin = max(at, starts[here])
            stop = min(end, starts[here + 1] if here + 1 < len(starts) else length)
            if stop > begin:
                shift = leads[here] - starts[here]
                spans.append((first + here, begin + shift, stop + shift))
            here += 1
        yield Hit(section, at, tuple(spans))
        at = whole.find(words, at + max(1, len(words)))


class Finder:
    """The hits of one search. A turn is looked through again only when its rows have changed.

    Args:
        words: What is looked for; upper and lower case are alike.
    """

    def __init__(self, words: str) -> None:
        self.words = lowered(words)
        self._plain = _MARKUP.sub("", self.words)
        self._found: dict[TurnRows, tuple[tuple[object, ...], list[Hit]]] = {}
        self._marks: dict[tuple[TurnRows, int], list[Mark]] = {}
        self.chosen: tuple[TurnRows, str, int] | None = None
        """The chosen hit: its turn, and where it stands there."""

    def may_be_in(self, turn: Turn) -> bool:
        """Whether it is worth laying a turn out to look for the words: a quick guess by its text,
        in which Markdown may stand between the letters."""
        if not self._plain:
            return True
        texts = (turn.question, *turn.parts, *turn.thinking)
        return self._plain in lowered(_MARKUP.sub("", "".join(texts)))

    def hits(self, view: TurnRows) -> list[Hit]:
        """The hits in a turn that has been laid out; none in one that has not."""
        if not view.laid_out or not self.words:
            return []
        stamp = view.stamp
        known = self._found.get(view)
        if known is None or known[0] != stamp:
            known = self._found[view] = (stamp, hits_in(view, self.words))
            self._forget_marks(view)
        return known[1]

    def choose(self, chosen: tuple[TurnRows, str, int] | None) -> None:
        """Choose another hit."""
        for each in (self.chosen, chosen):
            if each is not None:
                self._forget_marks(each[0])
        self.chosen = chosen

    def marks(self, view: TurnRows, row: int) -> Sequence[Mark]:
        """What is to be marked in a row of a turn."""
        hits = self.hits(view)
        if not hits:
            return ()
        if (view, -1) not in self._marks:
            self._marks[view, -1] = []
            for hit in hits:
                chosen = self.chosen == (view, hit.section, hit.at)
                for at, begin, end in hit.spans:
                    self._marks.setdefault((view, at), []).append((begin, end, chosen))
        return self._marks.get((view, row), ())

    def _forget_marks(self, view: TurnRows) -> None:
        for key in [key for key in self._marks if key[0] is view]:
            del self._marks[key]


class FindingTranscript(TranscriptView):
    """Shows where some words stand, and goes from one place to the next, also while replies
    stream."""

    class Found(Message, namespace="transcript"):
        """How many hits there are has changed, or which of them is chosen."""

        def __init__(self, number: int, count: int) -> None:
            super().__init__()
            self.number = number
            """The chosen one, from 1; 0 for none."""
            self.count = count

    _finder: Finder | None = None
    _told: tuple[int, int] = (0, 0)

    @property
    def found(self) -> tuple[int, int]:
        """The number of the chosen hit, from 1, and how many there are."""
        return self._told

    def find(self, words: str) -> None:
        """Mark every place where these words stand, and choose the last one that is not below what
        is in sight; empty words end it."""
        self._finder = Finder(words) if words else None
        self.refresh()
        if self._finder is None:
            self._tell_found()
            return
        self._look()
        below = round(self.scroll_y) + self.size.height - len(self._top_lines)
        places = self._places()
        above = [
            place
            for place in places
            if self._index.top(place[0].index) + place[1].spans[0][0] < below
        ]
        if places:
            self._choose(*(above[-1] if above else places[0]))
        self._tell_found()

    def find_next(self, step: int) -> None:
        """Go to the next place or the one before, in a circle."""
        if self._finder is None:
            return
        self._look()
        places = self._places()
        if places:
            self._choose(*places[(self._number(places) - 1 + step) % len(places)])
        self._tell_found()

    def on_frame(self) -> bool:
        """Take what is new, and look through it."""
        wanted = super().on_frame()
        if self._finder is not None and self.is_visible:
            self._tell_found()
        return wanted

    def on_resize(self, event: events.Resize) -> None:
        """Look again: what was laid out for another width counts no more."""
        super().on_resize(event)
        if self._finder is not None and self.is_visible:
            self._look()
            self._tell_found()

    def _look(self) -> None:
        """Lay out every turn in which the words may stand."""
        finder, found = self._finder, False
        few = len(self._views) <= LAID_OUT_FREELY
        for view in self._views if finder else ():
            if not view.laid_out and finder and (few or finder.may_be_in(view.turn)):
                view.lay_out()
                self._index.set(view.index, view.height)
                found = True
        if found:
            self._settle()

    def _places(self) -> list[tuple[TurnRows, Hit]]:
        finder = self._finder
        return [(view, hit) for view in self._views for hit in finder.hits(view)] if finder else []

    def _number(self, places: Sequence[tuple[TurnRows, Hit]]) -> int:
        """The number of the chosen one among these, from 1; 0 if it is not there."""
        chosen = self._finder.chosen if self._finder else None
        keys = ((view, hit.section, hit.at) for view, hit in places)
        return next((number for number, key in enumerate(keys, 1) if key == chosen), 0)

    def _choose(self, view: TurnRows, hit: Hit) -> None:
        assert self._finder is not None
        self._finder.choose((view, hit.section, hit.at))
        row = len(self._top_lines) + self._index.top(view.index) + hit.spans[0][0]
        top, height = round(self.scroll_y), self.size.height
        # The last row may be covered by the hint of what is below.
        if not top <= row < top + max(1, height - 1):
            target = max(0, row - height // 3)
            self.scroll_to(y=target, animate=False, force=True, immediate=True)
        self.refresh()

    def _tell_found(self) -> None:
        places = self._places()
        told = (self._number(places), len(places))
        if told != self._told:
            self._told = told
            self.post_message(self.Found(*told))

    def _strip(self, y: int, width: int) -> Strip:
        strip = super()._strip(y, width)
        row = round(self.scroll_y) + y - len(self._top_lines)
        if self._finder is None or not 0 <= row < self._index.total:
            return strip
        index, offset = self._index.find(row)
        marks = self._finder.marks(self._views[index], offset)
        for begin, end, chosen in marks:
            style = self._painter.over("found-chosen" if chosen else "found")
            strip = select(strip, begin + INDENT, end + INDENT, style)
        # Cut into more segments, each of which must say anew where it stands.
        return strip.apply_offsets(0, index << OFFSET_BITS | offset) if marks else strip

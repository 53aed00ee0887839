"""One turn of a transcript as rows: question, line of state, thinking, reply, how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ccchat_tui.clock import Clock
from ccchat_tui.quick import dataclass
from ccchat_tui.sessions.model import Turn, TurnState
from ccchat_tui.text import Sanitizer, sanitize
from ccchat_tui.tui.markdown.lines import TAB, Line, Wrapper
from ccchat_tui.tui.widgets import transcript_words as words

SECTIONS: Final = ("above", "question", "header", "thinking", "reply", "footer")
"""The parts of a turn from top to bottom."""

INDENT: Final = 2
"""Cells at the left that the painter fills: the bar of a question, or nothing."""

MARGIN: Final = 1
"""Cells left free at the right."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows of a turn that must be painted again."""

    rows: list[int]
    """Single ones."""
    below: int | None
    """Everything from this one on, if anything."""

    def __bool__(self) -> bool:
        return bool(self.rows) or self.below is not None


class _Source:
    """A text that grows in a list of pieces, and its rows."""

    __slots__ = ("document", "read", "sanitizer")

    def __init__(self, width: int) -> None:
        # The first screen has no text yet.
        from ccchat_tui.tui.markdown.document import Document  # noqa: PLC0415

        self.document = Document(width)
        self.sanitizer = Sanitizer()
        self.read = 0

    def take(self, parts: list[str]) -> bool:
        count = len(parts)
        if count == self.read:
            return False
        fresh = parts[self.read] if count == self.read + 1 else "".join(parts[self.read : count])
        self.read = count
        self.document.feed(self.sanitizer.feed(fresh))
        return True

    def finish(self) -> None:
        self.document.feed(self.sanitizer.close())
        self.document.finish()


class TurnRows:
    """The rows of one turn.

    Args:
        turn: What is shown. Its lists are read by an index of our own, never changed.
        index: Its number in the transcript.
        width: Cells of a row.
        clock: For how long it has been waiting.
    """

    def __init__(self, turn: Turn, index: int, width: int, clock: Clock) -> None:
        self.turn = turn
        self.index = index
        self.width = width
        self.laid_out = False
        self.expanded: bool | None = None
        """Whether thinking is shown in full; `None` shows it until the reply begins."""
        self.compact = False
        """Whether a reply begins right below the line above it."""
        self.retry_key = "Ctrl+R"
        """The key for another attempt, in words."""
        self.go_on_key = "o"
        """The key with which a reply is gone on with, in words."""
        self._clock = clock
        self._revision = turn.revision
        self._state = turn.state
        self._since = clock.monotonic()
        if turn.state is TurnState.QUEUED and not turn.revision:
            self._since -= max(0.0, (clock.now() - turn.asked_at).total_seconds())
        self._begun: tuple[float, int] | None = None
        self._rate = 0.0
        self._rated_at = 0.0
        self._reply: _Source | None = None
        self._thinking: _Source | None = None
        self._ended = False
        self.sections: dict[str, list[Line]] = {name: [] for name in SECTIONS}
        self._heights: dict[str, int] = dict.fromkeys(SECTIONS, 0)

    @property
    def live(self) -> bool:
        """Whether more may come, or has come and is not shown yet."""
        return not self._ended or self.turn.revision != self._revision

    @property
    def height(self) -> int:
        """Rows, once laid out."""
        return sum([len(lines) for lines in self.sections.values()])

    @property
    def stamp(self) -> tuple[object, ...]:
        """Differs once the rows may differ; cheap."""
        read = tuple(source.read if source else 0 for source in (self._reply, self._thinking))
        return (self.width, self._revision, self._ended, self.expanded, read, self.height)

    @property
    def folded(self) -> bool:
        """Whether of thinking only its label is shown, where there is any."""
        return bool(self.turn.parts) if self.expanded is None else not self.expanded

    @property
    def code_blocks(self) -> list[str]:
        """The code blocks of the reply so far."""
        return self._reply.document.code_blocks() if self._reply else []

    def estimate(self) -> int:
        """About how many rows it will take; cheap."""
        room = max(10, self.width - INDENT - MARGIN)
        turn = self.turn
        size = sum(map(len, turn.parts)) if len(turn.parts) < 100 else len(turn.parts) * 5
        return (
            5
            + len(turn.attachments)
            + len(turn.question) // room
            + turn.question.count("\n")
            + size // (room * 2 // 3)
        )

    def forget(self, width: int) -> None:
        """Another width: everything is to be laid out again, when it is seen."""
        self.width = width
        self.laid_out = False
        if self._reply:
            self._reply.document.set_width(self._room)
        if self._thinking:
            self._thinking.document.set_width(self._thinking_room)

    def move(self, index: int) -> None:
        """It has another number: the first one has nothing above it."""
        if bool(index) != bool(self.index):
            self.laid_out = False
        self.index = index

    @property
    def _room(self) -> int:
        return max(4, self.width - INDENT - MARGIN)

    @property
    def _thinking_room(self) -> int:
        return max(4, self._room - 2)

    def lay_out(self) -> None:
        """Lay out everything."""
        turn = self.turn
        self._check_revision()
        room = self._room
        self.sections["above"] = [Line([], 0)] if self.index else []
        wrapper = Wrapper(room)
        question = sanitize(turn.question).expandtabs(TAB).strip("\n")
        self.sections["question"] = wrapper.feed([(question, "question")]) + wrapper.close()
        self.sections["question"] += words.files(turn, room)
        if self._reply is None:
            self._reply = _Source(room)
        self.laid_out = True
        self._take_text()
        self._reply.document.update()
        self._set_header()
        self._set_thinking()
        self.sections["reply"] = []
        self._set_reply()
        self._set_footer()

    def update(self) -> Changes:
        """Take what is new in the turn.

        Returns:
            Which rows must be painted again.
        """
        if not self.laid_out or self._check_revision():
            self.lay_out()
            return Changes([], 0)
        assert self._reply is not None
        before = {name: len(lines) for name, lines in self.sections.items()}
        changed: dict[str, int] = {}
        grown = self._take_text()
        if self._set_header():
            changed["header"] = 0
        if grown or self._thinking:
            at = self._set_thinking()
            if at is not None:
                changed["thinking"] = at
        at = self._reply.document.update()
        if at < len(self._reply.document.lines) or before["reply"] != self._reply_height:
            self._set_reply()
            changed["reply"] = at + self._gap
        if self._set_footer():
            changed["footer"] = 0
        return self._changes(changed, before)

    @property
    def _reply_height(self) -> int:
        assert self._reply is not None
        count = len(self._reply.document.lines)
        return count + self._gap if count else 0

    @property
    def _gap(self) -> int:
        """Empty rows above a reply."""
        return 0 if self.compact else 1

    def _changes(self, changed: dict[str, int], before: dict[str, int]) -> Changes:
        rows: list[int] = []
        row = 0
        for name in SECTIONS:
            count = len(self.sections[name])
            if name in changed:
                if count != before[name] or name not in ("header", "footer"):
                    # What stands below has moved, or may have.
                    return Changes(rows, row + min(changed[name], before[name]))
                rows.extend(range(row, row + count))
            row += count
        return Changes(rows, None)

    def line(self, row: int) -> tuple[Line, str, int] | None:
        """What stands in a row: the line, its section, and its number there."""
        for name in SECTIONS:
            lines = self.sections[name]
            if row < len(lines):
                return lines[row], name, row
            row -= len(lines)
        return None

    def row_of(self, section: str, number: int) -> int:
        """The row in which a line of a section stands, or the nearest there is."""
        row = 0
        for name in SECTIONS:
            count = len(self.sections[name])
            if name == section:
                return row + max(0, min(number, count - 1))
            row += count
        return row

    def row_with(self, words: Sequence[str]) -> int:
        """The first row of question, reply or thinking in which one of some words stands, as a
        search finds them; the first row of all if there is none. To be called when it is laid out.

        Args:
            words: As `words_of` gives them; the last that is found counts.
        """
        from ccchat_tui.sessions.search import find  # noqa: PLC0415 - only who searches

        for word in reversed(words):
            for section in ("question", "reply", "thinking"):
                for number, line in enumerate(self.sections[section]):
                    if find("".join(text for text, _ in line.spans), word) >= 0:
                        return self.row_of(section, number)
        return 0

    def has_only_thought(self, words: Sequence[str]) -> bool:
        """Whether some words stand in the thinking and nowhere else: who looks for them wants to
        see it.

        Args:
            words: As `words_of` gives them; the last that is found counts.
        """
        from ccchat_tui.sessions.search import find  # noqa: PLC0415 - only who searches

        turn = self.turn
        for word in reversed(words):
            if any(find(text, word) >= 0 for text in (turn.question, turn.reply)):
                return False
            if find("".join(turn.thinking), word) >= 0:
                return True
        return False

    # Parts ----------------------------------------------------------------------------------

    def _check_revision(self) -> bool:
        turn = self.turn
        come = (len(turn.parts), len(turn.thinking))
        read = tuple(source.read if source else 0 for source in (self._reply, self._thinking))
        fewer = come[0] < read[0] or come[1] < read[1]
        behind_the_end = self._ended and come != read
        if turn.revision == self._revision and not fewer and not behind_the_end:
            return False
        self._revision = turn.revision
        self._reply = self._thinking = None
        self._ended = False
        self._begun = None
        self._rate = 0.0
        self._since = self._clock.monotonic()
        return True

    def _take_text(self) -> bool:
        turn = self.turn
        assert self._reply is not None
        # The state first: what it says of the end must hold for all the pieces read after it.
        ended = not turn.state.alive
        taken = self._reply.take(turn.parts)
        if turn.thinking:
            if self._thinking is None:
                self._thinking = _Source(self._thinking_room)
            taken = self._thinking.take(turn.thinking) or taken
        if ended and not self._ended:
            self._ended = True
            self._reply.finish()
            if self._thinking:
                self._thinking.finish()
            taken = True
        return taken

    def _set_header(self) -> bool:
        turn = self.turn
        now = self._clock.monotonic()
        if turn.state is not self._state:
            self._state, self._since, self._rated_at = turn.state, now, 0.0
        tokens = turn.tokens
        if self._begun is None and tokens:
            self._begun = (now, tokens)
        if self._begun and now - self._rated_at >= 0.5 and now - self._begun[0] >= 0.5:
            self._rate = (tokens - self._begun[1]) / (now - self._begun[0])
            self._rated_at = now
        lines = words.header(
            turn, self._room, waited=now - self._since, tokens=tokens, rate=self._rate
        )
        if lines == self.sections["header"]:
            return False
        self.sections["header"] = lines
        return True

    def _set_thinking(self) -> int | None:
        """Bring the rows of thinking up to date; the first that changed."""
        rows = self.sections["thinking"]
        source = self._thinking
        if source is None:
            self.sections["thinking"] = []
            return 0 if rows else None
        shown = not self.folded
        sign, verb = ("\u25be", "hide") if shown else ("\u25b8", "show")
        seconds = self.turn.thinking_seconds
        what = "thinking" if seconds is None else f"thought for {words.duration_words(seconds)}"
        text = f"{sign} {what}"
        label = Line([(text, "thinking-label"), (f"  t: {verb}", "meta")], len(text) + 9)
        if not shown:
            # Collapsed it is not even laid out.
            if rows == [label]:
                return None
            self.sections["thinking"] = [label]
            return 0
        at = source.document.update()
        relabelled = rows[:1] != [label]
        if relabelled:
            rows = self.sections["thinking"] = [label]
            at = 0
        lines = source.document.lines
        if not relabelled and at == len(lines) == len(rows) - 1:
            return None
        del rows[at + 1 :]
        rows += [
            Line(
                [("\u250a ", "thinking-bar"), *line.spans],
                line.cells + 2,
                line.lead + 2,
                line.joint,
            )
            for line in lines[at:]
        ]
        return 0 if relabelled else at + 1

    def _set_reply(self) -> None:
        assert self._reply is not None
        lines = self._reply.document.lines
        section = self.sections["reply"]
        # An empty row stands above the reply, unless every row counts; the rest is the document's
        # own list, copied only where it has grown.
        del section[self._gap :]
        if lines:
            if not section and self._gap:
                section.append(Line([], 0))
            section.extend(lines)
        else:
            section.clear()

    def _set_footer(self) -> bool:
        lines = words.footer(self.turn, self._room, self.retry_key, self.go_on_key)
        if lines == self.sections["footer"]:
            return False
        self.sections["footer"] = lines
        return True

"""What a transcript says of a turn beside its text: the line above a reply and the one below."""

from __future__ import annotations

from ccchat_tui.sessions.attachments import size_words
from ccchat_tui.sessions.model import BROKEN, Turn, TurnState
from ccchat_tui.text import one_line, sanitize
from ccchat_tui.tui.glyphs import glyph, word
from ccchat_tui.tui.markdown.lines import Line, Span, Wrapper, spans_cells

RETRYABLE = BROKEN
"""States that `Retry` is offered for."""
RETRY = " \u21bb Retry "
GO_ON = " \u00bb Continue "
EARLIER, LATER = " \u2039 ", " \u203a "
"""What buttons below a reply say."""

CUT_OFF = "Cut off: num_predict, or the context, allows no more."

LONGEST_TITLE = 30
"""Characters that a title of what went wrong may have; a sentence has more."""


def duration_words(seconds: float) -> str:
    """A span of time in few characters: `0.8 s`, `12 s`, `3 min 5 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s"


def files(turn: Turn, width: int) -> list[Line]:
    """A line for each file that went with a question."""
    lines = []
    for file in turn.attachments:
        sign = "▣" if file.is_picture else "▤"
        facts = f" · {file.kind_words} · {size_words(file.size)}"
        name = one_line(file.name, max(4, width - len(facts) - 2))
        spans: list[Span] = [(f"{sign} {name}", "question"), (facts, "question meta")]
        lines.append(Line(spans, spans_cells(spans)))
    return lines


def header(turn: Turn, width: int, *, waited: float, tokens: int, rate: float) -> list[Line]:
    """The line above a reply: the model, what it does or what it took.

    Args:
        turn: The turn.
        width: Cells there are; what matters least is left out first.
        waited: Seconds in the present state.
        tokens: Pieces of the reply so far.
        rate: Pieces a second; 0 if not known.
    """
    state = turn.state
    name = one_line(turn.model or "model", max(4, width // 2))
    spans: list[Span] = [(name, "model"), ("  ", "meta")]
    facts: list[str] = []
    if not state.alive:
        tokens = (turn.stats.tokens if turn.stats else None) or tokens
    if state is TurnState.COMPLETED:
        if turn.stats and turn.stats.cached:
            facts.append("cached")
        if tokens:
            facts.append(_tokens(tokens))
        if turn.stats and turn.stats.tokens_per_second:
            facts.append(f"{turn.stats.tokens_per_second:.0f}/s")
        if turn.duration:
            facts.append(duration_words(turn.duration))
        spans.append((f"{glyph(state)} ", f"state:{state.value}"))
        if not facts:
            facts.append(word(state))
    else:
        spans.append((f"{glyph(state)} {_doing(turn, waited)}", f"state:{state.value}"))
        if state is TurnState.STREAMING or (not state.alive and tokens):
            facts.append(_tokens(tokens))
            if state is TurnState.STREAMING and rate:
                facts.append(f"{rate:.0f}/s")
    for fact in facts:
        joiner = "" if spans[-1][0].endswith(" ") else " \u00b7 "
        if spans_cells(spans) + len(joiner) + len(fact) > width:
            break
        spans.append((joiner + fact, "meta"))
    return [_cut(spans, width)]


def _tokens(count: int) -> str:
    return f"{count:,} token{'' if count == 1 else 's'}"


def _doing(turn: Turn, waited: float) -> str:
    state = turn.state
    seconds = f"{int(waited)} s"
    if state is TurnState.QUEUED:
        return f"queued, waiting {seconds}"
    if state is TurnState.CONNECTING:
        return f"{word(state)}, {seconds}" if waited >= 3 else word(state)
    if state is TurnState.WAITING_TO_RETRY:
        note = one_line(turn.note, 200)
        return f"{word(state)}: {note}" if note else word(state)
    return word(state)


def footer(turn: Turn, width: int, retry_key: str = "Ctrl+R", go_on_key: str = "o") -> list[Line]:
    """The lines below a reply: why it ended, what may help, what it did not know of, and which of
    its versions and branches it is.

    Args:
        turn: The turn.
        width: Cells there are.
        retry_key: What to press for another attempt; empty if no key is bound to that.
        go_on_key: What to press in the replies for more of it; the same.
    """
    lines: list[Line] = []
    if turn.left_out:
        many = turn.left_out != 1
        text = (
            f"{turn.left_out} {'replies were' if many else 'reply was'} still running and "
            f"{'are' if many else 'is'} not part of this one's context."
        )
        lines += _wrapped([(text, "note")], width)
    if turn.state in RETRYABLE:
        lines += _broken(turn, width, retry_key, go_on_key)
    elif turn.state is TurnState.COMPLETED:
        if turn.cut_off:
            lines += _wrapped([(CUT_OFF, "note")], width)
        if turn.note:
            lines += _wrapped([(sanitize(turn.note).replace("\t", " "), "note")], width)
        if turn.can_go_on:
            lines.append(_cut([(GO_ON, "button"), *_hint(go_on_key)], width))
    number, count = turn.versions
    if count > 1:
        told: list[Span] = [(EARLIER, "button"), (f" {number}/{count} ", "meta"), (LATER, "button")]
        lines.append(_cut(told, width))
    if lines:
        lines.insert(0, Line([], 0))
    return lines


def _broken(turn: Turn, width: int, retry_key: str, go_on_key: str) -> list[Line]:
    """Why a reply did not come to its end, and what may help."""
    state = f"state:{turn.state.value}"
    note = sanitize(turn.note).replace("\t", " ").strip()
    said = word(turn.state)
    if note.lower().startswith(said):
        # The note says it by itself.
        said, note = note[: len(said)], note[len(said) :]
    elif turn.state is TurnState.FAILED and note:
        # The line above the reply has the word; here is why, whose first words stand out.
        title, colon, rest = note.partition(": ")
        short = len(title) <= LONGEST_TITLE
        said, note = (title, colon + rest) if short and colon else ("", note)
    elif note:
        note = f": {note}"
    spans: list[Span] = [(f"{glyph(turn.state)} {said}", state), (note, "note")]
    lines = _wrapped(spans, width)
    for hint in turn.hints:
        text = sanitize(hint).replace("\t", " ").strip()
        lines += _wrapped([("\u203a ", "meta"), (text, "note")], width)
    button: list[Span] = [(RETRY, "button")]
    if retry_key:
        button.append((f"  press {retry_key}", "meta"))
    if turn.can_go_on:
        button += [("   ", ""), (GO_ON, "button")]
        if spans_cells([*button, *_hint(go_on_key)]) <= width:
            button += _hint(go_on_key)
    lines.append(_cut(button, width))
    return lines


def _hint(key: str) -> list[Span]:
    return [(f"  {key} in the replies", "meta")] if key else []


def _wrapped(spans: list[Span], width: int) -> list[Line]:
    wrapper = Wrapper(width)
    return wrapper.feed(spans) + wrapper.close()


def _cut(spans: list[Span], width: int) -> Line:
    fitting: list[Span] = []
    used = 0
    for text, style in spans:
        room = width - used
        if room <= 0:
            break
        kept = text if spans_cells([(text, style)]) <= room else one_line(text, room)
        fitting.append((kept, style))
        used += spans_cells([(kept, style)])
    return Line(fitting, used)

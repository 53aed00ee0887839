"""What is pasted is text, whatever is in it."""

from __future__ import annotations

import itertools

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from ccchat_tui.tui.pasted_escapes import END, START, keep_pasted_escapes

COLOURED = "ab\x1b[31mcd\r\x1b[0m\x1b[201\x1bOP\x1b"
SHOWN = COLOURED.replace("\x1b", "␛")


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> XTermParser:
    """What makes keys and pastes of bytes; Textual's own is put back afterwards."""
    monkeypatch.setattr(XTermParser, "feed", XTermParser.feed)
    keep_pasted_escapes()
    return XTermParser()


def told(parser: XTermParser, pieces: list[str]) -> list[str]:
    """The keys by their names and the pastes by their text."""
    return [
        event.key if isinstance(event, events.Key) else f"paste {event.text}"
        for piece in pieces
        for event in parser.feed(piece)
        if isinstance(event, (events.Key, events.Paste))
    ]


def test_escapes_in_a_paste_press_no_keys(parser: XTermParser) -> None:
    data = f"x{START}{COLOURED}{END}y{START}plain{END}\x1b[Az"
    assert told(parser, [data]) == ["x", f"paste {SHOWN}", "y", "paste plain", "up", "z"]


@pytest.mark.parametrize("at", range(1, len(COLOURED + END)))
def test_wherever_the_terminal_cuts_it(parser: XTermParser, at: int) -> None:
    data = COLOURED + END
    assert told(parser, [START, data[:at], data[at:], "y"]) == [f"paste {SHOWN}", "y"]


def test_a_character_at_a_time(parser: XTermParser) -> None:
    pieces = [START, *(COLOURED + END), "y"]
    assert told(parser, pieces) == [f"paste {SHOWN}", "y"]


def test_the_end_of_the_input_is_the_end(parser: XTermParser) -> None:
    assert told(parser, [*itertools.repeat("a", 2), ""]) == ["a", "a"]
    assert parser.is_eof

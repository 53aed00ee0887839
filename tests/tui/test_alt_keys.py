"""Alt with a digit or a sign, as terminals without the kitty protocol send it."""

from __future__ import annotations

import pytest
from textual import _ansi_sequences, events
from textual._xterm_parser import XTermParser

from ccchat_tui.tui.alt_keys import teach_alt_keys
from ccchat_tui.tui.screens.chats import ChatsScreen


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> XTermParser:
    """What makes keys of bytes, once it was taught; the table is put back afterwards."""
    monkeypatch.setattr(
        "textual._xterm_parser.ANSI_SEQUENCES_KEYS",
        known := {**_ansi_sequences.ANSI_SEQUENCES_KEYS},
    )
    monkeypatch.setattr("textual._ansi_sequences.ANSI_SEQUENCES_KEYS", known)
    teach_alt_keys(ChatsScreen.BINDINGS)
    return XTermParser()


def keys(parser: XTermParser, data: str) -> list[tuple[str, str | None]]:
    """The keys that some bytes are."""
    return [(e.key, e.character) for e in parser.feed(data) if isinstance(e, events.Key)]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ("\x1b1", "alt+1"),
        ("\x1b9", "alt+9"),
        ("\x1b+", "alt+plus"),
        ("\x1b=", "alt+equals_sign"),
        ("\x1b-", "alt+minus"),
        ("\x1b.", "alt+full_stop"),
        ("\x1b,", "alt+comma"),
        ("\x1bx", "alt+x"),
    ],
)
def test_a_bound_key_is_known_at_once(parser: XTermParser, data: str, key: str) -> None:
    """Without a wait, with nothing to be written, and whatever follows."""
    assert keys(parser, f"{data}abc") == [(key, None), ("a", "a"), ("b", "b"), ("c", "c")]


def test_all_else_is_as_it_was(parser: XTermParser) -> None:
    """Sequences that begin with Esc are what they were; so is a key that is not bound."""
    for data, key in (("\x1b[A", "up"), ("\x1bOP", "f1"), ("\x1b[1;3D", "alt+left")):
        assert keys(parser, data) == [(key, None)]
    assert keys(parser, "1") == [("1", "1")]
    assert "\x1b[" not in _ansi_sequences.ANSI_SEQUENCES_KEYS
    assert "\x1bO" not in _ansi_sequences.ANSI_SEQUENCES_KEYS

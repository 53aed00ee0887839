"""Nothing shifts columns: the whole screen, cell by cell, in a terminal that takes each code point
by itself, and so has other widths than ours for every cluster."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from textual._compositor import LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from ccchat_tui.testing.app import until
from ccchat_tui.tui.screens.history import HistoryScreen
from ccchat_tui.tui.steady_columns import clusters, steady
from tests.tui.history_app import KeptApp, kept_app

EMOJI = (
    "thumb \U0001f44d\U0001f3fd, plane \u2708\ufe0f, flag \U0001f1e9\U0001f1ea, key 1\ufe0f\u20e3, "
    "rainbow \U0001f3f3\ufe0f\u200d\U0001f308, family \U0001f468\u200d\U0001f469\u200d\U0001f467"
)
RIGHT_TO_LEFT = "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \u202eright to left"
MARKS = "e\u0301\u0302 a\u0323 z\u0337\u0322 \u0928\u092e\u0938\u094d\u0924\u0947 \u0e44\u0e17"
WIDE = "\u86c7\u306f\u9577\u3044 \ud55c\uad6d\uc5b4 \u1112\u119e\u11ab \uff76\uff9e"
ODD = (EMOJI, RIGHT_TO_LEFT, MARKS, WIDE)


def differences(drawn: str, strips: list[Strip], size: tuple[int, int]) -> list[str]:
    """Where a terminal shows something else than is meant for that cell."""
    screen = pyte.Screen(*size)
    screen.reset_mode(pyte.modes.DECAWM)
    pyte.Stream(screen).feed(drawn)
    wrong = []
    for y, strip in enumerate(strips):
        x = 0
        for meant, cells in clusters(strip.text):
            shown = screen.buffer[y][x].data
            same = normalize("NFC", shown)[:1] == normalize("NFC", meant)[:1]
            if cells and not same and not (shown == "" and meant == " "):
                wrong.append(f"row {y} column {x}: {meant!r} is meant, {shown!r} stands there")
            x += cells
    return wrong


async def test_every_place_of_the_app_cell_by_cell(tmp_path: Path) -> None:
    size = (120, 36)
    app = kept_app(tmp_path / "c.db", users=ODD)
    async with app.run_test(size=size) as pilot:
        await app.begun()
        for number, text in enumerate(ODD, 1):
            await app.ask(text, number)
            await app.script.emit(
                text, f"{text}\n\n- {text}\n\n| {text} | b |\n|---|---|\n| c | d |"
            )
            app.sessions.rename(app.session(number), text)
            app.session(number).model = text
        for grid in (False, True):
            app.chats.deck.show(grid=grid)
            await app.settle()
            check(app, size)
        await pilot.press("f12")
        await until(lambda: isinstance(app.screen, HistoryScreen))
        await app.listed(len(ODD))
        check(app, size)


def check(app: KeptApp, size: tuple[int, int]) -> None:
    compositor = app.screen._compositor
    strips = [Strip(list(strip)) for strip in compositor.render_strips()]
    assert any("thumb" in strip.text for strip in strips), "what is odd is in sight"
    update = compositor.render_update(full=True)
    assert isinstance(update, LayoutUpdate)
    drawn = update.render_segments(app.console)
    assert differences(drawn, strips, size), "such a terminal does shift columns by itself"
    assert differences(steady(drawn), strips, size) == []


PARTS = [*EMOJI.split(), *MARKS.split(), "\u86c7", "ab", " ", "\U0001f44d"]


@given(st.lists(st.sampled_from(PARTS), max_size=20))
def test_what_stands_behind_is_never_shifted(parts: list[str]) -> None:
    strip = Strip([Segment(part) for part in parts] + [Segment("|end|")])
    update = LayoutUpdate([[strip]], Region(3, 0, 250, 1))
    drawn = steady(update.render_segments(Console()))
    screen = pyte.Screen(260, 1)
    pyte.Stream(screen).feed(drawn)
    at = 3 + strip.cell_length - 5
    assert "".join(screen.buffer[0][at + x].data for x in range(5)) == "|end|"


@pytest.mark.parametrize("text", ["plain \x1b[1mtext\x1b[0m", "\x1b[2;3H\u86c7\u86c7"])
def test_what_is_not_doubtful_is_left_alone(text: str) -> None:
    assert steady(text) is text

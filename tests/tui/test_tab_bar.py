"""The row of tabs at every width and number of chats."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual import on
from textual.app import App, ComposeResult

from ccchat_tui.sessions.model import SessionStatus
from ccchat_tui.testing.app import until
from ccchat_tui.tui.themes import variable_defaults
from ccchat_tui.tui.widgets.line import Piece
from ccchat_tui.tui.widgets.tab_bar import (
    NARROWEST,
    PLUS,
    STATUS_GLYPHS,
    WIDEST,
    Tab,
    TabBar,
    lay_out,
)


def tabs(count: int, active: int = 0, **changes: object) -> list[Tab]:
    made = {
        "user": "Ada",
        "title": "A title of some length, more than fits",
        "status": SessionStatus.IDLE,
    } | changes
    return [
        Tab(session_id=f"s{index}", number=index + 1, active=index == active, **made)  # type: ignore[arg-type]
        for index in range(count)
    ]


def text(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def widths(pieces: list[Piece]) -> dict[str, int]:
    """Cells of each tab in sight."""
    found: dict[str, int] = {}
    for piece in pieces:
        if piece.target.startswith("tab:"):
            found[piece.target] = found.get(piece.target, 0) + piece.width
    return found


def hidden(pieces: list[Piece]) -> tuple[int, int]:
    """The counts at the two edges."""
    counts = {"<": 0, ">": 0}
    for piece in pieces:
        if piece.target in counts:
            number = re.search(r"\d+", piece.text)
            assert number is not None
            counts[piece.target] = int(number[0])
    return counts["<"], counts[">"]


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]) | st.sampled_from("語👩\u200d🔬é\x1b"),
    max_size=40,
)


@given(
    count=st.integers(1, 130),
    active=st.integers(0, 129),
    width=st.integers(1, 220),
    user=NAMES,
    title=NAMES,
    status=st.sampled_from(SessionStatus),
)
def test_it_fits_and_the_active_tab_is_in_sight(
    count: int, active: int, width: int, user: str, title: str, status: SessionStatus
) -> None:
    active %= count
    pieces = lay_out(tabs(count, active, user=user, title=title, status=status), width)
    assert sum(piece.width for piece in pieces) <= width
    assert f"tab:s{active}" in widths(pieces)
    shown = sorted(int(name.removeprefix("tab:s")) for name in widths(pieces))
    assert shown == list(range(shown[0], shown[-1] + 1)), "a run without gaps"
    if width >= 30:
        assert hidden(pieces) == (shown[0], count - 1 - shown[-1])
        assert pieces[-1].target == "+"


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
@pytest.mark.parametrize("count", [1, 2, 5, 12, 120])
def test_each_tab_takes_the_same_cells_and_no_less_than_can_be_read(count: int, width: int) -> None:
    found = widths(lay_out(tabs(count, count // 2), width))
    assert len(set(found.values())) == 1
    if len(found) > 1:
        assert NARROWEST <= next(iter(found.values())) <= WIDEST


def test_tabs_that_have_room_are_as_wide_as_their_words() -> None:
    pieces = lay_out(tabs(2, title="Hi"), 80)
    assert text(pieces) == "▎1   Ada · Hi  2   Ada · Hi  + "
    assert widths(pieces) == {"tab:s0": 14, "tab:s1": 14}


def test_room_that_short_tabs_do_not_need_goes_to_the_long_ones() -> None:
    mixed = [*tabs(3, title="x"), *tabs(1, active=1, title="y" * 60)]
    mixed[-1] = Tab("long", 4, "Bob", "y" * 60, SessionStatus.IDLE)
    found = widths(lay_out(mixed, 65))
    assert found == {"tab:s0": 13, "tab:s1": 13, "tab:s2": 13, "tab:long": 23}


def test_the_only_tab_in_a_very_narrow_row_gets_all_of_it() -> None:
    assert text(lay_out(tabs(5, 2), 10)) == "▎3   A t… "
    assert text(lay_out(tabs(5, 2), 3)) == "▎3 "


def test_where_room_is_short_a_name_that_all_tabs_share_makes_way_for_their_titles() -> None:
    shared = [*tabs(9, title="A question")]
    assert text(lay_out(shared, 60)).count("A quest…") == 3
    assert "Ada" not in text(lay_out(shared, 60))
    shared[8] = Tab("other", 9, "Bob", "A question", SessionStatus.IDLE)
    assert "Ada" in text(lay_out(shared, 60))


def test_neighbours_on_both_sides_are_in_sight_where_there_is_room() -> None:
    for active, shown in ((0, [0, 1, 2]), (1, [0, 1, 2]), (4, [3, 4, 5]), (8, [6, 7, 8])):
        found = widths(lay_out(tabs(9, active), 60))
        assert list(found) == [f"tab:s{index}" for index in shown]


def test_the_edges_tell_the_most_pressing_thing_that_is_out_of_sight() -> None:
    states = list(SessionStatus)
    for worst, others in (
        (SessionStatus.FAILED, states),
        (SessionStatus.UNREAD, states[:4]),
        (SessionStatus.STREAMING, states[:3]),
        (SessionStatus.WAITING, states[:2]),
    ):
        many = [
            Tab(f"s{index}", index + 1, "Ada", "t" * 30, others[index % len(others)], index == 0)
            for index in range(40)
        ]
        edge = next(piece for piece in lay_out(many, 40) if piece.target == ">")
        assert STATUS_GLYPHS[worst] in edge.text


def test_each_state_has_a_shape_of_its_own() -> None:
    assert set(STATUS_GLYPHS) == set(SessionStatus)
    assert len(set(STATUS_GLYPHS.values())) == len(SessionStatus)
    assert all(cell_len(glyph) == 1 for glyph in STATUS_GLYPHS.values())
    for status, glyph in STATUS_GLYPHS.items():
        assert glyph in text(lay_out(tabs(1, status=status), 40))


def test_names_from_outside_are_text() -> None:
    shown = text(lay_out(tabs(1, user="[b]\x1b[2J", title="[/x]\nnew\tline\u202e"), 60))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[b]␛[2J · [/x] new line" in shown


def test_without_tabs_or_width_there_is_nothing() -> None:
    assert lay_out([], 80) == []
    assert lay_out(tabs(3), 0) == []


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.bar = TabBar()
        self.heard: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults({"primary": "#4cc9f0"})

    def compose(self) -> ComposeResult:
        yield self.bar

    @on(TabBar.Chosen)
    def _chosen(self, event: TabBar.Chosen) -> None:
        self.heard.append(event.session_id)

    @on(TabBar.NewRequested)
    def _new(self) -> None:
        self.heard.append("new")

    @on(TabBar.Stepped)
    def _stepped(self, event: TabBar.Stepped) -> None:
        self.heard.append(f"{event.step:+}")


async def test_a_click_asks_for_the_tab_the_edge_or_the_plus_under_it() -> None:
    app = Host()
    async with app.run_test(size=(50, 5)) as pilot:
        app.bar.show_tabs(tabs(9, 4))
        await pilot.pause()
        row = app.bar.render_line(0).text
        for sign in ("◂", "5", "▸", "+"):
            await pilot.click(app.bar, offset=(row.index(sign), 0))
        assert app.heard == ["-1", "s4", "+1", "new"]


async def test_it_lays_itself_out_again_for_another_width() -> None:
    app = Host()
    async with app.run_test(size=(120, 5)) as pilot:
        app.bar.show_tabs(tabs(5, 4))
        await pilot.pause()
        assert hidden(list(app.bar.pieces)) == (0, 0)
        await pilot.resize_terminal(40, 5)
        await until(lambda: hidden(list(app.bar.pieces)) != (0, 0))
        await pilot.pause()
        assert PLUS in app.bar.render_line(0).text

"""How panes lie: which are in sight, in what grid, and that nothing is lost on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import on
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from ccchat_tui.clock import ManualClock
from ccchat_tui.engine.limits import EngineSettings
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.sessions.ids import counted_ids
from ccchat_tui.sessions.manager import SessionManager
from ccchat_tui.testing.scripted import ScriptedBackend
from ccchat_tui.tui.frames import FrameClock
from ccchat_tui.tui.themes import variable_defaults
from ccchat_tui.tui.widgets.chat_pane import ChatPane
from ccchat_tui.tui.widgets.deck import PANE_HEIGHT, PANE_WIDTH, Deck, GridShape, grid_shape

# The shape -----------------------------------------------------------------------------------


@given(
    panes=st.integers(1, 60),
    active=st.integers(0, 59),
    width=st.integers(1, 400),
    height=st.integers(1, 120),
)
def test_the_grid_is_full_holds_the_active_pane_and_gives_each_its_room(
    panes: int, active: int, width: int, height: int
) -> None:
    active %= panes
    shape = grid_shape(panes, active, width, height)
    assert shape.first <= active < shape.first + shape.count <= panes
    assert shape.columns == 1 or shape.columns * PANE_WIDTH <= width
    assert shape.rows == 1 or shape.rows * PANE_HEIGHT <= height
    left = shape.columns * shape.rows - shape.count
    assert 0 <= left < shape.columns, "no row is empty, and the last pane can fill the rest"


@given(panes=st.integers(1, 60), width=st.integers(1, 400), height=st.integers(1, 120))
def test_every_pane_is_on_exactly_one_page(panes: int, width: int, height: int) -> None:
    shapes = [grid_shape(panes, active, width, height) for active in range(panes)]
    pages = sorted({(shape.first, shape.count) for shape in shapes})
    assert [index for first, count in pages for index in range(first, first + count)] == list(
        range(panes)
    )


@pytest.mark.parametrize(
    ("panes", "size", "shape"),
    [
        (1, (200, 60), (1, 1)),
        (2, (200, 60), (2, 1)),
        (4, (200, 60), (4, 1)),
        (5, (200, 60), (3, 2)),
        (6, (150, 40), (3, 2)),
        (8, (200, 60), (4, 2)),
        (3, (80, 48), (1, 3)),
        (7, (140, 48), (3, 3)),
    ],
)
def test_shapes_that_people_see(panes: int, size: tuple[int, int], shape: tuple[int, int]) -> None:
    found = grid_shape(panes, 0, *size)
    assert (found.columns, found.rows, found.count) == (*shape, panes)


def test_what_does_not_fit_is_on_another_page() -> None:
    assert grid_shape(5, 0, 80, 24) == GridShape(1, 2, 0, 2)
    assert grid_shape(5, 3, 80, 24) == GridShape(1, 2, 2, 2)
    assert grid_shape(5, 4, 80, 24) == GridShape(1, 1, 4, 1)


# The deck ------------------------------------------------------------------------------------


class Host(App[None]):
    """A deck of some panes over the real engine."""

    CSS = "ChatPane.-framed { border: round white; }"

    def __init__(self, count: int) -> None:
        super().__init__()
        self.service = ConcurrentChatService(ScriptedBackend(), EngineSettings())
        self.sessions = SessionManager(self.service, clock=ManualClock(), new_id=counted_ids())
        self.sessions.set_models(["llama3.2:3b"], "llama3.2:3b")
        self.frames = FrameClock(self)
        self.deck = Deck(self.frames)
        self.count = count
        self.pages = 0

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults({"primary": "#4cc9f0"})

    def compose(self) -> ComposeResult:
        yield self.deck

    def on_mount(self) -> None:
        for number in range(self.count):
            session = self.sessions.create(f"user {number}")
            self.deck.add(ChatPane(session, self.sessions, clock=ManualClock()))
        self.deck.show(self.deck.panes[0])

    @on(Deck.Paged)
    def _paged(self) -> None:
        self.pages += 1

    def sight(self) -> list[int]:
        """Which panes are in sight, by number."""
        panes = self.deck.panes
        return [panes.index(pane) for pane in self.deck.in_sight]


@asynccontextmanager
async def dealt(count: int, size: tuple[int, int]) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    app = Host(count)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, pilot
        app.sessions.stop()
        await app.service.aclose()


async def test_one_pane_at_a_time_has_all_the_room() -> None:
    async with dealt(3, (100, 30)) as (app, pilot):
        for index in (0, 2, 1):
            pane = app.deck.panes[index]
            app.deck.show(pane)
            await pilot.pause()
            assert app.sight() == [index]
            assert app.deck.active is pane
            assert pane.region == app.deck.region
            assert not pane.has_class("-framed")


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 8])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_grid_leaves_no_gap(count: int, size: tuple[int, int]) -> None:
    async with dealt(count, size) as (app, pilot):
        app.deck.show(grid=True)
        await pilot.pause()
        shape = app.deck.shape
        assert app.sight() == list(range(shape.first, shape.first + shape.count))
        regions = [pane.region for pane in app.deck.in_sight]
        assert sum(region.area for region in regions) == app.deck.region.area
        assert all(app.deck.region.contains_region(region) for region in regions)
        active = [pane for pane in app.deck.panes if pane.has_class("-active")]
        assert active == [app.deck.active]


async def test_only_panes_in_sight_are_drawn_by_the_clock() -> None:
    async with dealt(5, (100, 30)) as (app, pilot):
        assert app.frames._clients == [app.deck.panes[0].transcript]
        app.deck.show(grid=True)
        await pilot.pause()
        assert set(app.frames._clients) == {pane.transcript for pane in app.deck.in_sight}
        assert len(app.sight()) == 4
        app.deck.show(app.deck.panes[4])
        assert app.frames._clients == [app.deck.panes[4].transcript]


async def test_changing_the_layout_moves_no_text_cursor_or_scroll() -> None:
    async with dealt(4, (200, 50)) as (app, pilot):
        pane = app.deck.panes[0]
        pane.focus_composer()
        await pilot.press(*"half", "left")
        widgets = [id(widget) for widget in app.deck.query("*")]
        for grid in (True, False, True):
            app.deck.show(grid=grid)
            await pilot.pause()
            assert pane.composer.text == "half"
            assert pane.composer.cursor_location == (0, 3)
            assert app.focused is pane.composer
        app.deck.show(app.deck.panes[3], grid=False)
        app.deck.show(pane)
        await pilot.pause()
        assert pane.composer.text == "half"
        assert [id(widget) for widget in app.deck.query("*")] == widgets


async def test_a_resize_chooses_the_grid_again_and_says_when_others_are_in_sight() -> None:
    async with dealt(6, (200, 50)) as (app, pilot):
        app.deck.show(app.deck.panes[5], grid=True)
        await pilot.pause()
        assert app.sight() == [0, 1, 2, 3, 4, 5]
        pages = app.pages
        await pilot.resize_terminal(60, 20)
        await pilot.pause()
        assert app.sight() == [5], "the active one stays in sight"
        assert app.pages == pages + 1
        app.deck.show()
        await pilot.pause()
        assert app.pages == pages + 1


async def test_neighbours_in_the_grid() -> None:
    async with dealt(5, (150, 40)) as (app, pilot):
        panes = app.deck.panes
        app.deck.show(panes[0], grid=True)
        await pilot.pause()
        assert (app.deck.shape.columns, app.deck.shape.rows) == (3, 2)
        ways = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
        expected = {
            0: {"right": 1, "down": 3},
            1: {"left": 0, "right": 2, "down": 4},
            2: {"left": 1, "down": 4},
            3: {"right": 4, "up": 0},
            4: {"left": 3, "up": 1},
        }
        for index, pane in enumerate(panes):
            app.deck.show(pane)
            found = {
                way: panes.index(neighbour)
                for way, step in ways.items()
                if (neighbour := app.deck.neighbour(*step)) is not None
            }
            assert found == expected[index], index


async def test_a_pane_that_is_taken_out_is_gone_and_drawn_no_more() -> None:
    async with dealt(3, (150, 40)) as (app, pilot):
        first, second, third = app.deck.panes
        app.deck.show(second, grid=True)
        app.deck.take_out(first)
        app.deck.show(second)
        await pilot.pause()
        assert app.deck.panes == [second, third]
        assert app.sight() == [0, 1]
        assert first not in app.deck.children
        app.deck.take_out(second)
        assert app.deck.active is None
        assert app.deck.neighbour(1, 0) is None
        app.deck.show(third)
        await pilot.pause()
        assert app.deck.in_sight == [third]
        assert third.region == app.deck.region
        assert app.frames._clients == [third.transcript]


async def test_what_is_said_of_the_server_stands_once_in_the_grid() -> None:
    async with dealt(3, (120, 40)) as (host, pilot):
        deck = host.deck
        for pane in deck.panes:
            pane.set_notice("There is no server.")
        await pilot.pause()

        def saying() -> list[bool]:
            shown = [pane for pane in deck.panes if pane.display]
            return [bool(pane.transcript._notice) for pane in shown]

        assert saying() == [True]
        deck.show(deck.panes[1], grid=True)
        assert saying() == [True, False, False]
        deck.show(grid=False)
        assert saying() == [True], "alone, each says it"
        deck.show(grid=True)
        for pane in deck.panes:
            pane.set_notice("")
        assert saying() == [False, False, False]

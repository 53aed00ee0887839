"""The edge by which the queue panel is made wider or narrower."""

from __future__ import annotations

from textual.app import App, ComposeResult

from ccchat_tui.tui.themes import defaults_for
from ccchat_tui.tui.widgets.side_panel import NARROWEST, STEP, WIDEST, Edge, SidePanel
from tests.tui.queue_views import snapshot, streaming


class SideApp(App[None]):
    """Nothing but the side panel."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.side = SidePanel(columns)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return defaults_for(self.available_themes.get(self.theme))

    def compose(self) -> ComposeResult:
        yield self.side


async def test_keys_change_the_width_within_bounds() -> None:
    app = SideApp(40)
    async with app.run_test(size=(200, 40)) as pilot:
        app.side.queue.show_snapshot(snapshot(streaming(1)))
        app.side.queue.list.focus()
        await pilot.press("less_than_sign")
        await pilot.pause()
        assert app.side.size.width == app.side.columns == 40 + STEP
        # What the panel shows follows: one column is the edge.
        assert app.side.queue.list.size.width == 40 + STEP - 1
        await pilot.press(*["greater_than_sign"] * 30)
        await pilot.pause()
        assert app.side.size.width == NARROWEST
        await pilot.press(*["less_than_sign"] * 60)
        await pilot.pause()
        assert app.side.size.width == WIDEST


async def test_the_edge_is_dragged() -> None:
    app = SideApp(40)
    async with app.run_test(size=(120, 40)) as pilot:
        edge = app.query_one(Edge)
        start = edge.region.x
        await pilot.mouse_down(offset=(start, 5))
        await pilot.hover(offset=(start - 12, 5))
        await pilot.pause()
        assert app.side.size.width == 52
        assert edge.has_class("-dragged")
        await pilot.mouse_up(offset=(start - 12, 5))
        await pilot.pause()
        await pilot.hover(offset=(start - 20, 5))
        await pilot.pause()
        assert app.side.size.width == 52


async def test_a_narrow_screen_shows_less_and_the_choice_is_kept() -> None:
    app = SideApp(60)
    async with app.run_test(size=(120, 40)) as pilot:
        assert app.side.size.width == 60
        await pilot.resize_terminal(60, 40)
        await pilot.pause()
        assert app.side.size.width == 40
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert app.side.size.width == 60

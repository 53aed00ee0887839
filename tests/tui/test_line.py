"""The one-line widget: what is drawn, how often, and what a click means."""

from __future__ import annotations

from textual.app import App, ComposeResult

from ccchat_tui.tui.widgets.line import Piece, PieceLine


class Clickable(PieceLine):
    """Remembers what was clicked."""

    DEFAULT_CSS = "Clickable { padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.clicked: list[str] = []

    def chosen(self, target: str) -> None:
        self.clicked.append(target)


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.line = Clickable()
        self.unclaimed = 0

    def compose(self) -> ComposeResult:
        yield self.line

    def on_click(self) -> None:
        self.unclaimed += 1


PIECES = [
    Piece("ab", "bold", "one"),
    Piece("  "),
    Piece("語語", "", "two"),
    Piece("!", "", "three"),
]


def row(app: Host) -> str:
    return app.line.render_line(0).text


async def test_a_click_finds_the_piece_under_it_by_cells() -> None:
    app = Host()
    async with app.run_test(size=(30, 3)) as pilot:
        app.line.show(PIECES)
        await pilot.pause()
        for x in range(1, 11):
            await pilot.click(app.line, offset=(x, 0))
        assert app.line.clicked == ["one"] * 2 + ["two"] * 4 + ["three"]
        assert app.unclaimed == 3, "between the pieces and behind them a click is anybody's"


async def test_it_is_drawn_again_only_if_something_differs() -> None:
    app = Host()
    async with app.run_test(size=(30, 3)) as pilot:
        app.line.show(PIECES)
        await pilot.pause()
        draws = app.line.draws
        app.line.show(list(PIECES))
        await pilot.pause()
        assert app.line.draws == draws
        app.line.show(PIECES[:1])
        await pilot.pause()
        assert app.line.draws > draws
        assert app.line.pieces == tuple(PIECES[:1])


async def test_what_does_not_fit_is_cut_and_nothing_moves() -> None:
    app = Host()
    async with app.run_test(size=(12, 3)) as pilot:
        app.line.show([Piece("some "), Piece("more-words-than "), Piece("fit")])
        await pilot.pause()
        assert row(app) == "some more-"


async def test_markup_is_text() -> None:
    app = Host()
    async with app.run_test(size=(30, 3)) as pilot:
        app.line.show([Piece("[/b] [bold]x", "bold")])
        await pilot.pause()
        assert row(app).strip() == "[/b] [bold]x"

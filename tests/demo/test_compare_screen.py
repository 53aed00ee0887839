"""One load in two ways on the screen: what its keys do, and what its rows say."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from textual.content import Content

from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import read_hosts
from ccchat_tui.clock import ManualClock
from ccchat_tui.config import Settings, load_settings
from ccchat_tui.scenarios.limits import limits_of
from ccchat_tui.scenarios.worlds import LiveWorld
from ccchat_tui.testing.app import AppUnderTest, demo_app, until
from ccchat_tui.testing.ollama_server import OllamaServer
from ccchat_tui.tui.demo.bar import Status, lay_out
from ccchat_tui.tui.demo.compare_rows import bar, column, result, step_of
from ccchat_tui.tui.demo.compare_screen import CompareScreen, FormulasScreen
from ccchat_tui.tui.demo.door import choose_load
from ccchat_tui.tui.demo.run import load_of
from ccchat_tui.tui.keymap import Keymap, read_keymap
from tests.demo.demo_app import show_of


class TestRows:
    @pytest.mark.parametrize(
        ("share", "drawn"),
        [(0, "    "), (1, "████"), (0.5, "██  "), (0.001, "▏   "), (0.3, "█▎  ")],
    )
    def test_a_bar_is_true_to_an_eighth_and_nothing_is_invisible(
        self, share: float, drawn: str
    ) -> None:
        assert bar(share, 4) == drawn

    def test_a_mark_stands_for_as_little_time_as_fits(self) -> None:
        assert [step_of(seconds, 40) for seconds in (0, 10, 10.1, 41, 1200)] == [
            *(0.25, 0.25, 0.5, 2, 30),
        ]

    def figures(self, wall: float, completed: int) -> dict[str, object]:
        spread = {"median": wall / 4, "p95": wall / 2, "longest": wall}
        return {
            "requests": 4, "completed": completed, "wall_ms": wall, "wait_ms": spread,
            "first_token_ms": spread, "tokens": 100, "tokens_per_second": 1.0, "fairness": 0.5,
            "users": [{"user": "Ada [/b]", "speed": 2.0}],
        }  # fmt: skip

    @pytest.mark.parametrize("width", [58, 76, 116])
    def test_figures_fit_and_a_name_is_text(self, width: int) -> None:
        rows = result(self.figures(90_000, 4), self.figures(30_000, 4), width)
        assert all(row.cell_length <= width for row in rows)
        text = Content("\n").join(rows).plain
        assert "3.0 times as fast" in " ".join(text.split())
        assert "Ada [/b]" in text
        assert "x 0.33" in text

    def test_runs_that_did_not_do_the_same_are_not_called_faster(self) -> None:
        rows = result(self.figures(90_000, 4), self.figures(30_000, 3), 100)
        assert "faster" not in rows[0].plain
        assert "4 and 3 were whole" in rows[0].plain


class TestColumn:
    @pytest.mark.parametrize("height", [6, 13, 30])
    def test_why_there_is_no_run_is_told_in_full(self, height: int) -> None:
        world = LiveWorld(load_of(show_of("hello"), Settings()), concurrent=True)
        world.problem = "Ollama does not answer at http://127.0.0.1:9: the connection was refused."
        rows = column(world, 0, 1, 30, height)
        assert len(rows) == height
        assert all(row.cell_length <= 30 for row in rows)
        told = " ".join(row.plain for row in rows)
        assert ("the connection was refused." in told) is (height > 6)


class TestLine:
    @pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
    def test_it_fits_and_what_comes_next_goes_before_keys(self, width: int) -> None:
        status = Status("Server trouble", 61.5, 2, next="the server goes down", next_in=3.2)
        pieces = lay_out(status, width, Keymap())
        text = "".join(piece.text for piece in pieces)
        assert sum(piece.width for piece in pieces) <= width
        assert "1:01  2x" in text
        assert ("in 4 s: the server goes down" in text) is (width >= 60)
        assert ("Alt+O compare" in text) is (width >= 200)

    def test_it_tells_the_keys_that_one_has_given(self) -> None:
        keymap = read_keymap(
            {"demo.pause": ("ctrl+alt+g",), "demo.faster": (), "demo.back": ("ctrl+alt+b",)}
        )
        status = Status("Hello", 1, 1, yours=("Ada",))
        text = "".join(piece.text for piece in lay_out(status, 200, keymap))
        assert "Ctrl+Alt+G pause" in text
        assert "Ctrl+Alt+B gives back" in text
        assert "faster" not in text
        assert "Alt+V slower" in text


def compared(clock: ManualClock) -> CompareScreen:
    return CompareScreen(load_of(show_of("hello"), Settings()), clock)


def title(screen: CompareScreen) -> str:
    return "".join(piece.text for piece in screen._title.pieces)


class TestKeys:
    async def test_pause_speed_end_again_and_back(self) -> None:
        app, clock = demo_app(), ManualClock()
        async with app.run_test(size=(100, 30)) as pilot:
            screen = compared(clock)
            await app.push_screen(screen)
            clock.advance(2)
            screen.beat()
            assert "0:08  4x" in title(screen)
            await pilot.press("space")
            clock.advance(60)
            screen.beat()
            assert "0:08  paused" in title(screen)
            await pilot.press("space", "plus")
            clock.advance(1)
            screen.beat()
            assert "0:16  8x" in title(screen)
            await pilot.press("v")
            assert screen.has_class("-figures")
            await pilot.press("v", "e")
            for _ in range(5):
                screen.beat()
            assert "over" in title(screen)
            assert screen.has_class("-figures")
            # Nothing moves any more, so nothing is looked at any more.
            assert screen._timer is None or not screen._timer._active.is_set()
            await pilot.press("f")
            assert isinstance(app.screen, FormulasScreen)
            await pilot.press("escape", "r")
            await pilot.pause()
            assert "0:00  8x" in title(screen)
            assert screen.classes.isdisjoint({"-figures"})
            await pilot.press("escape")
            await pilot.pause()
            assert app.screen_stack == [app.chats]

    async def test_from_any_chat_a_load_is_chosen(self, tmp_path: Path) -> None:
        app = demo_app()
        limits = partial(limits_of, loaded=load_settings({}, {}, None))
        async with app.run_test(size=(100, 30)) as pilot:
            choose_load(app, limits, ManualClock())
            await pilot.pause()
            await pilot.press("down", "enter")
            await pilot.pause()
            assert isinstance(app.screen, CompareScreen)
            assert "Hello, twice" in title(app.screen)

    async def test_on_a_server_one_run_follows_the_other(self) -> None:
        async with OllamaServer() as server:
            backend = open_servers(read_hosts(server.url))
            app: AppUnderTest = demo_app()
            async with app.run_test(size=(100, 30)) as pilot:
                show = show_of(
                    show_of("hello").scenario.model_copy(
                        update={
                            "users": tuple(
                                user.model_copy(update={"think": (0.0, 0.0), "typing": 0.0})
                                for user in show_of("hello").scenario.users
                            )
                        }
                    )
                )
                load = load_of(show, Settings())
                screen = CompareScreen(load, app.wall, backend=backend)
                await app.push_screen(screen)
                await until(lambda: screen.worlds[0].over)
                screen.beat()
                assert f"one after the other on {backend.name}" in title(screen)
                await pilot.press("space")
                await until(lambda: screen.over)
                screen.beat()
                assert screen.has_class("-figures")
            await backend.aclose()

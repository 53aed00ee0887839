"""How the model servers are: a line for each of several in the panel, and what the header says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from ccchat_tui.backends.base import ChatStats, ServerState, ServerStatus
from ccchat_tui.engine.request import ReplyStats, RequestState
from ccchat_tui.testing.app import THEMES, AppUnderTest, scripted_app
from ccchat_tui.testing.scripted import ScriptedBackend
from ccchat_tui.tui.widgets.header import ServerView, lay_out
from ccchat_tui.tui.widgets.queue_servers import server_rows, trouble_words
from tests.tui.queue_views import PanelApp, ended, screen_rows, snapshot, streaming

UP = ServerStatus("desk", "http://a", ServerState.CLOSED, 3, 4, 2.0, 1204, 0)
OUT = ServerStatus(
    "192.168.1.7",
    "http://b",
    ServerState.OPEN,
    0,
    None,
    1.0,
    12,
    7,
    "connection refused; next try in 12 s",
    11.2,
    "connection refused",
)
TRIED = ServerStatus(
    "models.example", "http://c", ServerState.HALF_OPEN, 0, 2, 1.0, 88, 1, "x", None, "busy"
)
THREE = (UP, OUT, TRIED)
WORST = replace(OUT, name="x" * 90, completed=10**9, failed=10**7, in_flight=999, retry_at=999.0)


def texts(servers: tuple[ServerStatus, ...], width: int, most: int = 9) -> list[str]:
    return ["".join(p.text for p in row) for row in server_rows(servers, width, most)]


class TestRows:
    @pytest.mark.parametrize("servers", [THREE, (WORST, UP), (UP, replace(WORST, state=UP.state))])
    def test_they_fit_at_every_width(self, servers: tuple[ServerStatus, ...]) -> None:
        for width in range(25, 121):
            for most in (1, 2, 3):
                rows = texts(servers, width, most)
                assert len(rows) == min(most, len(servers))
                assert all(cell_len(row) <= width for row in rows), (width, rows)

    def test_a_wide_panel_names_every_figure(self) -> None:
        up, out, tried = texts(THREE, 100)
        assert " ".join(up.split()) == "■ desk up 3/4 in flight 1,204 done 0 failed"
        assert "□ 192.168.1.7     left out, again in 12s: connection refused " in out
        assert " ".join(out.split()).endswith("0 in flight 12 done 7 failed")
        assert "◧ models.example  trying: busy" in tried

    @pytest.mark.parametrize("width", [34, 42, 60])
    def test_a_narrow_one_says_of_what_is_away_when_it_is_tried(self, width: int) -> None:
        up, out, tried = texts(THREE, width)
        assert up.split()[:4] == ["■", "desk", "up", "3/4"]
        assert "1,204✓" in up
        assert "again" in out
        assert "12s" in out
        assert "192.168" in out
        assert tried.rstrip().endswith("trying")

    def test_no_state_is_told_by_colour_alone(self) -> None:
        assert len({row[1] for row in texts(THREE, 42)}) == 3

    def test_a_single_server_has_no_row(self) -> None:
        assert texts((UP,), 42) == []
        assert texts((), 42) == []

    def test_where_rows_are_few_those_that_are_away_come_first(self) -> None:
        many = (UP, *(replace(UP, name=f"box-{n}", in_flight=n) for n in range(5)), OUT)
        assert [row.split()[1] for row in texts(many, 42, 3)[:2]] == ["desk", "192.168.1.7"]
        assert texts(many, 42, 3)[2] == " ■ … and 5 more, all up, 10 in flight"
        assert texts(many, 42, 1) == [" □ 6 of 7 servers up, 13 in flight"]
        assert texts((OUT, OUT, OUT, UP), 42, 2)[1] == " □ … and 1 of 3 more up, 3 in flight"

    def test_names_and_reasons_are_text(self) -> None:
        hostile = replace(OUT, name="[b]\x1b[2J", reason="[/oops]\x1b]0;x\x07\nline")
        row = texts((hostile, UP), 120)[0]
        assert "[b]" in row
        assert "[/oops]" in row
        assert not {"\x1b", "\x07", "\n"} & set(row)


class TestHeader:
    def text(self, width: int, *servers: ServerStatus) -> str:
        pieces = lay_out(
            ServerView("Ollama", "http://h"), snapshot(), width, trouble_words(servers)
        )
        assert sum(piece.width for piece in pieces) == width
        return "".join(piece.text for piece in pieces)

    def test_a_single_server_that_is_left_out(self) -> None:
        assert "▲ server left out, again in 12 s " in self.text(80, OUT)
        assert "▲ server left out, trying " in self.text(80, TRIED)
        assert "▲" not in self.text(80, UP)
        assert "▲ no server " in self.text(44, OUT)

    def test_some_of_several_and_all(self) -> None:
        assert "▲ 2 of 3 servers left out " in self.text(120, *THREE)
        assert "▲ 1/3 up " in self.text(40, *THREE)
        assert "▲ all servers left out, again in 12 s " in self.text(120, OUT, TRIED)

    def test_it_fits_at_every_width(self) -> None:
        for width in range(1, 200):
            self.text(width, *THREE)


class TestPanel:
    async def test_it_has_a_line_for_each_server_and_keeps_its_list(self) -> None:
        for height in range(12, 41):
            app = PanelApp()
            async with app.run_test(size=(60, height)) as pilot:
                app.panel.show_servers(THREE)
                app.panel.show_snapshot(snapshot(streaming(1), streaming(2)))
                await pilot.pause()
                seen = "\n".join(screen_rows(app))
                assert "■" in seen or "□" in seen, height
                assert "user1" in seen, height
                assert "cancel all" in seen, height
                if height >= 15:
                    assert "left out, again in 12s" in seen, height

    async def test_only_the_line_that_changes_is_drawn_again(self) -> None:
        app = PanelApp()
        async with app.run_test(size=(60, 40)) as pilot:

            async def shown(servers: tuple[ServerStatus, ...]) -> None:
                app.panel.show_servers(servers)
                app.panel.show_snapshot(snapshot(streaming(1)))
                await pilot.pause()

            await shown(THREE)
            drawn = app.panel._head.draws
            await shown((UP, replace(OUT, retry_at=10.0), TRIED))
            assert "again in 10s" in app.panel._head.text
            assert app.panel._head.draws == drawn + 1

    async def test_a_reply_out_of_the_cache_says_so(self) -> None:
        app = PanelApp()
        async with app.run_test(size=(60, 40)) as pilot:
            app.panel.show_snapshot(snapshot(streaming(1)))
            event = replace(ended(1, RequestState.COMPLETED), stats=ReplyStats(cached=True))
            app.panel.request_ended(event)
            app.panel.show_snapshot(snapshot(at=100.5))
            await pilot.pause()
            assert "✓ user1" in app.panel.list.text
            assert "  cached " in app.panel.list.text


class ScriptedPool(ScriptedBackend):
    """A scripted backend that says of itself that it is several servers."""

    def __init__(self, *servers: ServerStatus) -> None:
        name = f"Ollama ({len(servers)} servers)" if len(servers) > 1 else "Ollama"
        super().__init__(name=name, address=", ".join(server.address for server in servers))
        self.states = servers
        for number, info in enumerate(self.model_infos):
            names = tuple(server.name for server in servers[number:])
            self.model_infos[number] = replace(info, servers=names)

    def servers(self) -> tuple[ServerStatus, ...]:
        return self.states

    async def probe_failing(self) -> str:
        return await self.probe()


class TestApp:
    async def test_time_is_counted_down_while_one_is_away_and_not_after(self) -> None:
        pool = ScriptedPool(UP, OUT)
        app = scripted_app(pool)
        async with app.run_test(size=(120, 40)):
            await app.settle()
            await app.settle()
            assert app.watch_queue.running, "the seconds move"
            assert "again in 12s" in "\n".join(screen_rows(app))
            pool.states = (UP, replace(OUT, retry_at=3.0))
            for _ in range(5):
                app.watch_queue.tick()
            assert "again in 3s" in app.chats.panel.queue._head.text
            pool.states = (UP, replace(OUT, state=ServerState.CLOSED, retry_at=None))
            for _ in range(20):
                app.watch_queue.tick()
            assert app.watch_queue._timer is None, "with all of them up nothing moves"
            assert "left out" not in "\n".join(screen_rows(app))

    async def test_a_cached_reply_says_so_over_it(self) -> None:
        app = scripted_app()
        async with app.run_test(size=(120, 40)):
            await app.settle()
            await app.ask("Why?")
            call = await app.script.call("Why?")
            from ccchat_tui.backends.base import ChatChunk  # noqa: PLC0415

            stats = ChatStats("stop", reply_tokens=9, cached=True)
            call.pieces.put_nowait(ChatChunk("Because.", stats=stats))
            call.pieces.put_nowait(None)
            await call.closed.wait()
            await app.settle()
            turn = app.session(1).turns[0]
            assert turn.stats is not None
            assert turn.stats.cached
            assert "✓ cached · 9 tokens" in "\n".join(screen_rows(app))

    async def test_typing_a_servers_name_leaves_its_models(self) -> None:
        app = scripted_app(ScriptedPool(*THREE))
        async with app.run_test(size=(120, 40)) as pilot:
            await app.settle()
            await pilot.press("f3")
            await app.workers.wait_for_complete()
            await pilot.press(*"desk")
            await pilot.pause()
            seen = "\n".join(screen_rows(app))
            assert "on desk, 192.168.1.7, models.example" in seen
            assert "qwen3" not in seen


Story = Callable[[AppUnderTest, Pilot[None]], Awaitable[None]]


class TestPictures:
    """As people see them."""

    def compare(
        self,
        snap_compare: Callable[..., bool],
        app: AppUnderTest,
        size: tuple[int, int],
        *keys: str,
    ) -> None:
        told = False

        async def before(pilot: Pilot[Any]) -> None:
            nonlocal told
            await app.settle()
            await app.ask("Why is the sky blue?")
            await app.script.emit(0, "Because air scatters short waves more.")
            await pilot.press(*keys)
            await app.workers.wait_for_complete()
            await app.settle()
            told = True

        same = snap_compare(app, terminal_size=size, run_before=before)
        assert told, "the story did not come to its end"
        assert same, "the picture differs; see snapshot_report.html"

    @pytest.mark.parametrize("theme", sorted(THEMES.themes))
    def test_in_each_theme(self, snap_compare: Callable[..., bool], theme: str) -> None:
        """One is up, one left out, one being tried."""
        self.compare(snap_compare, scripted_app(ScriptedPool(*THREE), theme=theme), (120, 40))

    @pytest.mark.parametrize(("columns", "size"), [(30, (80, 24)), (80, (160, 40))])
    def test_narrow_and_wide(
        self, snap_compare: Callable[..., bool], columns: int, size: tuple[int, int]
    ) -> None:
        """The same with less room, and with more."""
        app = scripted_app(ScriptedPool(*THREE), panel_width=columns)
        self.compare(snap_compare, app, size)

    def test_a_single_server(self, snap_compare: Callable[..., bool]) -> None:
        """The header says that it is left out, and for how long."""
        self.compare(snap_compare, scripted_app(ScriptedPool(OUT)), (100, 24))

    def test_the_models_of_several(self, snap_compare: Callable[..., bool]) -> None:
        """Each model with the servers that have it."""
        self.compare(snap_compare, scripted_app(ScriptedPool(*THREE)), (120, 40), "f3")

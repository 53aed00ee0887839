"""Falling back to one at a time over a real socket, as everybody who watches is told of it."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from ccchat_tui.engine.events import EngineEvent, LimitsChanged, ModeChanged
from ccchat_tui.engine.request import RequestState
from ccchat_tui.scenarios.report import UserTimes, make_report
from ccchat_tui.testing.ollama_server import OllamaServer
from ccchat_tui.tui.widgets.queue_figures import status_row, title_row
from tests.servers.stage import Stage

COUNT = 8
SETTINGS = {"max_concurrent": 4, "max_queue": 0, "fallback_quiet": 0.05, "retry_attempts": 0}


def panel(stage: Stage) -> str:
    """The first two rows of the queue panel."""
    seen = stage.service.snapshot(0)
    rows = (title_row(seen, 80), status_row(seen, 80))
    return "\n".join("".join(piece.text for piece in row) for row in rows)


def told(stage: Stage) -> tuple[str, str, int]:
    """The mode, why, and the limit in force, by the report of a simulation."""
    report = make_report(stage.service.snapshot(0), 1.0, {"a": UserTimes(4, 1.0)})
    return report["mode"], report["mode_reason"], report["limits"]["max_concurrent"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("busy", "fallback: server busy"),
        ("out_of_memory", "fallback: server out of memory"),
    ],
)
async def test_it_is_seen_everywhere_loses_nothing_and_comes_back(fault: str, reason: str) -> None:
    async with OllamaServer(manual=True) as server:
        stage = Stage(server, SETTINGS)
        events: list[EngineEvent] = []
        stage.service.subscribe(events.append)
        server.fail(fault, times=2)
        handles = [stage.ask(f"question {number}") for number in range(COUNT)]
        await stage.until(lambda: stage.service.snapshot(0).mode == "sequential")
        assert told(stage) == ("sequential", reason, 1)
        assert "sequential" in panel(stage)
        assert reason in panel(stage)
        (changed,) = [event for event in events if isinstance(event, ModeChanged)]
        assert (changed.mode, changed.reason) == ("sequential", reason)
        # The way back, while they wait: nothing is answered before it is whole.
        await stage.until(lambda: stage.service.snapshot(0).limits.max_concurrent == 4)
        assert told(stage) == ("concurrent", "", 4)
        assert "fallback" not in panel(stage)
        server.manual = False
        for chat in server.chats:
            chat.let_go()
        assert [await handle for handle in handles] == [RequestState.COMPLETED] * COUNT
        modes = [event.mode for event in events if isinstance(event, ModeChanged)]
        assert modes == ["sequential", "concurrent"]
        limits = [event.max_concurrent for event in events if isinstance(event, LimitsChanged)]
        assert limits == [1, 2, 3, 4], "step by step"
        # Each was asked once, but for the two that were refused and put back.
        asked = [chat.question for chat in server.chats]
        assert sorted(set(asked)) == sorted(f"question {number}" for number in range(COUNT))
        assert len(asked) == COUNT + 2
        for handle in handles:
            assert handle.text == "".join(server.pieces(handle.request.preview)), "whole, and once"
        totals = asdict(stage.service.snapshot(0).totals)
        assert (totals["completed"], totals["failed"], totals["retried"]) == (COUNT, 0, 0)
        await stage.close()


async def test_a_queue_that_is_really_full_takes_them_one_after_the_other() -> None:
    """While the model is loaded one may wait for it, and the others are refused."""
    async with OllamaServer(max_queue=1, load_seconds=0.1) as server:
        stage = Stage(server, {**SETTINGS, "fallback_quiet": 30.0, "retry_attempts": 2})
        handles = [stage.ask(f"question {number}") for number in range(COUNT)]
        await stage.until(lambda: stage.service.snapshot(0).mode == "sequential")
        assert "fallback: server busy" in panel(stage)
        assert [await handle for handle in handles] == [RequestState.COMPLETED] * COUNT
        for handle in handles:
            assert handle.text == "".join(server.pieces(handle.request.preview))
        whole = [chat.question for chat in server.chats if chat.lines and chat.lines == chat.total]
        assert sorted(whole) == sorted(f"question {number}" for number in range(COUNT)), "once"
        await stage.close()

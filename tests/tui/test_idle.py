"""While nothing happens nothing is drawn, and nobody is woken."""

from __future__ import annotations

from typing import Any

import pytest
from textual.message_pump import MessagePump

from ccchat_tui.testing.app import AppUnderTest, scripted_app
from ccchat_tui.tui.watch import SLOW


def runs(timer: Any) -> bool:
    """Whether a timer of Textual's is neither stopped nor paused."""
    return timer._task is not None and bool(timer._active.is_set())


def running_timers(app: AppUnderTest) -> list[str]:
    """Every timer of every widget that is not paused, and those of the app's own clocks."""
    nodes: list[MessagePump] = [app, app.screen, *app.screen.walk_children()]
    timers = [timer for node in nodes for timer in node._timers if runs(timer)]
    clocks = {"the frame clock": app.frames.running, "the queue watch": app.watch_queue.running}
    return [repr(timer) for timer in timers] + [name for name, runs in clocks.items() if runs]


@pytest.mark.parametrize("grid", [False, True])
async def test_no_timer_runs_when_all_is_said(grid: bool) -> None:
    """Tabs open, the queue in sight, the cursor in a message box, a reply that has ended."""
    app = scripted_app(users=("Ada", "Bob", "Cem"))
    app.animation_level = "full"  # as on a terminal where nobody has switched it off
    async with app.run_test(size=(160, 40)) as pilot:
        await app.settle()
        if grid:
            await pilot.press("ctrl+g")
        await app.ask("Hello?")
        await app.script.emit("Hello?", "Hello.")
        await app.settle()
        assert running_timers(app), "while a reply streams something runs"
        await app.script.finish("Hello?")
        await app.pass_time(30)
        for _ in range(SLOW):  # it is looked at once more, and then no longer
            app.watch_queue.tick()
        assert app.pane.composer.has_focus
        assert running_timers(app) == []

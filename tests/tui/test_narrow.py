"""What is drawn in parts is, on the terminal, what drawing the whole screen would give."""

from __future__ import annotations

from typing import Any

import pyte
import pytest
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Region
from textual.pilot import Pilot
from textual.strip import Strip

from ccchat_tui.testing.app import AppUnderTest, drawn, scripted_app
from ccchat_tui.tui.narrow import NarrowCompositor
from ccchat_tui.tui.widgets.transcript import Transcript

SIZE = (150, 40)
REPLY = """# Heading

Some **strong** words and `code`, wide \u4e16\u754c and \U0001f600, a [link](https://example.org).

| a | b |
|---|---|
| 1 | 2 |

```python
for each in range(3):
    print(each)
```
"""


class Emulated(HeadlessDriver):
    """Draws on an emulated terminal."""

    is_headless = False  # frames are written, as on a terminal

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.terminal = pyte.Screen(*SIZE)
        self._stream = pyte.Stream(self.terminal)
        self.written = 0

    def write(self, data: str) -> None:
        self.written += len(data)
        self._stream.feed(data)


class Screen:
    """The app on its emulated terminal."""

    def __init__(self, app: AppUnderTest) -> None:
        self.app = app
        self.parts = 0
        """How often it was seen that parts are right."""

    @property
    def driver(self) -> Emulated:
        assert isinstance(self.app._driver, Emulated)
        return self.app._driver

    def cells(self) -> list[list[Any]]:
        """Every cell with its looks."""
        buffer = self.driver.terminal.buffer
        return [[buffer[y][x] for x in range(SIZE[0])] for y in range(SIZE[1])]

    async def check(self, what: str) -> None:
        """What stands there is what a whole new drawing puts there."""
        await self.app.settle()
        in_parts = self.cells()
        written = self.driver.written
        self.app.screen.refresh()
        await drawn(self.app)
        assert self.driver.written - written > SIZE[0] * SIZE[1], "the whole screen was drawn"
        whole = self.cells()
        wrong = [
            f"row {y}, column {x}: {before.data!r} and not {after.data!r}, {before} {after}"
            for y, rows in enumerate(zip(in_parts, whole, strict=True))
            for x, (before, after) in enumerate(zip(*rows, strict=True))
            if before != after
        ]
        assert not wrong, f"after {what}: {len(wrong)} cells, first {wrong[:3]}"
        self.parts += 1


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> AppUnderTest:
    """Four chats, on an emulated terminal."""
    monkeypatch.setattr(AppUnderTest, "get_driver_class", lambda _: Emulated)
    return scripted_app(
        users=("Ada", "Bob", "Cem", "Dee"), max_concurrent_chats=3, max_concurrent_per_user=3
    )


async def stream(app: AppUnderTest, screen: Screen, *, at_once: int) -> None:
    """Replies grow in all panes by turns; each step is looked at."""
    for number in range(1, 5):
        await app.ask(f"question {number}", number)
    for begin in range(0, len(REPLY), at_once):
        for number in range(1, 4):
            await app.script.emit(f"question {number}", REPLY[begin : begin + at_once])
        await screen.check(f"{begin} characters")
    await app.script.finish("question 2")
    await screen.check("the end of a reply, and the start of the one that waited")


async def the_rest(app: AppUnderTest, screen: Screen, pilot: Pilot[None]) -> None:
    """What else a person sees change."""
    for keys in (
        "h e l l o",
        "ctrl+j x ctrl+j y",
        "f6",
        "home",
        "end",
        "f6",
        "x",
        "f6",
        "ctrl+b",
        "ctrl+b",
        "alt+2",
        "alt+1",
        "f1",
        "escape",
        "ctrl+n",
        "ctrl+g",
    ):
        await pilot.press(*keys.split())
        await screen.check(keys)
    app.notify("A [toast] over it all", markup=False)
    await screen.check("a toast")
    await pilot.resize_terminal(*SIZE)
    await pilot.click(app.pane.transcript, offset=(5, 3))
    await pilot.double_click(app.pane.transcript, offset=(5, 1))
    await screen.check("a selection")


@pytest.mark.parametrize("grid", [False, True])
async def test_parts_make_the_whole(app: AppUnderTest, grid: bool) -> None:
    async with app.run_test(headless=False, size=SIZE) as pilot:
        screen = Screen(app)
        await screen.check("the start")
        if grid:
            await pilot.press("ctrl+g")
            await screen.check("the grid")
        await stream(app, screen, at_once=23)
        await the_rest(app, screen, pilot)
        assert screen.parts > 20


async def test_a_pane_beside_is_not_asked(
    app: AppUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two panes change, one above and one below; the panes beside them, and what lies behind all,
    have nothing to do with it."""
    asked: list[tuple[Transcript, Region]] = []
    plain = Transcript.render_lines

    def render_lines(self: Transcript, crop: Region) -> list[Strip]:
        asked.append((self, crop))
        return plain(self, crop)

    monkeypatch.setattr(Transcript, "render_lines", render_lines)
    async with app.run_test(headless=False, size=SIZE) as pilot:
        await pilot.press("ctrl+g")
        first, _, _, fourth = (pane.transcript for pane in app.chats.deck.panes)
        await app.settle()
        asked.clear()
        height = first.size.height
        assert height > 2
        first.refresh(Region(0, height - 1, 10, 1))
        fourth.refresh(Region(0, 0, 10, 1))
        await drawn(app)
        assert dict(asked) == {
            first: Region(0, height - 1, first.size.width, 1),
            fourth: Region(0, 0, fourth.size.width, 1),
        }
        assert len(asked) == 2


def test_textual_has_the_parts_that_are_replaced() -> None:
    """They are no part of what Textual promises; without them it would draw as it always does."""
    for name in ("render_partial_update", "_get_renders"):
        assert name in vars(NarrowCompositor)
        assert callable(getattr(NarrowCompositor.__mro__[1], name))

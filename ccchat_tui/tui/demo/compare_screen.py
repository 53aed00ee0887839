"""The same load one at a time and at once, side by side under one clock, and what differed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from ccchat_tui.scenarios.scene_clock import SceneClock
from ccchat_tui.scenarios.worlds import LiveWorld, Load, VirtualWorld, World
from ccchat_tui.text import one_line
from ccchat_tui.tui.demo.bar import clock_words
from ccchat_tui.tui.demo.compare_rows import (
    column,
    formulas,
    lane_cells,
    legend,
    result,
    step_of,
)
from ccchat_tui.tui.screens.dialog import Dialog
from ccchat_tui.tui.widgets.key_hints import KeyHints
from ccchat_tui.tui.widgets.line import Piece, PieceLine

if TYPE_CHECKING:
    from textual.timer import Timer

    from ccchat_tui.backends.base import ChatBackend
    from ccchat_tui.clock import Clock

BEAT = 0.1
"""Seconds between two pictures."""
LEAP = 15.0
"""Seconds of the load for each picture on the way to the end."""
SPEED = 4.0
"""How fast it goes unless asked otherwise."""
_SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0)


class FormulasScreen(Dialog[None]):
    """What each figure is."""

    DEFAULT_CSS = """
    FormulasScreen > .box { width: 84; height: auto; }
    FormulasScreen VerticalScroll { height: auto; max-height: 80vh; scrollbar-size-vertical: 1; }
    """

    def __init__(self) -> None:
        super().__init__("What each figure is")

    def ask(self) -> ComposeResult:
        """One below the other."""
        with VerticalScroll():
            yield Static(Content("\n").join(formulas()))

    def on_mount(self) -> None:
        """The arrows scroll at once."""
        self.query_one(VerticalScroll).focus()


class RunColumn(Widget):
    """One of the two runs."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    RunColumn { width: 1fr; height: 1fr; padding: 0 1; text-wrap: nowrap; text-overflow: clip; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[Content, ...] = ()

    def show(self, rows: Sequence[Content]) -> None:
        """Show other rows, if they are other."""
        fresh = tuple(rows)
        if fresh != self._rows:
            self._rows = fresh
            self.refresh()

    def render(self) -> Content:
        """All rows."""
        return Content("\n").join(self._rows)


class CompareScreen(Screen[None]):
    """Runs a load twice and shows both. Letters are keys here, for nothing is written.

    Args:
        load: What is run.
        clock: Real time, or what stands for it.
        speed: How fast it goes to begin with; on a real server that cannot be chosen.
        backend: The server; `None` for the demo model. It stays the caller's.
        model: What a real server is asked; empty for the first that it has.
        left: Called when the person leaves, in place of going back to what was there before.
    """

    BINDING_GROUP_TITLE = "Side by side"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "Pause", tooltip="Stop both runs, or let them go on"),
        Binding("f", "formulas", "Formulas", tooltip="What each figure is"),
        Binding("e", "finish", "To the end", tooltip="To the end without waiting"),
        Binding("v", "view", "View", tooltip="The runs, or the figures so far"),
        Binding("r", "restart", "Again", tooltip="Both runs from the beginning"),
        Binding("minus", "speed(-1)", "Slower", key_display="-", id="sides.slower"),
        Binding("plus,equals_sign", "speed(1)", "Faster", key_display="+", id="sides.faster"),
        Binding("escape,q", "leave", "Back"),
    ]
    DEFAULT_CSS = """
    CompareScreen { background: $background; color: $foreground; }
    CompareScreen > .title { background: $panel; }
    CompareScreen > .runs { height: 1fr; }
    CompareScreen > .runs RunColumn.-second { border-left: vkey $foreground 25%; }
    CompareScreen > .legend { height: 1; color: $text-muted; }
    CompareScreen > .figures { height: 1fr; display: none; padding: 1 1 0 1;
        scrollbar-size-vertical: 1; }
    CompareScreen.-figures > .figures { display: block; }
    CompareScreen.-figures > .runs, CompareScreen.-figures > .legend { display: none; }
    """

    def __init__(
        self,
        load: Load,
        clock: Clock,
        *,
        speed: float = SPEED,
        backend: ChatBackend | None = None,
        model: str = "",
        left: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self._load = load
        self._clock = clock
        self._speed = speed
        self._backend = backend
        self._model = model
        self._left = left
        self._title = PieceLine(classes="title")
        self._columns = (RunColumn(), RunColumn())
        self._columns[1].add_class("-second")
        self._legend = Static(classes="legend")
        self._text = Static()
        self._timer: Timer | None = None
        self._following: asyncio.Task[None] | None = None
        self._ending = False
        self._told = False
        self.worlds: tuple[World, World]
        self._begin()

    def _begin(self) -> None:
        make = VirtualWorld if self._backend is None else LiveWorld
        self.worlds = (
            make(self._load, concurrent=False),
            make(self._load, concurrent=True),
        )
        self._scene = SceneClock(self._clock, speed=self._speed, driven=True)
        self._at = 0.0
        self._ending = self._told = False
        self._drawn: tuple[Content, ...] = ()

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._title
        with Horizontal(classes="runs"):
            yield from self._columns
        yield self._legend
        with VerticalScroll(classes="figures"):
            yield self._text
        yield KeyHints()

    def on_mount(self) -> None:
        """Begin."""
        self._start()
        self._timer = self.set_interval(BEAT, self.beat, name="side by side")
        self.call_after_refresh(self.beat)

    def on_resize(self) -> None:
        """Draw it for the new size."""
        self._legend.update(legend(self.size.width))
        self.call_after_refresh(self._show)

    async def on_unmount(self) -> None:
        """Stop both runs, and wait until they have stopped."""
        await self._stop()

    # Running ------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether both runs are."""
        return all(world.over for world in self.worlds)

    @property
    def elapsed(self) -> float:
        """Seconds of the load since it began."""
        return self._scene.monotonic()

    @property
    def speed(self) -> float:
        """How many times faster than the clock it goes."""
        return self._scene.speed

    def beat(self) -> None:
        """Lead both runs on to the present moment, and show them."""
        if self._ending and self._backend is None:
            self._at += LEAP
        elif self._backend is None:
            self._at = max(self._at, self._scene.monotonic())
        for world in self.worlds:
            if isinstance(world, VirtualWorld):
                world.advance(self._at)
        if (
            self._following is not None
            and self._following.done()
            and not self._following.cancelled()
        ):
            self._following.result()  # a fault of ours is to be seen
        if self.over and not self._told:
            self._told = True
            self.add_class("-figures")
        self._show()
        if self._timer is not None and (self.over or any(w.problem for w in self.worlds)):
            self._timer.pause()  # nothing moves any more

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.resume()
        if self._backend is not None:
            self._following = asyncio.create_task(self._live(self._backend), name="side by side")

    async def _live(self, backend: ChatBackend) -> None:
        """One after the other: together they would stand in each other's way."""
        for world in self.worlds:
            assert isinstance(world, LiveWorld)
            await world.run(backend, self._clock, self._model)
            if world.problem:
                return

    async def _stop(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
            self._following = None
        for world in self.worlds:
            if isinstance(world, VirtualWorld):
                world.close()

    # Showing ------------------------------------------------------------------------------

    def _moment(self, world: World) -> float:
        """Where a run stands."""
        return world.elapsed if world.over or self._backend is not None else self._at

    def _show(self) -> None:
        if not self.is_mounted:
            return
        self._title.show(self._title_pieces())
        longest = max(self._moment(world) for world in self.worlds)
        for world, drawn in zip(self.worlds, self._columns, strict=True):
            width, height = drawn.content_size
            if width > 0 and height > 0 and not self.has_class("-figures"):
                step = step_of(longest, lane_cells(width))
                drawn.show(column(world, self._moment(world), step, width, height))
        if self.has_class("-figures"):
            width = max(20, self.size.width - 4)
            rows = result(self.worlds[0].figures, self.worlds[1].figures, width)
            if not self.over:
                rows.insert(0, Content.styled("so far; not both are over yet", "$text-warning"))
            if tuple(rows) != self._drawn:
                self._drawn = tuple(rows)
                self._text.update(Content("\n").join(rows))

    def _title_pieces(self) -> list[Piece]:
        width = self.size.width
        who = "demo model" if self._backend is None else self._backend.name
        moment = max(self._moment(world) for world in self.worlds)
        state = f"{self._scene.speed:g}x" if self._backend is None else "real time"
        if self._scene.paused:
            state = "paused"
        if self.over:
            state = "over"
        left = f" {one_line(self._load.scenario.title, 24)}, twice"
        clock = f"  {clock_words(moment)}  {state}"
        right = f"{one_line(who, 24)}, seed {self._load.seed} "
        if self._backend is not None:
            right = f"one after the other on {right}"
        room = max(0, width - len(left) - len(clock) - len(right))
        pieces = [Piece(left, "bold $primary"), Piece(clock, "bold $text")]
        if room:
            pieces += [Piece(" " * room), Piece(right, "$text-muted")]
        return pieces

    # Keys ---------------------------------------------------------------------------------

    def action_pause(self) -> None:
        """Stop both, or let them go on."""
        if self._backend is not None:
            self.notify("A real server cannot be stopped.", timeout=3)
            return
        if self._scene.paused:
            self._scene.resume()
        else:
            self._scene.pause()
        self._show()

    def action_speed(self, step: int) -> None:
        """Faster or slower."""
        if self._backend is not None:
            self.notify("A real server goes as fast as it goes.", timeout=3)
            return
        speed = self._scene.speed
        nearest = min(range(len(_SPEEDS)), key=lambda place: abs(_SPEEDS[place] - speed))
        self._scene.set_speed(_SPEEDS[min(len(_SPEEDS) - 1, max(0, nearest + step))])
        self._show()

    def action_finish(self) -> None:
        """Go on to the end without waiting."""
        self._ending = True

    async def action_restart(self) -> None:
        """Both from the beginning."""
        await self._stop()
        self._speed = self._scene.speed
        self._begin()
        self._start()
        self.remove_class("-figures")
        self.beat()

    def action_view(self) -> None:
        """The runs, or the figures so far."""
        self.toggle_class("-figures")
        self.call_after_refresh(self._show)

    def action_formulas(self) -> None:
        """Say what each figure is."""
        self.app.push_screen(FormulasScreen())

    def action_leave(self) -> None:
        """Back to what was there before."""
        if self._left is not None:
            self._left()
        else:
            self.dismiss(None)

    @on(KeyHints.Chosen)
    async def _hint_chosen(self, event: KeyHints.Chosen) -> None:
        await self.run_action(event.action)

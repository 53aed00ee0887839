"""Plays a demo where nobody looks on, in virtual time, and keeps what there was to see.

Everything goes by a number and by a seed: the same demo, seed, size and step give the same files,
byte for byte, on every machine, and none of it waits.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from textual.filter import Monochrome

from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.paths import themes_folder
from ccchat_tui.quick import dataclass
from ccchat_tui.scenarios.virtual_time import LoopClock
from ccchat_tui.sessions.ids import counted_ids
from ccchat_tui.tui.app import CCChatApp
from ccchat_tui.tui.demo.compare_screen import SPEED, CompareScreen
from ccchat_tui.tui.demo.run import Show, load_of, prepare
from ccchat_tui.tui.recording.animated import Animated
from ccchat_tui.tui.recording.cast import Cast
from ccchat_tui.tui.recording.driver import RecordingDriver
from ccchat_tui.tui.run import check_theme
from ccchat_tui.tui.themes import load_themes
from ccchat_tui.tui.virtual import run_app_virtual

if TYPE_CHECKING:
    from ccchat_tui.config import Settings

FRAMES = 10
"""Pictures a second of what moves: enough to be read along with."""
LINGER = 1.0
"""Seconds after the end at which the last picture is taken: all has then been said and drawn."""
_SOON = 0.001
"""Seconds between two looks whether it has begun."""
STILLS, MOVING = 2.0, 0.5
"""Seconds of the scene between two pictures, and between two of an animated one, unless given."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be kept of a demo, and where."""

    name: str
    """What pictures are called by."""
    size: tuple[int, int]
    """Columns and rows."""
    pictures: Path | None = None
    """A folder."""
    cast: Path | None = None
    animated: Path | None = None
    every: float | None = None
    """Seconds of the scene between two pictures."""
    until: float | None = None
    """The second of the scene at which it ends; `None` for its own end."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was kept."""

    seconds: float
    """Of the scene."""
    pictures: int
    """In the folder."""


def record(show: Show, settings: Settings, wanted: Wanted) -> Recorded:
    """Play a demo and write its recordings.

    Args:
        show: What is played, on the demo model.
        settings: The person's own.
        wanted: What is kept.

    Raises:
        SettingsError: There is no such theme.
        OSError: A file cannot be written; it is named.
    """
    check_theme(settings.theme, load_themes(themes_folder()))
    return run_app_virtual(_record(show, settings, wanted))


async def _record(show: Show, settings: Settings, wanted: Wanted) -> Recorded:
    app = _app(show, settings)
    title = f"{show.scenario.title}, twice" if show.compare else show.scenario.title
    with ExitStack() as files:
        keeper = _Keeper(app, wanted, title, files)
        async with app.run_test(headless=False, size=wanted.size, notifications=True):
            return await keeper.follow(await _stage(app, show))


def _app(show: Show, settings: Settings) -> CCChatApp:
    clock = LoopClock()
    given, parts = prepare(
        show,
        replace(settings, frames_per_second=FRAMES),
        clock,
        server=DemoBackend(),  # nobody asks it
        themes=load_themes(themes_folder()),
        new_id=counted_ids(),
        zone=UTC,
    )
    if show.compare:
        parts = replace(parts, direct=None, first=partial(_compare, show, clock))
    app = CCChatApp(given, parts)
    app.driver_class = RecordingDriver
    app.animation_level = "none"
    # Whatever terminal this is: the recording is for others, and has colours.
    app._filters = [each for each in app._filters if not isinstance(each, Monochrome)]
    app.console = Console(
        file=io.StringIO(), color_system="truecolor", force_terminal=True, legacy_windows=False,
        safe_box=False, markup=True, highlight=False, emoji=False, soft_wrap=False, _environ={},
    )  # fmt: skip
    return app


def _compare(show: Show, clock: LoopClock, app: CCChatApp) -> None:
    speed = SPEED if show.speed == 1.0 else show.speed
    app.push_screen(CompareScreen(load_of(show, app.settings), clock, speed=speed))


@dataclass(frozen=True, slots=True)
class _Stage:
    """What is looked at: a scenario that is played, or one that is run twice."""

    elapsed: Callable[[], float]
    """Seconds of the scene."""
    over: Callable[[], bool]
    speed: float


async def _stage(app: CCChatApp, show: Show) -> _Stage:
    if show.compare:
        while not isinstance(screen := app.screen, CompareScreen):  # noqa: ASYNC110 - soon
            await asyncio.sleep(_SOON)
        return _Stage(lambda: screen.elapsed, lambda: screen.over, screen.speed)
    director = app.director
    assert director is not None
    while not director.playing:  # noqa: ASYNC110 - it is asked for with the first screen
        await asyncio.sleep(_SOON)
    player = director.player
    return _Stage(lambda: player.elapsed, lambda: player.over, director.scene.speed)


class _Beat:
    """Something that is done every so many seconds of a scene.

    Args:
        step: So many.
    """

    def __init__(self, step: float) -> None:
        self._step = step
        self._count = 0

    @property
    def next(self) -> float:
        """When it is to be done."""
        return self._count * self._step

    def due(self, moment: float) -> bool:
        """Whether it is to be done now; then it is not due again before the next time."""
        if self.next > moment:
            return False
        self._count += 1
        return True


class _Keeper:
    """Keeps what is wanted of what there is to see.

    Args:
        app: Where it is seen.
        wanted: What is wanted.
        title: What is played.
        files: Closes what is written.

    Raises:
        OSError: One of them cannot be written.
    """

    def __init__(self, app: CCChatApp, wanted: Wanted, title: str, files: ExitStack) -> None:
        self._app = app
        self._wanted = wanted
        self._title = title
        self._pictures = 0
        self._cast: Cast | None = None
        self._animated: Animated | None = None
        if wanted.pictures is not None:
            wanted.pictures.mkdir(parents=True, exist_ok=True)
        if wanted.cast is not None:
            self._cast = Cast(_opened(wanted.cast, files), *wanted.size, title)
        if wanted.animated is not None:
            self._into = _opened(wanted.animated, files)
            self._animated = Animated(*wanted.size, title)

    async def follow(self, stage: _Stage) -> Recorded:
        """Keep everything up to the end."""
        loop, speed = asyncio.get_running_loop(), stage.speed
        began = loop.time() - stage.elapsed() / speed
        frames = _Beat(speed / FRAMES)
        stills = _Beat(self._wanted.every or STILLS)
        moving = _Beat(self._wanted.every or MOVING)
        end = float("inf") if self._wanted.until is None else self._wanted.until
        while (moment := min(frames.next, stills.next, moving.next)) < end:
            await asyncio.sleep(began + moment / speed - loop.time())
            if frames.due(moment):
                self._draw(moment / speed)
            if stills.due(moment):
                self._picture(f"{moment:07.2f}".removesuffix(".00"))
            if moving.due(moment):
                self._move(moment / speed)
            if stage.over():
                end = min(end, moment + LINGER * speed)
        await asyncio.sleep(began + end / speed - loop.time())
        self._draw(end / speed)
        self._picture("end")
        self._move(end / speed)
        if self._animated is not None:
            self._into.write(self._animated.svg(end / speed))
        return Recorded(end, self._pictures)

    def _draw(self, at: float) -> None:
        driver = self._app._driver
        assert isinstance(driver, RecordingDriver)
        drawn = driver.take()
        if self._cast is not None:
            self._cast.draw(at, drawn)

    def _picture(self, name: str) -> None:
        if self._wanted.pictures is None:
            return
        with _untouched(self._app):
            svg = self._app.export_screenshot(title=f"ccchat: {self._title}")
        file = self._wanted.pictures / f"{self._wanted.name}-{name}.svg"
        file.write_text(svg + "\n", encoding="utf-8", newline="\n")
        self._pictures += 1

    def _move(self, at: float) -> None:
        if self._animated is not None:
            self._animated.add(at, self._app.screen._compositor.render_strips())


def _opened(path: Path, files: ExitStack) -> TextIO:
    return files.enter_context(path.open("w", encoding="utf-8", newline="\n"))


@contextmanager
def _untouched(app: CCChatApp) -> Iterator[None]:
    """Take a picture of an app in such a way that it draws the same as if none were taken."""
    regions = app.screen._compositor._dirty_regions
    before = set(regions)
    yield
    regions |= before

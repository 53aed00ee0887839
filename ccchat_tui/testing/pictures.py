"""Compares pictures of apps with those that were accepted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from textual.app import App
from textual.pilot import Pilot

from ccchat_tui.testing.app import AppUnderTest, scripted_app
from ccchat_tui.testing.stage import Before, MakeApp, play

if TYPE_CHECKING:
    from ccchat_tui.scenarios.model import Scenario

Story = Callable[[AppUnderTest, Pilot[None]], Awaitable[None]]
"""What happens in the app before its picture is taken."""
DIFFERS = (
    "the picture is not the one that was accepted; snapshot_report.html shows both, and "
    "--snapshot-update accepts the new one"
)


class SnapStory(Protocol):
    """Compares a picture, taken after a story, with the one that was accepted. The app is one over
    a `ScriptedBackend` unless given."""

    def __call__(
        self, story: Story, app: AppUnderTest | None = None, size: tuple[int, int] = (120, 40)
    ) -> None: ...


class SnapScenario(Protocol):
    """Plays a scenario to a moment and compares a picture of it with the one that was accepted; see
    `ccchat_tui.testing.stage.play`."""

    def __call__(
        self,
        scenario: str | Path | Scenario,
        at: float,
        app: MakeApp | None = None,
        *,
        seed: int | None = None,
        size: tuple[int, int] = (120, 40),
        press: Sequence[str] = (),
        before: Before | None = None,
    ) -> None: ...


Compare = Callable[..., bool]
"""The fixture `snap_compare` of pytest-textual-snapshot."""


def story_snapper(compare: Compare) -> SnapStory:
    """A `SnapStory` over this fixture."""

    def snap(
        story: Story, app: AppUnderTest | None = None, size: tuple[int, int] = (120, 40)
    ) -> None:
        under_test = app or scripted_app()
        told = False

        async def before(pilot: Pilot[Any]) -> None:
            nonlocal told
            await under_test.settle()
            await story(under_test, pilot)
            await under_test.settle()
            told = True

        same = compare(under_test, terminal_size=size, run_before=before)
        assert told, "the story did not come to its end"
        assert same, DIFFERS

    return snap


def scenario_snapper(compare: Compare) -> SnapScenario:
    """A `SnapScenario` over this fixture."""

    def snap(
        scenario: str | Path | Scenario, at: float, app: MakeApp | None = None, **more: Any
    ) -> None:
        assert compare(_Taken(play(scenario, at, app, **more))), DIFFERS

    return snap


class _Taken(App[str]):
    """Stands for an app whose picture has been taken, where one is asked for that takes it."""

    def __init__(self, picture: str) -> None:
        super().__init__()
        self._picture = picture

    def run(self, **_: Any) -> str:
        """The picture."""
        return self._picture

"""The plugin of pytest. Nothing is loaded before a fixture is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ccchat_tui.backends.demo import DemoBackend
    from ccchat_tui.clock import ManualClock
    from ccchat_tui.testing.app import AppUnderTest
    from ccchat_tui.testing.ollama_server import OllamaServer
    from ccchat_tui.testing.pictures import SnapScenario, SnapStory

REMEDY = "it takes what `pip install 'ccchat-tui[testing]'` installs"
UTCNOW = "ignore:datetime.datetime.utcnow:DeprecationWarning:pytest_textual_snapshot"
"""The report of pictures that differ asks for the time in a way that Python 3.12 warns of; where
warnings are errors, that would be the only thing reported."""


def pytest_configure(config: pytest.Config) -> None:
    """Let the report of pictures be written, in whichever folder pytest runs."""
    config.addinivalue_line("filterwarnings", UTCNOW)


@pytest.fixture
def frozen_clock() -> ManualClock:
    """A clock that stands at noon of 1 January 2026 (UTC) until it is told to move."""
    from ccchat_tui.clock import ManualClock  # noqa: PLC0415

    return ManualClock(start=1000.0)


@pytest.fixture
def demo_backend(frozen_clock: ManualClock) -> DemoBackend:
    """The built-in demo model with a fixed seed: it writes as `frozen_clock` moves."""
    from ccchat_tui.backends.demo import DemoBackend  # noqa: PLC0415

    return DemoBackend(seed=7, pace=frozen_clock)


@pytest.fixture
def ccchat_app(frozen_clock: ManualClock, demo_backend: DemoBackend) -> Callable[..., AppUnderTest]:
    """Makes the app as `ccchat --demo` starts it, in memory, with `demo_backend`, `frozen_clock`,
    counted ids and seeded chance: `ccchat_app(users=("Ada", "Bob"))`. What it is given are
    settings, or `server=` for another model; see `ccchat_tui.testing.app.scripted_app`."""

    def make(**given: Any) -> AppUnderTest:
        from ccchat_tui.testing.app import scripted_app  # noqa: PLC0415

        given.setdefault("demo_asked", "server" not in given)
        return scripted_app(clock=frozen_clock, demo=demo_backend, **given)

    return make


@pytest.fixture
def snap_story(request: pytest.FixtureRequest) -> SnapStory:
    """Compares a picture of the app after a story: `snap_story(story, app, size)`."""
    compare = _snap_compare(request)
    from ccchat_tui.testing.pictures import story_snapper  # noqa: PLC0415

    return story_snapper(compare)


@pytest.fixture
def snap_scenario(request: pytest.FixtureRequest) -> SnapScenario:
    """Compares a picture of a scenario at a moment: `snap_scenario("rush-hour", at=12)`, or with
    an app of one's own `snap_scenario("hello", at=6, app=MyApp)`. For a test that is a plain
    `def`."""
    compare = _snap_compare(request)
    from ccchat_tui.testing.pictures import scenario_snapper  # noqa: PLC0415

    return scenario_snapper(compare)


def _snap_compare(request: pytest.FixtureRequest) -> Callable[..., bool]:
    try:
        compare: Callable[..., bool] = request.getfixturevalue("snap_compare")
    except pytest.FixtureLookupError:
        raise pytest.UsageError(f"{request.fixturename} compares pictures: {REMEDY}") from None
    return compare


async def _serve() -> AsyncIterator[OllamaServer]:
    """An Ollama server at a free port of this machine, in the loop of an `async def` test; a client
    asks at its `url`. `fake_ollama.fail("stall")` has the next chat meet that fault, and
    `ccchat_tui.testing.ollama_server.FAULTS` has them all. For another one, with other models or
    with lines held back: `async with OllamaServer(manual=True) as server`."""
    from ccchat_tui.testing.ollama_server import OllamaServer  # noqa: PLC0415

    async with OllamaServer() as server:
        yield server


def _cannot_serve() -> OllamaServer:
    """An Ollama server, for which something is missing here."""
    raise pytest.UsageError(f"fake_ollama runs in the loop of the test: {REMEDY}")


fake_ollama: Any
if find_spec("pytest_asyncio") is None:
    fake_ollama = pytest.fixture(name="fake_ollama")(_cannot_serve)
else:
    # A plugin itself: where it is installed, it is loaded anyway.
    import pytest_asyncio

    fake_ollama = pytest_asyncio.fixture(name="fake_ollama")(_serve)

"""What holds for all tests."""

from __future__ import annotations

import gc
import importlib.metadata
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.support")
pytest_plugins = ["ccchat_tui.testing.plugin", "tests.support.chromium"]
"""Where ccchat is installed, pytest has it already; a mere checkout does not say what it brings."""

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
# Every run draws the same examples, so that a red gate speaks of the change before it;
# HYPOTHESIS_PROFILE=search looks for new ones.

ROOT = Path(__file__).parents[1]
FOLDERS = (
    *("HOME", "APPDATA", "LOCALAPPDATA"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"),
)
"""Variables that name a folder in which something is looked for or kept."""

BASELINE = {"textual": "8.2.8", "rich": "15.0.0", "pygments": "2.21.0"}
"""What the pictures were drawn with. Another version may draw them otherwise, and is no reason to
accept them as new."""
BASELINE_PYTHON = (3, 11)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to draw new pictures with anything but the baseline."""
    if not getattr(config.option, "update_snapshots", False):
        return
    here = {name: importlib.metadata.version(name) for name in BASELINE}
    if here != BASELINE or sys.version_info[:2] != BASELINE_PYTHON:
        python = ".".join(map(str, BASELINE_PYTHON))
        raise pytest.UsageError(
            f"--snapshot-update needs Python {python} with "
            + ", ".join(f"{name} {version}" for name, version in BASELINE.items())
            + f"; this is Python {sys.version.split()[0]} with "
            + ", ".join(f"{name} {version}" for name, version in here.items())
        )


@pytest.fixture
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing that this machine has set, here and in programs that are started from here, and an
    empty folder for all that is looked for or kept. Returns the folder."""
    from ccchat_tui.config import setting_rows  # noqa: PLC0415 - where it is asked for

    for row in setting_rows():
        monkeypatch.delenv(row.env, raising=False)
    # Without a buffer nothing would be left to write when a reader has gone.
    for name in ("CCCHAT_CONFIG", "CCCHAT_DEBUG", "PYTHONUNBUFFERED"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    for name in FOLDERS:
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return home


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end, and need not be looked through for garbage again and
    again: that took a tenth of the time."""
    gc.collect()
    gc.freeze()

"""Where things are kept: the platform's folders, found anew at each call, made by nobody here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ccchat_tui import paths

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="XDG's variables")


@linux
def test_everything_lies_in_the_platforms_own_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert paths.config_folder() == tmp_path / "config" / "ccchat"
    assert paths.config_file() == tmp_path / "config" / "ccchat" / "config.toml"
    assert paths.themes_folder() == tmp_path / "config" / "ccchat" / "themes"
    assert paths.trace_file().is_relative_to(tmp_path / "state" / "ccchat")
    assert list(tmp_path.iterdir()) == [], "asking makes no folder"


def test_the_names_are_absolute_on_every_platform() -> None:
    for path in (paths.config_file(), paths.themes_folder(), paths.trace_file()):
        assert path.is_absolute()
        assert paths.APP in path.parts


def test_whoever_only_imports_it_pays_for_nothing() -> None:
    code = "import sys, ccchat_tui.paths; sys.exit('platformdirs' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

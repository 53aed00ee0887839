"""The wheel: what is in it, and that it works where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import ccchat_tui

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as pip builds it, but without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    code = f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """The names of the files in it."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with its content, as it is when installed."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(unpacked: Path, *words: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        check=False,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_and_every_data_file_is_in_it(names: set[str]) -> None:
    there = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "ccchat_tui").rglob("*")
        if path.is_file() and path.suffix in {".py", ".tcss", ".toml", ".typed"}
    }
    assert {"ccchat_tui/py.typed", "ccchat_tui/scenarios/data/hello.toml"} <= there
    assert there <= names


def test_our_themes_are_in_it(names: set[str]) -> None:
    themes = {path.name for path in (ROOT / "themes").glob("*.toml")}
    assert len(themes) >= 4
    assert {f"ccchat_tui/_themes/{name}" for name in themes} <= names


def test_nothing_else_is_in_it(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"ccchat_tui", f"ccchat_tui-{ccchat_tui.__version__}.dist-info"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_it_says_who_it_is_and_what_it_needs(unpacked: Path) -> None:
    (info,) = unpacked.glob("*.dist-info")
    metadata = Parser().parsestr((info / "METADATA").read_text(encoding="utf-8"))
    assert metadata["Name"] == "ccchat-tui"
    assert metadata["Version"] == ccchat_tui.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    needed = {
        line.split(";")[0].rstrip("<>=.,0123456789")
        for line in metadata.get_all("Requires-Dist", [])
        if "extra ==" not in line
    }
    assert {"textual", "pydantic"} <= needed
    assert not needed & {"pytest", "ruff", "mypy"}


def test_it_brings_the_command(unpacked: Path) -> None:
    (info,) = unpacked.glob("*.dist-info")
    points = (info / "entry_points.txt").read_text(encoding="utf-8")
    assert "ccchat = ccchat_tui.cli.main:main" in points


def test_it_runs_where_there_is_no_checkout(unpacked: Path, tmp_path: Path) -> None:
    said = run(unpacked, "-m", "ccchat_tui", "--version", cwd=tmp_path)
    assert said.strip() == f"ccchat {ccchat_tui.__version__}"


def test_it_finds_its_themes_there(unpacked: Path, tmp_path: Path) -> None:
    code = (
        "import ccchat_tui; from ccchat_tui.tui.themes import load_themes; "
        "print(ccchat_tui.__file__); print(*load_themes().themes)"
    )
    where, found = run(unpacked, "-c", code, cwd=tmp_path).splitlines()
    assert Path(where).is_relative_to(unpacked)
    assert len(found.split()) == len(list((ROOT / "themes").glob("*.toml")))

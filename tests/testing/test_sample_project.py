"""The wheel in a fresh environment, and a project there that tests its own app with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from ccchat_tui.testing.plugin import REMEDY
from tests.test_packaging import ROOT, wheel

__all__ = ["wheel"]

SAMPLE = Path(__file__).parent / "sample_project"


class Project:
    """A project of somebody else, and an environment in which ccchat is installed."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder = folder
        self._python = python

    def run(self, *words: str) -> tuple[int, str]:
        """Run Python with these words there. Returns the exit code and all that was said."""
        ours = ("PYTHON", "PYTEST", "TEXTUAL", "CCCHAT", "COV")
        done = subprocess.run(
            [str(self._python), *words],
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if not name.startswith(ours)},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def test(self, *words: str) -> tuple[int, str]:
        """Run its tests."""
        return self.run("-m", "pytest", "-p", "no:cacheprovider", *words)


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel in it, as pip unpacks it. What it needs is there already,
    so that no network is needed."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    (site,) = [*folder.glob("lib/python*/site-packages"), *folder.glob("Lib/site-packages")]
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    needed = [path for path in sys.path if Path(path).name == "site-packages"]
    (site / "needed.pth").write_text("\n".join(needed), encoding="utf-8")
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@pytest.fixture
def project(python: Path, tmp_path: Path) -> Project:
    """The sample project, in a folder of its own."""
    folder = tmp_path / "my-chat"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__*"))
    return Project(folder, python)


def test_it_finds_the_wheel_and_no_checkout(project: Project) -> None:
    code, said = project.run("-c", "import ccchat_tui.testing; print(ccchat_tui.testing.__file__)")
    assert (code, "fresh" in said, str(ROOT) in said) == (0, True, False), said


def test_five_lines_see_every_change_of_its_look(project: Project) -> None:
    """As in the README: accept the picture, change something, see it."""
    test = (SAMPLE / "test_my_chat.py").read_text(encoding="utf-8")
    assert len(test.splitlines()) == 5
    assert f"```python\n{test}```\n" in (ROOT / "README.md").read_text(encoding="utf-8")
    code, said = project.test("--snapshot-update")
    assert (code, "1 snapshot generated" in said) == (0, True), said
    code, said = project.test()
    assert (code, "1 passed" in said) == (0, True), said

    source = project.folder / "my_chat.py"
    before = source.read_text(encoding="utf-8")
    after = before.replace("height: 16", "height: 15")
    assert after != before
    source.write_text(after, encoding="utf-8")
    code, said = project.test()
    assert (code, "the picture is not the one that was accepted" in said) == (1, True), said
    assert "my_chat" in (project.folder / "snapshot_report.html").read_text(encoding="utf-8")


def test_what_is_missing_is_told(project: Project) -> None:
    """Without the extra, the plugin is in nobody's way, and says what it takes."""
    (project.folder / "test_more.py").write_text("def test_it(fake_ollama): ...", encoding="utf-8")
    code, said = project.test("-p", "no:textual-snapshot", "test_my_chat.py")
    assert (code, REMEDY in said) == (1, True), said

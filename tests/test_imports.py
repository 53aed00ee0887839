"""Arrows between the rooms point one way; nobody loads what they do not need."""

from __future__ import annotations

import json
import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ccchat_tui.engine

ROOT = Path(__file__).parents[1]
HEAVY = ("textual", "rich", "pydantic", "httpx")


def loaded_by(code: str, *, cwd: Path) -> set[str]:
    """The modules that a fresh interpreter has loaded after running this code."""
    script = f"{code}\nimport json, sys; sys.stderr.write(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(cwd)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def packages(modules: set[str], names: tuple[str, ...]) -> set[str]:
    """Which of these packages are among the modules."""
    return {module.partition(".")[0] for module in modules} & set(names)


class TestContracts:
    """The contracts of pyproject.toml, as `lint-imports` reads them."""

    def lint(self, folder: Path) -> tuple[int, str]:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "from importlinter.cli import lint_imports_command; lint_imports_command()",
                "--config",
                str(ROOT / "pyproject.toml"),
                "--no-cache",
            ],
            cwd=folder,
            check=False,
            env={**os.environ, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        return done.returncode, done.stdout + done.stderr

    def test_they_are_kept(self) -> None:
        code, said = self.lint(ROOT)
        assert code == 0, said

    @pytest.mark.parametrize(
        ("module", "line"),
        [
            ("engine/limits.py", "import ccchat_tui.backends.base"),
            ("engine/limits.py", "import pydantic"),
            ("backends/base.py", "import ccchat_tui.engine.limits"),
            ("runs/lane.py", "import textual"),
            ("scenarios/users.py", "import ccchat_tui.tui.glyphs"),
            ("sessions/model.py", "import ccchat_tui.scenarios.users"),
            ("tui/glyphs.py", "import httpx"),
            ("doctor/finding.py", "import ccchat_tui.cli.output"),
            ("tui/glyphs.py", "import pytest"),
            ("tui/glyphs.py", "import ccchat_tui.testing.virtual_time"),
            ("attic.py", "import os"),
        ],
    )
    def test_a_break_is_found(self, tmp_path: Path, module: str, line: str) -> None:
        shutil.copytree(
            ROOT / "ccchat_tui",
            tmp_path / "ccchat_tui",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        with (tmp_path / "ccchat_tui" / module).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
        code, said = self.lint(tmp_path)
        assert code == 1
        assert "BROKEN" in said
        assert module.removesuffix(".py").replace("/", ".") in said


class TestWhatIsLoaded:
    def test_the_version_loads_next_to_nothing(self, tmp_path: Path) -> None:
        """Start-up is felt; this is the whole list of our modules that it may load."""
        modules = loaded_by(
            "from ccchat_tui.cli.main import main; assert main(['--version']) == 0", cwd=tmp_path
        )
        assert {name for name in modules if name.startswith("ccchat_tui")} == {
            "ccchat_tui",
            "ccchat_tui.cli",
            "ccchat_tui.cli.main",
            "ccchat_tui.cli.output",
            "ccchat_tui.cli.parser",
            "ccchat_tui.cli.parser_api",
            "ccchat_tui.cli.parser_base",
            "ccchat_tui.cli.parser_demo",
            "ccchat_tui.cli.parser_history",
            "ccchat_tui.cli.parser_simulate",
        }
        assert not packages(modules, (*HEAVY, "asyncio", "platformdirs", "httpcore"))

    def test_help_and_a_mistyped_option_need_no_more(self, tmp_path: Path) -> None:
        modules = loaded_by(
            "from ccchat_tui.cli.main import main\n"
            "assert main(['simulate', '--help']) == 0 and main(['--demmo']) == 2",
            cwd=tmp_path,
        )
        assert not packages(modules, (*HEAVY, "asyncio", "platformdirs"))

    def test_the_settings_load_neither_loop_nor_screen(self, tmp_path: Path) -> None:
        modules = loaded_by(
            "from ccchat_tui.cli.main import main; assert main(['config']) == 0", cwd=tmp_path
        )
        assert packages(modules, (*HEAVY, "asyncio")) == {"pydantic"}

    def test_a_simulation_on_the_demo_model_loads_neither_screen_nor_client(
        self, tmp_path: Path
    ) -> None:
        modules = loaded_by(
            "from ccchat_tui.cli.main import main\n"
            "assert main(['simulate', '--demo', '--users=1', '--messages=1', '--pace=1000']) == 0",
            cwd=tmp_path,
        )
        assert packages(modules, HEAVY) == {"pydantic"}

    def test_the_engine_loads_none_of_the_heavy_libraries(self, tmp_path: Path) -> None:
        names = [module.name for module in pkgutil.iter_modules(ccchat_tui.engine.__path__)]
        assert "service" in names
        code = "\n".join(f"import ccchat_tui.engine.{name}" for name in names)
        modules = loaded_by(code, cwd=tmp_path)
        assert not packages(modules, HEAVY)
        ours = {name.split(".")[1] for name in modules if name.startswith("ccchat_tui.")}
        assert ours <= {"engine", "backends", "clock", "quick", "text"}
        assert {name for name in modules if name.startswith("ccchat_tui.backends.")} <= {
            "ccchat_tui.backends.base"
        }

    def test_opening_servers_loads_no_client_until_one_is_asked(self, tmp_path: Path) -> None:
        modules = loaded_by(
            "from ccchat_tui.backends.connect import open_servers\n"
            "from ccchat_tui.backends.hosts import read_hosts\n"
            "open_servers(read_hosts('127.0.0.1:9'))",
            cwd=tmp_path,
        )
        assert not packages(modules, ("httpx", "textual"))

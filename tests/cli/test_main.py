"""The command line: what it takes, what it refuses and in which words, how it ends."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ccchat_tui import __version__
from ccchat_tui.backends.base import BackendError, ErrorKind
from ccchat_tui.cli.main import main
from ccchat_tui.config import Loaded, SettingsError, setting_rows
from ccchat_tui.paths import trace_file
from ccchat_tui.testing.ollama_server import Model, OllamaServer

pytestmark = pytest.mark.usefixtures("clean_environment")

ROOT = Path(__file__).parents[2]
CLOSED = "127.0.0.1:9"
"""An address where nobody listens: the port of the discard protocol."""


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The help is laid out as for a common terminal."""
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Loaded]:
    """The app's start, noted down instead of drawn, on what passes for a terminal."""
    starts: list[Loaded] = []

    def run_app(loaded: Loaded, beside: object = None) -> int:
        if loaded.settings.theme == "nope":
            raise SettingsError("theme cannot be 'nope': there is none of that name")
        starts.append(loaded)
        return 7

    module = ModuleType("ccchat_tui.tui.run")
    module.run_app = run_app  # type: ignore[attr-defined]
    module.check_theme = None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ccchat_tui.tui.run", module)
    monkeypatch.setattr("ccchat_tui.cli.main.is_terminal", lambda stream: True)
    return starts


def command(*words: str, text: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Run the real thing, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "ccchat_tui", *words],
        input=text,
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **env},
    )


def refused(capsys: pytest.CaptureFixture[str], *words: str, code: int = 2) -> str:
    """What a command says that must not do anything."""
    assert main(words) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert all(line.startswith("ccchat: ") for line in err.splitlines())
    return err


class TestRealCommand:
    def test_version(self) -> None:
        done = command("--version")
        assert (done.returncode, done.stdout, done.stderr) == (0, f"ccchat {__version__}\n", "")

    def test_help_has_the_commands_and_examples(self) -> None:
        done = command("--help")
        assert done.returncode == 0
        for word in ("simulate", "models", "config", "--demo", "examples:"):
            assert word in done.stdout

    def test_without_a_terminal_it_says_so_and_draws_nothing(self) -> None:
        done = command("--demo")
        assert done.returncode == 1
        assert done.stdout == ""
        assert "terminal" in done.stderr
        assert "ccchat simulate" in done.stderr
        assert "\x1b" not in done.stderr

    def test_a_bad_value_ends_it_with_2(self) -> None:
        done = command("--max-concurrent", "0")
        assert done.returncode == 2
        assert "command line --max-concurrent" in done.stderr
        assert "a whole number from 1 to 1000" in done.stderr
        assert done.stdout == ""

    def test_no_theme_of_that_name(self) -> None:
        """Told before anybody asks whether there is a terminal to draw on."""
        done = command("--theme", "nope")
        assert done.returncode == 2
        assert "'nope'" in done.stderr
        assert "okabe" in done.stderr
        assert done.stdout == ""

    def test_a_reader_who_leaves_is_no_fault(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "ccchat_tui", "config"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.close()
        _, err = process.communicate(timeout=30)
        assert err == b""
        assert process.returncode == 141

    def test_a_console_that_knows_few_characters_gets_utf8_all_the_same(self) -> None:
        done = command("config", CCCHAT_SYSTEM="Schöne Grüße, 你好", PYTHONIOENCODING="ascii")
        assert done.returncode == 0
        assert "Schöne Grüße, 你好" in done.stdout


class TestMistakes:
    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["--modle", "x"], "'--modle' is no option; did you mean --model?"),
            (["--max-concurrnt=3"], "'--max-concurrnt' is no option; did you mean"),
            (["--qqqqqq"], "'--qqqqqq' is no option; `ccchat --help` lists them"),
            (["--mod", "x"], "'--mod' is no option; did you mean --model?"),
            (["-x"], "'-x' is no option"),
            (["simulat"], "'simulat' is no command; did you mean simulate?"),
            (["frobnicate"], "'frobnicate' is no command; there are config, models, simulate"),
            (["--model", "x", "modles"], "'modles' is no command; did you mean models?"),
            (["config", "now"], "'now' is not expected here; see `ccchat config --help`"),
            (["simulate", "--user", "3"], "did you mean --users?"),
            (["--seed", "3"], "--seed is no option of `ccchat`; it may stand after `ccchat simul"),
            (["simulate", "--theme", "x"], "--theme is no option of `ccchat simulate`"),
            (["--host"], "--host: expected one argument; see `ccchat --help`"),
            (["--demo", "--host", "x"], "--demo and --host exclude each other"),
            (["--demo", "simulate", "--host", "x"], "--demo and --host exclude each other"),
            (["--users", "Ada", "simulate"], "--users 'Ada' stands before `simulate`"),
            (["--host", "ftp://x"], "OLLAMA_HOST is 'ftp://x': its scheme must be http or https"),
            (["models", "--host", "a b"], "(command line --host)"),
            (["--config", "none.toml"], "config file none.toml: there is no such file"),
            (["--users", ","], "users cannot be ',' (command line --users): give 1 to 100 names"),
        ],
    )
    def test_it_is_named_with_a_remedy(
        self, capsys: pytest.CaptureFixture[str], words: list[str], told: str
    ) -> None:
        assert told in refused(capsys, *words)

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("--users", "0"),
            ("--users", "1001"),
            ("--users", "Ada,Bob"),
            ("--messages", "-1"),
            ("--messages", "1.5"),
            ("--seed", "-1"),
            ("--pace", "0"),
            ("--pace", "nan"),
            ("--pace", "fast"),
            ("--slots", "0"),
        ],
    )
    def test_numbers_of_a_simulation(
        self, capsys: pytest.CaptureFixture[str], option: str, value: str
    ) -> None:
        told = refused(capsys, "simulate", "--demo", f"{option}={value}")
        assert f"{option}: cannot be {value!r}; give a" in told

    @pytest.mark.parametrize("option", ["--pace=2", "--slots=2"])
    def test_what_only_the_demo_model_has(
        self, capsys: pytest.CaptureFixture[str], option: str
    ) -> None:
        assert "demo model" in refused(capsys, "simulate", "--host", CLOSED, option)
        assert "add --demo" in refused(capsys, "simulate", option)

    def test_everything_wrong_with_the_settings_is_told_at_once(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CHAT_TIMEOUT", "soon")
        lines = refused(capsys, "config", "--per-user", "x").splitlines()
        assert [line.split()[1] for line in lines] == ["max_concurrent_per_user", "chat_timeout"]

    def test_control_characters_do_not_reach_the_terminal(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert "\x1b" not in refused(capsys, "--\x1b]0;x\x07modle")
        assert "\x1b" not in refused(capsys, "\x1b[2J")
        assert "\x1b" not in refused(capsys, "--config", "\x1b[2J.toml")
        assert "\x1b" not in refused(capsys, "--max-concurrent", "\x1b[2J")


class TestApp:
    def test_it_starts_with_what_the_command_line_says(self, started: list[Loaded]) -> None:
        words = ["--users", "Ada,Bob", "--max-concurrent=2", "--per-user", "1", "--model", "m"]
        assert main([*words, "--sequential", "--theme", "paper", "--demo"]) == 7
        settings = started[0].settings
        assert settings.users == ("Ada", "Bob")
        assert (settings.max_concurrent_chats, settings.max_concurrent_per_user) == (2, 1)
        assert (settings.model, settings.theme) == ("m", "paper")
        assert settings.demo
        assert not settings.enable_concurrent_processing

    def test_a_host_on_the_command_line_outdoes_a_demo_model_in_the_file(
        self, started: list[Loaded], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CCCHAT_DEMO", "true")
        main([])
        main(["--host", "example.com"])
        assert [loaded.settings.demo for loaded in started] == [True, False]

    def test_a_bad_theme_is_told_of_by_who_knows_the_themes(
        self, started: list[Loaded], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert "theme cannot be 'nope'" in refused(capsys, "--theme", "nope")
        assert not started

    def test_an_interrupt_is_no_fault(
        self, started: list[Loaded], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(loaded: Loaded, beside: object = None) -> int:
            raise KeyboardInterrupt

        monkeypatch.setattr(sys.modules["ccchat_tui.tui.run"], "run_app", interrupted)
        assert main([]) == 130


class TestFaults:
    @pytest.fixture
    def broken(self, started: list[Loaded], monkeypatch: pytest.MonkeyPatch) -> None:
        def run_app(loaded: Loaded, beside: object = None) -> int:
            raise ValueError("no such \x1b[31mthing\nat all")

        monkeypatch.setattr(sys.modules["ccchat_tui.tui.run"], "run_app", run_app)

    def test_one_line_and_a_file_with_the_details(
        self, broken: None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        told = refused(capsys, code=1)
        assert len(told.splitlines()) == 1
        assert "\x1b" not in told
        assert "ValueError" in told
        assert str(trace_file()) in told
        details = trace_file().read_text(encoding="utf-8")
        assert "Traceback" in details
        assert "run_app" in details

    def test_debug_shows_the_traceback(
        self, broken: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CCCHAT_DEBUG", "1")
        assert main([]) == 1
        assert "Traceback" in capsys.readouterr().err

    def test_a_folder_that_cannot_be_written_is_no_second_fault(
        self,
        broken: None,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        folder = trace_file().parent
        folder.parent.mkdir(parents=True)
        folder.write_text("in the way", encoding="utf-8")
        assert "ValueError" in refused(capsys, code=1)


class TestConfig:
    def test_each_setting_its_value_and_where_it_came_from(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "my.toml"
        file.write_text("max_queue = 7\n", encoding="utf-8")
        monkeypatch.setenv("CHAT_TIMEOUT", "1000")
        assert main(["config", "--config", str(file), "--max-concurrent", "2"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == f"config file: {file}"
        told = {line.split()[0]: " ".join(line.split()[1:]) for line in lines[3:]}
        assert list(told) == [row.name for row in setting_rows()]
        assert told["max_queue"] == f"7 file {file}"
        assert told["chat_timeout"] == "1000 environment CHAT_TIMEOUT"
        assert told["max_concurrent_chats"] == "2 command line --max-concurrent"
        assert told["stall_timeout"] == "120 default"

    def test_options_may_stand_on_either_side(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--max-concurrent", "2", "config", "--per-user", "1"]) == 0
        out = capsys.readouterr().out
        assert "command line --max-concurrent" in out
        assert "command line --per-user" in out

    def test_it_names_the_file_that_is_not_there(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        assert main(["config"]) == 0
        first = capsys.readouterr().out.splitlines()[0]
        assert str(tmp_path) in first
        assert first.endswith("config.toml, which is not there")

    def test_the_file_may_be_named_in_the_environment(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CCCHAT_CONFIG", str(tmp_path / "there.toml"))
        assert "there.toml: there is no such file" in refused(capsys, "config")

    def test_secrets_are_masked(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CCCHAT_API_KEY", "sesame")
        assert main(["config", "--host", "https://ada:sesame@h.example/x,http://b"]) == 0
        out, err = capsys.readouterr()
        assert "sesame" not in out + err
        assert "https://********@h.example/x,http://b" in out
        assert "user name or password" in err

    def test_warnings_go_to_standard_error(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CCCHAT_MODLE", "x")
        assert main(["config"]) == 0
        assert "did you mean CCCHAT_MODEL?" in capsys.readouterr().err

    def test_values_cannot_steer_the_terminal(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CCCHAT_SYSTEM", "a\nb\x1b[2J")
        assert main(["config"]) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert "a\\nb" in out

    def test_on_a_terminal_it_fits(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CCCHAT_SYSTEM", "long words " * 40)
        monkeypatch.setattr("ccchat_tui.cli.config.terminal_width", lambda: 72)
        assert main(["config"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines[1:])) <= 72
        assert sum(line.count("words") for line in lines) == 40

    def test_the_table_of_the_readme(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["config", "--markdown"]) == 0
        assert capsys.readouterr().out.startswith("| environment | key in the file |")


class TestModels:
    async def test_those_of_a_server(self) -> None:
        tiny = Model("tiny:1b", "gemma3", "1.0B", "Q8_0", 4_661_224_676, 32_768)
        async with OllamaServer(models=[tiny]) as server:
            done = await asyncio.to_thread(command, "models", "--host", server.url)
        assert done.returncode == 0, done.stderr
        head, row = done.stdout.splitlines()
        assert head.split() == ["name", "size", "family", "parameters", "quantisation", "context"]
        assert row.split() == ["tiny:1b", "4.7", "GB", "gemma3", "1.0B", "Q8_0", "32,768"]

    async def test_those_of_several_servers_say_where_they_are(self) -> None:
        tiny, large = Model("tiny:1b"), Model("large:70b")
        async with (
            OllamaServer(models=[tiny, large]) as one,
            OllamaServer(models=[tiny]) as two,
        ):
            hosts = f"{one.url},{two.url}"
            done = await asyncio.to_thread(command, "models", "--host", hosts)
            names = [url.removeprefix("http://") for url in (one.url, two.url)]
        assert done.returncode == 0, done.stderr
        head, *rows = done.stdout.splitlines()
        assert head.endswith("servers")
        where = {row.split()[0]: row.split("131,072  ")[1] for row in rows}
        assert where == {"tiny:1b": ", ".join(names), "large:70b": names[0]}

    async def test_names_of_a_hostile_server_cannot_steer_the_terminal(self) -> None:
        async with OllamaServer(models=[Model("\x1b]0;x\x07evil\u202e:1b")]) as server:
            done = await asyncio.to_thread(command, "models", "--host", server.url)
        assert done.returncode == 0, done.stderr
        assert "evil" in done.stdout
        assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)

    def test_those_of_the_demo_model(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["models", "--demo"]) == 0
        assert capsys.readouterr().out.splitlines()[1].startswith("demo:medium")

    def test_no_server_in_words(self, capsys: pytest.CaptureFixture[str]) -> None:
        told = refused(capsys, "models", "--host", CLOSED, code=1)
        assert "127.0.0.1:9" in told
        assert "--host" in told
        assert "--demo" in told

    def test_a_server_without_models(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def none(self: object) -> list[object]:
            return []

        monkeypatch.setattr("ccchat_tui.backends.demo.DemoBackend.models", none)
        assert "has no models" in refused(capsys, "models", "--demo", code=1)

    def test_what_the_server_says_comes_with_its_hints(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fails(self: object) -> list[object]:
            raise BackendError(ErrorKind.UNAUTHORIZED, "No key.", hints=("sign in",))

        monkeypatch.setattr("ccchat_tui.backends.demo.DemoBackend.models", fails)
        assert "No key. (sign in)" in refused(capsys, "models", "--demo", code=1)

"""`ccchat doctor`, on machines with nothing wrong and with everything wrong."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ccchat_tui.api.tokens import ADMIN, Tokens
from ccchat_tui.cli import doctor
from ccchat_tui.cli.main import main
from ccchat_tui.cli.output import is_terminal
from ccchat_tui.config import Settings, load_settings
from ccchat_tui.doctor import files, program
from ccchat_tui.doctor.finding import State
from ccchat_tui.doctor.settings import check_settings
from ccchat_tui.doctor.terminal import check_terminal
from ccchat_tui.fault import write_trace
from ccchat_tui.paths import tokens_file
from ccchat_tui.sessions.database import open_database
from ccchat_tui.testing.ollama_server import OllamaServer

ROOT = Path(__file__).parents[2]
SECRET = "sk-KEY-9"
WELL = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}


@pytest.fixture(autouse=True)
def home(clean_environment: Path) -> Path:
    """Where nothing of this machine's is."""
    return clean_environment


def run(home: Path, *words: str, **env: str) -> tuple[int, dict[str, Any], str]:
    """The real command: its code, its JSON, and all that it wrote."""
    folders = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "LOCALAPPDATA")
    done = subprocess.run(
        [sys.executable, "-m", "ccchat_tui", "doctor", "--json", *words],
        env={
            **{name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ},
            **dict.fromkeys(folders, str(home)),
            "PYTHONPATH": str(ROOT),
            **WELL,
            **env,
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    return done.returncode, json.loads(done.stdout), done.stdout + done.stderr


def there(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def states(found: dict[str, Any], area: str) -> list[str]:
    return [each["state"] for each in found["findings"] if each["area"] == area]


def said(found: dict[str, Any], area: str, state: str) -> str:
    return "\n".join(
        each["said"] for each in found["findings"] if (each["area"], each["state"]) == (area, state)
    )


async def test_where_all_is_well(home: Path) -> None:
    """It says which server answers, in which version and with which models, and changes nothing."""
    async with OllamaServer() as server:
        code, found, wrote = await asyncio.to_thread(run, home, "--host", server.url)
    assert code == 0, wrote
    assert found["ok"] is True
    (server_says,) = (each for each in found["findings"] if each["area"] == "server")
    assert server_says["details"]["version"]
    assert server_says["details"]["ms"] > 0
    assert "llama3.2:3b" in server_says["details"]["models"]
    assert not there(home)


def test_with_everything_broken(home: Path) -> None:
    """Each thing is told, with what helps; no check is kept from its work by another."""
    folder = home / "ccchat"
    folder.mkdir()
    (folder / "config.toml").write_text('theme = 7\nno_such = "x"\n[servers', encoding="utf-8")
    (folder / "conversations.db").write_bytes(b"no database at all, but long enough" * 99)
    (folder / "tokens.json").write_text("{", encoding="utf-8")
    (folder / "tokens.json").chmod(0o600)
    env = {
        "TERM": "dumb",
        "LANG": "C",
        "LC_ALL": "POSIX",
        "MAX_CONCURRENT_CHATS": "many",
        "CCCHAT_API_KEY": SECRET,
        "CCCHAT_MODLE": "x",
        "OLLAMA_HOST": "http://user:PASSWORD-9@127.0.0.1:9",
    }
    code, found, wrote = run(home, **env)
    assert code == 1
    assert found["ok"] is False
    for area in ("settings", "server", "store", "tokens", "terminal"):
        assert "problem" in states(found, area), area
    assert "config.toml" in said(found, "settings", "problem")
    assert "127.0.0.1:9" in said(found, "server", "problem")
    assert "Traceback" not in wrote
    assert SECRET not in wrote
    assert "PASSWORD-9" not in wrote
    for each in found["findings"]:
        assert each["remedy"] or each["state"] in {"ok", "note"}, each


def test_a_setting_that_is_wrong_spoils_no_other(home: Path) -> None:
    store = home / "elsewhere.db"
    code, found, _ = run(home, "--demo", MAX_CONCURRENT_CHATS="many", CCCHAT_STORE=str(store))
    assert code == 1
    assert "max_concurrent_chats cannot be 'many'" in said(found, "settings", "problem")
    assert str(store) in said(found, "store", "ok")
    assert states(found, "server") == ["note"]


def test_a_complaint_that_quotes_a_password_is_told_without_it() -> None:
    said = "ollama_host cannot be 'http://ada:PASSWORD-9@models.example:x' (environment)"
    found = list(check_settings(load_settings({}, {}, None), said))
    assert found[0].state is State.PROBLEM
    assert "models.example" in found[0].said
    assert "PASSWORD-9" not in repr(found)


def test_for_people(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--host", "127.0.0.1:9"]) == 1
    out = capsys.readouterr().out
    assert "PROBLEM" in out
    assert "-> start it, or name another one" in out
    assert max(map(len, out.splitlines())) <= 101


def test_a_check_that_fails_itself_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(doctor, "check_tokens", broken)
    assert main(["doctor", "--demo"]) == 1
    out = capsys.readouterr().out
    assert "it could not be looked at: ZeroDivisionError" in out
    assert "log " in out
    assert SECRET not in out


class TestTerminal:
    @pytest.mark.parametrize(
        ("env", "state", "words"),
        [
            ({"TERM": "dumb"}, State.PROBLEM, "cannot be drawn on"),
            ({"TERM": ""}, State.PROBLEM, "cannot be drawn on"),
            ({"TERM": "screen"}, State.WARNING, "eight colours"),
            ({"TERM": "xterm", "COLORTERM": ""}, State.WARNING, "16 colours"),
            ({"LANG": "de_DE.ISO-8859-1"}, State.WARNING, "does not say UTF-8"),
            ({"LC_ALL": "POSIX"}, State.WARNING, "does not say UTF-8"),
            ({"NO_COLOR": "1"}, State.NOTE, "NO_COLOR"),
            ({"TMUX": "/tmp/x,1,0"}, State.OK, "through tmux"),
            ({"SSH_TTY": "/dev/pts/1"}, State.OK, "through ssh"),
            ({}, State.OK, "16,777,216 colours"),
        ],
    )
    @pytest.mark.skipif(os.name == "nt", reason="Windows has no TERM")
    def test_what_it_says_of(self, env: dict[str, str], state: State, words: str) -> None:
        found = list(check_terminal({**WELL, **env}, is_terminal))
        assert [each for each in found if each.state is state and words in each.said], found
        if state is State.OK:
            assert {each.state for each in found} <= {State.OK, State.NOTE}


class TestFiles:
    def test_a_store_that_is_whole(self, home: Path) -> None:
        path = home / "c.db"
        open_database(path).close()
        (found,) = files.check_store(Settings(store=str(path)))
        assert found.state is State.OK
        assert found.details["conversations"] == 0

    def test_a_store_that_others_may_read(self, home: Path) -> None:
        path = home / "c.db"
        open_database(path).close()
        path.chmod(0o644)
        found = list(files.check_store(Settings(store=str(path))))
        assert [each.state for each in found] == [State.WARNING, State.OK]
        assert "chmod 600" in found[0].remedy

    def test_one_of_another_program(self, home: Path) -> None:
        path = home / "c.db"
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE x (y)")
        (found,) = files.check_store(Settings(store=str(path)))
        assert found.state is State.PROBLEM

    def test_a_damaged_one(self, home: Path) -> None:
        path = home / "c.db"
        with closing(open_database(path)) as database:
            database.execute("PRAGMA journal_mode = DELETE")
        whole = bytearray(path.read_bytes())
        whole[4096:-4096] = b"\x05" * (len(whole) - 8192)
        path.write_bytes(whole)
        (found,) = files.check_store(Settings(store=str(path)))
        assert found.state is State.PROBLEM
        assert "recover" in found.remedy

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
    def test_a_folder_that_cannot_be_written(self, home: Path) -> None:
        home.chmod(0o500)
        (found,) = files.check_store(Settings(store=str(home / "c.db")))
        home.chmod(0o700)
        assert found.state is State.PROBLEM

    def test_a_disk_that_is_nearly_full(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(files, "LEAST_FREE", 2**60)
        found = list(files.check_store(Settings(store=str(home / "c.db"))))
        assert [each.state for each in found] == [State.WARNING, State.OK]

    @pytest.mark.skipif(os.name == "nt", reason="its folder decides there")
    def test_tokens(self, home: Path) -> None:
        assert [each.state for each in files.check_tokens()] == [State.OK]
        token = Tokens(tokens_file()).get(ADMIN)
        (found,) = files.check_tokens()
        assert (found.state, found.details["count"]) == (State.OK, 1)
        assert token not in repr(found)
        tokens_file().chmod(0o644)
        (found,) = files.check_tokens()
        assert found.state is State.PROBLEM
        assert "chmod 600" in found.remedy


class TestProgram:
    def test_an_extra_that_is_there_in_part(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            program, "EXTRAS", {"a": ("httpx", "no-such-thing"), "b": ("nor-this",)}
        )
        one, two = program.check_extras()
        assert (one.state, two.state) == (State.WARNING, State.NOTE)
        assert "a lacks no-such-thing" in one.said
        assert "ccchat-tui[b]" in two.remedy

    def test_a_fault_that_was_written_down(self, home: Path) -> None:
        assert len(list(program.check_logs(Settings()))) == 1
        write_trace(ValueError("x"))
        (_, found) = program.check_logs(Settings(log_level="info"))
        assert "last-fault.txt" in found.said

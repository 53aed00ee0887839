"""`ccchat list`, `search`, `export` and `import`, on real files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ccchat_tui.cli.main import main
from ccchat_tui.sessions.database import open_database
from ccchat_tui.sessions.migrations import MIGRATIONS
from tests.sessions.stored import conversation, facts, fill, kept


@pytest.fixture(autouse=True)
def store(tmp_path: Path, clean_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with two conversations, which the commands find."""
    path = tmp_path / "kept" / "c.db"
    monkeypatch.setenv("CCCHAT_STORE", str(path))
    monkeypatch.setenv("COLUMNS", "100")
    fill(
        path,
        conversation(1, title="Fish [/soup]", turns=(("What with?", "With herring\x1b]0;x\x07"),)),
        conversation(2, user="Bob", turns=(("Why?", "Because"), ("And?", "So"))),
    )
    return path


def out(capsys: pytest.CaptureFixture[str]) -> str:
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    assert "\x1b" not in told.out + told.err
    return told.out


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    rows = out(capsys).splitlines()
    assert [row.split()[0] for row in rows] == ["id", "s2", "s1"]
    assert "Fish [/soup]" in rows[2]
    assert main(["list", "--limit", "1", "--json"]) == 0
    [item] = json.loads(out(capsys))
    assert (item["id"], item["user"], item["turns"], item["pinned"]) == ("s2", "Bob", 2, False)


def test_search(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "herr"]) == 0
    assert "With herring" in out(capsys)
    assert main(["search", "what", "herring", "--json"]) == 0
    [item] = json.loads(out(capsys))
    assert (item["id"], item["turn"]) == ("s1", "s1t0")
    assert main(["search", "whale"]) == 1
    assert out(capsys) == "nothing was found\n"


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (["s1"], "# Fish"),
        (["s1", "--format", "html"], "<!doctype html>"),
        (["--format=json"], '{\n "format": "ccchat conversations"'),
    ],
)
def test_export(capsys: pytest.CaptureFixture[str], words: list[str], begins: str) -> None:
    assert main(["export", *words]) == 0
    assert out(capsys).startswith(begins)


def test_export_and_import_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, store: Path
) -> None:
    file, other = tmp_path / "all.json", tmp_path / "new folder" / "other.db"
    assert main(["export", "-o", str(file)]) == 0
    monkeypatch.setenv("CCCHAT_STORE", str(other))
    assert main(["import", str(file)]) == 0
    assert out(capsys).endswith(": 2 imported\n")
    assert main(["import", str(file)]) == 0
    assert out(capsys).endswith(": 0 imported, 2 already there and left alone\n")
    session = kept(other, "s2")
    assert session is not None
    assert facts(session) == facts(kept(store, "s2") or conversation())
    assert main(["search", "because"]) == 0
    page = tmp_path / "page.HTM"
    assert main(["export", "s2", "--output", str(page)]) == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["export", "zz"], 2, "no conversation begins with 'zz'"),
        (["export", "s"], 2, "several conversations begin with 's'"),
        (["export", "-o", "x.pdf"], 2, "the kind of document is not clear"),
        (["export", "s1", "-o", "no/such/folder.md"], 1, "cannot be written"),
        (["import", "no-such-file"], 1, "cannot be read"),
        (["import", __file__], 1, "it is no archive of ccchat"),
        (["import"], 2, "required: FILE"),
        (["search"], 2, "required: WORD"),
        (["list", "extra"], 2, "'extra' is not expected here"),
        (["list", "--limit", "0"], 2, "give a whole number from 1"),
        (["serch", "x"], 2, "did you mean search?"),
    ],
)
def test_mistakes(
    capsys: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:
    assert main(words) == code
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("command", [["list"], ["search", "x"], ["export"]])
def test_nothing_to_read(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    """No file yet, a newer one, none wished: in words, and none is made."""
    path = tmp_path / "nowhere" / "c.db"
    monkeypatch.setenv("CCCHAT_STORE", str(path))
    assert main(command) == 1
    assert "nothing has been kept yet" in capsys.readouterr().err
    assert not path.parent.exists()
    open_database(path, (*MIGRATIONS, ("CREATE TABLE future (x)",))).close()
    assert main(command) == 1
    assert "newer ccchat" in capsys.readouterr().err
    monkeypatch.setenv("CCCHAT_STORE", "off")
    assert main(command) == 2
    assert "store is off (environment CCCHAT_STORE)" in capsys.readouterr().err

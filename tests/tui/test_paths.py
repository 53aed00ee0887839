"""Paths as terminals paste them, and as they are completed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ccchat_tui.tui.paths import completions, files_in, last_name, readings, typed_paths

posix = pytest.mark.skipif(os.name != "posix", reason="paths of Unix")


@posix
@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("/a/b.png", ["/a/b.png"]),
        ("'/a/b c.png' ", ["/a/b c.png"]),
        (r"/a/b\ c.png", ["/a/b c.png"]),
        ('"/a/it\'s.png"', ["/a/it's.png"]),
        ("'/a/it'\\''s.png'", ["/a/it's.png"]),
        ("file:///a/b%20c.png", ["/a/b c.png"]),
        ("file://localhost/a/%C3%A9.png\r\nfile:///b.txt\r\n", ["/a/\u00e9.png", "/b.txt"]),
        ("'/a/1.png' '/a/2 3.png'", ["/a/1.png", "/a/2 3.png"]),
        ("/a/1.png /a/2.png", ["/a/1.png", "/a/2.png"]),
        ("/a/1.png\n/a/2.png\n", ["/a/1.png", "/a/2.png"]),
        ("README.md", None),
        ("see /a/b.png", None),
        ("/a/b.png is broken", None),
        ("https://x.org/a.png", None),
        ("file://server/a.png", None),
        ("/a/b.png\nand more", None),
        ("'/a/unclosed", None),
        ("\n", None),
        ("/x " * 2000, None),
        ("/x\n" * 17, None),
    ],
)
def test_what_a_paste_names(text: str, paths: list[str] | None) -> None:
    found = readings(text, windows=False)
    if paths is None:
        # At most as one name with spaces in it, which must be there to count.
        assert all(len(way) == 1 and str(way[0]) == text.strip() for way in found)
    else:
        assert [Path(path) for path in paths] in found


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (r'"C:\my pictures\a.png"', r"C:\my pictures\a.png"),
        (r"C:\a.png", r"C:\a.png"),
        ("file:///C:/my%20pictures/a.png", "C:/my pictures/a.png"),
    ],
)
def test_what_a_paste_names_on_windows(text: str, path: str) -> None:
    assert [str(way[0]) for way in readings(text, windows=True)] == [path]


@posix
def test_only_files_that_are_there_count(tmp_path: Path) -> None:
    one, two = tmp_path / "a b.txt", tmp_path / "c.txt"
    one.touch()
    assert files_in(f"{one}") == [one], "with a plain space"
    assert files_in(f"'{one}' {two}") == []
    two.touch()
    assert files_in(f"'{one}' {two}") == [one, two]
    assert files_in(f"{one}\n{two}") == [one, two]
    assert files_in(str(tmp_path)) == [], "a folder is only a word"
    assert files_in("/" + "x" * 3000) == []


@posix
def test_what_is_typed_is_taken_as_it_stands_or_as_a_shell_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "it's a.txt"
    file.touch()
    assert typed_paths("it's a.txt") == [Path("it's a.txt")]
    assert typed_paths(r"it\'s\ a.txt") == [Path("it's a.txt")]
    assert typed_paths("~/it's a.txt") == [file]
    assert typed_paths(file.as_uri()) == [file]
    assert typed_paths("not there.txt") == [Path("not there.txt")]


def test_completion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Notes.md", "notes.txt", ".hidden", "odd\x1b.txt"):
        (tmp_path / name).touch()
    (tmp_path / "nothing").mkdir()
    here = f"{tmp_path}{os.sep}"
    assert completions(here + "no") == [
        f"{here}Notes.md", f"{here}notes.txt", f"{here}nothing{os.sep}"
    ]  # fmt: skip
    assert completions(here + "notes.txt") == [], "it is whole"
    assert completions(here + ".h") == [f"{here}.hidden"]
    assert completions(here) == completions(here + "n"), "nothing hidden, nothing unfit to be typed"
    assert completions(here + "none/such") == []
    monkeypatch.chdir(tmp_path)
    assert completions("noth") == [f"nothing{os.sep}"]
    assert last_name(f"{here}nothing{os.sep}") == f"nothing{os.sep}"
    assert last_name(f"{here}Notes.md") == "Notes.md"
    (tmp_path / "nova").touch()
    os.utime(tmp_path, ns=(1, 1))
    assert f"{here}nova" in completions(here + "no"), "a folder that has changed is read again"

"""The file of the log: bounded, shared, and never waited for."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from ccchat_tui.logs import file as log_file
from ccchat_tui.logs.file import LogFile, RotatingFile


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_it_is_bounded_and_whole_lines_go_on(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ccchat.log"
    file = RotatingFile(path, most=100, kept=2)
    for number in range(30):
        file.write(b"%029d\n" % number)
    file.close()
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "ccchat.log",
        "ccchat.log.1",
        "ccchat.log.2",
    ]
    read = [
        int(line)
        for name in ("ccchat.log.2", "ccchat.log.1", "ccchat.log")
        for line in (path.parent / name).read_text(encoding="utf-8").splitlines()
    ]
    assert read == list(range(read[0], 30))
    assert all(each.stat().st_size <= 100 for each in path.parent.iterdir())


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "ccchat.log"
    for word in (b"one\n", b"two\n"):
        file = RotatingFile(path)
        file.write(word)
        file.close()
    assert path.read_bytes() == b"one\ntwo\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no file that is open is moved there")
def test_two_programs_put_it_aside_only_once(tmp_path: Path) -> None:
    path = tmp_path / "ccchat.log"
    one, two = RotatingFile(path, most=20, kept=2), RotatingFile(path, most=20, kept=2)
    two.write(b"first 012345678\n")
    one.write(b"second 12345678\n")  # puts the first aside
    two.write(b"3rd\n")
    one.close()
    two.close()
    assert path.read_bytes() == b"second 12345678\n3rd\n"
    assert (tmp_path / "ccchat.log.1").read_bytes() == b"first 012345678\n"
    assert not (tmp_path / "ccchat.log.2").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="its folder decides there")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "ccchat.log")
    file.close()
    assert (tmp_path / "ccchat.log").stat().st_mode & 0o077 == 0


class TestLogFile:
    def test_all_of_it_is_there_at_the_end(self, tmp_path: Path) -> None:
        path = tmp_path / "ccchat.log"
        log = LogFile(path)
        for number in range(1000):
            log.write({"number": number, "text": "é\x1b\n"})
        log.close()
        log.close()
        assert [line["number"] for line in lines(path)] == list(range(1000))
        assert "\x1b" not in path.read_text(encoding="utf-8")

    def test_a_slow_disk_is_not_waited_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is too much is left out, and counted in the line after it."""
        held, begun = threading.Event(), threading.Event()
        write = RotatingFile.write

        def slow(self: RotatingFile, data: bytes) -> None:
            begun.set()
            assert held.wait(20)
            write(self, data)

        monkeypatch.setattr(log_file, "WAITING", 2)
        monkeypatch.setattr(RotatingFile, "write", slow)
        log = LogFile(tmp_path / "ccchat.log")
        log.write({"number": 0})
        assert begun.wait(20)
        for number in range(1, 6):
            log.write({"number": number})
        held.set()
        log.close()
        read = lines(tmp_path / "ccchat.log")
        assert [line["number"] for line in read] == [0, 1, 2]
        assert [line.get("lost_before") for line in read] == [None, 3, None]

    def test_a_full_disk_is_no_fault(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write = RotatingFile.write

        def full(self: RotatingFile, data: bytes) -> None:
            if json.loads(data)["number"] < 2:
                raise OSError(28, os.strerror(28))
            write(self, data)

        monkeypatch.setattr(RotatingFile, "write", full)
        log = LogFile(tmp_path / "ccchat.log")
        for number in range(4):
            log.write({"number": number})
        log.close()
        assert lines(tmp_path / "ccchat.log") == [{"number": 2, "lost_before": 2}, {"number": 3}]

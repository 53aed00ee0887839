"""Who has conversations open: a lock that goes with its process, however that ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ccchat_tui.sessions.owners import Owner

HOLD = """
import sys
from pathlib import Path
from ccchat_tui.sessions.owners import Owner
owner = Owner(Path(sys.argv[1]))
owner.acquire()
print(owner.token, flush=True)
sys.stdin.read()
"""


def locks(folder: Path) -> int:
    return len(list(folder.glob("*.lock")))


def test_alive_until_released(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    one, other = Owner(path), Owner(path)
    one.acquire()
    one.acquire()
    other.acquire()
    assert one.token != other.token
    assert other.is_alive(one.token)
    assert one.is_alive(one.token)
    one.release()
    one.release()
    assert not other.is_alive(one.token)
    assert not other.is_alive("never-was")
    assert locks(tmp_path) == 1
    other.release()
    assert locks(tmp_path) == 0


def test_a_process_that_is_killed_is_alive_no_more(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        token = process.stdout.readline().strip()
        owner = Owner(path)
        owner.acquire()
        owner.tidy()
        assert owner.is_alive(token), "tidying up takes nothing from who is alive"
        assert locks(tmp_path) == 2
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
    owner.tidy()
    assert locks(tmp_path) == 1
    assert not owner.is_alive(token)
    owner.release()

"""The start is no part of later searches for garbage."""

from __future__ import annotations

import gc
import subprocess
import sys

from ccchat_tui.tui.memory import FULL_SEARCHES

SCRIPT = """
import gc
from ccchat_tui.tui.memory import set_startup_aside
ring = []
ring.append(ring)
gc.disable()  # as the command line has it while the app starts
set_startup_aside()
assert gc.get_freeze_count() > 1000, gc.get_freeze_count()
assert not any(found is ring for found in gc.get_objects())
late = []
assert any(found is late for found in gc.get_objects())
print(gc.isenabled(), gc.get_threshold()[2])
"""


def test_what_lives_is_set_aside_and_full_searches_are_rare() -> None:
    """In a process of its own: it cannot be taken back."""
    before = gc.get_freeze_count()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["True", str(FULL_SEARCHES)]
    assert gc.get_freeze_count() <= before

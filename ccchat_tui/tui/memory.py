"""Keeps Python's search for garbage out of the way of frames and keys."""

from __future__ import annotations

import gc
from typing import Final

FULL_SEARCHES: Final = 300
"""How many smaller searches lie between two full ones; Python's own figure is 10. While eight
panes stream that is a full search about every half minute instead of every second."""


def set_startup_aside() -> None:
    """Take all that lives now out of every later search, and make full searches rare.

    Modules, style sheets and widgets of the start stay until the end. A full search looks at all
    that lives, and stops everything for as long as several frames take. What it alone finds,
    rings of objects that have lived for long, is rare here: what a frame leaves behind is freed
    without it. To be called once, when the first screen stands: the searches that the start was
    spared begin then.
    """
    gc.collect()
    gc.freeze()
    small, middle, _ = gc.get_threshold()
    gc.set_threshold(small, middle, FULL_SEARCHES)
    gc.enable()

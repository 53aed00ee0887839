"""Keeps Python's search for garbage short, so that no key waits for it."""

from __future__ import annotations

import gc


def set_startup_aside() -> None:
    """Take all that lives now out of every later search for garbage.

    Modules, style sheets and widgets of the start stay until the end. Looked at again with each
    full search they made it last for several frames while many panes streamed. To be called once,
    when the first screen stands; it takes about as long as one such search.
    """
    gc.collect()
    gc.freeze()

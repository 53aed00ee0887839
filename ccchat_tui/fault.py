"""What a person sees of a fault of ours: one sentence, and where the details are."""

from __future__ import annotations

import traceback
from pathlib import Path

from ccchat_tui.paths import trace_file
from ccchat_tui.text import one_line


def write_trace(error: BaseException | None, file: Path | None = None, ended: str = "it") -> str:
    """Write the details of a fault to a file.

    Args:
        error: What was raised; `None` if it is not known any more.
        file: Where to; the platform's log folder if not given.
        ended: What it has ended.

    Returns:
        What to tell the person.
    """
    import logging  # noqa: PLC0415 - only after a fault

    log = logging.getLogger(__name__)
    if log.hasHandlers():  # without one it would be written on the screen
        log.error("A fault of ours has ended %s", ended, exc_info=error)
    target = file or trace_file()
    kind = one_line(f"{type(error).__name__}: {error}", 200) if error else "unknown"
    said = f"ccchat: a fault of its own ended {ended} ({kind})."
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lines = traceback.format_exception(error) if error else [kind]
        target.write_text("".join(lines), encoding="utf-8", errors="replace")
    except OSError as problem:
        return f"{said} The details could not be written to {target}: {problem.strerror}."
    return f"{said} The details are in {target}; please send them with a report."

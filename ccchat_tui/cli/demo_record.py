"""`ccchat demo NAME --svg FOLDER`: a demo that is recorded rather than shown."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccchat_tui.cli.output import CommandError, complain, say
from ccchat_tui.cli.parser_demo import RECORDINGS

if TYPE_CHECKING:
    from ccchat_tui.config import Settings
    from ccchat_tui.tui.demo.run import Show

SIZE = (120, 34)
LARGE = 1_000_000
"""Bytes of a picture that moves, above which a page that shows it loads slowly."""


def asked_for(given: Mapping[str, Any]) -> bool:
    """Whether anything is to be recorded."""
    return any(name in given for name in RECORDINGS)


def record_demo(show: Show, settings: Settings, given: Mapping[str, Any]) -> int:
    """Record a demo, with no terminal.

    Args:
        show: What is played.
        settings: The person's own.
        given: The command line.

    Returns:
        The exit code.

    Raises:
        CommandError: Something cannot be written.
        SettingsError: There is no such theme.
    """
    from ccchat_tui.tui.recording.record import Wanted, record  # noqa: PLC0415 - loads Textual

    paths = {name: Path(given[name]).expanduser() for name in RECORDINGS if name in given}
    wanted = Wanted(
        Path(show.name).stem,
        given.get("size", SIZE),
        paths.get("svg"),
        paths.get("cast"),
        paths.get("animated"),
        given.get("every"),
        given.get("until"),
    )
    began = time.monotonic()
    try:
        made = record(show, settings, wanted)
    except OSError as error:
        raise CommandError(_cannot(error, paths), 2) from None
    took = time.monotonic() - began
    there = [f"{made.pictures} pictures in {paths['svg']}"] if "svg" in paths else []
    there += [str(path) for name, path in paths.items() if name != "svg"]
    say(f"{made.seconds:.0f} s of {show.name}, recorded in {took:.1f} s: {', '.join(there)}")
    if "animated" in paths and (size := paths["animated"].stat().st_size) > LARGE:
        complain(
            f"note: {paths['animated']} has {size / 1e6:.1f} MB; a longer --every or an earlier "
            "--until makes it smaller"
        )
    return 0


def _cannot(error: OSError, paths: Mapping[str, Path]) -> str:
    """Which of them cannot be written, and why."""
    at = str(error.filename or "")
    name = next((name for name, path in paths.items() if at.startswith(str(path))), "")
    why = error.strerror or str(error)
    if name == "svg" and paths[name].exists() and not paths[name].is_dir():
        return f"--svg cannot be {str(paths[name])!r}: that is a file; give a folder"
    return f"--{name} cannot be {str(paths[name])!r}: it cannot be written: {why}" if name else why

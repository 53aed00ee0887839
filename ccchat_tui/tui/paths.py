"""Paths as people type, paste and drag them into a terminal."""

from __future__ import annotations

import os
import re
import shlex
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from ccchat_tui.config import VISITOR_ENV
from ccchat_tui.text import one_line

LONGEST_PASTE: Final = 4_000
"""A pasted text of more characters is not looked through for paths."""
MOST_PATHS: Final = 16
"""More paths in one paste are a list that somebody wants to send."""
MOST_ENTRIES: Final = 5_000
"""So many entries of a folder are looked at for completion."""
WINDOWS: Final = os.name == "nt"


NOT_YOURS: Final = (
    "Files are those of the machine that ccchat runs on, which a browser does not reach. Paste the "
    "text, or copy it."
)


def reached() -> bool:
    """Whether files may be read and written: whoever visits in a browser is not who owns them."""
    return VISITOR_ENV not in os.environ


def readings(text: str, *, windows: bool = WINDOWS) -> list[list[Path]]:
    """What paths a text may be, if it is nothing but paths: the likelier reading first.

    Terminals give what is dragged into them as whole paths: in quotes, with backslashes before
    spaces, as `file:` addresses, several in a row or one a line. A relative path is only a word.

    Args:
        text: What was pasted.
        windows: Whether paths are those of Windows.
    """
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if not lines or len(text) > LONGEST_PASTE:
        return []
    # A plain space may be one between two paths, or stand in the name of one.
    ways = [lines, [word for line in lines for word in _words(line, windows)]]
    found: list[list[Path]] = []
    for words in ways:
        paths = [path for word in words if (path := _absolute(word, windows))]
        if 0 < len(paths) == len(words) <= MOST_PATHS and paths not in found:
            found.append(paths)
    return found


def files_in(text: str) -> list[Path]:
    """The files that a text names and nothing else, in the reading in which all of them are there.
    Asks the disk, which blocks."""
    for paths in readings(text) if reached() else ():
        with suppress(OSError, ValueError):
            if all(path.is_file() for path in paths):
                return paths
    return []


def typed_paths(text: str) -> list[Path]:
    """The paths that somebody typed, or pasted, behind a command. Asks the disk, which blocks.

    Returns:
        The files that it names, or else what it is as it stands.
    """
    text = text.strip()
    plain = from_typed(text)
    with suppress(OSError, ValueError):
        if plain.exists():
            return [plain]
    words = _words(text, WINDOWS)
    named = [_absolute(word, WINDOWS) or from_typed(word) for word in words]
    if len(named) == 1:
        return named
    with suppress(OSError, ValueError):
        if named and all(path.is_file() for path in named):
            return named
    return [plain]


def from_typed(text: str) -> Path:
    """A path as it was typed, `~` spelled out."""
    with suppress(RuntimeError):  # nobody is of that name
        return Path(text).expanduser()
    return Path(text)


def completions(typed: str) -> list[str]:
    """What a path that is begun may become, folders with a stroke behind them.

    Args:
        typed: So far; empty for all that is here.
    """
    if not reached():
        return []
    at = max(typed.rfind(stroke) for stroke in ("/", os.sep)) + 1
    folder, begun = typed[:at], typed[at:].casefold()
    with suppress(OSError, ValueError):
        place = from_typed(folder or ".")
        names = _entries(str(place), place.stat().st_mtime_ns)
        fit = [
            name
            for name in names
            if name.casefold().startswith(begun) and (begun or not name.startswith("."))
        ]
        if typed[at:] in fit:
            return []  # it is whole
        return [folder + name for name in fit]
    return []


def last_name(path: str) -> str:
    """The last name of a path, with the stroke behind it if it is a folder."""
    strokes = "/" + os.sep
    inner = path.rstrip(strokes)
    return path[max(inner.rfind(stroke) for stroke in strokes) + 1 :]


@lru_cache(maxsize=16)
def _entries(folder: str, _changed: int) -> tuple[str, ...]:
    """The names in a folder that can be typed, in order."""
    with os.scandir(folder) as entries:
        names = (
            entry.name + (os.sep if entry.is_dir() else "")
            for entry in islice(entries, MOST_ENTRIES)
        )
        return tuple(sorted(filter(_typeable, names), key=str.casefold))


def _typeable(name: str) -> bool:
    return one_line(name, 400) == name


def _words(line: str, windows: bool) -> list[str]:
    """The words of a line as a shell reads them, quotes and strokes taken away."""
    if windows:
        return [quoted or plain for quoted, plain in re.findall(r'"([^"]+)"|(\S+)', line)]
    try:
        return shlex.split(line)
    except ValueError:
        return [line]


def _absolute(word: str, windows: bool) -> Path | None:
    """A path that says where it begins; `None` for any other word."""
    if word[:7].lower() == "file://":
        parts = urlsplit(word)
        if parts.netloc not in ("", "localhost"):
            return None
        path = unquote(parts.path)
        return Path(re.sub(r"^/(?=[A-Za-z]:)", "", path)) if path else None
    if len(word) > 1 and word[0] in "'\"" and word[0] == word[-1]:
        return None  # for the other reading
    if word.startswith(("/", "~/")) or (windows and re.match(r"[A-Za-z]:[\\/]|\\\\", word)):
        return from_typed(word)
    return None

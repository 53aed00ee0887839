"""Scenario files: ours, the person's, and how a mistake in one is told."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from ccchat_tui.quick import dataclass
from ccchat_tui.scenarios.model import Scenario
from ccchat_tui.scenarios.words import in_words

OURS = Path(__file__).parent / "data"
"""The folder of the scenarios that come with the program."""
LARGEST = 10_000_000
"""Bytes of a scenario file."""


class ScenarioError(Exception):
    """A scenario cannot be played.

    Args:
        message: In words: the file, the field, the value and what is allowed; one line for each
            thing that is wrong.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Listed:
    """A scenario file in a list."""

    name: str
    path: Path
    scenario: Scenario | None
    """`None` if it cannot be played."""
    problem: str = ""
    """Why not."""


def find(folder: Path | None) -> Mapping[str, Path]:
    """The scenario files there are, by name, in the order of their names.

    Args:
        folder: The person's own; one of the same name takes the place of ours. It need not exist.
    """
    found = {path.stem: path for path in OURS.glob("*.toml")}
    if folder is not None:
        found |= {path.stem: path for path in folder.glob("*.toml")}
    return dict(sorted(found.items()))


def listed(folder: Path | None) -> Iterator[Listed]:
    """Every scenario there is, also those that cannot be played."""
    for name, path in find(folder).items():
        try:
            yield Listed(name, path, read(path))
        except ScenarioError as error:
            yield Listed(name, path, None, error.message)


def load(named: str, folder: Path | None) -> Scenario:
    """The scenario of this name, or in this file.

    Args:
        named: A name; or a path, if it ends in `.toml`.
        folder: The person's own scenarios.

    Raises:
        ScenarioError: If there is none, or it cannot be played.
    """
    if named.endswith(".toml"):
        return read(Path(named).expanduser())
    there = find(folder)
    if named in there:
        return read(there[named])
    close = difflib.get_close_matches(named.lower(), there, 1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(there)}"
    own = f"; your own go into {folder}, or give the path of a .toml file" if folder else ""
    raise ScenarioError(f"there is no scenario {named[:80]!r}; {hint}{own}")


def read(path: Path) -> Scenario:
    """Read and check a scenario file.

    Raises:
        ScenarioError: If it cannot be read, is no TOML, or says what cannot be.
    """
    where = f"scenario file {path}"
    try:
        if path.stat().st_size > LARGEST:
            raise ScenarioError(f"{where}: is too large; give at most {LARGEST // 1_000_000} MB")
        # Editors on Windows put a byte order mark before the first line.
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ScenarioError(f"{where}: there is no such file") from None
    except OSError as error:
        raise ScenarioError(f"{where}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ScenarioError(
            f"{where}: is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{where}: is not TOML: {error}") from None
    try:
        return Scenario.model_validate(tables)
    except ValidationError as error:
        told = in_words(error, Scenario)
        raise ScenarioError("\n".join(f"{where}: {line}" for line in told)) from None

"""Settings of chats kept by name, in a TOML file that a person may edit too.

    [presets."Code review"]
    system = "Be strict."
    think = "high"
    options = { temperature = 0.2, num_ctx = 16384 }

What is in the file and cannot be used is told in words and left as it is: it is never lost by
saving something else. Of the file's comments that cannot be said.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import Any

from ccchat_tui.backends.base import Think
from ccchat_tui.quick import dataclass
from ccchat_tui.sessions.model import Session
from ccchat_tui.sessions.options import (
    OptionError,
    check_keep_alive,
    check_option,
    check_think,
    refused,
    shown_option,
    think_word,
)
from ccchat_tui.sessions.toml_text import toml_of
from ccchat_tui.text import one_line, sanitize, shown_value

TABLE = "presets"
LONGEST_NAME = 60
"""Cells of a preset's name."""
LARGEST = 8 * 1024 * 1024
"""Bytes of a file that are read."""
HEAD = "# Presets of ccchat, by name. It writes this file anew when one is saved: comments go.\n\n"


class PresetError(Exception):
    """A preset, or the file of them, cannot be used.

    Args:
        message: In words: the file or the preset, what is wrong with it, what helps.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Preset:
    """What a chat is asked with, whatever its model."""

    system: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    think: Think | None = None
    keep_alive: str | float | None = None

    @classmethod
    def of(cls, session: Session) -> Preset:
        """What a chat is asked with now."""
        return cls(session.system, dict(session.options), session.think, session.keep_alive)

    @property
    def facts(self) -> list[str]:
        """What is in it, in a few words each; what is left to the model is left unsaid."""
        facts = ["system prompt"] if self.system.strip() else []
        if self.think is not None:
            facts.append(f"think {think_word(self.think)}")
        for name, value in self.options.items():
            told = one_line(shown_option(value), 24) if name != "stop" else ""
            facts.append(f"{one_line(name, 24)} {told}".strip())
        if self.keep_alive is not None:
            facts.append(f"keep_alive {one_line(str(self.keep_alive), 24)}")
        return facts

    @property
    def summary(self) -> str:
        """What is in it, in one line."""
        return " · ".join(self.facts) or "everything left to the model"


def preset_name(typed: str) -> str:
    """A name as it is kept: one harmless line. Raises `PresetError` if nothing is left of it."""
    name = one_line(typed, 10 * LONGEST_NAME)
    if not name:
        raise PresetError("A preset needs a name.")
    if one_line(name, LONGEST_NAME) != name:
        raise PresetError(
            f"The name “{one_line(typed, 20)}” is too long; {LONGEST_NAME} characters are enough."
        )
    return name


class Presets:
    """The file of presets. It is read anew each time, for others may write it.

    Args:
        file: Where; it need not be there.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.problems: tuple[str, ...] = ()
        """What was wrong with single presets when the file was last read."""

    def load(self) -> dict[str, Preset]:
        """All presets that can be used, in the order of the file; `problems` tells of the others.

        Raises:
            PresetError: The file cannot be read, or is none of presets.
        """
        found, problems = {}, []
        for name, raw in self._tables(self._read()).items():
            try:
                found[name] = _preset(name, raw)
            except PresetError as error:
                problems.append(error.message)
        self.problems = tuple(problems)
        return found

    def save(self, name: str, preset: Preset) -> str:
        """Keep a preset, in the place of one of the same name.

        Returns:
            The name by which it is kept.

        Raises:
            PresetError: It has no name, or the file cannot be written; then nothing has changed.
        """
        name = preset_name(name)
        data = self._read()
        self._tables(data)[name] = _raw(preset)
        self._write(data)
        return name

    def delete(self, name: str) -> None:
        """Forget a preset; harmless if there is none of that name. Raises `PresetError`."""
        data = self._read()
        if self._tables(data).pop(name, None) is not None:
            self._write(data)

    # Within -------------------------------------------------------------------------------

    def _read(self) -> dict[str, Any]:
        try:
            if self.file.stat().st_size > LARGEST:
                raise PresetError(f"{self._where} is larger than {LARGEST >> 20} MB")
            # Editors on Windows put a byte order mark before the first line.
            return tomllib.loads(self.file.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise PresetError(f"{self._where} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise PresetError(
                f"{self._where} is not UTF-8 text (byte {error.start}); save it as UTF-8"
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise PresetError(
                f"{self._where} is not TOML: {sanitize(str(error))}; mend it or move it away"
            ) from None
        except RecursionError:
            raise PresetError(f"{self._where} is nested too deep") from None

    def _tables(self, data: dict[str, Any]) -> dict[str, Any]:
        tables = data.setdefault(TABLE, {})
        if not isinstance(tables, dict):
            raise PresetError(
                f"{self._where}: {TABLE} is {shown_value(tables)}; it must be tables such as "
                f'[{TABLE}."A name"]'
            )
        return tables

    def _write(self, data: Mapping[str, Any]) -> None:
        """Put another content in the file's place, whole or not at all."""
        text = HEAD + toml_of(data)
        folder = self.file.parent
        made = ""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # A link stays one: what it leads to is written.
            target = self.file.resolve()
            handle, made = tempfile.mkstemp(prefix=".presets-", dir=target.parent)
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            Path(made).replace(target)
            made = ""
        except OSError as error:
            raise PresetError(f"{self._where} cannot be written: {error.strerror}") from None
        finally:
            if made:
                with suppress(OSError):
                    Path(made).unlink()

    @property
    def _where(self) -> str:
        return f"The file of presets {sanitize(str(self.file))}"


def _preset(name: str, raw: Any) -> Preset:
    """A preset out of its table. Raises `PresetError` that names it."""
    where = f"The preset “{one_line(name, 40)}”"
    if not isinstance(raw, dict):
        raise PresetError(f"{where} is {shown_value(raw)}; it must be a table.")
    if strange := [key for key in raw if key not in _FIELDS]:
        names = ", ".join(_FIELDS)
        raise PresetError(f"{where}: there is no {shown_value(strange[0])}; there are {names}.")
    system, options = raw.get("system", ""), raw.get("options", {})
    if not isinstance(system, str):
        raise PresetError(f"{where}: {refused('system', system, 'a text')}")
    if not isinstance(options, dict):
        raise PresetError(f"{where}: {refused('options', options, 'values by their names')}")
    try:
        return Preset(
            system,
            {key: check_option(key, value) for key, value in options.items()},
            check_think(raw.get("think")),
            check_keep_alive(raw.get("keep_alive")),
        )
    except OptionError as error:
        raise PresetError(f"{where}: {error.message}") from None


_FIELDS = ("system", "think", "keep_alive", "options")


def _raw(preset: Preset) -> dict[str, Any]:
    """A preset as its table; what is left to the model is not in it."""
    raw: dict[str, Any] = {}
    if preset.system:
        raw["system"] = preset.system
    if preset.think is not None:
        raw["think"] = think_word(preset.think)
    if preset.keep_alive is not None:
        raw["keep_alive"] = preset.keep_alive
    raw["options"] = dict(preset.options)
    return raw

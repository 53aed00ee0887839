"""Prompt templates: files in a folder, each a text with places to fill in.

A file is named after its command: `review.md` is `/review`. `.md` and `.txt` files are the text as
it stands; a `.toml` file has it under `text`, and may say under `about` what it is for. `{{name}}`
is a place that is asked for, `{{name=default}}` one that has something in it already.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from ccchat_tui.quick import dataclass
from ccchat_tui.text import one_line, sanitize

ENDINGS: Final = (".md", ".txt", ".toml")
LARGEST: Final = 1_000_000
"""Bytes of a file."""

_VARIABLE: Final = re.compile(r"\{\{[ \t]*([^\W\d]\w*)[ \t]*(?:=([^{}]*))?\}\}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Template:
    """One template."""

    name: str
    text: str
    """Sanitised."""
    about: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """What is asked for, in the order of the text, with what is there already."""
        found: dict[str, str] = {}
        for match in _VARIABLE.finditer(self.text):
            default = (match[2] or "").strip()
            if not found.get(match[1]):
                found[match[1]] = default
        return found

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with its places filled in; what is put there is not looked through again."""
        return _VARIABLE.sub(lambda match: values.get(match[1], ""), self.text)


@dataclass(frozen=True, slots=True)
class Templates:
    """What a folder holds."""

    found: tuple[Template, ...] = ()
    problems: tuple[str, ...] = ()
    """What is wrong with files that are left out, each with its remedy."""


def load_templates(folder: Path, taken: Collection[str] = ()) -> Templates:
    """Read a folder; one that is not there holds nothing.

    Args:
        folder: Where the files are.
        taken: Names of commands, which templates cannot have.
    """
    found: dict[str, Template] = {}
    problems: list[str] = []
    try:
        files = sorted(folder.iterdir())
    except FileNotFoundError:
        return Templates()
    except OSError as error:
        return Templates((), (f"Prompts in {folder} cannot be read: {error.strerror}.",))
    for file in files:
        if file.suffix.lower() not in ENDINGS or file.name.startswith("."):
            continue
        shown = one_line(file.name, 60)
        name = file.stem.lower()
        try:
            if not _NAME.fullmatch(name):
                raise _BadTemplateError(
                    "its name is no command; use letters, digits, - and _, a letter first"
                )
            if name in taken:
                raise _BadTemplateError(f"/{name} is a command already; give it another name")
            if name in found:
                raise _BadTemplateError(f"there is another file for /{name}; give it another name")
            found[name] = _read(file, name)
        except _BadTemplateError as error:
            problems.append(f"Prompt {shown} is left out: {error}.")
    return Templates(tuple(found.values()), tuple(problems))


class _BadTemplateError(Exception):
    """A file that cannot be used; says why and what would help."""


def _read(file: Path, name: str) -> Template:
    try:
        if file.stat().st_size > LARGEST:
            raise _BadTemplateError(f"it is larger than {LARGEST // 1_000_000} MB")
        # Editors on Windows put a byte order mark before the first line.
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _BadTemplateError(
            f"it is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None
    except OSError as error:
        raise _BadTemplateError(f"it cannot be read ({error.strerror})") from None
    about = ""
    if file.suffix.lower() == ".toml":
        text, about = _from_toml(text)
    text = sanitize(text).strip("\n")
    if not text.strip():
        raise _BadTemplateError("there is no text in it")
    first = text.partition("\n")[0].lstrip("# ")
    return Template(name, text, one_line(about or first, 100))


def _from_toml(text: str) -> tuple[str, str]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _BadTemplateError(f"it is not TOML: {one_line(str(error), 120)}") from None
    strange = sorted(set(data) - {"text", "about"})
    if strange:
        raise _BadTemplateError(
            f"{one_line(strange[0], 40)!r} is not known there; there are text and about"
        )
    for key in ("text", "about"):
        if not isinstance(data.get(key, ""), str):
            raise _BadTemplateError(f"{key} is not text; put it in quotes")
    if "text" not in data:
        raise _BadTemplateError('it has no text; write text = """…"""')
    return data["text"], data.get("about", "")

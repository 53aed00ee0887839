"""Themes: plain data files, checked when they are loaded.

A theme file says what colours there are and what each state looks like; see any of ours for the
fields. A file that is wrong is left out and told of in words; it never stops the program.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.color import Color
from textual.theme import Theme

from ccchat_tui.quick import dataclass

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

DEFAULT_THEME = "tideline"
"""The theme of a program that was told nothing else."""
DEFAULT_LIGHT_THEME = "paper"
"""Its light companion."""

_LARGEST_FILE = 100_000
_COLOUR = re.compile("#[0-9a-f]{6}")


class ThemeError(ValueError):
    """A theme file is wrong; the message says where and what to write instead."""


def theme_of(data: Mapping[str, Any]) -> Theme:
    """The theme in Textual's form.

    Args:
        data: What a theme file holds, and nothing wrong: as `theme_file` checks it.
    """
    dark: bool = data["dark"]
    colours: dict[str, Any] = dict(data["colours"])
    muted = colours.pop("muted")
    own = {
        f"state-{name.replace('_', '-')}": value for name, value in data.get("states", {}).items()
    }
    own |= {name.replace("_", "-"): str(value) for name, value in data.get("chat", {}).items()}
    return Theme(
        name=data["name"],
        dark=dark,
        variables=(
            variable_defaults(colours, dark=dark)
            | {"text-muted": muted, "foreground-muted": muted, "border-blurred": muted}
            | own
            | data.get("variables", {})
        ),
        **colours,
    )


def variable_defaults(colours: Mapping[str, str], *, dark: bool = True) -> dict[str, str]:
    """Our own CSS variables, as they follow from a theme's colours.

    An app gives these for `App.get_theme_variable_defaults`, so that our style sheets work under
    Textual's themes too.

    Args:
        colours: The theme's colours by Textual's names, `primary` at least.
        dark: Whether the theme is dark.
    """
    primary = colours["primary"]
    foreground = colours.get("foreground", "#e0e0e0" if dark else "#1f1f1f")
    warning = colours.get("warning", primary)
    error = colours.get("error", colours.get("secondary", primary))
    success = colours.get("success", primary)
    accent = colours.get("accent", primary)
    surface = colours.get("surface", "#1e1e1e" if dark else "#d8d8d8")
    return {
        "chosen": _ground(primary, 0.16),
        "chosen-tab": _ground(primary, 0.15),
        "state-queued": foreground,
        "state-connecting": warning,
        "state-streaming": primary,
        "state-waiting-to-retry": warning,
        "state-completed": success,
        "state-cancelled": foreground,
        "state-failed": error,
        "state-timed-out": error,
        "state-unread": accent,
        "composer-border": Color.parse(surface).blend(Color.parse(foreground), 0.35).hex,
        "composer-border-focus": primary,
        "composer-background": surface,
        "user-bubble": Color.parse(surface).blend(Color.parse(primary), 0.14).hex,
        "code-background": Color.parse(surface).blend(Color.parse(foreground), 0.06).hex,
        "code-theme": "github-dark" if dark else "default",
        "code-contrast": "4.5",
    }


def _ground(colour: str, share: float) -> str:
    """A touch of a colour, to stand behind text of that same colour. The sixteen colours of a
    terminal cannot be mixed: there it is grey."""
    parsed = Color.parse(colour)
    if parsed.ansi is not None:
        return "ansi_bright_black"
    return parsed.with_alpha(share).css


_THEME_COLOURS = (
    "primary",
    "secondary",
    "warning",
    "error",
    "success",
    "accent",
    "foreground",
    "surface",
)
"""What of a theme of Textual's our own variables follow from."""


def defaults_for(theme: Theme | None) -> dict[str, str]:
    """`variable_defaults` for a theme as Textual has it.

    Args:
        theme: The theme now in use; `None` where it is not known yet.
    """
    if theme is None:
        return variable_defaults({"primary": "#4cc9f0"})
    given = {name: value for name in _THEME_COLOURS if (value := getattr(theme, name)) is not None}
    return variable_defaults(given, dark=theme.dark)


@dataclass(frozen=True, slots=True)
class ThemeSet:
    """The themes there are, and what was wrong with those that there are not."""

    themes: dict[str, Theme] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """In words: file, field, value, what is allowed."""


def packaged_folder() -> Traversable:
    """Where our own themes are: inside the installed package, beside it in a checkout."""
    here = Path(__file__).resolve()
    packed = here.parents[1] / "_themes"
    for folder in (packed, here.parents[2] / "themes"):
        if folder.is_dir():
            return folder
    from importlib import resources  # noqa: PLC0415 - slow, and only for a package in an archive

    return resources.files("ccchat_tui") / "_themes"


def load_themes(user_folder: Path | None = None) -> ThemeSet:
    """Read our themes and the person's own.

    Args:
        user_folder: The person's theme folder; it need not exist. A theme in it that has the
            name of one of ours takes its place.

    Returns:
        Every theme that could be read, and a problem in words for each that could not.
    """
    found = ThemeSet()
    _read_folder(packaged_folder(), found, _ours)
    if user_folder is not None:
        _read_folder(user_folder, found, _checked)
    return found


def _ours(text: str, source: str) -> Theme:
    """One of ours. They are right, which a test holds: checking them at every start would load
    pydantic. Where somebody has changed one, and it does not look right, it is checked."""
    try:
        data = tomllib.loads(text)
        if all(map(_COLOUR.fullmatch, data["colours"].values())):
            return theme_of(data)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError):
        pass
    return _checked(text, source)


def _checked(text: str, source: str) -> Theme:
    from ccchat_tui.tui.theme_file import parse_theme  # noqa: PLC0415 - loads pydantic

    return parse_theme(text, source)


def _read_folder(folder: Traversable, found: ThemeSet, read: Callable[[str, str], Theme]) -> None:
    try:
        if not folder.is_dir():
            return
        files = sorted(folder.iterdir(), key=lambda file: file.name)
    except OSError as error:
        found.problems.append(f"theme folder {folder}: cannot be read: {error.strerror}")
        return
    for file in files:
        if not file.name.endswith(".toml"):
            continue
        try:
            with file.open("rb") as opened:
                data = opened.read(_LARGEST_FILE + 1)
            if len(data) > _LARGEST_FILE:
                raise ThemeError(f"theme {file}: larger than {_LARGEST_FILE:,} bytes")
            theme = read(data.decode(), str(file))
        except OSError as error:
            found.problems.append(f"theme {file}: cannot be read: {error.strerror}")
        except UnicodeDecodeError:
            found.problems.append(f"theme {file}: not UTF-8 text; save it as UTF-8")
        except ThemeError as error:
            found.problems.append(str(error))
        else:
            found.themes[theme.name] = theme

"""Themes: plain data files, checked when they are loaded.

A theme file says what colours there are and what each state looks like; see any of ours for the
fields. A file that is wrong is left out and told of in words; it never stops the program.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pygments.styles import get_all_styles
from textual.color import Color, ColorParseError
from textual.theme import Theme

DEFAULT_THEME = "tideline"
"""The theme of a program that was told nothing else."""
DEFAULT_LIGHT_THEME = "paper"
"""Its light companion."""

_LARGEST_FILE = 100_000
_COLOUR_HELP = "write #rgb, #rrggbb, rgb(r, g, b) or a name such as tomato"


def _colour(value: str) -> str:
    try:
        colour = Color.parse(value)
    except ColorParseError:
        raise ValueError(f"is not a colour; {_COLOUR_HELP}") from None
    if colour.ansi is not None or colour.auto or colour.a != 1:
        raise ValueError(f"is not one solid colour; {_COLOUR_HELP}")
    return colour.hex


def _code_theme(value: str) -> str:
    styles = sorted(get_all_styles())
    if value not in styles:
        raise ValueError(f"is not a Pygments style; there are {', '.join(styles)}")
    return value


def _variable(value: str) -> str:
    if not value or len(value) > 100 or any(mark in value for mark in "{};\n$"):
        raise ValueError("is not a CSS value; write one such as #88c0d0, red 50% or bold")
    return value


Colour = Annotated[str, AfterValidator(_colour)]
"""A solid colour; kept as `#RRGGBB`."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Colours(_Table):
    """What everything is painted with."""

    primary: Colour
    """Titles, keys, the focused border."""
    background: Colour
    """Behind everything."""
    surface: Colour
    """Behind the transcripts and the composer."""
    panel: Colour
    """Behind the header, the footer and the queue panel."""
    foreground: Colour
    """Text."""
    muted: Colour
    """Text of less weight."""
    secondary: Colour | None = None
    accent: Colour | None = None
    """What calls for a look: an unread tab, a code fence's name."""
    warning: Colour | None = None
    error: Colour | None = None
    success: Colour | None = None


class States(_Table):
    """The colour of each state's sign and word. What is left out follows from `colours`."""

    queued: Colour | None = None
    connecting: Colour | None = None
    streaming: Colour | None = None
    waiting_to_retry: Colour | None = None
    completed: Colour | None = None
    cancelled: Colour | None = None
    failed: Colour | None = None
    timed_out: Colour | None = None
    unread: Colour | None = None


class Chat(_Table):
    """The parts of a chat. What is left out follows from `colours`."""

    composer_border: Colour | None = None
    composer_border_focus: Colour | None = None
    composer_background: Colour | None = None
    user_bubble: Colour | None = None
    """Behind what the person wrote."""
    code_background: Colour | None = None
    """Behind a code block."""
    code_theme: Annotated[str, AfterValidator(_code_theme)] | None = None
    """The Pygments style of code."""
    code_contrast: Annotated[float, Field(ge=1, le=21)] | None = None
    """Colours of that style that stand out less than this from `code_background` are not used."""


class ThemeFile(_Table):
    """One theme file."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    """By what it is chosen: lower case letters, digits and hyphens."""
    description: Annotated[str, Field(max_length=200)] = ""
    dark: bool
    """Whether it is light text on a dark ground."""
    colours: Colours
    states: States = States()
    chat: Chat = Chat()
    variables: dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,59}$")],
        Annotated[str, AfterValidator(_variable)],
    ] = {}
    """Any further variable of Textual's, by its own name."""

    def theme(self) -> Theme:
        """The theme in Textual's form."""
        colours = self.colours
        own = {
            f"state-{name.replace('_', '-')}": value
            for name, value in self.states.model_dump(exclude_none=True).items()
        }
        own |= {
            name.replace("_", "-"): str(value)
            for name, value in self.chat.model_dump(exclude_none=True).items()
        }
        given = {
            name: value
            for name, value in colours.model_dump(exclude_none=True).items()
            if name != "muted"
        }
        return Theme(
            name=self.name,
            dark=self.dark,
            variables=(
                variable_defaults(given, dark=self.dark)
                | {
                    "text-muted": colours.muted,
                    "foreground-muted": colours.muted,
                    "border-blurred": colours.muted,
                }
                | own
                | self.variables
            ),
            **given,
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


class ThemeError(ValueError):
    """A theme file is wrong; the message says where and what to write instead."""


def parse_theme(text: str, source: str) -> Theme:
    """Read one theme.

    Args:
        text: The file's text, TOML.
        source: What to call the file in a message.

    Raises:
        ThemeError: It is not TOML, or a field is wrong.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ThemeError(f"theme {source}: not valid TOML: {error}") from None
    try:
        return ThemeFile.model_validate(data).theme()
    except ValidationError as error:
        raise ThemeError("\n".join(_in_words(error, source))) from None


def _in_words(error: ValidationError, source: str) -> Iterable[str]:
    for problem in error.errors(include_url=False):
        place = ".".join(str(step) for step in problem["loc"]) or "the file"
        value: Any = problem["input"]
        match problem["type"]:
            case "missing":
                yield f"theme {source}: {place} is missing"
            case "extra_forbidden":
                allowed = ", ".join(sorted(_allowed(problem["loc"][:-1])))
                yield f"theme {source}: {place} is not a field; there are {allowed}"
            case "value_error":
                yield f"theme {source}: {place} = {value!r} {problem['ctx']['error']}"
            case "string_pattern_mismatch":
                yield (
                    f"theme {source}: {place} = {value!r} is not a name; "
                    "use lower case letters, digits and hyphens"
                )
            case _:
                yield f"theme {source}: {place} = {value!r}: {problem['msg']}"


def _allowed(place: tuple[int | str, ...]) -> Iterable[str]:
    tables: dict[tuple[int | str, ...], type[BaseModel]] = {
        (): ThemeFile,
        ("colours",): Colours,
        ("states",): States,
        ("chat",): Chat,
    }
    return tables[place].model_fields


def packaged_folder() -> Traversable:
    """Where our own themes are: inside the installed package, beside it in a checkout."""
    packed = resources.files("ccchat_tui") / "_themes"
    return packed if packed.is_dir() else Path(__file__).resolve().parents[2] / "themes"


def load_themes(user_folder: Path | None = None) -> ThemeSet:
    """Read our themes and the person's own.

    Args:
        user_folder: The person's theme folder; it need not exist. A theme in it that has the
            name of one of ours takes its place.

    Returns:
        Every theme that could be read, and a problem in words for each that could not.
    """
    found = ThemeSet()
    _read_folder(packaged_folder(), found)
    if user_folder is not None:
        _read_folder(user_folder, found)
    return found


def _read_folder(folder: Traversable, found: ThemeSet) -> None:
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
            theme = parse_theme(data.decode(), str(file))
        except OSError as error:
            found.problems.append(f"theme {file}: cannot be read: {error.strerror}")
        except UnicodeDecodeError:
            found.problems.append(f"theme {file}: not UTF-8 text; save it as UTF-8")
        except ThemeError as error:
            found.problems.append(str(error))
        else:
            found.themes[theme.name] = theme

"""Theme files as they must be: what is wrong with one is told field by field."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pygments.styles import get_all_styles
from textual.color import Color, ColorParseError
from textual.theme import Theme

from ccchat_tui.tui.themes import ThemeError, theme_of

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
        return theme_of(self.model_dump(exclude_none=True))


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

"""Gives the rows of a transcript their colours: names of styles become styles of the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.color import Color as RichColor
from rich.color import ColorParseError
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip

from ccchat_tui.tui.markdown.lines import Line
from ccchat_tui.tui.widgets.transcript_turn import INDENT

if TYPE_CHECKING:
    from textual.widget import Widget

NAMES: Final = frozenset(
    {
        *("h1", "h2", "h3", "h4", "h5", "h6"),
        *("em", "strong", "strike", "code", "link", "url", "image", "html"),
        *("bullet", "quote-bar", "rule", "th", "table-rule", "fence", "label"),
        *("question", "bar", "cursor", "model", "meta", "note", "button", "hint", "notice"),
        *("thinking", "thinking-label", "thinking-bar", "found", "found-chosen"),
    }
)
"""The names that rows use; each is a component class `transcript--NAME`."""

STATE_COLORS: Final = {
    "queued": "warning",
    "connecting": "secondary",
    "streaming": "accent",
    "waiting_to_retry": "warning",
    "completed": "success",
    "cancelled": "text-muted",
    "failed": "error",
    "timed_out": "error",
    "interrupted": "warning",
}
"""The theme's colour for a state, where the theme has no `state-...` of its own."""

OFFSET_BITS: Final = 20
"""A selection's row is the turn's number, shifted by this, plus the row in the turn: it stays
true while replies above it grow."""

PAINT_CSS: Final = """
Transcript {
    & > .transcript--h1 { text-style: bold underline; color: $text-primary; }
    & > .transcript--h2 { text-style: bold; color: $text-primary; }
    & > .transcript--h3 { text-style: bold; color: $text-secondary; }
    & > .transcript--h4 { text-style: bold; }
    & > .transcript--h5 { text-style: bold italic; }
    & > .transcript--h6 { text-style: italic; }
    & > .transcript--em { text-style: italic; }
    & > .transcript--strong { text-style: bold; }
    & > .transcript--strike { text-style: strike; }
    & > .transcript--code { color: $text-accent; background: $surface; }
    & > .transcript--link { color: $text-primary; text-style: underline; }
    & > .transcript--url { color: $text-muted; }
    & > .transcript--image { color: $text-secondary; text-style: italic; }
    & > .transcript--html { color: $text-muted; }
    & > .transcript--bullet { color: $text-primary; }
    & > .transcript--quote-bar { color: $primary-darken-1; }
    & > .transcript--rule { color: $foreground 30%; }
    & > .transcript--th { text-style: bold; color: $text-primary; }
    & > .transcript--table-rule { color: $foreground 30%; }
    & > .transcript--fence { background: $surface; color: $foreground; }
    & > .transcript--label { color: $text-muted; text-style: italic; }
    & > .transcript--question { background: $surface; text-style: bold; }
    & > .transcript--bar { background: $surface; color: $primary; }
    & > .transcript--cursor { background: $surface; color: $text-accent; text-style: bold; }
    & > .transcript--model { color: $foreground 75%; text-style: bold; }
    & > .transcript--meta { color: $text-muted; }
    & > .transcript--note { color: $foreground 75%; }
    & > .transcript--button { background: $primary; color: $background; text-style: bold; }
    & > .transcript--hint { background: $primary; color: $background; text-style: bold; }
    & > .transcript--notice { color: $text-warning; }
    & > .transcript--thinking { color: $text-muted; text-style: italic; }
    & > .transcript--thinking-label { color: $text-muted; text-style: italic; }
    & > .transcript--thinking-bar { color: $foreground 25%; }
    & > .transcript--found { color: $text-accent; text-style: bold underline; }
    & > .transcript--found-chosen { text-style: bold reverse; }
}
"""


class Painter:
    """Turns rows into strips, and keeps the styles it has worked out.

    Args:
        widget: Whose component classes are asked.
    """

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[str, Style] = {}
        self._parts: dict[str, Style] = {}
        self._code: dict[str, Style] = {}
        self._code_theme: Any = None
        self.base = Style()

    def reset(self) -> None:
        """The theme has changed: ask for everything again."""
        self._styles.clear()
        self._parts.clear()
        self._code.clear()
        self._code_theme = None
        self.base = self._widget.rich_style

    def style(self, names: str) -> Style:
        """The style for names separated by spaces, later ones over earlier ones."""
        style = self._styles.get(names)
        if style is None:
            style = self.base
            for name in names.split():
                style += self._part(name)
            self._styles[names] = style
        return style

    def paint(
        self,
        line: Line,
        section: str,
        width: int,
        *,
        bar: str = "",
        meta: dict[str, Any] | None = None,
    ) -> Strip:
        """One row of full width.

        Args:
            line: What it shows.
            section: The part of a turn it belongs to.
            width: Cells.
            bar: The style of the bar at the left, if there is one.
            meta: What a click on its buttons and labels means.
        """
        filler = "question" if section == "question" else ""
        under = f"{section} " if section == "thinking" else ""
        segments = [
            Segment("\u258c ", self.style(bar)) if bar else Segment(" " * INDENT, self.base)
        ]
        for text, names in line.spans:
            style = self.style(under + names)
            if meta and (names in ("button", "thinking-label")):
                style += Style.from_meta(meta)
            segments.append(Segment(text, style))
        rest = width - INDENT - line.cells
        if rest > 0:
            segments.append(Segment(" " * rest, self.style(filler)))
        return Strip(segments, max(width, INDENT + line.cells))

    def over(self, name: str) -> Style:
        """What a name adds to whatever it is laid over."""
        return self._part(name)

    def _part(self, name: str) -> Style:
        part = self._parts.get(name)
        if part is None:
            if name.startswith("code:"):
                part = self._token(name[5:])
            elif name.startswith("state:"):
                part = self._state(name[6:])
            elif name in NAMES:
                part = self._component(name)
            else:
                part = Style()
            self._parts[name] = part
        return part

    def _component(self, name: str) -> Style:
        """What a component class adds to the text around it."""
        full = self._widget.get_component_rich_style(f"transcript--{name}")
        text_style = self._widget.get_component_styles(f"transcript--{name}").text_style
        base = self.base
        return (
            Style(
                color=full.color if full.color != base.color else None,
                bgcolor=full.bgcolor if full.bgcolor != base.bgcolor else None,
            )
            + text_style
        )

    def _variable(self, name: str) -> Style | None:
        value = self._widget.app.theme_variables.get(name, "")
        try:
            return Style(color=RichColor.parse(value)) if value.startswith("#") else None
        except ColorParseError:
            return None

    def _state(self, state: str) -> Style:
        own = f"state-{state.replace('_', '-')}"
        found = self._variable(own) or self._variable(f"state-{state}")
        if found is None:
            found = self._variable(STATE_COLORS.get(state, "foreground"))
        return found or self._part("meta")

    def _token(self, token: str) -> Style:
        """The colours of a kind of token in the theme's code style, its background left out."""
        from pygments.styles import get_style_by_name  # noqa: PLC0415 - only where there is code
        from pygments.token import string_to_tokentype  # noqa: PLC0415
        from pygments.util import ClassNotFound  # noqa: PLC0415

        if self._code_theme is None:
            dark = self._widget.app.current_theme.dark
            name = self._widget.app.theme_variables.get("code-theme", "").strip("\"'")
            try:
                self._code_theme = get_style_by_name(name or ("one-dark" if dark else "xcode"))
            except ClassNotFound:
                self._code_theme = get_style_by_name("one-dark" if dark else "xcode")
        rules = self._code_theme.style_for_token(string_to_tokentype(token.removeprefix("Token.")))
        color = f"#{rules['color']}" if rules["color"] else ""
        return Style(
            color=color if color and self._readable(color) else None,
            bold=rules["bold"] or None,
            italic=rules["italic"] or None,
            underline=rules["underline"] or None,
        )

    def _readable(self, color: str) -> bool:
        """Whether a colour of a code style, made for a ground of its own, can be read on ours."""
        ground = self._component("fence").bgcolor or self.base.bgcolor
        if ground is None:
            return True
        least = float(self._widget.app.theme_variables.get("code-contrast", "4.5"))
        return contrast(Color.parse(color), Color.from_rich_color(ground)) >= least


def contrast(one: Color, other: Color) -> float:
    """How well two colours stand out from each other: 1 not at all, 21 black on white.

    As the Web Content Accessibility Guidelines 2.1 define it, "contrast ratio".
    """
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Color) -> float:
    """The guidelines' "relative luminance"."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def select(strip: Strip, start: int, end: int, style: Style) -> Strip:
    """A strip with a range of its characters shown as selected; `end` -1 means all the rest."""
    segments: list[Segment] = []
    at = 0
    for segment in strip:
        text, own, _ = segment
        first = max(0, min(len(text), start - at))
        last = len(text) if end < 0 else max(first, min(len(text), end - at))
        if first:
            segments.append(Segment(text[:first], own))
        if last > first:
            # The selection's colours win, whatever stood there before.
            segments.append(Segment(text[first:last], (own or Style()) + style))
        if last < len(text):
            segments.append(Segment(text[last:], own))
        at += len(text)
    return Strip(segments, strip.cell_length)

"""One small app that shows every kind of text there is, for looking at themes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from textual.app import App, ComposeResult
from textual.color import Color

import ccchat_tui.tui
from ccchat_tui.clock import ManualClock
from ccchat_tui.sessions.model import SessionStatus, Turn, TurnState
from ccchat_tui.tui.themes import ThemeSet, defaults_for, load_themes
from ccchat_tui.tui.widgets.composer import Composer
from ccchat_tui.tui.widgets.header import ServerView, StatusHeader
from ccchat_tui.tui.widgets.tab_bar import Tab, TabBar
from ccchat_tui.tui.widgets.transcript import Transcript
from tests.tui.test_header import FALLBACK

MARKDOWN = """# One
## Two
### Three
#### Four
Some *words*, **bold**, ~~gone~~, `code` and a [link](http://example.org) and <b>html</b>.

- one

> quoted

| a | b |
|---|---|
| 1 | 2 |

```python
# a comment
@wrapped
class A(Base):
    def f(self, x: int = 3) -> str:
        \"\"\"A docstring.\"\"\"
        return f"{x!r}" + 'a' * 3 or None  # more
```

```diff
- gone
+ come
@@ 1,2 @@
```
"""


class ThemeShow(App[None]):
    """An app of nothing, in a theme.

    Args:
        theme: The theme's name.
        themes: The themes there are; ours if not given.
    """

    CSS_PATH = Path(ccchat_tui.tui.__path__[0]) / "app.tcss"

    def __init__(self, theme: str, themes: ThemeSet | None = None) -> None:
        super().__init__()
        for each in (themes or load_themes()).themes.values():
            self.register_theme(each)
        self.theme = theme

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return defaults_for(self.available_themes.get(self.theme))


class ChatShow(ThemeShow):
    """Header, tabs of every state, turns of every state, a reply in Markdown, the composer."""

    def compose(self) -> ComposeResult:
        yield StatusHeader(ServerView("demo model", "built in", notice="no server"))
        yield TabBar(id="idle")
        yield TabBar(id="failed")
        yield Transcript(clock=ManualClock())
        yield Composer()

    def on_mount(self) -> None:
        self.query_one(StatusHeader).show_snapshot(FALLBACK)
        for active, bar in ((0, "#idle"), (4, "#failed")):
            self.query_one(bar, TabBar).show_tabs(
                [
                    Tab(f"s{index}", index + 1, "Ada", "A title", status, index == active)
                    for index, status in enumerate(SessionStatus)
                ]
            )
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        turns = [
            Turn(
                f"t{index}", f"Question {state}", "m", moment, state, ["Words."], ["hm"], note="N."
            )
            for index, state in enumerate(TurnState)
        ]
        turns.append(Turn("t", "Why?", "m", moment, TurnState.COMPLETED, [MARKDOWN], ["hm"]))
        transcript = self.query_one(Transcript)
        transcript.set_notice("A notice.")
        transcript.set_turns(turns)


def luminance(color: Color) -> float:
    """WCAG 2.1, "relative luminance"."""

    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


def ratio(ink: Color, ground: Color) -> float:
    """WCAG 2.1, "contrast ratio"."""
    high, low = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def drawn(app: App[None], within: str = "") -> Iterator[tuple[str, Color, Color]]:
    """Each piece of text on the screen with its ink and its ground; no lines, no blanks.

    Args:
        app: Whose screen.
        within: A selector of the widget that is looked at; empty for all.
    """
    area = app.screen.query(within).first().region if within else app.screen.region
    strips = app.screen._compositor.render_strips()
    for row in strips[area.y : area.bottom]:
        for text, style, _ in row.crop(area.x, area.right):
            letters = "".join(char for char in text if not "\u2500" <= char <= "\u259f").strip()
            if not letters or style is None or style.color is None or style.bgcolor is None:
                continue
            ink, ground = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
            if style.reverse:
                ink, ground = ground, ink
            yield letters, ink, ground


def hard_to_read(app: App[None], least: float, within: str = "") -> list[str]:
    """What on the screen stands out less than that, in words."""
    return sorted(
        {
            f"{text!r}: {ink.hex} on {ground.hex} is {ratio(ink, ground):.2f}"
            for text, ink, ground in drawn(app, within)
            if ratio(ink, ground) < least
        }
    )

"""Textual's own ways to show a text that grows, and the least that drawing its rows can cost: what
a flush of our transcript stands beside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Log, Markdown, RichLog

from tests.benchmarks.drawing_app import MarkdownApp, SinkDriver, cpu, run, settled

SIZE = (120, 40)
Flush = Callable[[str], Awaitable[None]]


class WidgetApp(App[None]):
    """One widget over the whole screen."""

    def __init__(self, widget: Widget) -> None:
        super().__init__(driver_class=SinkDriver)
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget


class Rows(Widget):
    """Rows that are there already, of which the last two are drawn again and again: no text is
    taken, none is wrapped and nothing scrolls."""

    def __init__(self) -> None:
        super().__init__()
        self.styles.height = "1fr"
        self.turn = 0

    def render_line(self, y: int) -> Strip:
        word = f"row {y}, time {self.turn} "
        return Strip([Segment((word * 12)[: self.size.width])])

    def again(self) -> None:
        """Draw the last two rows."""
        self.turn += 1
        self.refresh(Region(0, self.size.height - 2, self.size.width, 2))


def flushes(app: App[None], begin: Flush, flush: Flush, first: str, texts: list[str]) -> float:
    """Milliseconds of processor time per flush, each waited for until it is drawn."""
    result: list[float] = []

    async def body(_: App[None]) -> None:
        await settled(app)
        await begin(first)
        await settled(app)
        used = cpu()
        for text in texts:
            await flush(text)
            await settled(app)
        result.append((cpu() - used) / len(texts) * 1000)

    run(app, body, SIZE)
    return result[0]


def markdown_stream(first: str, texts: list[str]) -> float:
    """`MarkdownStream`, which appends in a task of its own what has come until then."""
    app = MarkdownApp()
    streams = []

    async def begin(text: str) -> None:
        await app.markdown.update(text)
        app.scroll.anchor()
        streams.append(Markdown.get_stream(app.markdown))

    async def flush(text: str) -> None:
        await streams[0].write(text)

    return flushes(app, begin, flush, first, texts)


def log(first: str, texts: list[str]) -> float:
    """`Log`: plain text that is neither wrapped nor drawn as Markdown."""
    widget = Log()

    async def write(text: str) -> None:
        widget.write(text)

    return flushes(WidgetApp(widget), write, write, first, texts)


def rich_log(first: str, texts: list[str]) -> float:
    """`RichLog`, which takes whole lines only: each flush is a line of its own."""
    widget = RichLog(wrap=True)

    async def write(text: str) -> None:
        widget.write(text)

    return flushes(WidgetApp(widget), write, write, first, texts)


def bare_rows(_first: str, texts: list[str]) -> float:
    """An app with nothing in it that draws two rows again: the floor."""
    widget = Rows()

    async def begin(_: str) -> None:
        widget.again()

    async def flush(_: str) -> None:
        widget.again()

    return flushes(WidgetApp(widget), begin, flush, "", texts)


WAYS: dict[str, Callable[[str, list[str]], float]] = {
    "MarkdownStream": markdown_stream,
    "Log (plain)": log,
    "RichLog (lines, plain)": rich_log,
    "an empty app that draws two rows": bare_rows,
}

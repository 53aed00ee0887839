"""Paints the rows of a conversation from a cache."""

from __future__ import annotations

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from ccchat_tui.tui.markdown.lines import Line, Wrapper
from ccchat_tui.tui.widgets.transcript_paint import OFFSET_BITS, select
from ccchat_tui.tui.widgets.transcript_rows import TranscriptRows
from ccchat_tui.tui.widgets.transcript_turn import INDENT

EMPTY = (
    ("Nothing asked yet.", "model"),
    ("Write below and press Enter. Several questions may run at once.", "meta"),
)


class TranscriptView(TranscriptRows):
    """Paints what `TranscriptRows` lays out; `Transcript` adds what a person can do."""

    def notify_style_update(self) -> None:
        """Colours changed: paint everything again."""
        super().notify_style_update()
        self._strips.clear()
        self._painter.base = Style()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Several rows of the screen.

        Textual would put each row together anew for borders, padding and opacity. Without these
        the strips go to the compositor as they are, so that what it works out of them (cuts,
        escape sequences) is kept with them from frame to frame.
        """
        if self.region.size != self.size or self.opacity != 1 or self.styles.tint.a:
            return super().render_lines(crop)
        strips = [self.render_line(y) for y in crop.line_range]
        background = self.background_colors[1]
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        if crop.column_span != (0, self.size.width):
            begin, end = crop.column_span
            strips = [strip.crop(begin, end) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width = self.size.width
        if not self._painter.base:
            self._painter.reset()
        strip = self._strip(y, width)
        if y == self.size.height - 1 and not self._following:
            strip = self._with_hint(strip, width)
        return strip

    def _strip(self, y: int, width: int) -> Strip:
        row = round(self.scroll_y) + y
        if row < len(self._top_lines):
            return self._painter.paint(self._top_lines[row], "top", width)
        row -= len(self._top_lines)
        if not self._views:
            return self._empty(y, width)
        if row >= self._index.total:
            return Strip.blank(width, self._painter.base)
        index, offset = self._index.find(row)
        view = self._views[index]
        found = view.line(offset) if view.laid_out else None
        if found is None:
            return Strip.blank(width, self._painter.base)
        line, section, _ = found
        bar = ""
        if section == "question":
            bar = "cursor" if index == self._cursor and self.has_focus else "bar"
        key = (index << OFFSET_BITS | offset, bar)
        strip = self._strips.get(key)
        if strip is None or strip.cell_length < width:
            meta = {"transcript": (section, view.turn.id)}
            strip = self._painter.paint(line, section, width, bar=bar, meta=meta)
            strip = strip.crop_extend(0, width, self._painter.base).apply_offsets(0, key[0])
            while len(self._strips) > 2 * self.size.height + 32:
                # The oldest goes. Each strip carries a dozen objects, and all that lives costs
                # time whenever Python looks for garbage.
                del self._strips[next(iter(self._strips))]
            self._strips[key] = strip
        selection = self.text_selection
        if selection is not None:
            span = selection.get_span(key[0])
            if span is not None:
                style = self.screen.get_component_rich_style("screen--selection")
                # Cut into more segments, each of which must say anew where it stands.
                strip = select(strip, max(span[0], 0), span[1], style).apply_offsets(0, key[0])
        return strip

    def _empty(self, y: int, width: int) -> Strip:
        rows = [(text, style) for text, style in EMPTY]
        lines: list[Line] = []
        for text, style in rows:
            wrapper = Wrapper(max(10, width - 8))
            lines += wrapper.feed([(text, style)]) + wrapper.close()
        at = y - max(len(self._top_lines), self.size.height // 2 - len(lines))
        if not 0 <= at < len(lines):
            return Strip.blank(width, self._painter.base)
        line = lines[at]
        left = max(0, (width - line.cells) // 2 - INDENT)
        return self._painter.paint(
            Line([(" " * left, ""), *line.spans], line.cells + left), "top", width
        ).crop_extend(0, width, self._painter.base)

    def _with_hint(self, strip: Strip, width: int) -> Strip:
        many = "line" if self._new_rows == 1 else "lines"
        text = " \u2193 End "
        if self._new_rows:
            full = f" \u2193 {self._new_rows:,} new {many} (End) "
            short = f" \u2193 {self._new_rows:,} "
            text = next((text for text in (full, short) if len(text) <= width), text)
        text = text[: max(0, width)]
        hint = self._painter.paint(Line([(text, "hint")], len(text)), "hint", INDENT + len(text))
        hint = hint.crop(INDENT, INDENT + len(text)).apply_meta({"transcript": ("end", "")})
        left = max(0, width - len(text) - (2 if width > len(text) + 2 else 0))
        return Strip.join([strip.crop(0, left), hint, strip.crop(left + len(text), width)])

"""Markdown that streams: text in pieces goes in, rows of styled text come out."""

from ccchat_tui.tui.markdown.document import Document
from ccchat_tui.tui.markdown.lines import Line, Span, plain_text

__all__ = ["Document", "Line", "Span", "plain_text"]

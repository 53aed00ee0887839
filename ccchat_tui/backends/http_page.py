"""What a person would read of a page that a server sent instead of an answer."""

from __future__ import annotations

from contextlib import suppress
from html.parser import HTMLParser


def read_page(text: str) -> list[str]:
    """The texts on a page, in their order, each once.

    Args:
        text: Its beginning, in HTML or something like it.
    """
    page = _Page()
    # Some Pythons assert that no page is as broken as some pages are; what was read until there
    # has to do.
    with suppress(AssertionError):
        page.feed(text)
        page.close()
    return page.pieces


class _Page(HTMLParser):
    """Collects what a person would read of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - its signature
        if tag in ("script", "style"):
            self._unread += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style") and self._unread:
            self._unread -= 1

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        # A page's title is mostly its heading too.
        if text and not self._unread and text not in self.pieces:
            self.pieces.append(text)

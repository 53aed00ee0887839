"""The links and code blocks of a turn, as text to copy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from ccchat_tui.quick import dataclass
from ccchat_tui.text import sanitize

if TYPE_CHECKING:
    from markdown_it.token import Token

    from ccchat_tui.sessions.model import Turn

_BARE: Final = re.compile(r"\b(?:https?|ftp)://[^\s<>\"'`\u201d\u00bb]+|\bwww\.[^\s<>\"'`]+")
OPENED: Final = ("http", "https")
"""Kinds of links that a browser is asked to open."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Something of a turn that one may want by itself."""

    kind: Literal["link", "code", "reply", "question"]
    text: str
    """What is copied; sanitised."""
    about: str = ""
    """What stands in the text for a link; the language of code."""


def pieces_of(turn: Turn) -> list[Piece]:
    """The links and the code blocks of a turn in their order, then the reply and the question.

    Args:
        turn: Its reply may still be growing.
    """
    found: list[Piece] = []
    for text in (turn.reply, turn.question):
        for piece in _pieces(sanitize(text)):
            if piece not in found:
                found.append(piece)
    if turn.parts:
        found.append(Piece("reply", sanitize(turn.reply)))
    found.append(Piece("question", sanitize(turn.question)))
    return found


def _pieces(text: str) -> Iterator[Piece]:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only when asked for

    parser = MarkdownIt("commonmark").enable("table")
    # Links are shown, and copied, whatever they are; which are opened is decided elsewhere.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    for token in parser.parse(text):
        if token.type in ("fence", "code_block"):
            yield Piece("code", token.content.rstrip("\n"), token.info.strip())
        elif token.children:
            yield from _links(token.children)


def _links(tokens: list[Token]) -> Iterator[Piece]:
    url, shown = "", ""
    for token in tokens:
        if token.type == "link_open":
            url, shown = sanitize(str(token.attrGet("href") or "")), ""
        elif token.type == "link_close":
            if url:
                yield Piece("link", url, "" if shown == url else shown)
            url = ""
        elif token.type == "image":
            if source := sanitize(str(token.attrGet("src") or "")):
                yield Piece("link", source, token.content or "image")
        elif url:
            shown += token.content
        else:
            for found in _BARE.finditer(token.content):
                yield Piece("link", _trimmed(found[0]))


def _trimmed(url: str) -> str:
    """An address without the punctuation of the sentence behind it."""
    url = url.rstrip(".,;:!?*_~")
    while url.endswith((")", "]", "}")) and url.count(url[-1]) > url.count(
        {")": "(", "]": "[", "}": "{"}[url[-1]]
    ):
        url = url[:-1].rstrip(".,;:!?")
    return url


def address_of(link: str) -> str:
    """The whole address of a link that a browser may open; empty for any other, such as a file, a
    script, or one that hides where it goes."""
    address = f"https://{link}" if link.startswith("www.") else link
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return ""
    plain = not re.search(r"[\s\\]", address) and address.isprintable()
    return address if parts.scheme.lower() in OPENED and host and plain else ""

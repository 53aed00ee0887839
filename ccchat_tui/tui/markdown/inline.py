"""What stands within a paragraph: emphasis, code, links, as spans with the names of styles."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from ccchat_tui.text import Sanitizer, sanitize
from ccchat_tui.tui.markdown.lines import Span, glue, merge, sticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

CHUNK: Final = 600
"""Characters of a paragraph after which it may be cut into parts that are parsed separately."""
LONGEST_CHUNK: Final = 1600
"""Characters after which it is cut wherever that does least harm."""
_SPECIAL: Final = re.compile(r"[*_`~\[<&\\!]|  \n")
_OPENERS: Final = {"em_open": "em", "strong_open": "strong", "s_open": "strike"}
_CLOSERS: Final = frozenset({"em_close", "strong_close", "s_close"})
_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
_MARKERS: Final = re.compile(r"\\.|`+|\*+|~~|(?<![^\W_])__?(?=\S)|(?<=\S)__?(?![^\W_])|\[|\]")


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only needed once text has markup

    parser = MarkdownIt("commonmark").enable("strikethrough")
    # Every link and every picture is shown with its address, so none needs to be refused.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    return parser


def parse_inline(text: str, style: str = "", *, unfinished: bool = False) -> list[Span]:
    """Turn the text of a paragraph into spans.

    Line breaks of the source stay line breaks: models break lines on purpose. Nothing is dropped
    but the markup itself; HTML is shown as text.

    Args:
        text: Sanitised text without block structure.
        style: Names of styles that hold for all of it.
        unfinished: Whether more of it is still to come. Then emphasis and code that have been
            opened but not closed are drawn as if they had been.
    """
    text = text.replace("\t", " ")
    if len(text) <= LONGEST_CHUNK:
        return _parse(text, style, unfinished=unfinished)
    spans: list[Span] = []
    at = 0
    while len(text) - at > LONGEST_CHUNK:
        cut = cut_at(text, at)
        spans += _parse(text[at:cut], style, unfinished=False)
        at = cut
    return spans + _parse(text[at:], style, unfinished=unfinished)


def cut_at(text: str, begin: int) -> int:
    """Where a long paragraph may be cut: at a space, with no markup open if that can be had.

    It looks only at what is certain to be there, so that the answer does not depend on how much
    has come so far.
    """
    end = begin + LONGEST_CHUNK
    fallback = 0
    at = begin + CHUNK
    while True:
        at = text.find(" ", at, end)
        if at < 0:
            break
        part = text[begin:at]
        if (
            not part.count("`") % 2
            and not part.count("*") % 2
            and not part.count("~~") % 2
            and part.count("[") == part.count("]")
            and part.rfind("](") <= part.rfind(")")
        ):
            return at
        fallback = at
        at += 1
    if fallback:
        return fallback
    cut = end
    while cut > begin + CHUNK and (sticks(text[cut]) or text[cut - 1] == "\u200d"):
        cut -= 1
    return cut


def _parse(text: str, style: str, *, unfinished: bool) -> list[Span]:
    if not _SPECIAL.search(text):
        return [(text, style)] if text else []
    if unfinished:
        text += _closers(text)
    parser = _parser()
    env: dict[str, Any] = {}
    tokens: list[Token] = []
    parser.inline.parse(text, parser, env, tokens)
    spans = merge(_spans(tokens, style))
    if all(text.isascii() for text, _ in spans):
        return spans
    # Character references name any character, and marks come together where markup is taken out.
    sanitizer = Sanitizer()
    clean = [(sanitizer.feed(text), style) for text, style in spans]
    clean.append((sanitizer.close(), clean[-1][1]))
    return glue([span for span in clean if span[0]])


def _closers(text: str) -> str:
    """What closes everything that is still open at the end of an unfinished text."""
    start = max(text.rfind("\n\n"), len(text) - 2000, 0)
    open_markers: list[str] = []
    for match in _MARKERS.finditer(text, start):
        marker = match[0]
        if marker[0] == "\\":
            continue
        if open_markers and open_markers[-1][0] == "`":
            if marker == open_markers[-1]:
                open_markers.pop()
        elif marker in "[]":
            continue
        elif open_markers and open_markers[-1] == marker:
            open_markers.pop()
        elif marker in ("*", "_", "**", "__", "***", "~~") or marker[0] == "`":
            at_end = match.end() == len(text)
            flanks = at_end or text[match.end()].isspace()
            if flanks and marker[0] != "`":
                continue
            open_markers.append(marker)
    if not open_markers:
        return ""
    tail = text.rstrip(" ")
    if tail != text and any(marker[0] != "`" for marker in open_markers):
        # A closing marker after a space closes nothing.
        return ""
    return "".join(reversed(open_markers))


def _spans(tokens: Sequence[Token], style: str) -> list[Span]:  # noqa: C901, PLR0912 - a table
    spans: list[Span] = []
    styles = [style] if style else []
    links: list[tuple[str, int]] = []
    for token in tokens:
        kind = token.type
        joined = " ".join(styles)
        if kind == "text":
            if token.content:
                spans.append((token.content, joined))
        elif kind == "text_special":
            spans.append((sanitize(token.content).replace("\t", " "), joined))
        elif kind in ("softbreak", "hardbreak"):
            spans.append(("\n", joined))
        elif kind == "code_inline":
            spans.append((token.content, " ".join([*styles, "code"])))
        elif kind in _OPENERS:
            styles.append(_OPENERS[kind])
        elif kind in _CLOSERS:
            styles.pop()
        elif kind == "link_open":
            links.append((_target(token, "href"), len(spans)))
            styles.append("link")
        elif kind == "link_close":
            styles.pop()
            url, begin = links.pop()
            shown = "".join([text for text, _ in spans[begin:]])
            if url and url not in (shown, "mailto:" + shown):
                spans.append((f" ({url})", " ".join([*styles, "url"])))
        elif kind == "image":
            alt = token.content or "image"
            spans.append((f"[{alt}]", " ".join([*styles, "image"])))
            if url := _target(token, "src"):
                spans.append((f" ({url})", " ".join([*styles, "url"])))
        elif kind == "html_inline" and _BREAK.fullmatch(token.content):
            spans.append(("\n", joined))
        elif token.content:
            spans.append((token.content, " ".join([*styles, "html"])))
    return spans


def _target(token: Token, name: str) -> str:
    """The address of a link or a picture, with its title where it has one."""
    url = sanitize(str(token.attrGet(name) or ""))
    title = sanitize(str(token.attrGet("title") or "")).replace("\n", " ")
    return f'{url} "{title}"'.lstrip() if title else url

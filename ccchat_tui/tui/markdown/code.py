"""Highlights code line by line while it streams: each finished line is looked at once."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from ccchat_tui.tui.markdown.lines import Span, glue, merge

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST: Final = 2000
"""Characters of a line beyond which it is not highlighted; no such line was written by hand."""

HELD: Final = 60
"""Lines of an unfinished comment that are kept back to be highlighted in one piece."""

_names: dict[object, str] = {}


def _style(token: object) -> str:
    name = _names.get(token)
    if name is None:
        name = _names[token] = f"fence code:{token}"
    return name


@lru_cache(maxsize=64)
def _lexer(language: str) -> Any:
    """A lexer, or `None` where nobody knows the language. Pygments is loaded only now."""
    if not language:
        return None
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415 - slow to load, seldom needed
    from pygments.util import ClassNotFound  # noqa: PLC0415

    try:
        return get_lexer_by_name(language)
    except ClassNotFound:
        return None


class Highlighter:
    """Turns the lines of one code block into spans, in order.

    It keeps the lexer's state from line to line, so that a string over several lines stays a
    string. What it says of a line depends only on the lines up to it, never on when they came.

    Args:
        info: What stands behind the opening of the fence; its first word names the language.
    """

    def __init__(self, info: str) -> None:
        words = re.split(r"[\s{,:]", info.strip(), maxsplit=1)
        self.language = words[0] if info.strip() else ""
        self._lexer = _lexer(self.language.lower())
        self._tokens: dict[str, Any] | None = None
        if self._lexer is not None:
            from pygments.lexer import ExtendedRegexLexer, RegexLexer  # noqa: PLC0415

            if isinstance(self._lexer, RegexLexer) and not isinstance(
                self._lexer, ExtendedRegexLexer
            ):
                self._tokens = getattr(self._lexer, "_tokens", None)
        self._stack: list[str] = ["root"]
        self._held: list[str] = []

    def feed(self, line: str) -> list[list[Span]]:
        """Take the next finished line.

        Returns:
            The spans of every line that is decided now; none while a comment is open.
        """
        held = [*self._held, line]
        if len(line) <= LONGEST and self._holds(held) and len(held) < HELD:
            self._held = held
            return []
        self._held = []
        spans, self._stack = self._highlight(held, self._stack)
        return spans

    def preview(self, line: str | None) -> list[list[Span]]:
        """The spans of the lines held back and of the unfinished line, as they look by now."""
        lines = self._held if line is None else [*self._held, line]
        return self._highlight(lines, self._stack)[0] if lines else []

    def give_up(self) -> list[list[Span]]:
        """The lines held back, as they are shown because the next one is too long."""
        held, self._held = self._held, []
        return _plain(held)

    def _holds(self, lines: list[str]) -> bool:
        """Whether a comment of the C family is open; these lexers want it in one piece."""
        if self._tokens is None:
            return False
        for line in reversed(lines):
            opened, closed = line.rfind("/*"), line.rfind("*/")
            if opened > closed:
                return True
            if closed >= 0:
                return False
        return False

    def _highlight(self, lines: list[str], stack: list[str]) -> tuple[list[list[Span]], list[str]]:
        plain = _plain(lines)
        if self._lexer is None or any(len(line) > LONGEST for line in lines):
            return plain, stack
        after = stack.copy()
        try:
            rows = self._tokenise("\n".join(lines) + "\n", after)
        except Exception:
            # Hundreds of lexers, none of them made for half a text: plain from here on.
            self._lexer = None
            return plain, stack
        if ["".join([text for text, _ in row]) for row in rows] != lines:
            # Some lexers leave out what they do not know. Nothing that was received may be lost.
            return plain, after
        return rows, after

    def _tokenise(self, text: str, stack: list[str]) -> list[list[Span]]:
        assert self._lexer is not None
        tokens = (
            self._lexer.get_tokens_unprocessed(text)
            if self._tokens is None
            else _lex(self._lexer, self._tokens, text, stack)
        )
        rows: list[list[Span]] = [[]]
        for _at, token, value in tokens:
            style = _style(token)
            first, *more = value.split("\n")
            if first:
                rows[-1].append((first, style))
            rows.extend([(part, style)] if part else [] for part in more)
        rows.pop()
        return rows if text.isascii() else [glue(merge(row)) for row in rows]


def _plain(lines: list[str]) -> list[list[Span]]:
    return [[(line, "fence")] if line else [] for line in lines]


def _lex(
    lexer: Any, tokens: dict[str, Any], text: str, stack: list[str]
) -> Iterator[tuple[int, object, str]]:
    """Pygments' own loop over its tables (`RegexLexer.get_tokens_unprocessed`), but leaving the
    stack of states behind, so that the next line can go on from it."""
    from pygments.token import Error, Whitespace, _TokenType  # noqa: PLC0415

    position = 0
    end = len(text)
    rules = tokens[stack[-1]]
    while True:
        for match, action, new_state in rules:
            found = match(text, position)
            if not found:
                continue
            if action is not None:
                if type(action) is _TokenType:
                    yield position, action, found.group()
                else:
                    yield from action(lexer, found)
            position = found.end()
            if new_state is not None:
                _move(stack, new_state)
                rules = tokens[stack[-1]]
            break
        else:
            if position >= end:
                return
            if text[position] == "\n":
                # As pygments does: an unexpected end of line leads back to the start.
                stack[:] = ["root"]
                rules = tokens["root"]
                yield position, Whitespace, "\n"
            else:
                yield position, Error, text[position]
            position += 1


def _move(stack: list[str], new_state: object) -> None:
    if isinstance(new_state, tuple):
        for state in new_state:
            if state == "#pop":
                if len(stack) > 1:
                    stack.pop()
            elif state == "#push":
                stack.append(stack[-1])
            else:
                stack.append(state)
    elif isinstance(new_state, int):
        if abs(new_state) >= len(stack):
            del stack[1:]
        else:
            del stack[new_state:]
    elif new_state == "#push":
        stack.append(stack[-1])

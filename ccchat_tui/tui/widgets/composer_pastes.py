"""Large pastes, folded: a short token stands in the editor, the text itself is sent.

An editor that wraps softly measures every line it holds again at each keystroke, so that a
megabyte of log blocks the event loop for most of a second. Nobody edits that by hand anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

FOLD_CHARACTERS = 8_000
"""A paste of more characters than this is folded."""
FOLD_LINES = 200
"""A paste of more lines than this is folded."""
EDITOR_CHARACTERS = 32_000
"""A paste that would make the editor hold more than this is folded, however short it is."""


class Pastes:
    """The texts behind the tokens of one composer."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def __len__(self) -> int:
        return len(self._texts)

    def too_large(self, text: str, held: int) -> bool:
        """Whether a text should be folded.

        Args:
            text: What was pasted.
            held: How many characters the editor holds already.
        """
        return (
            len(text) > FOLD_CHARACTERS
            or held + len(text) > EDITOR_CHARACTERS
            or text.count("\n") > FOLD_LINES
        )

    def fold(self, text: str) -> str:
        """Keep a text and give the token that stands for it.

        The same text gets the same token; another text of the same length gets another one.
        """
        name = f"pasted {len(text):,} characters"
        token, number = f"[{name}]", 1
        while self._texts.get(token, text) != text:
            number += 1
            token = f"[{name}, {number}]"
        if token not in self._texts:
            self._texts[token] = text
            self._pattern = None
        return token

    def expand(self, text: str) -> str:
        """The text with every token replaced by what it stands for."""
        pattern = self._tokens()
        return text if pattern is None else pattern.sub(lambda found: self._texts[found[0]], text)

    def spans(self, line: str) -> list[tuple[int, int]]:
        """Where the tokens of a line begin and end, in characters."""
        pattern = self._tokens()
        if pattern is None or "[" not in line:
            return []
        return [found.span() for found in pattern.finditer(line)]

    def forget_unused(self, kept: Iterable[str]) -> None:
        """Drop the texts whose tokens occur nowhere any more.

        Args:
            kept: Every text that may be shown again: the editor's own, history, undo.
        """
        pattern = self._tokens()
        if pattern is None:
            return
        used = {token for text in kept for token in pattern.findall(text)}
        if len(used) < len(self._texts):
            self._texts = {token: text for token, text in self._texts.items() if token in used}
            self._pattern = None

    def _tokens(self) -> re.Pattern[str] | None:
        if self._pattern is None and self._texts:
            self._pattern = re.compile("|".join(re.escape(token) for token in self._texts))
        return self._pattern

"""Completion in the message box: what may stand at the cursor, and which of it is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ccchat_tui.tui.slash import Choice

Source = Callable[[str], Sequence[Choice]]
"""Gives what may stand at the end of a line, the first line up to the cursor."""


class Completion:
    """Knows what is offered for the text as it is now, and nothing of how that is shown.

    It is asked at each key that it may want, before anything has been drawn: keys typed in one go
    must meet it as it will be.

    Args:
        source: What there is to choose.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._line: str | None = None
        self._closed = False
        self.choices: Sequence[Choice] = ()
        self.index = 0
        """Which of the choices is chosen."""

    @property
    def chosen(self) -> Choice | None:
        """What Tab would write; `None` while nothing is offered."""
        return self.choices[self.index] if self.choices else None

    @property
    def complete(self) -> bool:
        """Whether what is typed is the chosen one already, but for the space behind it."""
        chosen = self.chosen
        if chosen is None or self._line is None:
            return False
        return self._line[chosen.begin :].lower() == chosen.text.rstrip().lower()

    def look(self, line: str | None) -> None:
        """Take notice of the text.

        Args:
            line: The first line up to the cursor; `None` if nothing can be completed there.
        """
        if line == self._line:
            return
        self._line = line
        self.index = 0
        if line is None or not line.startswith("/"):
            self._closed = False
            self.choices = ()
            return
        self.choices = () if self._closed else self._source(line)

    def move(self, step: int) -> None:
        """Choose the one before or after, in a circle."""
        if self.choices:
            self.index = (self.index + step) % len(self.choices)

    def close(self) -> None:
        """Offer nothing more for this command."""
        self._closed = True
        self.choices = ()
        self.index = 0

"""What is expected of a reply when a server does something wrong, or only in an unusual way."""

from __future__ import annotations

from dataclasses import dataclass

from ccchat_tui.backends.base import BackendError, ChatChunk, ErrorKind
from ccchat_tui.testing.ollama_server import text_of
from tests.support.streams import text_in

TOKENS = 6
"""Of the usual reply."""


@dataclass(frozen=True)
class Right:
    """The reply is whole."""

    text: str | None = None
    """`None` for the usual one."""
    reason: str | None = "stop"
    tokens: int | None = None
    """Of the reply, as the server counts them, where that is looked at."""

    def check(self, question: str, chunks: list[ChatChunk], error: BackendError | None) -> None:
        """It ended well, with the right text, once."""
        assert error is None
        assert text_in(chunks) == (text_of(question, TOKENS) if self.text is None else self.text)
        assert [chunk.done for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
        assert chunks[-1].stats is not None
        assert chunks[-1].stats.done_reason == self.reason


@dataclass(frozen=True)
class Wrong:
    """The reply fails."""

    kind: ErrorKind
    words: str
    """Part of the message."""
    status: int | None = None
    before: int = 0
    """How many pieces came first."""
    loses: bool = False
    """Whether the system may throw away what had come and was not read yet."""
    retry_after: float | None = None
    hint: str = ""

    def check(self, chunks: list[ChatChunk], error: BackendError | None) -> BackendError:
        """It failed for this reason and was told in words, and what had come was handed on, and
        nothing else."""
        assert error is not None
        assert error.kind is self.kind
        assert self.words in error.message
        assert error.status == self.status
        assert error.retry_after == self.retry_after
        assert self.hint in "".join(error.hints)
        assert len(chunks) == self.before or (self.loses and len(chunks) < self.before)
        assert not any(chunk.done for chunk in chunks)
        for told in (error.message, *error.hints):
            assert told.isprintable()
            assert len(told) < 400
        return error

r"""Lines of JSON out of bytes that come in arbitrary pieces.

Only `\n` ends a line. The line iterators of HTTP libraries also split at U+0085 and U+2028, which
JSON allows raw inside a string, and so tear objects apart. Bytes become text only when a line is
whole, so that a character cut by a read is never damaged.
"""

from __future__ import annotations

from typing import Final

LINE_LIMIT: Final = 8 * 1024 * 1024
"""The longest line in bytes, the limit of Ollama's own client (Ollama source, api/client.go)."""

_BOM: Final = b"\xef\xbb\xbf"
_PADDING: Final = b" \t\r"
_REPLACEMENT: Final = "\ufffd"


class LineTooLongError(ValueError):
    """A line is longer than the limit.

    Args:
        limit: The limit in bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"a line is longer than {limit} bytes")
        self.limit = limit


class NdjsonReader:
    r"""Cuts a stream of bytes into lines of text.

    Blank lines, a byte order mark and `\r` before `\n` are dropped. Bytes that are not UTF-8 become
    U+FFFD. The cost is linear in the number of bytes, whether they come as many lines in one piece
    or as one line in many pieces.

    Args:
        limit: The longest line allowed, in bytes, without its line end.
    """

    __slots__ = ("_held", "limit", "replaced", "too_long")

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self.limit = limit
        self.replaced = 0
        """How many characters had to be replaced, because they were not UTF-8."""
        self.too_long = False
        """Whether a line was over the limit. What came before it has been returned; nothing after
        it will be."""
        self._held = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """Take the next piece.

        Returns:
            The lines that it completed, in order; those before a line over the limit included.
            Look at `too_long` after they are dealt with.

        Raises:
            LineTooLongError: A line was over the limit in an earlier call.
        """
        if self.too_long:
            raise LineTooLongError(self.limit)
        if b"\n" not in data:
            self._hold(data)
            return []
        raw = data.split(b"\n")
        if self._held:
            self._held += raw[0]
            raw[0] = bytes(self._held)
            self._held.clear()
        rest = raw.pop()
        lines: list[str] = []
        for line in raw:
            if len(line) > self.limit:
                self.too_long = True
                return lines
            if text := self._decode(line):
                lines.append(text)
        self._hold(rest)
        return lines

    def close(self) -> str:
        """Say that no more will come.

        Returns:
            What was left without a line end; empty if nothing was.

        Raises:
            LineTooLongError: A line was over the limit.
        """
        if self.too_long:
            raise LineTooLongError(self.limit)
        rest = bytes(self._held)
        self._held.clear()
        return self._decode(rest)

    def _hold(self, data: bytes) -> None:
        # A bytearray grows by a share of its size, so that many small pieces cost linear time.
        self._held += data
        if len(self._held) > self.limit:
            self.too_long = True
            self._held.clear()

    def _decode(self, line: bytes) -> str:
        line = line.removeprefix(_BOM).strip(_PADDING)
        try:
            return line.decode()
        except UnicodeDecodeError:
            text = line.decode(errors="replace")
            # A U+FFFD that the server itself sent is not ours.
            self.replaced += text.count(_REPLACEMENT) - line.count(_REPLACEMENT.encode())
            return text

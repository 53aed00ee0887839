r"""Server-sent events out of bytes that come in arbitrary pieces (WHATWG HTML, 9.2.6).

Lines end with `\n`, `\r\n` or `\r`; lines beginning with a colon are comments; the `data` lines of
one event belong together; a blank line ends it. Names, ids and pauses for reconnecting mean nothing
to us and are skipped.

Three things that servers do and the standard does not know are read as well, because what they hold
is mostly the reason for a failure: a line that is bare JSON (or the beginning of a page), a field
named `error`, and a last event without its blank line.
"""

from __future__ import annotations

from typing import Final

from ccchat_tui.backends.ndjson import LINE_LIMIT, LineTooLongError

_BOM: Final = b"\xef\xbb\xbf"
_BARE: Final = (b"{", b"[", b"<")
_READ: Final = (b"data", b"error")


class SseReader:
    """Cuts a stream of bytes into the data of events.

    Bytes become text only when an event is whole, so that no character is damaged; those that are
    not UTF-8 become U+FFFD. The cost is linear in the number of bytes, however they are cut.

    A body that begins with a bare line is no stream of events: it is one whole answer, and comes
    out of `close` as one piece.

    Args:
        limit: The longest line and the longest event allowed, in bytes.
    """

    __slots__ = ("_after_cr", "_begun", "_bytes", "_data", "_held", "_whole", "limit", "too_long")

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self.limit = limit
        self.too_long = False
        """Whether an event was over the limit. What came before it has been returned; nothing
        after it will be."""
        self._held = bytearray()
        self._data: list[bytes] = []
        self._bytes = 0
        self._after_cr = False
        self._begun = False
        self._whole = False

    def feed(self, data: bytes) -> list[str]:
        """Take the next piece.

        Returns:
            The data of the events that it completed, in order. Look at `too_long` after they are
            dealt with.

        Raises:
            LineTooLongError: An event was over the limit in an earlier call.
        """
        if self.too_long:
            raise LineTooLongError(self.limit)
        if self._whole:
            self._hold(data)
            return []
        if self._after_cr and data:
            # The other half of a line end that was cut.
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in data:
            self._hold(data)
            return []
        events: list[str] = []
        lines = data.split(b"\n")
        lines[0] = bytes(self._held) + lines[0]
        self._held.clear()
        rest = lines.pop()
        for number, line in enumerate(lines):
            if self._is_whole(line):
                rest = b"\n".join([*lines[number:], rest])
                break
            if not self._line(line, events):
                self.too_long = True
                return events
        self._hold(rest)
        return events

    def close(self) -> list[str]:
        """Say that no more will come.

        Returns:
            The data of what was left, which may be the half of an event.

        Raises:
            LineTooLongError: An event was over the limit.
        """
        if self.too_long:
            raise LineTooLongError(self.limit)
        events: list[str] = []
        rest = bytes(self._held)
        self._held.clear()
        if self._whole or self._is_whole(rest):
            return [_text(rest)]
        self._line(rest, events)
        self._end(events)
        return events

    def _is_whole(self, line: bytes) -> bool:
        """Whether this, as the first line with anything in it, begins a whole answer."""
        if self._begun:
            return False
        line = line.removeprefix(_BOM).strip()
        self._begun = bool(line)
        self._whole = line.startswith(_BARE)
        return self._whole

    def _line(self, line: bytes, events: list[str]) -> bool:
        """Deal with a whole line. Returns whether the event is still within the limit."""
        if not line:
            self._end(events)
            return True
        if len(line) > self.limit:
            return False
        line = line.removeprefix(_BOM)
        if line.startswith(_BARE):
            self._end(events)
            self._data.append(line)
            self._end(events)
            return True
        name, _, value = line.partition(b":")
        if name in _READ:
            value = value.removeprefix(b" ")
            self._data.append(value)
            self._bytes += len(value)
        return self._bytes <= self.limit

    def _end(self, events: list[str]) -> None:
        data = b"\n".join(self._data)
        self._data.clear()
        self._bytes = 0
        if data:
            events.append(_text(data))

    def _hold(self, data: bytes) -> None:
        # A bytearray grows by a share of its size, so that many small pieces cost linear time.
        self._held += data
        if len(self._held) > self.limit:
            self.too_long = True
            self._held.clear()


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig", errors="replace").strip()

"""What a reply is made of, down to the byte: a list of steps that a connection plays."""

from __future__ import annotations

import json
from dataclasses import field
from http import HTTPStatus
from typing import Any

from ccchat_tui.quick import dataclass

NDJSON = "application/x-ndjson"
JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Head:
    """The status line and the headers of a chunked reply. They leave with the next bytes, as
    Ollama sends them with its first line."""

    status: int = 200
    content_type: str = NDJSON
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole reply with a `Content-Length`."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the reply proper, as a chunk of its own: what pacing and the test's hand hold
    back."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes that are sent as they are, without the framing of a chunk and without a head."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Send nothing until the test lets go (`Chat.let_go`) or the client leaves."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection with a reset."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection without ending the reply."""


@dataclass(frozen=True, slots=True)
class End:
    """End the chunked reply as HTTP wants it."""


Step = bytes | Line | Head | Answer | Raw | Pause | Hold | Reset | Close | End
"""`bytes` are a chunk that nothing holds back."""


def dumps(value: Any) -> bytes:
    """JSON as Go writes it: compact, not escaped to ASCII, but for what Go escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode(errors="replace")


def line(value: Any) -> Line:
    """An object as one line of a stream."""
    return Line(dumps(value) + b"\n")


def answer(value: Any, status: int = 200) -> Answer:
    """An object as a whole reply."""
    return Answer(status, dumps(value))


def error(status: int, text: str, *headers: tuple[str, str]) -> Answer:
    """Ollama's ordinary error."""
    return Answer(status, dumps({"error": text}), headers=headers)


def head_bytes(head: Head) -> bytes:
    """The status line and headers of a chunked reply on the wire."""
    lines = [("Content-Type", head.content_type), *head.headers, ("Transfer-Encoding", "chunked")]
    return _status_line(head.status) + _fields(lines)


def answer_bytes(reply: Answer, *, body: bool = True) -> bytes:
    """A whole reply on the wire; without its body for HEAD."""
    lines = [("Content-Length", str(len(reply.body))), *reply.headers]
    if reply.content_type:
        lines.insert(0, ("Content-Type", reply.content_type))
    return _status_line(reply.status) + _fields(lines) + (reply.body if body else b"")


def chunk_bytes(data: bytes) -> bytes:
    """One chunk on the wire."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


def _fields(lines: list[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in lines).encode() + b"\r\n"


@dataclass(slots=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    """With the query, if any."""
    headers: dict[str, str]
    """By their names in lower case."""
    body: bytes = b""
    number: int = 0
    """The place of the request among those of its connection, the first being 0."""
    connection: int = 0
    """The number of the connection that it came by, from 1."""
    cached: dict[str, Any] | None = field(default=None, repr=False)

    def json(self) -> dict[str, Any]:
        """The body as an object. Raises `ValueError` if it is none."""
        if self.cached is None:
            value = json.loads(self.body)
            if not isinstance(value, dict):
                raise ValueError(f"the body is {type(value).__name__}, and not an object")
            self.cached = value
        return self.cached

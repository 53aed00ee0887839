"""Files that go with a question: pictures for models that see, texts for every model.

What a file is goes by its content, never by its name. It is read once, whole, into what a request
holds of it, and its size is bounded, so that what a message can weigh is known beforehand.
"""

from __future__ import annotations

import base64
import codecs
import re
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

from ccchat_tui.quick import dataclass
from ccchat_tui.text import one_line, shown_value

LARGEST_PICTURE: Final = 20_000_000
"""Bytes of a picture at most."""
LARGEST_TEXT: Final = 5_000_000
"""Bytes of a text at most: well over a million tokens, which is more than models take."""
MOST: Final = 16
"""Files of one message at most."""
MOST_BYTES: Final = 40_000_000
"""Bytes of all files of one message at most."""
PICTURE_TOKENS: Final = 600
"""About what a picture takes of the context. It depends on the model and, with some, on the size
of the picture: from 256 (gemma3) to a few thousand."""
NAME_WIDTH: Final = 120
"""Cells of a name at most."""

SLICE: Final = 196_608
"""Bytes that are worked on in one go, which takes well under a millisecond: even in a thread,
Python does one thing at a time. A multiple of three, so that Base64 of slices can be joined."""

Slice = TypeVar("Slice")

PICTURES: Final[Mapping[str, str]] = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP", "gif": "GIF"}
"""The kinds of pictures, and how people write them."""
TEXT: Final = "text"

_HEADS: Final = {
    b"%PDF": "a PDF document; save its text as a file and attach that",
    b"PK\x03\x04": "a ZIP archive or an office document; save its text as a file and attach that",
    b"\x1f\x8b": "compressed; unpack it first",
    b"BM": "a BMP picture; save it as PNG or JPEG",
    b"II*\x00": "a TIFF picture; save it as PNG or JPEG",
    b"MM\x00*": "a TIFF picture; save it as PNG or JPEG",
    b"\xff\xfe": "text in UTF-16; save it as UTF-8",
    b"\xfe\xff": "text in UTF-16; save it as UTF-8",
}
"""What is no picture for a model and no text, by how it begins, and what helps."""


class AttachmentError(Exception):
    """A file cannot be attached.

    Args:
        message: In words: the file, what is wrong with it, and what helps.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file, as it goes with a question."""

    name: str
    """Without its folder, fit for the screen."""
    kind: str
    """One of `PICTURES`, or `TEXT`."""
    size: int
    """Bytes."""
    digest: str
    """SHA-256 of its bytes, in hexadecimal digits."""
    content: str
    """The text; of a picture, its Base64."""

    @property
    def is_picture(self) -> bool:
        """Whether it takes a model that sees."""
        return self.kind in PICTURES

    @property
    def kind_words(self) -> str:
        """What it is, as people write it."""
        return PICTURES.get(self.kind, self.kind)

    @property
    def tokens(self) -> int:
        """About how many tokens of context it takes."""
        return PICTURE_TOKENS if self.is_picture else -(-self.size // 4)

    def pieces(self) -> Iterator[bytes]:
        """Its bytes, slice by slice."""
        step = SLICE // 3 * 4
        for start in politely(range(0, len(self.content), step)):
            piece = self.content[start : start + step]
            yield base64.b64decode(piece) if self.is_picture else piece.encode()


def read_attachment(path: Path) -> Attachment:
    """Read a file, which blocks: to be called in a thread.

    Raises:
        AttachmentError: It is not there, no file, cannot be read, is too large, or is neither a
            picture nor text.
    """
    name = one_line(path.name, NAME_WIDTH) or shown_value(str(path))
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise AttachmentError(f"{name} is a folder; attach the files in it one by one.")
        if not stat.S_ISREG(found.st_mode):
            raise AttachmentError(f"{name} is no file that could be read; attach a plain file.")
        with path.open("rb") as file:
            head = file.read(SLICE)
            most = LARGEST_PICTURE if picture_kind(head) else LARGEST_TEXT
            if found.st_size <= most:
                file.seek(0)
                # A file may grow while it is read.
                return attachment_from(name, file.read(most + 1))
    except FileNotFoundError:
        where = one_line(str(path), NAME_WIDTH)
        raise AttachmentError(
            f"There is no file {where}; look at how its path is written."
        ) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise AttachmentError(f"{name} cannot be read: {why}.") from None
    _refuse_kind(name, head)
    raise _too_large(name, found.st_size, most)


def attachment_from(name: str, data: bytes) -> Attachment:
    """A file's bytes as what a request holds of it. Takes a while where they are many.

    Raises:
        AttachmentError: As for `read_attachment`.
    """
    import hashlib  # noqa: PLC0415 - loads OpenSSL, and few attach anything

    name = one_line(name, NAME_WIDTH) or "file"
    kind = picture_kind(data)
    if kind is None:
        _refuse_kind(name, data)
        kind = TEXT
        data = data.removeprefix(codecs.BOM_UTF8)
        if not data:
            raise AttachmentError(f"{name} is empty; there is nothing in it to attach.")
    most = LARGEST_TEXT if kind == TEXT else LARGEST_PICTURE
    if len(data) > most:
        raise _too_large(name, len(data), most)
    slices = (data[start : start + SLICE] for start in range(0, len(data), SLICE))
    try:
        content = content_of(kind, slices)
    except UnicodeDecodeError as error:
        raise AttachmentError(
            f"{name} is neither a picture (PNG, JPEG, WebP, GIF) nor UTF-8 text: "
            f"the byte 0x{error.object[error.start]:02x} stands in it. Save it as UTF-8 text."
        ) from None
    return Attachment(name, kind, len(data), hashlib.sha256(data).hexdigest(), content)


def content_of(kind: str, slices: Iterable[bytes], errors: str = "strict") -> str:
    """What a request holds of a file.

    Args:
        kind: Of the file.
        slices: Its bytes, in slices of `SLICE` but for the last.
        errors: What to do with a text that is no UTF-8.

    Raises:
        UnicodeDecodeError: If `errors` is `strict`.
    """
    if kind != TEXT:
        return "".join([base64.b64encode(piece).decode("ascii") for piece in politely(slices)])
    decoder = codecs.getincrementaldecoder("utf-8")(errors)
    pieces = [decoder.decode(piece) for piece in politely(slices)]
    pieces.append(decoder.decode(b"", final=True))
    return "".join(pieces)


def politely(slices: Iterable[Slice]) -> Iterator[Slice]:
    """Slices, with a turn for other threads before each: unasked, Python gives them none for five
    milliseconds."""
    for piece in slices:
        time.sleep(0)
        yield piece


def bytes_from(text: str) -> bytes:
    """The bytes behind some Base64.

    Raises:
        ValueError: It is none.
    """
    step = SLICE // 3 * 4
    pieces = (text[start : start + step] for start in range(0, len(text), step))
    return b"".join(base64.b64decode(piece, validate=True) for piece in pieces)


def picture_kind(head: bytes) -> str | None:
    """Which kind of picture some bytes begin; `None` if it is none that models see."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    return "webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def check_room(there: Iterable[Attachment], more: Attachment) -> None:
    """Make sure that a message has room for one more file.

    Raises:
        AttachmentError: It has not, or the file is attached already.
    """
    files = list(there)
    if any(each.digest == more.digest and each.name == more.name for each in files):
        raise AttachmentError(f"{more.name} is attached already.")
    if len(files) >= MOST:
        raise AttachmentError(
            f"{more.name} is one too many: a message takes {MOST} files. "
            "Take one out, or send it with the next message."
        )
    if sum(each.size for each in files) + more.size > MOST_BYTES:
        raise AttachmentError(
            f"{more.name} ({size_words(more.size)}) is too much beside the others: a message takes "
            f"{size_words(MOST_BYTES)}. Send it with the next message."
        )


def size_words(size: float) -> str:
    """Bytes as people read them, in powers of 1000."""
    for unit in ("B", "kB", "MB"):
        if size < 999.95:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def fenced(attachment: Attachment) -> str:
    """A text file as a block of Markdown with its name, whatever stands in it."""
    text = attachment.content
    ticks = "```"
    if ticks in text:
        ticks = "`" * (max(map(len, re.findall("`+", text))) + 1)
    ending = re.search(r"\.(\w{1,12})\Z", attachment.name, re.ASCII)
    end = "" if text.endswith("\n") else "\n"
    name = attachment.name.replace("`", "'")
    return f"{name}:\n{ticks}{ending[1] if ending else ''}\n{text}{end}{ticks}"


def _refuse_kind(name: str, data: bytes) -> None:
    """Raises `AttachmentError` for what is known to be neither a picture nor text."""
    for head, words in _HEADS.items():
        if data.startswith(head):
            raise AttachmentError(f"{name} is {words}.")
    if not picture_kind(data) and 0 in data:
        raise AttachmentError(
            f"{name} is binary: neither a picture (PNG, JPEG, WebP, GIF) nor text. "
            "Attach a text that says what is in it."
        )


def _too_large(name: str, size: int, most: int) -> AttachmentError:
    what, helps = (
        ("a text", "Attach a part of it.")
        if most == LARGEST_TEXT
        else ("a picture", "Make it smaller: models scale it down anyway.")
    )
    return AttachmentError(
        f"{name} is too large: {size_words(size)}, and {what} may have {size_words(most)}. {helps}"
    )

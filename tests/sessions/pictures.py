"""Pictures for tests: a whole one, and beginnings of others."""

from __future__ import annotations

import struct
import zlib


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(size: int = 0) -> bytes:
    """A picture of one red pixel, as PNG.

    Args:
        size: Bytes that it is to have at least.
    """
    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0\xff\0\0")
    filler = _chunk(b"teXt", b"x" * size) if size else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + filler
        + _chunk(b"IDAT", pixel)
        + _chunk(b"IEND", b"")
    )


JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\0"
GIF = b"GIF89a\x01\0\x01\0"
WEBP = b"RIFF\x24\0\0\0WEBPVP8 "

"""A reply as the cache keeps it: collected while it streams, and given back in its pieces."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator

from ccchat_tui.backends.base import ChatChunk, ChatStats

ENTRY_OVERHEAD = 600
"""Bytes that an entry takes beside its text: key, objects and its place in the table. Measured
on CPython 3.11, and rounded up."""


class Collector:
    """The pieces of a reply that may come to be kept, as long as it is not too long for that."""

    __slots__ = ("cuts", "room", "text", "thinking")

    def __init__(self, room: int) -> None:
        self.text: list[str] = []
        self.thinking: list[str] = []
        self.cuts = array("l")
        """Lengths of the pieces; those of the thinking below zero."""
        self.room = room

    def take(self, chunk: ChatChunk) -> None:
        """Add a piece."""
        if self.room < 0:
            return
        if chunk.thinking:
            self.thinking.append(chunk.thinking)
            self.cuts.append(-len(chunk.thinking))
        if chunk.text:
            self.text.append(chunk.text)
            self.cuts.append(len(chunk.text))
        self.room -= len(chunk.text) + len(chunk.thinking) + self.cuts.itemsize
        if self.room < 0:
            self.text.clear()
            self.thinking.clear()


class KeptReply:
    """A whole reply: its text in one string, and where the pieces were cut."""

    __slots__ = ("cuts", "size", "stats", "stored_at", "text", "thinking")

    def __init__(self, chunks: Collector, stats: ChatStats, stored_at: float) -> None:
        self.text = "".join(chunks.text)
        self.thinking = "".join(chunks.thinking)
        self.cuts = chunks.cuts
        self.stats = stats
        self.stored_at = stored_at
        self.size = ENTRY_OVERHEAD + sum(map(sys.getsizeof, (self.text, self.thinking, self.cuts)))

    def pieces(self) -> Iterator[ChatChunk]:
        """The pieces as they came."""
        text_at = thinking_at = 0
        for cut in self.cuts:
            if cut > 0:
                yield ChatChunk(self.text[text_at : text_at + cut])
                text_at += cut
            else:
                yield ChatChunk(thinking=self.thinking[thinking_at : thinking_at - cut])
                thinking_at -= cut

    def at_once(self) -> Iterator[ChatChunk]:
        """The reply in as few pieces as it can be had."""
        if self.thinking:
            yield ChatChunk(thinking=self.thinking)
        if self.text:
            yield ChatChunk(self.text)

"""What a Markdown text is made of: leaves that hold text, and what they stand in."""

from __future__ import annotations

from dataclasses import field
from enum import Enum

from ccchat_tui.quick import dataclass


class Kind(Enum):
    """What a leaf is."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    FENCE = "fence"
    INDENTED = "indented"
    HTML = "html"
    TABLE = "table"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Quote:
    """A block quote that leaves stand in."""

    serial: int


@dataclass(frozen=True, slots=True)
class Item:
    """A list item that leaves stand in."""

    serial: int
    list_serial: int
    """The same for all items of one list."""
    indent: int
    """How many columns its content is indented by, from the content of what holds it."""
    number: int | None
    """`None` in a list with bullets."""
    delimiter: str
    """The bullet, or what follows the number."""


Container = Quote | Item


@dataclass(slots=True, eq=False)
class Leaf:
    """One block that holds text."""

    kind: Kind
    containers: tuple[Container, ...]
    lines: list[str] = field(default_factory=list)
    """Its text. Only the last leaf's grows, and only at the end."""
    level: int = 0
    """Of a heading, 1 to 6."""
    info: str = ""
    """What stands behind the opening of a fence; how its lines are closed otherwise."""
    gap: bool = True
    """Whether an empty line stood before it in the source."""
    closed: bool = False
    """Whether it cannot grow any more."""

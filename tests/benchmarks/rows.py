"""The one shape in which every benchmark hands over its figures, and how they are printed."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside another that was measured in the same run.

    Figures of a machine mean little elsewhere; what can be compared is the ratio.
    """

    name: str
    """What was measured."""
    ours: float
    other: float | None
    """The same for what it stands beside, or the aim; `None` if it stands alone."""
    other_name: str
    """What it stands beside."""
    unit: str
    how: str
    """Which figure of how many runs, and how far they were apart."""

    @property
    def ratio(self) -> float | None:
        """Ours divided by the other."""
        return self.ours / self.other if self.other else None

    def as_json(self) -> dict[str, object]:
        """The row as plain data."""
        return {
            "name": self.name,
            "ours": self.ours,
            "other": self.other,
            "other_name": self.other_name,
            "ratio": self.ratio,
            "unit": self.unit,
            "how": self.how,
        }


def spread(values: Sequence[float], digits: int = 0) -> str:
    """How far the values are apart, in words: the lowest and the highest."""
    return f"{min(values):,.{digits}f} to {max(values):,.{digits}f}"


def middle(values: Sequence[float], name: str, unit: str, digits: int = 0) -> str:
    """A line of a report: the median and the spread of some runs."""
    many = f"{len(values)} run" + ("s" if len(values) != 1 else "")
    return (
        f"{name}: {statistics.median(values):,.{digits}f} {unit} "
        f"({spread(values, digits)}, {many})\n"
    )


def number(value: float | None) -> str:
    """A figure with three digits that count."""
    if value is None:
        return "-"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def table(rows: Iterable[Row]) -> str:
    """The rows for people."""
    cells = [("what", "ours", "beside", "unit", "ratio", "beside what", "how")]
    cells += [
        (
            row.name,
            number(row.ours),
            number(row.other),
            row.unit,
            number(row.ratio),
            row.other_name,
            row.how,
        )
        for row in rows
    ]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for line in cells:
        parts = []
        for index, (cell, width) in enumerate(zip(line, widths, strict=True)):
            space = " " * (width - cell_len(cell))
            parts.append(space + cell if index in {1, 2, 4} else cell + space)
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines) + "\n"

"""Values of a whole run in as many columns as there are, so that no peak is lost."""

from __future__ import annotations

from collections.abc import Sequence


def sampled(values: Sequence[float], columns: int) -> list[float]:
    """The highest of the values that fall into each column.

    Args:
        values: Each stands for a span of one length. Where there are fewer than columns, each takes
            several.
        columns: How many there are; 1 or more.
    """
    count = len(values)
    if not count:
        return [0.0] * columns
    return [
        max(values[column * count // columns : max(1, -(-(column + 1) * count // columns))])
        for column in range(columns)
    ]

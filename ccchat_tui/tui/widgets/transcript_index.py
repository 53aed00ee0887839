"""Finds rows in a very long list of things of different heights."""

from __future__ import annotations

from collections.abc import Iterable


class RowIndex:
    """Heights of things one below the other, with quick sums (a Fenwick tree).

    Changing a height, adding a thing at the end and finding the thing at a row all take a number
    of steps that grows with the logarithm of how many things there are.
    """

    __slots__ = ("_heights", "_total", "_tree")

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._heights: list[int] = []
        self._tree: list[int] = [0]
        self._total = 0
        for height in heights:
            self.append(height)

    def __len__(self) -> int:
        return len(self._heights)

    @property
    def total(self) -> int:
        """Rows of everything together."""
        return self._total

    def height(self, index: int) -> int:
        """Rows of one thing."""
        return self._heights[index]

    def append(self, height: int) -> None:
        """Add a thing at the end."""
        self._heights.append(height)
        self._total += height
        node = len(self._heights)
        covered = height
        step = 1
        while not node & step:
            covered += self._tree[node - step]
            step <<= 1
        self._tree.append(covered)

    def set(self, index: int, height: int) -> int:
        """Change a height.

        Returns:
            By how much it has grown.
        """
        delta = height - self._heights[index]
        if delta:
            self._heights[index] = height
            self._total += delta
            node = index + 1
            while node < len(self._tree):
                self._tree[node] += delta
                node += node & -node
        return delta

    def top(self, index: int) -> int:
        """The row at which a thing begins; the total for the one behind the last."""
        total = 0
        while index:
            total += self._tree[index]
            index &= index - 1
        return total

    def find(self, row: int) -> tuple[int, int]:
        """What stands at a row.

        Args:
            row: Below 0 counts as the first row, beyond the end as the last.

        Returns:
            The thing's index, and the row within it. `(0, 0)` if there is nothing.
        """
        if not self._heights:
            return 0, 0
        row = max(0, min(row, self._total - 1))
        index = 0
        step = 1 << (len(self._heights).bit_length() - 1)
        while step:
            node = index + step
            if node < len(self._tree) and self._tree[node] <= row:
                index = node
                row -= self._tree[node]
            step >>= 1
        if index >= len(self._heights):
            return len(self._heights) - 1, max(0, self._heights[-1] - 1)
        return index, row

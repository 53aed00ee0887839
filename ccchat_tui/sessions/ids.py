"""Names for things that are made while the program runs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable


def random_id() -> str:
    """A fresh identifier of 16 hexadecimal digits, unique for all practical purposes."""
    return os.urandom(8).hex()


def counted_ids(prefix: str = "id-") -> Callable[[], str]:
    """A maker of identifiers that can be repeated: `id-1`, `id-2`, and so on.

    Args:
        prefix: What stands before the number.
    """
    numbers = itertools.count(1)
    return lambda: f"{prefix}{next(numbers)}"

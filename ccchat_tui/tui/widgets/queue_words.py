"""Numbers of the queue in few characters, so that they line up in narrow columns."""

from __future__ import annotations

_UNITS = ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G"), (1_000_000_000_000, "T"))


def duration(seconds: float, width: int = 6) -> str:
    """A span of time: `0.6s`, `12s`, `3m05s`, `2h05m`.

    Args:
        seconds: How long; what is below zero counts as zero.
        width: Cells there are, 3 at least; the smaller unit is left out where they are too few.
    """
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f}s"
    whole = round(min(seconds, 359_940))
    if whole < 60:
        return f"{whole}s"
    unit, small = ("m", "s") if whole < 3600 else ("h", "m")
    big, rest = divmod(whole if unit == "m" else whole // 60, 60)
    text = f"{big}{unit}{rest:02}{small}"
    return text if len(text) <= width else f"{big}{unit}"


def count(number: int, width: int = 7) -> str:
    """A whole number with its thousands marked: `1,234`; `12.3k` or `12k` where that is too wide.

    Args:
        number: What was counted.
        width: Cells there are.
    """
    text = f"{number:,}"
    if len(text) <= width or number < 1_000:
        return text
    shortest = text
    for size, unit in _UNITS:
        if number < size:
            break
        # Cut, not rounded: 999,999 is not a million yet.
        tenths = number * 10 // size
        shortest = f"{tenths // 10}{unit}"
        if tenths < 1_000:
            exact = f"{tenths // 10}.{tenths % 10}{unit}"
            return exact if len(exact) <= width else shortest
    return shortest


def rate(per_second: float, width: int = 6) -> str:
    """How many a second: `38/s`, `0.4/s`, `1.2k/s`.

    Args:
        per_second: What was measured.
        width: Cells there are, the `/s` among them.
    """
    if 0 < per_second < 9.95:
        return f"{per_second:.1f}/s"
    return f"{count(round(per_second), width - 2)}/s"

"""What `ccchat simulate --compare` prints: the same load one at a time and at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ccchat_tui.cli_output import table, visible
from ccchat_tui.cli_report import in_time

Figures = dict[str, Any]

_ROWS: tuple[tuple[str, Callable[[Figures], float], Callable[[float], str]], ...] = (
    ("completed", lambda f: f["completed"], lambda n: f"{n:.0f}"),
    ("wall time", lambda f: f["wall_ms"], in_time),
    ("wait, median", lambda f: f["wait_ms"]["median"], in_time),
    ("wait, p95", lambda f: f["wait_ms"]["p95"], in_time),
    ("wait, longest", lambda f: f["wait_ms"]["longest"], in_time),
    ("first token, median", lambda f: f["first_token_ms"]["median"], in_time),
    ("first token, p95", lambda f: f["first_token_ms"]["p95"], in_time),
    ("first token, longest", lambda f: f["first_token_ms"]["longest"], in_time),
    ("tokens a second", lambda f: f["tokens_per_second"], lambda n: f"{n:.1f}"),
    ("fairness (Jain)", lambda f: f["fairness"], lambda n: f"{n:.3f}"),
)


def comparison_table(before: Figures, after: Figures, width: int | None) -> str:
    """Two runs side by side.

    Args:
        before: One at a time.
        after: At once.
        width: Columns there are; `None` for any number.
    """
    rows = [
        (name, told(get(before)), told(get(after)), _ratio(get(before), get(after)))
        for name, get, told in _ROWS
    ]
    speeds = {user["user"]: user["speed"] for user in before["users"]}
    users = [
        (
            visible(user["user"]),
            f"{speeds.get(user['user'], 0.0):.1f}",
            f"{user['speed']:.1f}",
            _ratio(speeds.get(user["user"], 0.0), user["speed"]),
        )
        for user in after["users"]
    ]
    right = range(1, 4)
    return "\n".join(
        (
            table(("", "one at a time", "at once", "factor"), rows, width=width, right=right),
            "",
            table(
                ("a user's speed", "one at a time", "at once", "factor"),
                users,
                width=width,
                right=right,
            ),
            "",
            "`ccchat simulate --help` says what each figure is.",
        )
    )


def _ratio(before: float, after: float) -> str:
    """What the second is of the first; nothing where that cannot be said."""
    return f"x {after / before:.2f}" if before > 0 else ""

"""What `ccchat simulate --compare` prints: the same load one at a time and at once."""

from __future__ import annotations

from ccchat_tui.cli.output import table, visible
from ccchat_tui.scenarios.compare import COMPARED, factor
from ccchat_tui.scenarios.report import Report


def comparison_table(before: Report, after: Report, width: int | None) -> str:
    """Two runs side by side.

    Args:
        before: One at a time.
        after: At once.
        width: Columns there are; `None` for any number.
    """
    rows = [
        (
            each.name,
            each.told(each.of(before)),
            each.told(each.of(after)),
            factor(each.of(before), each.of(after)),
        )
        for each in COMPARED
    ]
    speeds = {user["user"]: user["speed"] for user in before["users"]}
    users = [
        (
            visible(user["user"]),
            f"{speeds.get(user['user'], 0.0):.1f}",
            f"{user['speed']:.1f}",
            factor(speeds.get(user["user"], 0.0), user["speed"]),
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

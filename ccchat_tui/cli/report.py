"""The report of a simulation as a person reads it."""

from __future__ import annotations

from typing import Any

from ccchat_tui.cli.output import table, visible
from ccchat_tui.scenarios.compare import in_time

_HEAD = ("user", "sent", "done", "peak", "average", "p95", "wait", "first", "tokens", "tokens/s")
_ENDS = {
    "failed": "failed",
    "timed_out": "timed out",
    "cancelled": "cancelled",
    "rejected": "refused at first or for good",
    "retried": "tried again",
}
_STATES = {"closed": "up", "open": "left out", "half_open": "being tried"}


def report_table(report: dict[str, Any], width: int | None) -> str:
    """The report in words and columns.

    Args:
        report: What `make_report` put together.
        width: Columns there are; `None` for any number.
    """
    rows = [_row(visible(user["user"]), user) for user in report["users"]]
    rows.append(_row("all", report))
    columns = table(_HEAD, rows, width=width, right=range(1, len(_HEAD)))
    parts = [_result(report), _conditions(report), "", columns]
    if len(report["servers"]) > 1:
        parts += ["", _servers(report["servers"], width)]
    return "\n".join(parts)


def _servers(servers: list[dict[str, Any]], width: int | None) -> str:
    """A row for each of several servers."""
    rows = [
        (
            visible(server["server"]),
            str(server["completed"]),
            str(server["failed"]),
            _STATES[server["state"]],
            visible(server["reason"]),
        )
        for server in servers
    ]
    return table(("server", "done", "failed", "is", ""), rows, width=width, right={1, 2})


def _result(report: dict[str, Any]) -> str:
    totals = report["totals"]
    others = "".join(f", {totals[name]} {words}" for name, words in _ENDS.items() if totals[name])
    return (
        f"{totals['completed']} of {totals['submitted']} requests completed{others}, "
        f"in {in_time(report['wall_ms'])}"
    )


def _conditions(report: dict[str, Any]) -> str:
    limits = report["limits"]
    reason = f" ({visible(report['mode_reason'])})" if report["mode_reason"] else ""
    auto = f" ({report['adaptive']['words']})" if report["adaptive"] else ""
    minute = limits["requests_per_minute"]
    return (
        f"{report['mode']}{reason}; limits: {limits['max_concurrent']} at once{auto}, "
        f"{limits['max_concurrent_per_user']} of one user, "
        f"{f'{minute} a minute' if minute else 'any number a minute'}"
    )


def _row(name: str, figures: dict[str, Any]) -> list[str]:
    totals = figures["totals"]
    return [
        name,
        str(totals["submitted"]),
        str(totals["completed"]),
        str(figures["peak_concurrency"]),
        in_time(figures["average_processing_ms"]),
        in_time(figures["p95_ms"]),
        in_time(figures["average_wait_ms"]),
        in_time(figures["average_first_token_ms"]),
        str(figures["tokens"]),
        f"{figures['tokens_per_second']:.1f}",
    ]

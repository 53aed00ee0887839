"""The report of a run as a web page that needs nothing else, and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ccchat_tui.runs.course import Course
from ccchat_tui.scenarios.charts import (
    DRAWN,
    MARKS,
    gantt,
    levels,
    line_chart,
    plain,
    safe,
    tokens,
    waits,
)
from ccchat_tui.scenarios.compare import figures_of
from ccchat_tui.scenarios.formulas import FORMULAS
from ccchat_tui.scenarios.replay import Replayed

_STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2330;--dim:#59636f;--line:#d5dae1;--a:#1f6fb8;
--b:#b3540a;--wait:#8a94a1;--retry:#a8326b}
@media(prefers-color-scheme:dark){:root{--bg:#14181f;--fg:#e4e8ee;--dim:#9aa5b3;--line:#333c48;
--a:#5fb0f5;--b:#f0a04b;--wait:#8a94a1;--retry:#f078b0}}
@media print{:root{color-scheme:light;--bg:#fff;--fg:#000;--dim:#444;--line:#ccc;--a:#1f6fb8;
--b:#b3540a;--wait:#777;--retry:#a8326b}body{margin:0}section{break-inside:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;max-width:60rem;
margin:2rem auto;padding:0 1rem}h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.1rem}
p,li{color:var(--dim)}table{border-collapse:collapse;width:100%}
.wide{overflow-x:auto}th,td{text-align:right;padding:.2rem .6rem;
border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums}
th:first-child,td:first-child{text-align:left}svg{width:100%;height:auto;display:block}
.t{font:11px system-ui,sans-serif;fill:var(--dim)}.m{font:bold 11px sans-serif;fill:var(--fg)}
.g{stroke:var(--line);fill:none}.l{fill:none;stroke-width:1.6}.l0{stroke:var(--a)}
.l1{stroke:var(--b);stroke-dasharray:4 2}.waiting{fill:none;stroke:var(--wait)}
.first_token_wait{fill:url(#hatch)}.streaming{fill:var(--a)}
.retry{fill:none;stroke:var(--retry);stroke-dasharray:2 2}.h{stroke:var(--b);stroke-width:2}
.key svg{display:inline-block;width:26px;height:11px;vertical-align:-1px}
.dot{display:inline-block;width:.7em;height:.7em;border-radius:50%;margin-right:.4em}
"""
_HATCH = (
    '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>'
    '<pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><path class="h" d="M0,0V4"/></pattern></defs></svg>'
)
_KEYS = {
    "waiting": "in the queue",
    "first_token_wait": "has a slot, no token yet",
    "streaming": "streaming",
    "retry": "waits for another attempt",
}
_HEAD = ("user", "sent", "done", "failed", "cancelled", "peak", "wait", "p95", "tokens", "speed")

Figures = Mapping[str, Any]


def html_report(run: Replayed, courses: Sequence[Course]) -> str:
    """A whole page: no script, nothing from elsewhere."""
    title = safe(run.begin.title or "A run of ccchat", 200)
    wall, began = max(run.wall, 0.001), _began(run, courses)
    flying, queued = levels(courses, began, wall)
    figures = figures_of(courses, run.wall)
    shown = f", the first {DRAWN} of {len(courses)}" if len(courses) > DRAWN else ""
    charts = (
        (
            "Requests in flight and queued (the most in each part of the time)",
            line_chart("In flight and queued", {"in flight": flying, "queued": queued}, wall),
        ),
        (
            "Tokens a second (each reply's spread from its first token to its end)",
            line_chart("Tokens a second", {"tokens/s": tokens(courses, began, wall)}, wall),
        ),
        (
            "The longest wait for a slot, in seconds, of those that got one then",
            line_chart("Waits", {"wait, s": waits(courses, began, wall)}, wall),
        ),
        (f"Every request{shown}", f"{_keys()}{gantt(courses, began, wall)}"),
    )
    sections = "".join(f"<section><h2>{caption}</h2>{chart}</section>" for caption, chart in charts)
    formulas = "".join(f"<li><b>{safe(n)}</b>: {safe(f, 400)}</li>" for n, f in FORMULAS.items())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline'">
<style>{_STYLE}</style></head><body>{_HATCH}
<h1>{title}</h1><p>{safe(_conditions(run), 400)}</p>
<section><h2>Figures</h2>{_html_table(("", ""), _summary(run, figures))}</section>
<section><h2>Users</h2>
<div class="wide">{_html_table(_HEAD, _users(run, figures), _dots(run))}</div></section>{sections}
<section><h2>How each figure comes about</h2><ul>{formulas}</ul></section>
</body></html>
"""


def markdown_report(run: Replayed, courses: Sequence[Course]) -> str:
    """The same figures, without the charts."""
    figures = figures_of(courses, run.wall)
    lines = [f"# {_cell(run.begin.title or 'A run of ccchat')}", "", _cell(_conditions(run)), ""]
    lines += ["| figure | value |", "| --- | ---: |"]
    lines += [f"| {name} | {_cell(value)} |" for name, value in _summary(run, figures)]
    lines += ["", f"| {' | '.join(_HEAD)} |", f"| --- |{' ---: |' * (len(_HEAD) - 1)}"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in _users(run, figures)]
    lines += ["", *(f"- {name}: {_cell(formula)}" for name, formula in FORMULAS.items())]
    return "\n".join(lines) + "\n"


def _began(run: Replayed, courses: Sequence[Course]) -> float:
    """When the time in the charts begins."""
    return min([run.figures.began, *(course.sent_at for course in courses[:1])])


def _conditions(run: Replayed) -> str:
    begin, limits = run.begin, run.begin.limits
    seed = "" if begin.seed is None else f", seed {begin.seed}"
    cut = "" if run.whole else "; the log is not whole"
    return (
        f"{begin.model or 'any model'} ({begin.server or 'unknown server'}){seed}; {begin.mode}, "
        f"{limits.max_concurrent} at once, {limits.max_concurrent_per_user} of one user; "
        f"{begin.date}; ccchat {begin.program}{cut}"
    )


def _summary(run: Replayed, figures: Figures) -> list[tuple[str, str]]:
    report = run.figures.report(run.wall)
    totals = report["totals"]
    rows = [(name.replace("_", " "), str(count)) for name, count in totals.items()]
    rows += [
        ("most in flight", str(report["peak_concurrency"])),
        ("wall time", _seconds(figures["wall_ms"])),
        ("tokens", str(figures["tokens"])),
        ("tokens a second", f"{figures['tokens_per_second']:.1f}"),
        ("fairness", f"{figures['fairness']:.3f}"),
    ]
    for name, key in (("wait", "wait_ms"), ("first token", "first_token_ms")):
        spread = figures[key]
        rows.append((f"{name}: median, p95, longest", ", ".join(map(_seconds, spread.values()))))
    return rows


def _users(run: Replayed, figures: Figures) -> list[tuple[str, ...]]:
    speeds = {user["user"]: user["speed"] for user in figures["users"]}
    return [
        (
            user["user"],
            str(user["totals"]["submitted"]),
            str(user["totals"]["completed"]),
            str(user["totals"]["failed"] + user["totals"]["timed_out"]),
            str(user["totals"]["cancelled"]),
            str(user["peak_concurrency"]),
            _seconds(user["average_wait_ms"]),
            _seconds(user["p95_ms"]),
            str(user["tokens"]),
            f"{speeds.get(user['user'], 0.0):.1f}",
        )
        for user in run.figures.report(run.wall)["users"]
    ]


def _dots(run: Replayed) -> Mapping[str, str]:
    """A dot in each user's colour; the reader has checked what it is."""
    return {
        user.name: f'<i class="dot" style="background:{user.colour}"></i>'
        for user in run.begin.users
        if user.colour
    }


def _html_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], before: Mapping[str, str] | None = None
) -> str:
    top = f"<thead><tr>{''.join(f'<th>{safe(cell)}</th>' for cell in head)}</tr></thead>"
    body = "".join(
        "<tr>"
        + "".join(f"<td>{(before or {}).get(cell, '')}{safe(cell)}</td>" for cell in row)
        + "</tr>"
        for row in rows
    )
    return f"<table>{top if any(head) else ''}<tbody>{body}</tbody></table>"


def _keys() -> str:
    bars = "".join(
        f'<svg viewBox="0 0 26 11"><rect class="{name}" x="1" y="1" width="24" height="9"/></svg> '
        f"{words} &nbsp; "
        for name, words in _KEYS.items()
    )
    marks = ", ".join(f"{mark} {state.value.replace('_', ' ')}" for state, mark in MARKS.items())
    return f'<p class="key">{bars}{marks}</p>'


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.2f} s"


def _cell(text: str) -> str:
    """A text as it may stand in a table of Markdown: nothing in it means anything there."""
    line = plain(text, 400)
    return "".join(f"\\{char}" if char in "\\|`*_<>[]#&" else char for char in line)

"""The terminal that the app would draw on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, TextIO

from ccchat_tui.doctor.finding import Findings, note, ok, problem, warning

AREA: Final = "terminal"
LEAST: Final = (60, 20)
"""Columns and rows below which little can be shown."""

_MULTIPLEXERS: Final = {"TMUX": "tmux", "STY": "screen", "ZELLIJ": "zellij"}


def check_terminal(
    env: Mapping[str, str], is_terminal: Callable[[TextIO | None], bool]
) -> Findings:
    """Size, colours, letters, and what lies between.

    Args:
        env: The environment.
        is_terminal: Whether a stream leads to a terminal.
    """
    streams = {"input": sys.stdin, "output": sys.stdout, "errors": sys.stderr}
    elsewhere = [name for name, stream in streams.items() if not is_terminal(stream)]
    if elsewhere:
        yield note(
            AREA,
            f"no terminal at {', '.join(elsewhere)}; the app draws only where all three are one",
            "run it in a terminal, or use `ccchat serve` and `ccchat simulate`",
            elsewhere=elsewhere,
        )
    yield from _size()
    yield from _kind(env)
    yield from _letters(env)


def _size() -> Findings:
    size = None
    for stream in (sys.stdout, sys.stderr, sys.stdin):
        with suppress(OSError, ValueError, AttributeError):
            size = os.get_terminal_size(stream.fileno())
            break
    if size is None:
        return
    said = f"{size.columns} columns, {size.lines} rows"
    if size.columns < LEAST[0] or size.lines < LEAST[1]:
        yield warning(
            AREA,
            f"{said}: too small for more than a chat",
            f"make the window larger than {LEAST[0]} x {LEAST[1]}",
            columns=size.columns,
            rows=size.lines,
        )
    else:
        yield ok(AREA, said, columns=size.columns, rows=size.lines)


def _kind(env: Mapping[str, str]) -> Findings:
    """What it calls itself, what stands between, and its colours."""
    term, program = env.get("TERM", ""), env.get("TERM_PROGRAM", "")
    between = [name for variable, name in _MULTIPLEXERS.items() if env.get(variable)]
    if env.get("SSH_CONNECTION") or env.get("SSH_TTY"):
        between.append("ssh")
    told = {"term": term, "program": program, "between": between}
    if os.name != "nt" and term in {"", "dumb", "unknown"}:
        yield problem(
            AREA,
            f"TERM is {term!r}: a terminal that cannot be drawn on",
            "set TERM to what your terminal is, such as xterm-256color",
            **told,
        )
    elif term == "screen":
        yield warning(
            AREA,
            "TERM is 'screen', which has eight colours",
            'in tmux: set -g default-terminal "tmux-256color"; in screen: term screen-256color',
            **told,
        )
    else:
        kind = f"TERM={term or 'not set'}" + (f", {program}" if program else "")
        yield ok(AREA, kind + (f", through {', '.join(between)}" if between else ""), **told)
    colours = _colours(env)
    if "NO_COLOR" in env:
        yield note(
            AREA,
            "NO_COLOR is set, and the app has no colours",
            "unset NO_COLOR to have them",
            colours=0,
        )
    elif colours < 256:
        yield warning(
            AREA,
            f"{colours} colours",
            "use a terminal that has 256 or more, and set TERM or COLORTERM=truecolor to say so",
            colours=colours,
        )
    else:
        yield ok(AREA, f"{colours:,} colours", colours=colours)


def _colours(env: Mapping[str, str]) -> int:
    if env.get("COLORTERM", "").lower() in {"truecolor", "24bit"} or os.name == "nt":
        return 2**24
    term = env.get("TERM", "")
    if "direct" in term or term in {"xterm-kitty", "xterm-ghostty", "alacritty", "foot"}:
        return 2**24
    return 256 if "256" in term else 16


def _letters(env: Mapping[str, str]) -> Findings:
    """Whether more than English letters arrive."""
    if os.name == "nt":
        yield ok(AREA, "letters as UTF-8", encoding="utf-8")
        return
    named = next((env[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if env.get(name)), "")
    if "utf" in named.lower():
        yield ok(AREA, f"letters as UTF-8 ({named})", encoding="utf-8", locale=named)
    else:
        yield warning(
            AREA,
            f"the locale is {named or 'not set'!r}, which does not say UTF-8: lines and letters "
            "may come out wrong",
            "set LANG to a locale with UTF-8, such as C.UTF-8",
            locale=named,
        )

"""What a check has found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from ccchat_tui.quick import dataclass


class State(StrEnum):
    """How it is."""

    OK = "ok"
    NOTE = "note"
    """As it may be, but good to know."""
    WARNING = "warning"
    """It works, and not as well as it could."""
    PROBLEM = "problem"
    """Something does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    area: str
    state: State
    said: str
    """In words. It may quote what comes from outside, and is made harmless where it is shown."""
    remedy: str = ""
    """What helps; every warning and every problem has one."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """For programs; nothing secret."""


Findings = Iterator[Finding]


def ok(area: str, said: str, **details: Any) -> Finding:
    """All is well."""
    return Finding(area, State.OK, said, details=details)


def note(area: str, said: str, remedy: str = "", **details: Any) -> Finding:
    """Good to know."""
    return Finding(area, State.NOTE, said, remedy, details)


def warning(area: str, said: str, remedy: str, **details: Any) -> Finding:
    """It could be better."""
    return Finding(area, State.WARNING, said, remedy, details)


def problem(area: str, said: str, remedy: str, **details: Any) -> Finding:
    """It does not work."""
    return Finding(area, State.PROBLEM, said, remedy, details)

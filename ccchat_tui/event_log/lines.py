"""The form of an event log, as it is written. `reader` has the same form as it is read.

A log is UTF-8 text, one JSON object a line, each with `event` (its kind) and `at` (seconds of the
engine's clock). The first line is `log`: schema, version, and what the run began with. The last is
`end`; where it is missing, the program was cut off. Numbers are written in full, so that figures
made from a log are those of the run to the last digit. No line holds what anybody said.

The version counts up when a line means something else than before. Further kinds of lines and
further fields may come without that, and readers pass over what they do not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from ccchat_tui.engine.events import (
    EngineEvent,
    LimitsChanged,
    ModeChanged,
    Paused,
    RequestEnded,
    RequestFirstToken,
    RequestQueued,
    RequestRejected,
    RequestRetrying,
    RequestStarted,
    Resumed,
)
from ccchat_tui.engine.request import Priority

SCHEMA = "ccchat-events"
VERSION = 1

KINDS: Mapping[type[EngineEvent], str] = {
    RequestQueued: "queued",
    RequestStarted: "started",
    RequestFirstToken: "first_token",
    RequestRetrying: "retrying",
    RequestEnded: "ended",
    RequestRejected: "rejected",
    LimitsChanged: "limits_changed",
    ModeChanged: "mode_changed",
    Paused: "paused",
    Resumed: "resumed",
}
"""Every event, and what its line is called."""

_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in KINDS}


def line_of(event: EngineEvent) -> dict[str, Any]:
    """An event as an object for JSON."""
    kind = type(event)
    line: dict[str, Any] = {"event": KINDS[kind]}
    for name in _FIELDS[kind]:
        line[name] = plain(getattr(event, name))
    return line


def plain(value: object) -> object:
    """A value of an event as JSON has it."""
    if isinstance(value, Priority):
        return value.name.lower()
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value

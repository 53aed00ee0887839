"""The form of an event log, as it is written. `reader` has the same form as it is read.

A log is UTF-8 text, one JSON object a line, each with `event` (its kind) and `at` (seconds of the
engine's clock). The first line is `log`: schema, version, and what the run began with. The last is
`end`; where it is missing, the program was cut off. Numbers are written in full, so that figures
made from a log are those of the run to the last digit. No line holds what anybody said.

The version counts up when a line means something else than before. Further kinds of lines and
further fields may come without that, and readers pass over what they do not know.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from json.encoder import encode_basestring
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
from ccchat_tui.engine.request import Failure, Priority, ReplyStats, RequestState

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


# The same as text, several times as fast -------------------------------------------------------

_Way = Callable[[Any], str]


def text_of(event: EngineEvent) -> str:
    """What JSON makes of `line_of`, character by character, and the end of the line."""
    kind = type(event)
    parts = [_HEADS[kind]]
    for key, name in _KEYS[kind]:
        value = getattr(event, name)
        parts.append(key + _WAYS.get(type(value), _other)(value))
    parts.append("}\n")
    return "".join(parts)


def text_of_line(line: Mapping[str, Any]) -> str:
    """A line that is no event."""
    return _dumps(line) + "\n"


def _keys(kind: type) -> tuple[tuple[str, str], ...]:
    """The fields of a dataclass, each as it begins in JSON, and by its name."""
    return tuple((f',"{field.name}":', field.name) for field in fields(kind))


def _number(value: float) -> str:
    return float.__repr__(value) if math.isfinite(value) else _dumps(value)


def _record(value: Any) -> str:
    told = [(key, getattr(value, name)) for key, name in _KEYS[type(value)]]
    parts = [key + _WAYS.get(type(part), _other)(part) for key, part in told]
    return "{" + "".join(parts)[1:] + "}"


def _other(value: object) -> str:
    return _dumps(plain(value))


_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_HEADS = {kind: f'{{"event":"{name}"' for kind, name in KINDS.items()}
_KEYS: Mapping[type, tuple[tuple[str, str], ...]] = {
    kind: _keys(kind) for kind in (*KINDS, Failure, ReplyStats)
}
_WAYS: Mapping[type, _Way] = {
    str: encode_basestring,
    int: int.__repr__,
    float: _number,
    bool: _dumps,
    type(None): _dumps,
    Priority: lambda priority: f'"{priority.name.lower()}"',
    RequestState: lambda state: f'"{state.value}"',
    Failure: _record,
    ReplyStats: _record,
}

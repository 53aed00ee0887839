"""Reads an event log back, checked line by line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.engine.request import Failure, Priority, ReplyStats, RequestState
from ccchat_tui.event_log.lines import KINDS, SCHEMA, VERSION

LONGEST = 1_000_000
"""Characters that a line may have."""


_BEFORE_IT = "what stands before it can be read: cut the file off there"
_OURS = "give a file that `--events` has written"


class EventLogError(Exception):
    """A file cannot be read as an event log.

    Args:
        message: In words: the file, the line, the field, the value.
        remedy: What can be done, if the message does not say it.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    @property
    def words(self) -> str:
        """The message with its remedy."""
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


_Number = Annotated[float, Field(allow_inf_nan=False)]
_Span = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Count = Annotated[int, Field(ge=0)]
_Text = Annotated[str, Field(max_length=100_000)]


class Line(BaseModel):
    """What every line has. Fields that are not known are passed over."""

    model_config = ConfigDict(frozen=True)

    at: _Number
    """the moment, in seconds of the engine's clock"""


class UserOfLog(BaseModel):
    """A user, as the first line names them."""

    name: _Text
    colour: Annotated[str, Field(pattern=r"^(#[0-9a-fA-F]{6})?$")] = ""


class LimitsOfLog(BaseModel):
    """The limits that the run began with; see `LimitsView`."""

    max_concurrent: _Count
    max_concurrent_per_user: _Count
    requests_per_minute: _Count
    timeout_ms: _Count
    retry_attempts: _Count


class Begin(Line):
    """The first line: what the run began with."""

    event: Literal["log"]
    schema_: Annotated[Literal["ccchat-events"], Field(alias="schema")]
    version: Literal[1]
    program: _Text
    """which version of ccchat wrote it"""
    date: _Text
    """the date and time of day, in UTC; a fixed one where time is virtual"""
    title: _Text = ""
    model: _Text = ""
    server: _Text = ""
    seed: int | None = None
    mode: _Text
    mode_reason: _Text
    limits: LimitsOfLog
    users: tuple[UserOfLog, ...] = ()
    """in the order in which they are to be told of; others may follow"""


class End(Line):
    """The last line."""

    event: Literal["end"]
    began: _Number
    """when the run began"""


class Lost(Line):
    """Events that the disk was too slow for."""

    event: Literal["lost"]
    count: _Count


class _OfRequest(Line):
    request_id: _Text
    user: _Text
    session_id: _Text


class Queued(_OfRequest):
    """See `RequestQueued`."""

    event: Literal["queued"]
    model: _Text
    priority: Literal["low", "normal", "high"]
    attempt: _Count


class Started(_OfRequest):
    """See `RequestStarted`."""

    event: Literal["started"]
    attempt: _Count
    waited: _Span


class FirstToken(_OfRequest):
    """See `RequestFirstToken`."""

    event: Literal["first_token"]
    after: _Span


class Retrying(_OfRequest):
    """See `RequestRetrying`."""

    event: Literal["retrying"]
    failure: Failure
    delay: _Span
    attempt: _Count
    counted: bool


class Ended(_OfRequest):
    """See `RequestEnded`."""

    event: Literal["ended"]
    state: Literal[
        RequestState.COMPLETED,
        RequestState.CANCELLED,
        RequestState.FAILED,
        RequestState.TIMED_OUT,
    ]
    failure: Failure | None
    stats: ReplyStats | None
    tokens: _Count
    duration: _Span


class RejectedLine(Line):
    """See `RequestRejected`."""

    event: Literal["rejected"]
    user: _Text
    reason: _Text
    message: _Text
    retry_after: _Span | None


class LimitsLine(Line):
    """See `LimitsChanged`."""

    event: Literal["limits_changed"]
    max_concurrent: _Count
    max_concurrent_per_user: _Count


class ModeLine(Line):
    """See `ModeChanged`."""

    event: Literal["mode_changed"]
    mode: _Text
    reason: _Text


class PausedLine(Line):
    """See `Paused`."""

    event: Literal["paused"]


class ResumedLine(Line):
    """See `Resumed`."""

    event: Literal["resumed"]


LINES: tuple[type[Line], ...] = (
    Begin,
    Queued,
    Started,
    FirstToken,
    Retrying,
    Ended,
    RejectedLine,
    LimitsLine,
    ModeLine,
    PausedLine,
    ResumedLine,
    Lost,
    End,
)
_ADAPTERS = {line.model_fields["event"].annotation.__args__[0]: line for line in LINES}  # type: ignore[union-attr]
_EVENTS = {name: kind for kind, name in KINDS.items()}
_PRIORITIES = {priority.name.lower(): priority for priority in Priority}


def read_log(
    path: Path, complain: Callable[[str], object] = lambda _: None
) -> Iterator[Begin | End | Lost | EngineEvent]:
    """What a log holds: first `Begin`, then the events in their order, and `End` if it is there.

    Args:
        path: The file.
        complain: Told of what is wrong but stops nothing: a last line that was cut off.

    Raises:
        EventLogError: There is no such file, or it is no event log that can be read.
    """
    where = f"event log {path}"
    try:
        with path.open(encoding="utf-8") as file:
            number = 0
            while text := file.readline(LONGEST + 1):
                number += 1
                if len(text) > LONGEST:
                    raise EventLogError(f"{where}, line {number}: is longer than {LONGEST}")
                try:
                    told = _read(text, first=number == 1)
                except ValueError as error:
                    if number > 1 and not text.endswith("\n"):
                        complain(f"{where}: its last line is cut off, and is left out")
                        return
                    remedy = _BEFORE_IT if number > 1 else "" if "version" in str(error) else _OURS
                    raise EventLogError(f"{where}, line {number}: {error}", remedy) from None
                if told is not None:
                    yield told
            if not number:
                raise EventLogError(f"{where}: is empty")
    except UnicodeDecodeError:
        raise EventLogError(f"{where}: is not UTF-8 text, so it is no event log") from None
    except OSError as error:
        raise EventLogError(f"{where}: cannot be read: {error.strerror}") from None


def _read(text: str, *, first: bool) -> Begin | End | Lost | EngineEvent | None:
    """A line; `None` for a kind that is not known. Raises `ValueError` in words."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    if not isinstance(data, dict):
        raise ValueError("is no JSON object")
    if first:
        if data.get("event") != "log" or data.get("schema") != SCHEMA:
            raise ValueError(f'is not the beginning of an event log ("schema": "{SCHEMA}")')
        if data.get("version") != VERSION:
            raise ValueError(
                f"version cannot be {str(data.get('version'))[:40]!r}: this program reads "
                f"{VERSION}; a newer ccchat may read it"
            )
    return _told(data)


def event_of(data: object) -> EngineEvent | None:
    """The event that an object in the form of a line tells of; `None` where it is none that is
    known. Raises `ValueError` in words."""
    if not isinstance(data, dict):
        raise ValueError("is no JSON object")
    told = _told(data)
    return told if isinstance(told, EngineEvent) else None


def _told(data: dict[str, Any]) -> Begin | End | Lost | EngineEvent | None:
    kind = _ADAPTERS.get(data.get("event")) if isinstance(data.get("event"), str) else None
    if kind is None:
        return None
    try:
        line = kind.model_validate(data)
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(map(str, detail["loc"]))
        if detail["type"] == "missing":
            raise ValueError(f"{place} is missing") from None
        given = repr(detail["input"])[:60]
        raise ValueError(f"{place} cannot be {given}: {detail['msg']}") from None
    return line if isinstance(line, Begin | End | Lost) else _event(line)


def _event(line: Line) -> EngineEvent:
    """The event that a line tells of."""
    kind = _EVENTS[line.event]  # type: ignore[attr-defined]
    values: dict[str, Any] = {field.name: getattr(line, field.name) for field in fields(kind)}
    if "priority" in values:
        values["priority"] = _PRIORITIES[values["priority"]]
    return kind(**values)

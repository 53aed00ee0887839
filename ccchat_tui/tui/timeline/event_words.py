"""An event in one row, and which events are asked for; names and fields are those of the log's
lines."""

from __future__ import annotations

import json
import re

from ccchat_tui.engine.events import EngineEvent, RequestEnded, RequestRetrying
from ccchat_tui.engine.request import RequestState
from ccchat_tui.event_log.lines import KINDS, line_of
from ccchat_tui.quick import dataclass
from ccchat_tui.text import one_line
from ccchat_tui.tui.timeline.rows import Row, filled

_KIND = max(map(len, KINDS.values()))
_COLOURS = {
    "queued": "$state-queued",
    "started": "$state-connecting",
    "first_token": "$state-streaming",
    "retrying": "$state-waiting-to-retry",
    "rejected": "$state-failed",
}
_TOLD_APART = {"event", "at", "user", "request_id", "session_id"}
_TERM = re.compile(r'(?:(kind|user|request):)?(?:"([^"]*)"?|(\S+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked for: each part must be found, whatever the case of its letters."""

    kinds: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.kinds or self.users or self.requests or self.words)

    def fits(self, event: EngineEvent) -> bool:
        """Whether an event is asked for. Of several kinds, users or requests one will do; all of
        the words must be there."""
        kind = KINDS[type(event)]
        if self.kinds and not any(part in kind for part in self.kinds):
            return False
        user = getattr(event, "user", "").lower()
        if self.users and not any(part in user for part in self.users):
            return False
        request = getattr(event, "request_id", "").lower()
        if self.requests and not any(part in request for part in self.requests):
            return False
        if not self.words:
            return True
        text = json_of(event).lower()
        return all(word in text for word in self.words)


def read_wanted(typed: str) -> Wanted:
    """What `kind:ended user:"Ada L" some words` asks for."""
    found: dict[str, list[str]] = {"kind": [], "user": [], "request": [], "": []}
    for name, quoted, plain in _TERM.findall(typed):
        if text := (quoted or plain).lower():
            found[name.lower()].append(text)
    return Wanted(*(tuple(found[name]) for name in ("kind", "user", "request", "")))


def json_of(event: EngineEvent) -> str:
    """The line of an event, as it stands in an event log."""
    return json.dumps(line_of(event), ensure_ascii=False, separators=(",", ":"))


def event_row(event: EngineEvent, began: float, width: int, *, selected: bool) -> Row:
    """An event in one row.

    Args:
        event: What happened.
        began: When the run did, in seconds of the engine's clock.
        width: Cells there are.
        selected: Whether the cursor is on it.
    """
    line = line_of(event)
    kind = str(line["event"])
    ground = " on $chosen" if selected else ""
    narrow = width < 70
    names = 8 if narrow else 14
    when = f"{event.at - began:>9.2f}s "
    user = filled(one_line(str(line.get("user", "")), names - 1), names)
    request = filled(one_line(str(line.get("request_id", "")), names - 1), names)

    def told(name: str, value: object) -> bool:
        return name not in _TOLD_APART and value is not None

    rest = " ".join(_said(name, value) for name, value in line.items() if told(name, value))
    room = width - 1 - len(when) - _KIND - 1 - 2 * names
    return (
        ("▎" if selected else " ", f"$primary{ground}"),
        (when, f"$text-muted{ground}"),
        (filled(kind, _KIND + 1), f"bold {_colour(event, kind)}{ground}"),
        (user, f"$foreground{ground}"),
        (request, f"$foreground{ground}"),
        (filled(one_line(rest, max(1, room)), max(1, room)), f"$text-muted{ground}"),
    )


def heading(width: int) -> Row:
    """The names of the columns."""
    names = 8 if width < 70 else 14
    told = f" {'at':>10} {'event':<{_KIND + 1}}{'user':<{names}}{'request_id':<{names}}"
    return ((told[:width], "bold $foreground"),)


def _said(name: str, value: object) -> str:
    if isinstance(value, dict):
        told = {key: each for key, each in value.items() if each not in (None, False, (), "")}
        return f"{name}={json.dumps(told, ensure_ascii=False)}"
    if isinstance(value, float):
        return f"{name}={value:.3f}"
    return f"{name}={value}"


def _colour(event: EngineEvent, kind: str) -> str:
    if isinstance(event, RequestEnded):
        return f"$state-{RequestState(event.state).value.replace('_', '-')}"
    if isinstance(event, RequestRetrying):
        return "$state-waiting-to-retry"
    return _COLOURS.get(kind, "$accent")

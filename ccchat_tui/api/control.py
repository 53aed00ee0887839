"""The control API: `/api/ai/...`, by which programs see the queue and steer it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ccchat_tui.api.asking import LONGEST_NAME, Asked, is_name, read_asked, read_object
from ccchat_tui.api.detached import Followed
from ccchat_tui.api.feed import EventFeed
from ccchat_tui.api.hub import Hub, answer, caller_of, flag, only_admin
from ccchat_tui.api.replies import NDJSON
from ccchat_tui.api.revoking import Gone
from ccchat_tui.api.tokens import Caller, TokensError, check_name
from ccchat_tui.api.views import Json, history_json, request_json, status_json
from ccchat_tui.engine.history import KEPT
from ccchat_tui.engine.request import TERMINAL, Priority
from ccchat_tui.text import shown_value

MOST_AT_ONCE: Final = 1000
"""As high as a limit can be set, as in the settings."""
ASKED: Final = frozenset(
    {
        *("model", "messages", "options", "think", "keep_alive", "stream"),
        *("session_id", "priority", "timeout_ms", "user", "id", "detached", "preview"),
    }
)
"""The fields of a chat."""

_STATES: Final = frozenset(state.value for state in TERMINAL)
_ID: Final = re.compile(r"[0-9A-Za-z_-]{8,64}")
_PRIORITIES: Final = {priority.name.lower(): priority for priority in Priority}


class Control:
    """The endpoints. Users see and stop what is theirs; the rest is the admin's.

    Args:
        hub: The engine.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/api/ai/me", self.me, methods=["GET"]),
            Route("/api/ai/status", self.status, methods=["GET"]),
            Route("/api/ai/history", self.history, methods=["GET"]),
            Route("/api/ai/requests", self.requests, methods=["GET"]),
            Route("/api/ai/requests", self.submit, methods=["POST"]),
            Route("/api/ai/requests", self.cancel_all, methods=["DELETE"]),
            Route("/api/ai/requests/{id}", self.request, methods=["GET"]),
            Route("/api/ai/requests/{id}", self.cancel, methods=["DELETE"]),
            Route("/api/ai/requests/{id}/reply", self.reply, methods=["GET"]),
            Route("/api/ai/events", self.events, methods=["GET"]),
            Route("/api/ai/limits", self.limits, methods=["PATCH"]),
            Route("/api/ai/pause", self.pause, methods=["POST"]),
            Route("/api/ai/resume", self.resume, methods=["POST"]),
        ]

    async def me(self, request: Request) -> Response:
        """Who the caller is, which model is asked where none is named, and the engine's clock."""
        caller, hub = caller_of(request), self._hub
        at = round(hub.service.snapshot(0, users=False).at, 6)
        return answer({"user": caller.user, "admin": caller.admin, "model": hub.model, "at": at})

    async def status(self, request: Request) -> Response:
        """The queue, the figures, the limits, the mode and the servers."""
        caller, service = caller_of(request), self._hub.service
        user = None if caller.admin else caller.user
        return answer(status_json(service.snapshot(0), service.servers, user=user))

    async def history(self, request: Request) -> Response:
        """How the queue went, for charts: the last buckets, oldest first."""
        history, wanted = self._hub.service.history, _number(request, "count", 150, most=KEPT)
        return answer(history_json(history.seconds, history.buckets(wanted)))

    async def requests(self, request: Request) -> Response:
        """What lives, or what ended lately in the states that are asked for."""
        caller, asked = caller_of(request), request.query_params
        everyone = flag(request, "all")
        if everyone:
            only_admin(request)
        if "state" in asked:
            states = set(filter(None, asked["state"].split(",")))
            if not states or not states <= _STATES:
                there = ", ".join(sorted(_STATES))
                raise HTTPException(
                    400, f"state is {shown_value(asked['state'])}; give some of {there}"
                )
            rows = [row for row in self._hub.journal.all_ended() if row["state"] in states]
        else:
            most = _number(request, "limit", 1_000_000, least=1) if everyone else None
            rows = self._living(most)
        mine = [row for row in rows if everyone or row["user"] == caller.user]
        return answer({"requests": mine})

    async def request(self, request: Request) -> Response:
        """One request, living or ended lately."""
        return answer(self._find(request))

    async def submit(self, request: Request) -> Response:
        """Ask something; the reply comes as it grows, or whole."""
        caller, hub = caller_of(request), self._hub
        data = await read_object(request, ASKED)
        asked = read_asked(data)
        if not asked.messages:
            raise HTTPException(400, "messages is empty; give at least one message")
        user = _text(data, "user", caller.user)
        if user != caller.user and not caller.admin:
            raise HTTPException(403, "only the admin may ask for somebody else")
        try:
            check_name(user)
        except TokensError as error:
            # Names differ in what they may hold beyond what a schema can say.
            raise HTTPException(404, str(error)) from None
        priority = _priority(data.get("priority", "normal"))
        if priority is Priority.HIGH and not caller.admin:
            raise HTTPException(403, "only the admin may ask before everybody else")
        terms: dict[str, Any] = {
            "user": user,
            "session_id": _text(data, "session_id", ""),
            "priority": priority,
            "timeout": _seconds(data.get("timeout_ms")),
            "preview": _preview(data.get("preview")),
        }
        request_id, detached = _own_id(data), data.get("detached")
        if not (detached is None or isinstance(detached, bool)):
            raise HTTPException(400, f"detached is {shown_value(detached)}; give true or false")
        model = await hub.model_for(asked.model)
        if detached:
            begin = request.state.begin
            return self._detach(asked, caller, model, request_id, terms=terms, begin=begin)
        self._check_new(request_id)
        handle = hub.submit(asked, model=model, request_id=request_id, **terms)
        return hub.reply(handle, stream=asked.stream, at_once=True)

    def _detach(
        self,
        asked: Asked,
        caller: Caller,
        model: str,
        request_id: str,
        *,
        terms: dict[str, Any],
        begin: Callable[[], tuple[Gone, Callable[[], None]]],
    ) -> Response:
        """Take a request whose reply is to be followed apart from it. Asked twice by the same id,
        as by a client that does not know whether the first try arrived, it is taken once."""
        hub, known = self._hub, self._hub.detached.find(request_id)
        if known is None or known.owner != caller.user:
            self._check_new(request_id)
            if hub.detached.full:
                raise HTTPException(503, "too many requests are followed", {"retry-after": "5"})
            request_id = hub.detach(asked, caller.user, model, request_id, **terms)
            hub.detached.depend(request_id, begin())
        return answer({"id": request_id}, 202)

    def _check_new(self, request_id: str) -> None:
        hub = self._hub
        if request_id and (hub.service.find(request_id) or hub.journal.ended(request_id)):
            raise HTTPException(409, f"there is a request {request_id} already; give another id")

    async def reply(self, request: Request) -> Response:
        """What happens to a detached request and what comes of its reply, from a place in it on."""
        wanted, caller = request.path_params["id"], caller_of(request)
        found = self._hub.detached.find(wanted)
        if found is None or not (caller.admin or found.owner == caller.user):
            raise HTTPException(404, f"there is no detached request {shown_value(wanted)}")
        have = {name: _number(request, name, 0) for name in ("events", "thinking", "text")}
        return Followed(self._hub.detached, wanted, found, **have)

    async def cancel(self, request: Request) -> Response:
        """Stop one request. Stopping what has ended changes nothing."""
        found = self._find(request)
        cancelled = self._hub.service.cancel(found["id"])
        return answer({"id": found["id"], "cancelled": cancelled})

    async def cancel_all(self, request: Request) -> Response:
        """Stop everything of the caller's, of a user, or of everybody."""
        caller, service = caller_of(request), self._hub.service
        user = request.query_params.get("user", caller.user)
        if flag(request, "all"):
            only_admin(request)
            return answer({"cancelled": service.cancel_all()})
        if user != caller.user:
            only_admin(request)
        return answer({"cancelled": service.cancel_user(user)})

    async def events(self, request: Request) -> Response:
        """What happens, as it happens, for as long as the client stays."""
        caller = caller_of(request)
        user = None if caller.admin else caller.user
        lines = NDJSON in request.headers.get("accept", "")
        last = request.query_params.get("after", request.headers.get("last-event-id", ""))
        return EventFeed(self._hub.journal, user, last, lines=lines)

    async def limits(self, request: Request) -> Response:
        """Change limits; those that are not named stay."""
        only_admin(request)
        names = ("max_concurrent", "max_concurrent_per_user")
        data = await read_object(request, frozenset(names))
        if not data:
            raise HTTPException(400, f"no limit is named; give {' or '.join(names)}")
        for name, given in list(data.items()):
            if given == "auto" and name == "max_concurrent":
                continue
            data[name] = value = _whole(given)
            if type(value) is not int or not 1 <= value <= MOST_AT_ONCE:
                raise HTTPException(
                    400,
                    f"{name} is {shown_value(value)}; give a whole number from 1 to {MOST_AT_ONCE}",
                )
        service = self._hub.service
        service.set_limits(**data)
        told = status_json(service.snapshot(0, users=False), (), user=None)
        return answer({"limits": told["limits"]})

    async def pause(self, request: Request) -> Response:
        """Start nothing until it is resumed; what runs runs on."""
        only_admin(request)
        self._hub.service.pause()
        return answer({"paused": True})

    async def resume(self, request: Request) -> Response:
        """Start what waits again."""
        only_admin(request)
        self._hub.service.resume()
        return answer({"paused": False})

    def _living(self, most: int | None = None) -> list[Json]:
        rows = self._hub.service.snapshot(most, users=False).requests
        return [request_json(row) for row in rows]

    def _find(self, request: Request) -> Json:
        """The request that the path names. What is another's is as unknown as what there is not."""
        wanted, caller, hub = request.path_params["id"], caller_of(request), self._hub
        handle = hub.service.find(wanted)
        if handle is not None and (caller.admin or handle.user == caller.user):
            return next(row for row in self._living() if row["id"] == wanted)
        ended = hub.journal.ended(wanted)
        if handle is None and ended and (caller.admin or ended["user"] == caller.user):
            return ended
        raise HTTPException(404, f"there is no request {shown_value(wanted)}")


def _number(
    request: Request, name: str, otherwise: int, *, least: int = 0, most: int | None = None
) -> int:
    value = request.query_params.get(name)
    if value is None:
        return otherwise
    number = int(value) if value.isascii() and value.isdigit() and len(value) <= 15 else -1
    if number < least or (most is not None and number > most):
        reach = f"from {least} on" if most is None else f"from {least} to {most}"
        raise HTTPException(400, f"{name} is {shown_value(value)}; give a whole number {reach}")
    return number


def _preview(value: Any) -> str:
    """What is shown of the request in place of its last message, which may begin with a file."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_NAME:
        raise HTTPException(
            400,
            f"preview is {shown_value(value)}; give a text of at most {LONGEST_NAME} characters",
        )
    return value


def _own_id(data: dict[str, Any]) -> str:
    """The id that a client has chosen; empty where it leaves that to us."""
    value = data.get("id")
    if value is None:
        return ""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise HTTPException(
            400,
            f"id is {shown_value(value)}; give 8 to 64 letters, digits, - or _, or leave it out",
        )
    return value


def _text(data: dict[str, Any], name: str, otherwise: str) -> str:
    value = data.get(name)
    if value is None:
        return otherwise
    if not is_name(value):
        raise HTTPException(
            400,
            f"{name} is {shown_value(value)}; give a text in one line, of at most {LONGEST_NAME} "
            "characters",
        )
    return value or otherwise


def _priority(value: Any) -> Priority:
    priority = _PRIORITIES.get(value) if isinstance(value, str) else None
    if priority is None:
        there = ", ".join(_PRIORITIES)
        raise HTTPException(400, f"priority is {shown_value(value)}; give one of {there}")
    return priority


def _whole(value: Any) -> Any:
    """In JSON, 2.0 is a whole number too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    value = _whole(value)
    if type(value) is not int or not 1 <= value <= 86_400_000:
        raise HTTPException(
            400, f"timeout_ms is {shown_value(value)}; give a whole number from 1 to 86400000"
        )
    return value / 1000

"""What all endpoints share: the engine, what happened in it, and who asks."""

from __future__ import annotations

import math
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ccchat_tui.api.asking import Asked
from ccchat_tui.api.detached import DetachedRequests
from ccchat_tui.api.journal import Journal
from ccchat_tui.api.replies import Reply
from ccchat_tui.api.tokens import Caller
from ccchat_tui.api.views import encode
from ccchat_tui.backends.base import BackendError, ErrorKind
from ccchat_tui.clock import Clock
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import Priority, Rejected
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.quick import dataclass
from ccchat_tui.sessions.ids import random_id
from ccchat_tui.text import shown_value

_REFUSED = {"rate_limited": 429, "queue_full": 503, "draining": 503}
"""What a refusal of the engine is in HTTP; `invalid` is 400."""


@dataclass(slots=True)
class Hub:
    """The engine as the endpoints use it."""

    service: ConcurrentChatService
    journal: Journal
    detached: DetachedRequests
    clock: Clock
    model: str = ""
    """What is asked where a request names no model; empty for the first there is."""

    def submit(
        self,
        asked: Asked,
        *,
        model: str,
        user: str,
        session_id: str = "",
        priority: Priority = Priority.NORMAL,
        timeout: float | None = None,
        request_id: str = "",
        preview: str = "",
    ) -> RequestHandle:
        """Put a chat into the queue. Raises `HTTPException` if it is refused."""
        prompt = asked.prompt(model, user)
        try:
            return self.service.submit(
                user=user,
                session_id=session_id or f"api:{user}",
                model=model,
                prompt=lambda: prompt,
                preview=preview or asked.preview,
                id=request_id or random_id(),
                priority=priority,
                timeout=timeout,
            )
        except Rejected as refusal:
            status = _REFUSED.get(refusal.reason, 400)
            wait = refusal.retry_after
            if wait is None and status != 400:
                wait = 1.0
            headers = {} if wait is None else {"retry-after": str(math.ceil(wait))}
            raise HTTPException(status, refusal.message, headers) from None

    def detach(
        self, asked: Asked, owner: str, model: str, request_id: str = "", **terms: Any
    ) -> str:
        """Put a chat into the queue that is followed apart from it. Returns its id; raises
        `HTTPException` if it is refused."""
        request_id = request_id or random_id()
        detached = self.detached.expect(request_id, owner)
        try:
            detached.handle = self.submit(asked, model=model, request_id=request_id, **terms)
        except BaseException:
            self.detached.forget(request_id)
            raise
        return request_id

    def reply(self, handle: RequestHandle, *, stream: bool, at_once: bool = False) -> Reply:
        """What is sent of a request."""
        return Reply(handle, self.clock, stream=stream, at_once=at_once)

    async def model_for(self, named: str) -> str:
        """The model to ask. Raises `HTTPException` if there is none."""
        if named or self.model:
            return named or self.model
        models = await self.ask(self.service.backend.models())
        for info in models:
            if info.can_chat:
                return str(info.name)
        raise HTTPException(503, "the server has no model that can chat")

    async def ask(self, asking: Any) -> Any:
        """What a model server says. Raises `HTTPException` if it does not."""
        try:
            return await asking
        except BackendError as error:
            raise HTTPException(_status_of(error), error.message) from None


def caller_of(request: Request) -> Caller:
    """Who asks; the doors have found it out."""
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller


def only_admin(request: Request) -> None:
    """Raise `HTTPException` unless the admin asks."""
    if not caller_of(request).admin:
        raise HTTPException(403, "only the admin may do that")


def flag(request: Request, name: str) -> bool:
    """A part of the query that is 1 or 0. Raises `HTTPException` if it is anything else."""
    value = request.query_params.get(name, "0")
    if value not in {"0", "1"}:
        raise HTTPException(400, f"{name} is {shown_value(value)}; give 1 or 0")
    return value == "1"


def answer(data: Any, status: int = 200, **headers: str) -> Response:
    """A JSON answer."""
    return Response(encode(data), status, headers, media_type="application/json")


def _status_of(error: BackendError) -> int:
    match error.kind:
        case ErrorKind.BUSY:
            return 503
        case ErrorKind.MODEL_NOT_FOUND:
            return 404
        case _:
            return 502

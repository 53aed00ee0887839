"""What the app and the conversations need of an engine, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from ccchat_tui.backends.base import ChatBackend, Prompt, ServerStatus
from ccchat_tui.engine.events import EngineEvent
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.history import QueueHistory
from ccchat_tui.engine.request import Priority
from ccchat_tui.engine.stats import QueueSnapshot


class ChatService(Protocol):
    """See `ConcurrentChatService`, the one of this process, for what each means."""

    @property
    def backend(self) -> ChatBackend:
        """What new attempts are asked of."""
        ...

    @property
    def draining(self) -> bool:
        """Whether new requests are refused, because it is being closed."""
        ...

    @property
    def history(self) -> QueueHistory:
        """The last minutes, for a chart."""
        ...

    @property
    def servers(self) -> tuple[ServerStatus, ...]:
        """How each server of the backend is doing now."""
        ...

    def submit(
        self,
        *,
        user: str,
        session_id: str,
        model: str,
        prompt: Callable[[], Prompt],
        preview: str,
        id: str,  # noqa: A002 - the word for it everywhere
        priority: Priority = Priority.NORMAL,
        timeout: float | None = None,
    ) -> RequestHandle:
        """Ask something of the model. Raises `Rejected`."""
        ...

    def find(self, request_id: str) -> RequestHandle | None:
        """The living request of this id."""
        ...

    def cancel(self, request_id: str) -> bool:
        """Cancel a request wherever it stands. Returns whether this call did it."""
        ...

    def cancel_user(self, user: str) -> list[str]:
        """Cancel everything of one user. Returns the ids."""
        ...

    def cancel_all(self) -> list[str]:
        """Cancel everything. Returns the ids."""
        ...

    def pause(self) -> None:
        """Start nothing until `resume`."""
        ...

    def resume(self) -> None:
        """Start queued requests again."""
        ...

    def set_limits(
        self,
        *,
        max_concurrent: int | Literal["auto"] | None = None,
        max_concurrent_per_user: int | None = None,
    ) -> None:
        """Change limits. Raises `ValueError`."""
        ...

    def snapshot(self, requests: int | None = None, *, users: bool = True) -> QueueSnapshot:
        """The engine at this moment."""
        ...

    def subscribe(self, listener: Callable[[EngineEvent], None]) -> Callable[[], None]:
        """Have a listener told of every event. Returns what ends that."""
        ...

    def use_backend(self, backend: ChatBackend) -> ChatBackend:
        """Ask another backend from now on. Returns the old one."""
        ...

    async def drain(self) -> None:
        """Refuse new requests from now on, and wait until all that were taken have ended."""
        ...

    async def aclose(self) -> None:
        """Refuse new requests, cancel all, and wait until their connections are closed."""
        ...

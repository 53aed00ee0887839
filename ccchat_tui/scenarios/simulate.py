"""A load of simulated users on the service, and what can be told of it at any moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ccchat_tui.backends.base import ChatMessage, Prompt
from ccchat_tui.engine.handle import RequestHandle
from ccchat_tui.engine.request import Priority, Rejected, RequestState
from ccchat_tui.scenarios.report import UserTimes
from ccchat_tui.scenarios.watch import UserWatch

if TYPE_CHECKING:
    from ccchat_tui.clock import Clock
    from ccchat_tui.engine.facade import ChatService
    from ccchat_tui.scenarios.users import SimulatedUser

MAY_PASS = frozenset({"rate_limited", "queue_full"})
"""Refusals after which sending again later makes sense."""
PAUSE = 0.5
"""Seconds until a user sends again where the refusal does not say when."""
_ROUNDING = 0.001
"""Added to a pause, because a loop's timer may go off a little early."""


class Simulation:
    """Simulated users who send all their messages at once, waiting for no reply.

    A user who is refused for a while waits as long as the refusal says and then sends the same
    message again. Each message is a conversation of its own, so that what is asked does not hang
    on which reply was there first.

    Args:
        service: Takes the requests. Others may ask it too; at the end all of it is
            cancelled. Whoever made it closes it.
        users: Who sends what.
        model: The model that all of them ask.
        clock: The service's clock.
        system: System prompt of every conversation; empty for none.
        temperature: Temperature of every conversation; `None` leaves it to the model.

    Attributes:
        handles: What was accepted, in that order.
    """

    def __init__(
        self,
        service: ChatService,
        users: Sequence[SimulatedUser],
        *,
        model: str,
        clock: Clock,
        system: str = "",
        temperature: float | None = None,
    ) -> None:
        self.handles: list[RequestHandle] = []
        self._service = service
        self._users = users
        self._model = model
        self._clock = clock
        self._before = (ChatMessage("system", system),) if system else ()
        self._options = {} if temperature is None else {"temperature": temperature}
        self._stopped = False
        self._resting: dict[asyncio.Future[None], None] = {}
        self._began: float | None = None
        self._ended: float | None = None
        self._watch = UserWatch(user.name for user in users)
        self._waiting: dict[str, float] = {}

    @property
    def expected(self) -> int:
        """How many messages there are to send."""
        return sum(len(user.messages) for user in self._users)

    @property
    def completed(self) -> int:
        """How many of its own requests have completed."""
        return sum(handle.state is RequestState.COMPLETED for handle in self.handles)

    @property
    def names(self) -> tuple[str, ...]:
        """The users' names, in their order."""
        return tuple(user.name for user in self._users)

    @property
    def waiting(self) -> dict[str, float]:
        """Users who were refused and will send again, with the moment of the clock."""
        return self._waiting

    @property
    def began(self) -> float | None:
        """The clock's moment of the beginning; `None` before it."""
        return self._began

    @property
    def wall(self) -> float:
        """Seconds from the first message to the end, or until now."""
        if self._began is None:
            return 0.0
        return (self._clock.monotonic() if self._ended is None else self._ended) - self._began

    async def run(self) -> None:
        """Send everything and wait until all of it has ended; cancelling cancels the requests."""
        unsubscribe = self._service.subscribe(self._watch)
        self._began = self._clock.monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                for name, part in self._parts():
                    group.create_task(part, name=name)
        finally:
            self._service.cancel_all()
            self._ended = self._clock.monotonic()
            unsubscribe()

    def finish(self) -> None:
        """Send nothing more; `run` ends by itself when what was sent has ended."""
        self._stop_all()

    def stop(self) -> None:
        """Cancel what runs and send nothing more; `run` then ends by itself."""
        self.finish()
        self._service.cancel_all()

    def times(self) -> dict[str, UserTimes]:
        """What the service's snapshot does not say of each user."""
        return self._watch.times()

    def failures(self) -> Counter[str]:
        """Why requests failed or took too long, in words, and how many did for that reason."""
        bad = (RequestState.FAILED, RequestState.TIMED_OUT)
        return Counter(
            handle.failure.message
            for handle in self.handles
            if handle.state in bad and handle.failure is not None
        )

    def _parts(self) -> Iterable[tuple[str, Coroutine[Any, Any, None]]]:
        """What is done side by side, each with a name."""
        return [(f"user {user.name}", self._send_all(user)) for user in self._users]

    async def _send_all(self, user: SimulatedUser) -> None:
        sent = []
        for number, text in enumerate(user.messages, 1):
            prompt = self._prompt(user.name, (ChatMessage("user", text),))
            handle = await self._send(
                user.name, f"{user.name} {number}", text, partial(_same, prompt)
            )
            if handle is not None:
                sent.append(handle)
                self.handles.append(handle)
            # The others send theirs in between, as people would.
            await asyncio.sleep(0)
        for handle in sent:
            await handle.wait()

    def _prompt(self, user: str, messages: tuple[ChatMessage, ...]) -> Prompt:
        """What a user asks, after these messages."""
        return Prompt(
            model=self._model,
            messages=(*self._before, *messages),
            options=self._options,
            user=user,
        )

    async def _send(
        self,
        name: str,
        request_id: str,
        text: str,
        prompt: Callable[[], Prompt],
        *,
        session_id: str | None = None,
        priority: Priority = Priority.NORMAL,
    ) -> RequestHandle | None:
        """Send one message, again and again if need be; `None` if it is never taken."""
        while not self._stopped:
            try:
                return self._submit(
                    name,
                    request_id,
                    text,
                    prompt,
                    session_id=session_id or request_id,
                    priority=priority,
                )
            except Rejected as refusal:
                if refusal.reason not in MAY_PASS:
                    return None
                await self._pause(name, refusal.retry_after or PAUSE)
        return None

    def _submit(
        self,
        name: str,
        request_id: str,
        text: str,
        prompt: Callable[[], Prompt],
        *,
        session_id: str,
        priority: Priority,
    ) -> RequestHandle:
        """Ask the service. Raises `Rejected`."""
        return self._service.submit(
            user=name,
            session_id=session_id,
            model=self._model,
            prompt=prompt,
            preview=text,
            id=request_id,
            priority=priority,
        )

    async def _pause(self, name: str, seconds: float) -> None:
        """Wait, but no longer than until the simulation is stopped."""
        self._waiting[name] = self._clock.monotonic() + seconds
        try:
            await self._rest(seconds + _ROUNDING)
        finally:
            # Another conversation of the same user may have waited too.
            self._waiting.pop(name, None)

    async def _rest(self, seconds: float) -> None:
        """Do nothing for so long, but no longer than until the simulation is stopped."""
        if self._stopped:
            return
        loop = asyncio.get_running_loop()
        # Each rests by itself: all waiting for one event, each would look for its place among them.
        over = loop.create_future()
        self._resting[over] = None
        timer = (
            loop.call_later(seconds, _wake, over) if seconds > 0 else loop.call_soon(_wake, over)
        )
        try:
            await over
        finally:
            timer.cancel()
            del self._resting[over]

    def _stop_all(self) -> None:
        """Send nothing more from now on, and let nobody rest."""
        self._stopped = True
        for over in self._resting:
            _wake(over)


def _wake(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)


def _same(prompt: Prompt) -> Prompt:
    return prompt

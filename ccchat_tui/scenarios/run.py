"""Plays a scenario on the service: its users type, ask, read and go on; its cancels come."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ccchat_tui.backends.base import ChatMessage
from ccchat_tui.engine.request import RequestState
from ccchat_tui.scenarios.plan import Conversation, make_plan
from ccchat_tui.scenarios.simulate import Simulation
from ccchat_tui.scenarios.users import SimulatedUser

if TYPE_CHECKING:
    from ccchat_tui.clock import Clock
    from ccchat_tui.engine.facade import ChatService
    from ccchat_tui.engine.handle import RequestHandle
    from ccchat_tui.scenarios.model import Scenario

_BAD = frozenset({RequestState.FAILED, RequestState.TIMED_OUT})
_REASONS = 100
"""Different reasons for failing that are remembered."""


class Living(Protocol):
    """A request that may be cancelled."""

    @property
    def user(self) -> str:
        """Whose it is."""
        ...


L = TypeVar("L", bound=Living)


def struck(scenario: Scenario, number: int, seed: int, living: Iterable[L]) -> list[L]:
    """Which requests a cancel of the scenario is meant for.

    Args:
        scenario: Whose cancel it is.
        number: Its place among the scenario's cancels, from 0.
        seed: Begins every choice.
        living: What lives when its moment has come, in the order in which it was sent.
    """
    cancel = scenario.cancels[number]
    users = {cancel.user}
    for user in scenario.users:
        if user.name == cancel.user:
            users.update(user.names)
    may = [each for each in living if not cancel.user or each.user in users]
    chance = random.Random(f"{seed}:cancel:{number}")
    return [
        may[place]
        for place in sorted(chance.sample(range(len(may)), round(cancel.share * len(may))))
    ]


class ScenarioRun(Simulation):
    """A scenario as it is played. A message is sent after the reply to the one before, the time
    to think and the time to type; after a reply that was cancelled or failed, the user goes on
    with the next. Handles are not kept: a scenario may last for hours.

    Args:
        service: Takes the requests. It is this run's alone, and whoever made it closes it.
        scenario: What is played.
        seed: Begins every choice.
        model: The model that everybody asks.
        clock: The service's clock.
        begin: Called when it begins, for a server whose moments count from there.
        system: System prompt of every conversation; empty for none.
        temperature: Temperature of every conversation; `None` leaves it to the model.
    """

    def __init__(
        self,
        service: ChatService,
        scenario: Scenario,
        seed: int,
        *,
        model: str,
        clock: Clock,
        begin: Callable[[], None] | None = None,
        system: str = "",
        temperature: float | None = None,
    ) -> None:
        self._scenario = scenario
        self._seed = seed
        self._plan = make_plan(scenario, seed)
        self._begin = begin
        self._open = len(self._plan)
        self._living: dict[str, RequestHandle] = {}
        self._reasons: Counter[str] = Counter()
        super().__init__(
            service,
            [SimulatedUser(name, ()) for name in scenario.names],
            model=model,
            clock=clock,
            system=system,
            temperature=temperature,
        )
        longest = scenario.server.reply_tokens
        if longest is not None:
            self._options = {**self._options, "num_predict": longest}

    @property
    def expected(self) -> int:
        """How many messages there are to send."""
        return self._scenario.expected

    def failures(self) -> Counter[str]:
        """Why requests failed or took too long, in words, and how many did for that reason."""
        return self._reasons

    def _parts(self) -> Iterable[tuple[str, Coroutine[Any, Any, None]]]:
        if self._begin is not None:
            self._begin()
        for conversation in self._plan:
            name = f"{conversation.user}, conversation {conversation.number}"
            yield name, self._to_its_end(conversation)
        for number, cancel in enumerate(self._scenario.cancels):
            yield f"cancel at {cancel.at} s", self._cancel(number, cancel.at)

    async def _to_its_end(self, conversation: Conversation) -> None:
        try:
            await self._converse(conversation)
        finally:
            self._open -= 1
            if not self._open:
                # Nothing is left that a later cancel could be meant for.
                self._stop_all()

    async def _converse(self, conversation: Conversation) -> None:
        name = conversation.user
        session = f"{name} {conversation.number}"
        told: list[ChatMessage] = []
        await self._until(conversation.at)
        for number, turn in enumerate(conversation.turns, 1):
            await self._rest(turn.think + turn.typing)
            asked = ChatMessage("user", turn.text)
            handle = await self._send(
                name,
                f"{session}.{number}",
                turn.text,
                partial(self._prompt, name, (*told, asked)),
                session_id=session,
                priority=conversation.priority,
            )
            if handle is None:
                return
            self._living[handle.id] = handle
            try:
                state = await handle.wait()
            finally:
                del self._living[handle.id]
            if state is RequestState.COMPLETED:
                told += (asked, ChatMessage("assistant", handle.text))
            elif state in _BAD and handle.failure is not None:
                self._failed(handle.failure.message)

    async def _cancel(self, number: int, at: float) -> None:
        """Wait for the moment, and cancel what then lives."""
        await self._until(at)
        for handle in struck(self._scenario, number, self._seed, self._living.values()):
            handle.cancel()

    async def _until(self, moment: float) -> None:
        """Wait for a moment of the scenario."""
        await self._rest(moment - self.wall)

    def _failed(self, reason: str) -> None:
        if reason in self._reasons or len(self._reasons) < _REASONS:
            self._reasons[reason] += 1

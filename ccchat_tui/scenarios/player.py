"""Plays a scenario where people look on: its users type what they ask, letter by letter, and
whoever looks on may take over from any of them at any moment.

It knows of no screen. What a user writes in is a `Desk`, and somebody else opens those; the time
that everything goes by is passed in, so that it can be stopped, hurried or driven.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ccchat_tui.clock import Pace
from ccchat_tui.engine.request import Rejected
from ccchat_tui.scenarios.model import Scenario
from ccchat_tui.scenarios.moments import Moment, moments_of
from ccchat_tui.scenarios.plan import Conversation, Turn, make_plan
from ccchat_tui.scenarios.run import struck
from ccchat_tui.scenarios.simulate import MAY_PASS, PAUSE

GLIMPSE = 0.07
"""Seconds between two looks at what is being typed; letters that fall between come together."""


class Asked(Protocol):
    """A message that was sent, and whose reply may still come."""

    @property
    def user(self) -> str:
        """Who sent it."""
        ...

    def cancel(self) -> object:
        """Stop its reply."""
        ...

    async def ended(self) -> None:
        """Wait until nothing more of it comes."""
        ...


class Desk(Protocol):
    """Where one conversation is written: a message box and what it is sent with."""

    @property
    def open(self) -> bool:
        """Whether it is still there."""
        ...

    @property
    def text(self) -> str:
        """What stands in the box."""
        ...

    def write(self, text: str) -> None:
        """Have the box hold this text, whose beginning it mostly holds already."""
        ...

    def put_aside(self) -> None:
        """Keep what stands in the box where the person finds it again, and empty the box."""
        ...

    def send(self, text: str) -> Asked:
        """Send a message and empty the box. Raises `Rejected`; then the box is as it was."""
        ...

    def show_hands(self, hands: Hands) -> None:
        """Say who writes here from now on."""
        ...

    def refused(self, refusal: Rejected) -> None:
        """Say that a message was not taken."""
        ...


class Hands(StrEnum):
    """Who writes at a desk."""

    THEIRS = "theirs"
    """The simulated user."""
    YOURS = "yours"
    """Whoever looks on has taken over."""


@dataclass(slots=True, eq=False)
class Place:
    """A conversation as it is played."""

    conversation: Conversation
    desk: Desk
    expected: str = ""
    """What the simulated user has left in the box; where it holds anything else, somebody wrote."""
    message: str = ""
    """What is being typed; empty while nothing is."""
    hands: Hands = Hands.THEIRS
    over: bool = False


class Player:
    """Plays a scenario once.

    Args:
        scenario: What is played.
        seed: Begins every choice: the plan is the one that runs without a screen have.
        pace: The time that it goes by.
        open_desk: Opens the desk of a conversation when it begins.
        begin: Called when it begins, for a server whose moments count from there.
        troubles: Whether that server plays the scenario's troubles.
        glimpse: Seconds between two looks at what is being typed.
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        *,
        pace: Pace,
        open_desk: Callable[[Conversation], Desk],
        begin: Callable[[], None] = lambda: None,
        troubles: bool = True,
        glimpse: Callable[[], float] = lambda: GLIMPSE,
    ) -> None:
        self.scenario = scenario
        self.plan = make_plan(scenario, seed)
        self.moments = moments_of(scenario, self.plan, troubles=troubles)
        self.places: list[Place] = []
        """In the order in which they were begun."""
        self.sent = 0
        self._seed = seed
        self._pace = pace
        self._open_desk = open_desk
        self._begin = begin
        self._glimpse = glimpse
        self._living: dict[Asked, None] = {}
        self._given_back = asyncio.Event()
        self._began: float | None = None
        self._ended: float | None = None
        self._left = len(self.plan)
        self._done = asyncio.Event()

    # Looking ------------------------------------------------------------------------------

    @property
    def elapsed(self) -> float:
        """Seconds since it began; those that it took, once it is over."""
        if self._began is None:
            return 0.0
        return (self._pace.monotonic() if self._ended is None else self._ended) - self._began

    @property
    def over(self) -> bool:
        """Whether everybody has said everything."""
        return self._ended is not None

    @property
    def next(self) -> Moment | None:
        """What happens next by itself."""
        now = self.elapsed
        return None if self.over else next((each for each in self.moments if each.at > now), None)

    @property
    def line(self) -> str:
        """What the scenario says of itself just now; empty for nothing."""
        now = self.elapsed
        lines = [line for line in self.scenario.says if line.at <= now]
        return "" if not lines or self.over else max(lines, key=lambda line: line.at).text

    @property
    def yours(self) -> list[Place]:
        """Those that were taken over."""
        return [
            place
            for place in self.places
            if place.hands is Hands.YOURS and place.desk.open and not place.over
        ]

    # Taking over --------------------------------------------------------------------------

    def look(self) -> None:
        """Notice where somebody has written: the simulated user writes there no more."""
        for place in self.places:
            if not place.over and not place.desk.open:
                self._given_back.set()  # nobody will give it back any more
            elif not place.over:
                self._is_theirs(place)

    def give_back(self, place: Place) -> None:
        """Let the simulated user go on. What somebody else wrote is put aside, not lost; half a
        message that still stands there is gone on with."""
        if place.hands is Hands.THEIRS:
            return
        goes_on = bool(place.message) and place.message.startswith(place.desk.text)
        if place.desk.text and not goes_on:
            place.desk.put_aside()
        place.expected = place.desk.text
        place.hands = Hands.THEIRS
        place.desk.show_hands(place.hands)
        self._given_back.set()

    def _is_theirs(self, place: Place) -> bool:
        """Whether the simulated user may write; finds out whether somebody else has."""
        written = place.desk.open and place.desk.text != place.expected
        if written and place.hands is Hands.THEIRS:
            place.hands = Hands.YOURS
            place.desk.show_hands(place.hands)
        return place.hands is Hands.THEIRS

    async def _until_theirs(self, place: Place) -> None:
        while place.desk.open and not self._is_theirs(place):
            self._given_back.clear()
            await self._given_back.wait()

    # Playing ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Play it to its end. Cancelled, it stops where it is, and what was sent runs on."""
        self._began = self._pace.monotonic()
        self._begin()
        async with asyncio.TaskGroup() as group:
            for conversation in self.plan:
                name = f"{conversation.user}, conversation {conversation.number}"
                group.create_task(self._to_its_end(conversation), name=name)
            cancels = [
                group.create_task(self._cancel(number, cancel.at))
                for number, cancel in enumerate(self.scenario.cancels)
            ]
            await self._done.wait()
            self._ended = self._pace.monotonic()
            for task in cancels:
                # Nothing is left that a later one could be meant for.
                task.cancel()

    async def _to_its_end(self, conversation: Conversation) -> None:
        try:
            await self._pace.sleep(conversation.at - self.elapsed)
            place = Place(conversation, self._open_desk(conversation))
            self.places.append(place)
            await self._converse(place)
            place.over = True
            if place.hands is Hands.YOURS:
                place.desk.show_hands(Hands.THEIRS)
        finally:
            self._left -= 1
            if not self._left:
                self._done.set()

    async def _converse(self, place: Place) -> None:
        for turn in place.conversation.turns:
            await self._pace.sleep(turn.think)
            await self._type(place, turn)
            asked = await self._send(place, turn.text)
            if asked is None:
                return
            self.sent += 1
            self._living[asked] = None
            try:
                await asked.ended()
            finally:
                del self._living[asked]

    async def _type(self, place: Place, turn: Turn) -> None:
        """Write a message, as fast as its author does."""
        place.message = turn.text
        a_letter = turn.typing / len(turn.text)
        due = self._pace.monotonic()
        while place.desk.open:
            if not self._is_theirs(place):
                await self._until_theirs(place)
                due = self._pace.monotonic()
            there = len(place.expected)
            if there == len(turn.text):
                break
            letters = max(1, round(self._glimpse() / a_letter)) if a_letter else len(turn.text)
            letters = min(letters, len(turn.text) - there)
            # Against a schedule, or every timer that is late would slow the typing down.
            due += letters * a_letter
            if a_letter:
                await self._pace.sleep(due - self._pace.monotonic())
            if self._is_theirs(place) and place.desk.open:
                place.expected = turn.text[: there + letters]
                place.desk.write(place.expected)

    async def _send(self, place: Place, text: str) -> Asked | None:
        """Send a message, again and again if need be; `None` if it is never taken."""
        while place.desk.open:
            await self._until_theirs(place)
            try:
                asked = place.desk.send(text)
            except Rejected as refusal:
                place.desk.refused(refusal)
                if refusal.reason not in MAY_PASS:
                    return None
                await self._pace.sleep(refusal.retry_after or PAUSE)
            else:
                place.expected = place.message = ""
                return asked
        return None

    async def _cancel(self, number: int, at: float) -> None:
        await self._pace.sleep(at - self.elapsed)
        living: Iterable[Asked] = self._living
        for asked in struck(self.scenario, number, self._seed, living):
            asked.cancel()

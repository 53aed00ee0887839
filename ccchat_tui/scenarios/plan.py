"""What a scenario comes to with a seed: every message, its moment, its thought and its typing."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import count, islice

from ccchat_tui.engine.request import Priority
from ccchat_tui.quick import dataclass
from ccchat_tui.scenarios.model import AtOnce, Burst, Every, Poisson, Ramp, Scenario, User
from ccchat_tui.scenarios.users import question

_PRIORITIES = {"low": Priority.LOW, "normal": Priority.NORMAL, "high": Priority.HIGH}


@dataclass(frozen=True, slots=True)
class Turn:
    """A message, and the time that its author takes over it. In seconds."""

    text: str
    think: float
    """After the last reply, before the first letter."""
    typing: float
    """From the first letter to sending."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages that follow one another, each after the reply to the one before."""

    user: str
    number: int
    """1 for the user's first."""
    at: float
    """When it begins, in seconds from the beginning of the scenario."""
    priority: Priority
    turns: tuple[Turn, ...]


def make_plan(scenario: Scenario, seed: int) -> tuple[Conversation, ...]:
    """Every conversation of a scenario. The same seed makes the same plan, on every machine.

    Moments are whole milliseconds, so that no machine's arithmetic is seen in them.
    """
    shared = random.Random(f"{seed}:arrivals")
    everybody = [
        (name, user, random.Random(f"{seed}:user:{name}"))
        for user in scenario.users
        for name in user.names
    ]
    # Users take turns: each one's first conversation, then each one's second.
    places = [
        (number, name, user, rng)
        for number in range(1, max(user.conversations for user in scenario.users) + 1)
        for name, user, rng in everybody
        if number <= user.conversations
    ]
    together = _moments(scenario.arrivals, sum(p[2].arrivals is None for p in places), shared)
    alone = {
        name: _moments(user.arrivals, user.conversations, random.Random(f"{seed}:arrivals:{name}"))
        for name, user, _ in everybody
        if user.arrivals is not None
    }
    return tuple(
        Conversation(
            user=name,
            number=number,
            at=next(alone.get(name, together)),
            priority=_PRIORITIES[user.priority],
            turns=tuple(_turns(user, rng)),
        )
        for number, name, user, rng in places
    )


def _turns(user: User, rng: random.Random) -> Iterator[Turn]:
    drawn = (question(rng) for _ in range(user.messages))
    for number, text in enumerate(drawn if user.says is None else user.says):
        think = rng.uniform(*user.think) if number else 0.0
        typing = len(text) / user.typing if user.typing else 0.0
        yield Turn(text, round(think, 3), round(typing, 3))


def _moments(
    arrivals: AtOnce | Every | Poisson | Burst | Ramp, number: int, rng: random.Random
) -> Iterator[float]:
    """When so many conversations begin."""
    return (
        round(arrivals.start + each, 3) for each in islice(_since(arrivals, number, rng), number)
    )


def _since(
    arrivals: AtOnce | Every | Poisson | Burst | Ramp, number: int, rng: random.Random
) -> Iterator[float]:
    """The same, from the moment at which the first may begin."""
    match arrivals:
        case AtOnce():
            yield from (0.0 for _ in count())
        case Every(seconds=seconds):
            yield from (place * seconds for place in count())
        case Burst(size=size, seconds=seconds):
            yield from (place // size * seconds for place in count())
        case Ramp(seconds=seconds):
            # The share that has begun grows with the square of time if the rate grows with time.
            yield from (seconds * math.sqrt(place / number) for place in count())
        case Poisson(per_minute=rate):
            passed = 0.0
            while True:
                passed = round(passed + rng.expovariate(rate / 60), 3)
                yield passed

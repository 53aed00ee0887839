"""Simulated users: who they are and what they ask, all of it from a seed."""

from __future__ import annotations

import random

from ccchat_tui.quick import dataclass

NAMES = (
    *("Ada", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gwen", "Hugo", "Ines", "Jon", "Kira", "Leo"),
    *("Mona", "Nils", "Olga", "Pau", "Quin", "Rosa", "Sam", "Tara", "Ugo", "Vera", "Will", "Xenia"),
    *("Yuri", "Zoe"),
)

_SUBJECTS = (
    *("queues", "concurrency", "Python", "Rust", "the moon", "tides", "coffee", "bread", "tea"),
    *("rainbows", "chess", "bees", "gravity", "photosynthesis", "maps", "trains", "paper"),
    *("glass", "winter", "memory", "sleep", "bicycles", "libraries", "bridges", "clocks"),
)
_QUESTIONS = (
    "Say in one sentence what matters about {s}.",
    "Tell me briefly how to think about {s}.",
    "What is worth knowing about {s}? One sentence, please.",
    "Explain {s} briefly, to a child.",
    "Write a haiku about {s}.",
)


@dataclass(frozen=True, slots=True)
class SimulatedUser:
    """Somebody who sends these messages, all at once."""

    name: str
    messages: tuple[str, ...]


def make_users(count: int, messages: int, seed: int) -> tuple[SimulatedUser, ...]:
    """The users of a load. The same numbers make the same users, on every machine.

    Args:
        count: How many; each has a name of their own.
        messages: How many messages each of them sends.
        seed: Begins every choice.
    """
    rng = random.Random(f"{seed}:users")
    return tuple(
        SimulatedUser(_name(number), tuple(question(rng) for _ in range(messages)))
        for number in range(count)
    )


def _name(number: int) -> str:
    generation, place = divmod(number, len(NAMES))
    return NAMES[place] if generation == 0 else f"{NAMES[place]} {generation + 1}"


def question(rng: random.Random) -> str:
    """Something that a person may ask."""
    return rng.choice(_QUESTIONS).format(s=rng.choice(_SUBJECTS))

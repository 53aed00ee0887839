"""What a scenario holds in store, in words, for whoever waits for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ccchat_tui.quick import dataclass
from ccchat_tui.scenarios.model import Cancel, Scenario, Trouble
from ccchat_tui.scenarios.plan import Conversation


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happens by itself."""

    at: float
    """Seconds from the beginning of the scenario."""
    words: str
    """What, as in `the server goes down`."""


def moments_of(
    scenario: Scenario, plan: Sequence[Conversation], *, troubles: bool = True
) -> tuple[Moment, ...]:
    """Everything that happens at a set moment, in order.

    Args:
        scenario: The scenario.
        plan: Its conversations, as the seed has them.
        troubles: Whether the server's are played, too.
    """
    found = [Moment(cancel.at, _cancelled(cancel)) for cancel in scenario.cancels]
    found += [each for trouble in scenario.troubles if troubles for each in _of_trouble(trouble)]
    found += [
        Moment(each.at, f"{each.user} comes") for each in plan if each.at > 0 and each.number == 1
    ]
    # At one moment, what happens to the server is told before who comes.
    return tuple(sorted(found, key=lambda each: each.at))


def _cancelled(cancel: Cancel) -> str:
    part = "" if cancel.share == 1 else f"{cancel.share:.0%} of "
    whose = f"{cancel.user}'s" if cancel.user else "all"
    return f"{part}{whose} requests are cancelled"


def _of_trouble(trouble: Trouble) -> Iterator[Moment]:
    match trouble.what:
        case "down":
            words = "the server goes down", "the server is back"
        case "busy":
            words = (
                f"the server is too busy for more than {trouble.at_once} at once",
                "the server takes everything again",
            )
        case "slow":
            words = (
                f"the server is {trouble.factor:g} times slower",
                "the server is as quick as before",
            )
        case "failing":
            words = f"the server fails {trouble.share:.0%} of requests", "the server fails no more"
    yield Moment(trouble.at, words[0])
    yield Moment(trouble.end, words[1])

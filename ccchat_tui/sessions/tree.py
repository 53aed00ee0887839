"""Versions and branches: which of its turns a conversation shows, and in what order.

Each turn has a `place`, and stands `after` another place, or at the beginning. Turns that stand
after the same place are alternatives, of which one is shown: those that share a place as well ask
the same question and are versions of one reply; the others ask another, and begin a branch. What
follows hangs on the place and not on the version, so that it stays where it is whichever version is
shown, and goes with the branch. The one shown last is shown: it has the highest `picked`.

Everything here goes by these four and by the order of the list, which is that of asking; nothing
here knows what a turn says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Placed(Protocol):
    """What stands somewhere in a conversation."""

    id: str
    place: str
    """The same for all versions of one reply; unlike that of everything else in the list."""
    after: str
    """The place that it follows; empty at the beginning."""
    picked: int
    """Goes up each time that this one of its alternatives is chosen."""


T = TypeVar("T", bound=Placed)


@dataclass(frozen=True, slots=True, eq=False)
class Removed(Generic[T]):
    """What was taken out, and what it takes to put it back."""

    turn: T
    index: int
    moved: tuple[T, ...]
    """What followed it, and follows now what it followed."""


def path(turns: Sequence[T]) -> list[T]:
    """The turns that are shown, the first one first."""
    return onward(turns, "")


def onward(turns: Sequence[T], place: str) -> list[T]:
    """What is shown behind a place; behind none, all that is shown."""
    best: dict[str, T] = {}
    for turn in turns:
        known = best.get(turn.after)
        if known is None or turn.picked >= known.picked:
            best[turn.after] = turn
    shown: list[T] = []
    seen = {place}
    at = best.get(place)
    while at is not None and at.place not in seen:  # in a ring it would be; `mend` leaves none
        shown.append(at)
        seen.add(at.place)
        at = best.get(at.place)
    return shown


def alternatives(turns: Sequence[T], turn: T) -> list[T]:
    """What can be shown where a turn stands, itself among them: branch by branch in the order in
    which they were begun, of each its versions in the order in which they were asked for."""
    branches: dict[str, list[T]] = {}
    for each in turns:
        if each.after == turn.after:
            branches.setdefault(each.place, []).append(each)
    return [each for branch in branches.values() for each in branch]


def versions(turns: Sequence[T], turn: T) -> list[T]:
    """The versions of a turn, itself among them."""
    return [each for each in turns if each.place == turn.place]


def before(turns: Sequence[T], turn: T) -> list[T]:
    """What stands before a turn, whether it is shown or not: of each place the version that was
    shown last; the first one first."""
    best: dict[str, T] = {}
    for each in turns:
        known = best.get(each.place)
        if known is None or each.picked >= known.picked:
            best[each.place] = each
    found: list[T] = []
    seen = {turn.place}
    at = best.get(turn.after)
    while at is not None and at.place not in seen:
        seen.add(at.place)
        found.append(at)
        at = best.get(at.after)
    return found[::-1]


def pick(turns: Sequence[T], turn: T) -> None:
    """Show a turn, wherever it stands."""
    highest = top(turns) + 1
    for each in (*before(turns, turn), turn):
        each.picked = highest


def top(turns: Iterable[Placed]) -> int:
    """The highest `picked` there is."""
    return max((each.picked for each in turns), default=0)


def take_out(turns: list[T], turn: T) -> Removed[T]:
    """Take a turn out. Where it has other versions, what follows stays behind them; else it moves
    up to where the turn stood, and what was shown of it is shown there."""
    index = turns.index(turn)
    del turns[index]
    if any(each.place == turn.place for each in turns):
        return Removed(turn, index, ())
    moved = tuple(each for each in turns if each.after == turn.place)
    if moved:
        shown = max(moved, key=lambda each: each.picked)
        shown.picked = top(turns) + 1
    for each in moved:
        each.after = turn.after
    return Removed(turn, index, moved)


def put_back(turns: list[T], removed: Removed[T]) -> None:
    """Undo a `take_out`: the turn is there and shown, and what followed it follows it, as far as
    it is still where it was moved to."""
    turn = removed.turn
    if turn.after and all(each.place != turn.after for each in turns):
        # What it followed was taken out since, and is not back: it comes last.
        shown = path(turns)
        turn.after = shown[-1].place if shown else ""
    for each in removed.moved:
        if each in turns and each.after == turn.after:
            each.after = turn.place
    turns.insert(removed.index, turn)
    pick(turns, turn)


def mend(turns: Sequence[Placed]) -> None:
    """Make what comes from outside hold together: what follows nothing that there is, or in the
    end itself, stands at the beginning; and of versions, all stand where the first one does."""
    first: dict[str, Placed] = {}
    for turn in turns:
        turn.place = turn.place or turn.id
        turn.after = first.setdefault(turn.place, turn).after
    sound = {""}
    moved: set[str] = set()
    for place in first:
        on_the_way: dict[str, None] = {}
        at = place
        while at not in sound:
            on_the_way[at] = None
            following = first[at].after
            if following in on_the_way or (following and following not in first):
                moved.add(at)
                break
            at = following
        sound.update(on_the_way)
    for turn in turns:
        if turn.place in moved:
            turn.after = ""

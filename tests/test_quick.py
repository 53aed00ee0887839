"""Our quick data classes are what the standard library's are."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import sys
from collections.abc import Callable
from dataclasses import field
from typing import Any, ClassVar

import pytest

from ccchat_tui import quick


def _one(decorate: Callable[[type], type]) -> Any:
    class Point:
        """Some of everything that we use."""

        x: int
        y: float = 1.5
        notes: list[str] = field(default_factory=list)
        secret: str = field(default="", repr=False)
        hint: object = field(default=None, compare=False)

        @property
        def twice(self) -> int:
            return self.x * 2

    return decorate(Point)


OPTIONS = [{"frozen": True, "slots": True}, {"slots": True}]
Quick = _one(quick.dataclass(frozen=True, slots=True))
Quick.__qualname__ = "Quick"
Quick.__name__ = "Quick"


@pytest.fixture(params=OPTIONS, ids=("frozen", "open"))
def both(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """Ours and the standard one."""
    ours = _one(quick.dataclass(**request.param))
    return ours, _one(dataclasses.dataclass(**request.param))


def outcome(act: Callable[[], object]) -> object:
    """What comes of it: a value, or the error's type and words."""
    try:
        return act()
    except Exception as error:
        return type(error), str(error)


ACTS: dict[str, Callable[[Any], object]] = {
    "repr": lambda made: repr(made(1, notes=["a"], secret="s")),
    "equal": lambda made: (
        made(1) == made(1),
        made(1) == made(2),
        made(1, hint=3) == made(1),
        made(1, secret="x") == made(1),
    ),
    "of another class": lambda made: (made(1) == 1, made(1) != 1, made(1).__eq__(1)),
    "of a class below": lambda made: made(1) == type("Below", (made,), {})(1),
    "hash": lambda made: hash(made(1, notes=())) == hash(made(1, hint=7, notes=())),
    "no hash": lambda made: hash(made(1)),
    "set": lambda made: setattr(made(1), "x", 2),
    "set what there is not": lambda made: outcome(lambda: setattr(made(1), "z", 2)) is not None,
    "delete": lambda made: delattr(made(1), "x"),
    "signature": lambda made: [
        (p.name, p.kind) for p in inspect.signature(made).parameters.values()
    ],
    "too few": lambda made: made(),
    "too many": lambda made: made(1, 2, 3, 4, 5, 6),
    "a wrong name": lambda made: made(1, z=3),
    "defaults": lambda made: (
        made(1).y,
        made(1).notes,
        made(1).notes is made(1).notes,
        made(1).hint,
    ),
    "property": lambda made: made(4).twice,
    "match": lambda made: made.__match_args__,
    "slots": lambda made: (made.__slots__, hasattr(made(1), "__dict__")),
    "fields": lambda made: [(f.name, f.type, f.repr, f.compare) for f in dataclasses.fields(made)],
    "fields of one": lambda made: [f.name for f in dataclasses.fields(made(1))],
    "is one": lambda made: (dataclasses.is_dataclass(made), dataclasses.is_dataclass(made(1))),
    "as a dict": lambda made: dataclasses.asdict(made(1, hint=made(2))),
    "as a tuple": lambda made: dataclasses.astuple(made(1)),
    "replace": lambda made: repr(dataclasses.replace(made(1, secret="s"), y=3.0)),
    "copy": lambda made: copy.copy(made(1, hint=2)) == made(1),
    "a deep copy": lambda made: copy.deepcopy(made(1, notes=["a"])).notes,
    "doc": lambda made: made.__doc__,
}


@pytest.mark.parametrize("act", ACTS)
def test_does_what_the_standard_one_does(both: tuple[Any, Any], act: str) -> None:
    ours, standard = both
    assert outcome(lambda: ACTS[act](ours)) == outcome(lambda: ACTS[act](standard))


def test_one_that_holds_itself_can_be_told() -> None:
    one = Quick(1)
    one.notes.append(one)
    assert repr(one) == "Quick(x=1, y=1.5, notes=[...], hint=None)"


def test_can_be_pickled() -> None:
    # Written by the name, as every class is.
    Quick.__module__ = __name__
    assert sys.modules[__name__].Quick is Quick
    again = pickle.loads(pickle.dumps(Quick(3, hint="h")))
    assert (again, again.hint) == (Quick(3), "h")


def test_says_when_one_of_two_made_in_a_row_begins() -> None:
    """What is checked after it is made is called, with all fields there."""
    seen = []

    @quick.dataclass(frozen=True, slots=True)
    class Checked:
        low: int
        high: int = 3

        def __post_init__(self) -> None:
            seen.append((self.low, self.high))

    Checked(1)
    assert seen == [(1, 3)]


@pytest.mark.parametrize("options", OPTIONS)
def test_a_class_below_another_has_the_fields_of_both(options: dict[str, bool]) -> None:
    def family(decorate: Callable[[type], type]) -> Any:
        @decorate
        class Base:
            a: int
            b: list[int] = field(default_factory=list)

        @decorate
        class Below(Base):
            c: int = 2
            a: int = 5

        return Below

    ours = family(quick.dataclass(**options))
    standard = family(dataclasses.dataclass(**options))
    acts = ("fields", "signature", "match", "slots", "copy of it", "is one", "too many")
    more: dict[str, Callable[[Any], object]] = {
        "copy of it": lambda made: copy.copy(made(1, c=4)),
        "told": lambda made: repr(made(c=3)),
        "set": lambda made: setattr(made(1), "c", 2),
        "equal": lambda made: (made(1) == made(), made(5) == made(), made(1) == made(1, [2])),
    }
    for act in (*acts, *more):
        do = {**ACTS, **more}[act]
        found, should = outcome(lambda: do(ours)), outcome(lambda: do(standard))  # noqa: B023
        assert repr(found) == repr(should), act


def test_a_class_that_asks_for_more_is_the_standard_one() -> None:
    """Whatever is not done here is done there: nothing is quietly left out."""

    @quick.dataclass(frozen=True, slots=True)
    class Base:
        a: int

    @quick.dataclass(frozen=True, slots=True)
    class Below(Base):
        b: int = 2
        kind: ClassVar[str] = "below"

    @quick.dataclass(slots=True)
    class Own:
        a: int

        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    assert repr(Below(1)).endswith("Below(a=1, b=2)")
    assert [each.name for each in dataclasses.fields(Below)] == ["a", "b"]
    assert Own(1) == Own(2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Below(1).a = 5  # type: ignore[misc]
    with pytest.raises(ValueError, match="mutable default"):

        @quick.dataclass(slots=True)
        class Wrong:
            a: list[int] = []  # noqa: RUF012

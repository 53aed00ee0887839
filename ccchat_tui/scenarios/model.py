"""A scenario: who asks what and when, what goes wrong, and what the server is like.

What a scenario file may hold, checked. Its words are those of the file; seconds everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ccchat_tui.config_words import Number, Setting, Whole

MOST = 1_000_000
"""Messages that one scenario may send."""
DAY = 86_400

_Moment = Annotated[Number, Field(ge=0, le=DAY)]
_Span = Annotated[Number, Field(gt=0, le=DAY)]


def _in_order(span: tuple[float, float]) -> tuple[float, float]:
    if span[0] > span[1]:
        raise ValueError("the first is above the second")
    return span


class Table(BaseModel):
    """A table of a scenario file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AtOnce(Table):
    """Every conversation begins at the same moment."""

    how: Literal["at_once"]
    start: _Moment = 0.0
    """when the first begins"""


class Every(Table):
    """One conversation begins after another, evenly."""

    how: Literal["every"]
    seconds: _Span
    """between two of them"""
    start: _Moment = 0.0
    """when the first begins"""


class Poisson(Table):
    """Conversations begin independently of each other, as callers at an exchange do."""

    how: Literal["poisson"]
    per_minute: Annotated[Number, Field(gt=0, le=1_000_000)]
    """how many begin in a minute, on average"""
    start: _Moment = 0.0
    """from when on"""


class Burst(Table):
    """Several conversations begin at the same moment, then nothing, then as many again."""

    how: Literal["burst"]
    size: Annotated[Whole, Field(ge=1, le=MOST)]
    """how many begin together"""
    seconds: _Span
    """from one burst to the next"""
    start: _Moment = 0.0
    """when the first begins"""


class Ramp(Table):
    """Conversations begin more and more often: how often rises evenly from nothing."""

    how: Literal["ramp"]
    seconds: _Span
    """in which all of them begin"""
    start: _Moment = 0.0
    """from when on"""


Arrivals = Annotated[AtOnce | Every | Poisson | Burst | Ramp, Field(discriminator="how")]
_ARRIVALS = Setting(allowed='a table such as { how = "every", seconds = 2 }')


class User(Table):
    """Somebody who asks, or several of a kind."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    """how the user is called; unlike every other"""
    count: Annotated[Whole, Field(ge=1, le=10_000)] = 1
    """how many there are of the kind; the further ones are called `NAME 2` and so on"""
    colour: Annotated[
        str,
        Field(pattern=r"^(#[0-9a-fA-F]{6})?$"),
        Setting(allowed="a colour such as #ff8800"),
    ] = ""
    """in which the user is shown; left out, the theme decides"""
    weight: Annotated[Whole, Field(ge=1, le=1000)] = 1
    """turns the user gets where others get one"""
    priority: Annotated[
        Literal["low", "normal", "high"], Setting(allowed="low, normal or high")
    ] = "normal"
    """which class the user's requests wait in"""
    conversations: Annotated[Whole, Field(ge=1, le=100_000)] = 1
    """how many the user has, side by side if they begin so"""
    messages: Annotated[Whole, Field(ge=1, le=10_000)] = 3
    """messages of each conversation, drawn by the seed"""
    says: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=100_000)], ...] | None,
        Field(min_length=1, max_length=10_000),
        Setting(allowed='a list of one or more texts, such as ["Hello!", "Why?"]'),
    ] = None
    """the messages of each conversation, in place of drawn ones"""
    think: Annotated[
        tuple[_Moment, _Moment],
        AfterValidator(_in_order),
        Setting(allowed="the least and the most, as in [1, 4]"),
    ] = (1.0, 4.0)
    """seconds of thought after a reply, before the next message is typed"""
    typing: Annotated[Number, Field(ge=0, le=100_000)] = 15.0
    """characters typed in a second; 0 for all at once"""
    arrivals: Annotated[Arrivals | None, _ARRIVALS] = None
    """when the user's conversations begin, in place of the scenario's own `arrivals`"""

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each."""
        return (self.name, *(f"{self.name} {number}" for number in range(2, self.count + 1)))

    @property
    def texts(self) -> int:
        """Messages of one conversation."""
        return self.messages if self.says is None else len(self.says)


class Cancel(Table):
    """At a moment, requests are cancelled."""

    at: _Moment
    """when"""
    user: Annotated[str, Field(max_length=100)] = ""
    """whose requests; empty for everybody's"""
    share: Annotated[Number, Field(gt=0, le=1)] = 1.0
    """what part of the living ones, drawn by the seed"""


class Trouble(Table):
    """For a while, the demo model plays a server with troubles."""

    at: _Moment
    """when it begins"""
    seconds: _Span
    """how long it lasts"""
    what: Annotated[
        Literal["down", "busy", "slow", "failing"],
        Setting(allowed="down, busy, slow or failing"),
    ]
    """down: unreachable, and what runs breaks off; busy: says so to more than `at_once` requests;
    slow: `factor` times slower; failing: answers a `share` of requests with an error"""
    at_once: Annotated[Whole, Field(ge=1, le=1000)] = 1
    """busy: requests that it still works on at once"""
    factor: Annotated[Number, Field(gt=1, le=1000)] = 4.0
    """slow: how many times slower"""
    share: Annotated[Number, Field(gt=0, le=1)] = 0.5
    """failing: what part of the requests fails"""

    @property
    def end(self) -> float:
        """The moment when it is over."""
        return self.at + self.seconds


class Server(Table):
    """What the demo model is like when it plays the server."""

    slots: Annotated[
        Annotated[Whole, Field(ge=1, le=1000)] | None,
        Setting(allowed="a whole number from 1 to 1000, or leave it out for any number"),
    ] = None
    """requests that it works on at once; further ones wait inside it"""
    tokens_per_second: Annotated[Number, Field(gt=0, le=1_000_000)] = 40.0
    """of one reply"""
    first_token: Annotated[Number, Field(ge=0, le=3600)] = 0.6
    """seconds to the first token, on average"""
    reply_tokens: Annotated[
        Annotated[Whole, Field(ge=1, le=100_000)] | None,
        Setting(allowed="a whole number from 1 to 100000, or leave it out for any number"),
    ] = None
    """the longest reply; also asked of a real server"""


class Limits(Table):
    """The engine's limits; what the person has set counts more."""

    max_concurrent: Annotated[Whole, Field(ge=1, le=1000)] = 5
    """requests in flight at once, all users together"""
    max_concurrent_per_user: Annotated[Whole, Field(ge=1, le=1000)] = 3
    """requests in flight at once, one user"""
    requests_per_minute: Annotated[Whole, Field(ge=0, le=1_000_000)] = 0
    """requests of one user in any 60 seconds; 0 for no limit"""
    retry_attempts: Annotated[Whole, Field(ge=0, le=100)] = 2
    """how often a request is tried again"""
    timeout: Annotated[Number, Field(gt=0, le=DAY)] = 300.0
    """seconds a request may take from its start"""
    fallback_quiet: _Span = 60.0
    """seconds without trouble after which a fallback to one at a time gives one more at once"""


class Line(Table):
    """At a moment, whoever shows the scenario is told what there is to see."""

    at: _Moment
    """when"""
    text: Annotated[str, Field(min_length=1, max_length=300)]
    """what is said"""


class Scenario(Table):
    """A whole scenario file."""

    title: Annotated[str, Field(min_length=1, max_length=100)]
    """what it is called in a list"""
    about: Annotated[str, Field(max_length=2000)] = ""
    """what there is to see"""
    seed: Annotated[Whole, Field(ge=0, le=2**63 - 1)] = 0
    """begins every choice, unless another is given"""
    arrivals: Annotated[Arrivals, _ARRIVALS] = AtOnce(how="at_once")
    """when conversations begin"""
    users: Annotated[
        tuple[User, ...],
        Field(min_length=1, max_length=10_000),
        Setting(allowed="one or more [[users]] tables"),
    ]
    """who asks"""
    cancels: Annotated[
        tuple[Cancel, ...], Field(max_length=10_000), Setting(allowed="[[cancels]] tables")
    ] = ()
    """what is cancelled, and when"""
    troubles: Annotated[
        tuple[Trouble, ...], Field(max_length=1000), Setting(allowed="[[troubles]] tables")
    ] = ()
    """what goes wrong on the server, and when"""
    says: Annotated[
        tuple[Line, ...], Field(max_length=1000), Setting(allowed="[[says]] tables")
    ] = ()
    """what the app says of it while it is played, and when"""
    server: Annotated[Server, Setting(allowed="a [server] table")] = Server()
    """what the demo model is like"""
    limits: Annotated[Limits, Setting(allowed="a [limits] table")] = Limits()
    """the engine's limits"""

    @property
    def names(self) -> tuple[str, ...]:
        """Every user's name."""
        return tuple(name for user in self.users for name in user.names)

    @property
    def expected(self) -> int:
        """How many messages there are to send."""
        return sum(user.count * user.conversations * user.texts for user in self.users)

    @model_validator(mode="after")
    def _fits_together(self) -> Scenario:
        if wrong := next(self._misfits(), None):
            raise ValueError(wrong)
        return self

    def _misfits(self) -> Iterator[str]:
        name, times = Counter(self.names).most_common(1)[0]
        if times > 1:
            yield f"users: {times} of them are called {name!r}: give each a name of its own"
        known = {user.name for user in self.users} | set(self.names)
        for number, cancel in enumerate(self.cancels, 1):
            if cancel.user and cancel.user not in known:
                yield (
                    f"cancels[{number}].user cannot be {cancel.user!r}: give the name of a user, "
                    "or leave it out for everybody"
                )
        if self.expected > MOST:
            yield f"users send {self.expected} messages altogether: give at most {MOST}"

"""The circuit breaker: its table, its words, and its promises as a state machine."""

from __future__ import annotations

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from ccchat_tui.backends.base import BackendError, ErrorKind, ServerState
from ccchat_tui.backends.breaker import (
    SILENT,
    VERDICTS,
    BreakerChange,
    BreakerSettings,
    CircuitBreaker,
    Permit,
    Verdict,
)
from ccchat_tui.clock import ManualClock

EXACT = BreakerSettings(failures_in_row=3, jitter=0.0, failure_ratio=1.0)
BROKEN = BackendError(ErrorKind.UNREACHABLE, "connection refused")


def make(
    options: BreakerSettings = EXACT,
) -> tuple[CircuitBreaker, ManualClock, list[BreakerChange]]:
    """A breaker, its clock, and the changes that it will have told of."""
    clock = ManualClock()
    changes: list[BreakerChange] = []
    breaker = CircuitBreaker(
        clock=clock, rng=random.Random(1), settings=options, listener=changes.append
    )
    return breaker, clock, changes


def admitted(breaker: CircuitBreaker) -> Permit:
    """A permit, which must be had."""
    permit = breaker.admit()
    assert permit is not None
    return permit


def state(breaker: CircuitBreaker) -> ServerState:
    """Its state now; a type checker would take an attribute for unchanged between two looks."""
    return breaker.state


def fail(breaker: CircuitBreaker, times: int, error: BackendError = BROKEN) -> None:
    """Let so many requests through and have them fail."""
    for _ in range(times):
        admitted(breaker).failed(error)


def test_every_kind_of_error_has_its_line_in_the_table() -> None:
    assert set(VERDICTS) == set(ErrorKind)


@pytest.mark.parametrize("kind", [k for k, v in VERDICTS.items() if v is Verdict.BROKEN])
def test_failures_that_speak_of_the_server_open_it(kind: ErrorKind) -> None:
    breaker, _, changes = make()
    fail(breaker, 2, BackendError(kind, "broken"))
    assert breaker.closed
    fail(breaker, 1, BackendError(kind, "broken"))
    assert state(breaker) is ServerState.OPEN
    assert breaker.admit() is None
    assert [(c.before, c.after, c.reason) for c in changes] == [
        (ServerState.CLOSED, ServerState.OPEN, "broken")
    ]


@pytest.mark.parametrize("kind", [k for k, v in VERDICTS.items() if v is not Verdict.BROKEN])
def test_other_failures_never_open_it(kind: ErrorKind) -> None:
    breaker, _, changes = make()
    fail(breaker, 50, BackendError(kind, "not the server"))
    assert breaker.closed
    assert changes == []


def test_an_answer_between_breaks_the_row_and_an_unclear_one_does_not() -> None:
    breaker, _, _ = make()
    fail(breaker, 2)
    fail(breaker, 1, BackendError(ErrorKind.MODEL_NOT_FOUND, "no such model"))
    fail(breaker, 2)
    assert breaker.closed
    fail(breaker, 1, BackendError(ErrorKind.STALLED, "no token"))
    assert breaker.closed
    fail(breaker, 1)
    assert state(breaker) is ServerState.OPEN


def test_too_many_of_the_last_few_open_it_though_never_in_a_row() -> None:
    breaker, clock, _ = make(
        BreakerSettings(failures_in_row=50, failure_ratio=0.5, window_requests=10)
    )
    fail(breaker, 4)
    assert breaker.closed, "four outcomes are too few to judge by"
    admitted(breaker).succeeded()
    fail(breaker, 1)
    assert state(breaker) is ServerState.OPEN

    breaker, clock, _ = make(
        BreakerSettings(failures_in_row=50, failure_ratio=0.5, window_requests=10)
    )
    for _ in range(40):
        fail(breaker, 1)
        clock.advance(31.0)
    assert breaker.closed, "what is old does not count"


def test_the_pause_grows_up_to_its_bound_and_starts_small_after_a_success() -> None:
    breaker, clock, _ = make()
    fail(breaker, 3)
    pauses = []
    for _ in range(6):
        pause = breaker.retry_in
        assert pause is not None
        pauses.append(pause)
        clock.advance(pause)
        probe = admitted(breaker)
        assert probe.probe
        probe.failed(BROKEN)
    assert pauses == [1.0, 2.0, 4.0, 8.0, 15.0, 15.0]

    clock.advance(15.0)
    admitted(breaker).succeeded()
    assert breaker.describe() == "it answers again; before that: connection refused"
    fail(breaker, 1)
    assert breaker.retry_in == 15.0, "a probe alone does not clear its name"
    clock.advance(15.0)
    admitted(breaker).succeeded()
    admitted(breaker).succeeded()
    assert breaker.describe() == ""
    fail(breaker, 3)
    assert breaker.retry_in == 1.0


def test_exactly_one_probe_and_all_others_turned_away() -> None:
    breaker, clock, _ = make()
    fail(breaker, 3)
    clock.advance(0.999)
    assert breaker.admit() is None
    clock.advance(0.001)
    probe = admitted(breaker)
    assert state(breaker) is ServerState.HALF_OPEN
    assert [breaker.admit() for _ in range(5)] == [None] * 5
    assert breaker.admit(at_once=True) is None
    probe.abandoned()
    assert state(breaker) is ServerState.OPEN
    assert breaker.retry_in == 0.0, "a probe broken off does not lengthen the pause"
    admitted(breaker).succeeded()
    assert breaker.closed


def test_a_person_may_try_before_the_pause_is_over() -> None:
    breaker, _, _ = make()
    fail(breaker, 3)
    probe = breaker.admit(at_once=True)
    assert probe is not None
    assert probe.probe
    probe.succeeded()
    assert breaker.closed


def test_a_probe_that_is_refused_with_reason_was_answered() -> None:
    breaker, clock, _ = make()
    fail(breaker, 3)
    clock.advance(1.0)
    admitted(breaker).failed(BackendError(ErrorKind.UNAUTHORIZED, "401"))
    assert breaker.closed
    fail(breaker, 1)
    clock.advance(1.9)
    assert breaker.admit() is None
    clock.advance(0.1)
    admitted(breaker).failed(BackendError(ErrorKind.BUSY, "503"))
    assert state(breaker) is ServerState.OPEN


def test_what_began_before_a_change_has_no_say_after_it() -> None:
    breaker, _, _ = make()
    early = [admitted(breaker) for _ in range(10)]
    fail(breaker, 3)
    pause = breaker.retry_in
    early[0].succeeded()
    early[1].failed(BROKEN)
    assert state(breaker) is ServerState.OPEN
    assert breaker.retry_in == pause
    probe = breaker.admit(at_once=True)
    assert probe is not None
    early[2].failed(BROKEN)
    early[3].succeeded()
    assert state(breaker) is ServerState.HALF_OPEN
    probe.succeeded()
    for permit in early[4:]:
        permit.failed(BROKEN)
    assert breaker.closed


def test_a_permit_counts_once() -> None:
    breaker, _, _ = make()
    permit = admitted(breaker)
    for _ in range(5):
        permit.failed(BROKEN)
    assert breaker.failures_in_row == 1


def test_its_state_in_words() -> None:
    breaker, clock, _ = make()
    assert breaker.describe() == ""
    fail(breaker, 1)
    assert breaker.describe() == "failed once: connection refused"
    fail(breaker, 1)
    assert breaker.describe() == "failed 2 times in a row: connection refused"
    fail(breaker, 1)
    assert breaker.describe() == "connection refused; next try in 1 s"
    clock.advance(1.0)
    assert breaker.describe() == "connection refused; next try due"
    admitted(breaker)
    assert breaker.describe() == "connection refused; trying whether it answers again"


@pytest.mark.parametrize(
    "wrong",
    [
        {"failures_in_row": 0},
        {"failure_ratio": 0.0},
        {"failure_ratio": 1.5},
        {"jitter": 1.0},
        {"first_pause": 0.0},
        {"longest_pause": float("inf")},
        {"growth": 0.5},
        {"window_requests": 1},
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}={next(iter(wrong.values()))}"):
        BreakerSettings(**wrong)  # type: ignore[arg-type]


def test_no_sign_of_life_opens_it_at_once() -> None:
    breaker, clock, changes = make()
    late = admitted(breaker)
    breaker.trip(BROKEN)
    assert state(breaker) is ServerState.OPEN
    assert breaker.describe() == "connection refused; next try in 1 s"
    breaker.trip(BackendError(ErrorKind.UNREACHABLE, "again"))
    assert breaker.reason == "connection refused", "an open one is not opened again"
    late.succeeded()
    assert state(breaker) is ServerState.OPEN, "a request from before says nothing new"
    clock.advance(1.0)
    admitted(breaker).succeeded()
    assert breaker.closed
    assert [change.after for change in changes] == [
        ServerState.OPEN,
        ServerState.HALF_OPEN,
        ServerState.CLOSED,
    ]


@pytest.mark.parametrize("kind", ErrorKind)
def test_it_knows_whether_a_sign_of_life_would_show_the_failure_to_be_over(kind: ErrorKind) -> None:
    breaker, _, _ = make()
    breaker.trip(BackendError(kind, "no sign"))
    assert breaker.closed == (kind not in SILENT)
    breaker, _, _ = make()
    fail(breaker, 1, BackendError(kind, "broken"))
    assert breaker.silent == (kind in SILENT)
    admitted(breaker).succeeded()
    assert not breaker.silent


LEGAL = {
    (ServerState.CLOSED, ServerState.OPEN),
    (ServerState.OPEN, ServerState.HALF_OPEN),
    (ServerState.HALF_OPEN, ServerState.OPEN),
    (ServerState.HALF_OPEN, ServerState.CLOSED),
}


class BreakerMachine(RuleBasedStateMachine):
    """Any requests, outcomes and times against a breaker, and a plain model of what it may do."""

    permits: Bundle[Permit] = Bundle("permits")

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.changes: list[BreakerChange] = []
        self.options = BreakerSettings(failures_in_row=3, growth=10.0, longest_pause=3.0)
        self.breaker = CircuitBreaker(
            clock=self.clock,
            rng=random.Random(7),
            settings=self.options,
            listener=self.changes.append,
        )
        self.probes_alive: set[int] = set()
        self.opened_at = 0.0
        self.due = 0.0

    def changed(self, since: int) -> list[BreakerChange]:
        return self.changes[since:]

    @rule(target=permits, at_once=st.booleans())
    def ask(self, at_once: bool) -> Permit:
        before, since = self.breaker.state, len(self.changes)
        now = self.clock.monotonic()
        permit = self.breaker.admit(at_once=at_once)
        if before is ServerState.CLOSED:
            assert permit is not None
            assert not permit.probe
        elif before is ServerState.HALF_OPEN:
            assert permit is None
        else:
            assert (permit is not None) == (at_once or now >= self.due)
        if permit is None:
            assert self.changed(since) == []
            # A permit that changes nothing, so that the bundle has something to hold.
            return Permit(self.breaker, -1, probe=False)
        if permit.probe:
            assert not self.probes_alive, "two probes at once"
            self.probes_alive.add(id(permit))
            assert self.breaker.state is ServerState.HALF_OPEN
        return permit

    @rule(
        permit=consumes(permits),
        how=st.one_of(st.sampled_from(["succeeded", "abandoned"]), st.sampled_from(ErrorKind)),
        again=st.booleans(),
    )
    def tell(self, permit: Permit, how: str | ErrorKind, again: bool) -> None:
        since, was_probe = len(self.changes), id(permit) in self.probes_alive
        row = self.breaker.failures_in_row
        for _ in range(2 if again else 1):
            if isinstance(how, ErrorKind):
                permit.failed(BackendError(how, f"it was {how}"))
            elif how == "succeeded":
                permit.succeeded()
            else:
                permit.abandoned()
        changes = self.changed(since)
        assert len(changes) <= 1
        if was_probe:
            self.probes_alive.discard(id(permit))
            well = how == "succeeded" or (
                isinstance(how, ErrorKind) and VERDICTS[how] is Verdict.WELL
            )
            assert self.breaker.state is (ServerState.CLOSED if well else ServerState.OPEN)
        elif changes:
            assert isinstance(how, ErrorKind)
            assert VERDICTS[how] is Verdict.BROKEN
            assert changes[0].before is ServerState.CLOSED
        assert self.breaker.failures_in_row <= row + 1
        if changes and self.breaker.state is ServerState.OPEN:
            pause = self.breaker.retry_in
            assert pause is not None
            if how == "abandoned":
                assert pause == 0.0
            else:
                low = self.options.first_pause * (1 - self.options.jitter)
                assert low <= pause <= self.options.longest_pause
            self.due = self.clock.monotonic() + pause

    @rule(kind=st.sampled_from(ErrorKind))
    def trip(self, kind: ErrorKind) -> None:
        before, since = self.breaker.state, len(self.changes)
        self.breaker.trip(BackendError(kind, f"no sign of life: {kind}"))
        opens = before is ServerState.CLOSED and kind in SILENT
        assert len(self.changed(since)) == opens
        if opens:
            assert self.breaker.state is ServerState.OPEN
            assert self.breaker.silent
            assert self.breaker.retry_in is not None
            self.due = self.clock.monotonic() + self.breaker.retry_in

    @rule(seconds=st.floats(0.0, 20.0))
    def wait(self, seconds: float) -> None:
        since = len(self.changes)
        self.clock.advance(seconds)
        assert self.changed(since) == [], "time alone changes nothing"

    @invariant()
    def only_legal_ways(self) -> None:
        state = ServerState.CLOSED
        for change in self.changes:
            assert change.before is state
            assert (change.before, change.after) in LEGAL
            state = change.after
        assert state is self.breaker.state

    @invariant()
    def one_probe_exactly_while_half_open(self) -> None:
        expected = 1 if self.breaker.state is ServerState.HALF_OPEN else 0
        assert len(self.probes_alive) == expected

    @invariant()
    def words_exactly_when_something_is_wrong(self) -> None:
        if self.breaker.state is not ServerState.CLOSED:
            assert self.breaker.describe()
        assert (self.breaker.retry_in is not None) == (self.breaker.state is ServerState.OPEN)


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

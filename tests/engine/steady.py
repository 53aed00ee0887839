"""Hypothesis, drawing the same examples for the same seed whatever else is loaded.

Of itself it does not: one draw in twenty takes a constant that stands in the source of any module
of this project that has been imported by then (`HypothesisProvider._maybe_draw_constant`), and
which those are depends on which tests are run, and in what order. A draw less or more, and
everything after it is another. For a run that must be repeated exactly no constants are drawn; the
strategies of the machine name the values that matter themselves.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.internal.conjecture.providers import (
    AVAILABLE_PROVIDERS,
    HypothesisProvider,
)
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

NAME = "steady"


class SteadyProvider(HypothesisProvider):
    """Draws as Hypothesis does, but for constants, of which it draws none."""

    def _maybe_draw_constant(self, *_args: Any, **_options: Any) -> None:
        return None


AVAILABLE_PROVIDERS[NAME] = SteadyProvider

steady = settings(
    backend=NAME,
    database=None,
    deadline=None,
    derandomize=False,
    max_examples=300,
    phases=(Phase.generate, Phase.shrink),
    print_blob=False,
    report_multiple_bugs=False,
    stateful_step_count=25,
    suppress_health_check=list(HealthCheck),
)
"""What the runs of a state machine have in common."""
UNSHRUNK = (Phase.generate,)
"""For whoever only wants to know whether something is found."""


def run(machine: type[RuleBasedStateMachine], number: int, wanted: settings = steady) -> None:
    """Run a state machine with the examples that this seed makes; raises what it finds."""
    # A class of its own, for the seed is a mark on the class.
    marked = type(machine.__name__, (machine,), {"__qualname__": machine.__qualname__})
    run_state_machine_as_test(seed(number)(marked), settings=wanted)

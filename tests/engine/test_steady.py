"""The same seed draws the same examples, whatever else is loaded."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.engine import long_run
from tests.engine.steady import run, steady
from tests.engine.test_promises import last_come_first_served


def drawn(number: int, wanted: settings) -> list[int]:
    """Everything that a machine is given."""
    found: list[int] = []

    class Machine(RuleBasedStateMachine):
        @rule(value=st.integers(0, 10**9))
        def note(self, value: int) -> None:
            found.append(value)

    run(Machine, number, wanted)
    return found


@pytest.fixture
def load_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Load one module more, full of constants."""

    def load() -> None:
        file = tmp_path / "many_constants.py"
        file.write_text(f"NUMBERS = [{', '.join(map(str, range(1000, 1200)))}]\n")
        spec = importlib.util.spec_from_file_location("many_constants", file)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "many_constants", module)

    return load


def test_another_seed_draws_others() -> None:
    few = settings(steady, max_examples=5)
    assert drawn(1, few) == drawn(1, few) != drawn(2, few)


@pytest.mark.parametrize("same", [True, False], ids=["steady", "hypothesis itself"])
def test_another_module_changes_nothing(load_another: Any, same: bool) -> None:
    wanted = settings(steady, max_examples=30, backend="steady" if same else "hypothesis")
    before = drawn(1, wanted)
    load_another()
    assert (drawn(1, wanted) == before) is same, "the other way shows that this can fail"


def test_what_the_long_run_finds_is_found_again_and_told_alike(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    last_come_first_served(monkeypatch)
    assert long_run.main(["--seed", "7", "--examples", "200"]) == 1
    told = capsys.readouterr().out
    assert "state.submit" in told, "step by step"
    again = told.rpartition("tests.engine.long_run ")[2].split()
    assert long_run.main(again) == 1
    assert capsys.readouterr().out.splitlines()[1:] == told.splitlines()[1:]


def test_a_long_run_that_finds_nothing_says_its_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert long_run.main(["--examples", "1"]) == 0
    assert capsys.readouterr().out.startswith("seed ")

"""`ccchat demo`: what cannot be played is told before anything is drawn."""

from __future__ import annotations

import pytest

from ccchat_tui.cli.demo import too_large
from ccchat_tui.cli.main import main
from ccchat_tui.scenarios.files import find, listed

pytestmark = pytest.mark.usefixtures("clean_environment")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["crowd"], 2, "crowd has 1,000 users, and the app shows a tab for each of at most 60"),
        (["crowd", "--compare"], 2, "sends 100,000 messages, and at most 5,000"),
        (["crowd", "--compare"], 2, "simulate --scenario crowd --virtual --compare` runs it"),
        (["helo"], 2, "there is no scenario 'helo'; did you mean hello?"),
        (["hello", "--speed", "9"], 2, "--speed: cannot be '9'; give a number from 0.5 to 8"),
        (["hello", "--pace", "2"], 2, "--pace is no option of `ccchat demo`"),
        (["hello", "--theme", "nope"], 2, "theme cannot be 'nope'"),
        (["rush-hour"], 1, "`ccchat simulate --scenario rush-hour` plays it without a screen"),
        ([], 1, "`ccchat simulate --scenario hello`"),
    ],
)
def test_what_cannot_be_played(
    capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert main(["demo", *words]) == code
    assert said in capsys.readouterr().err


def test_all_of_ours_but_the_crowd_are_played_in_the_app() -> None:
    playable = [
        each.name for each in listed(None) if each.scenario and not too_large(each.scenario)
    ]
    assert playable == [name for name in find(None) if name != "crowd"]

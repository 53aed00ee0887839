"""How far a model has come: what is counted, and what is said of it."""

from __future__ import annotations

import asyncio

import pytest
from rich.cells import cell_len

from ccchat_tui.backends.base import PullStep
from ccchat_tui.backends.demo import DemoBackend
from ccchat_tui.clock import ManualClock
from ccchat_tui.testing.app import idle
from ccchat_tui.tui.pull_words import header_words, rows_of, size_words
from ccchat_tui.tui.pulls import ENDED_KEPT, Pull, Pulls, PullState

BIG, SMALL = "sha256:6a0746a1ec1a0000", "sha256:4fa551d4f9380000"


def layer(digest: str, total: int, done: int) -> PullStep:
    return PullStep(f"pulling {digest[7:19]}", digest, total, done)


def text_of(pull: Pull, now: float, width: int = 76) -> str:
    rows = rows_of(pull, now, width, selected=False)
    return "\n".join("".join(piece.text for piece in row) for row in rows)


def test_rate_and_time_left_are_those_of_late() -> None:
    pull = Pull("m", "", 100.0)
    unknown = pull.share
    assert unknown is None
    for second in range(21):
        # Ten slow seconds, then ten at 30 bytes a second.
        done = second if second <= 10 else 10 + 30 * (second - 10)
        pull.take(layer(BIG, 1000, done), 100.0 + second)
    assert pull.rate(120.0) == pytest.approx(30, rel=0.1)
    assert pull.left(120.0) == pytest.approx(690 / 30, rel=0.1)
    assert pull.share == 0.31
    pull.take(layer(BIG, 1000, 1000), 121.0)
    assert pull.left(121.0) is None


def test_what_was_there_before_is_no_part_of_the_rate() -> None:
    pull = Pull("m", "", 0.0)
    pull.take(layer(BIG, 10_000, 9000), 0.0)
    pull.take(layer(SMALL, 10, 10), 1.0)
    pull.take(layer(BIG, 10_000, 9100), 2.0)
    assert pull.rate(2.0) == pytest.approx(50)
    assert (pull.completed, pull.total) == (9110, 10_010)


def test_a_stalled_pull_has_no_time_left_and_says_for_how_long_nothing_came() -> None:
    pull = Pull("m", "", 0.0)
    for second in range(5):
        pull.take(layer(BIG, 1000, 10 * second), float(second))
    assert pull.rate(60.0) == 0
    assert pull.left(60.0) is None
    assert "nothing heard for 56 s" in text_of(pull, 60.0)
    assert "nothing heard" not in text_of(pull, 6.0)


def test_each_layer_has_its_bar_and_fits() -> None:
    pull = Pull("qwen3:8b", "anna", 0.0)
    pull.take(layer(BIG, 4_000_000_000, 1_000_000_000), 1.0)
    pull.take(layer(SMALL, 1500, 1500), 2.0)
    shown = text_of(pull, 2.0)
    assert "qwen3:8b on anna" in shown
    big, small = shown.splitlines()[1:]
    assert "6a0746a1ec1a" in big
    assert "25 %  1.0 of 4.0 GB" in big
    assert big.count("█") * 3 == pytest.approx(big.count("░"), abs=3)
    assert "100 %" in small
    assert "░" not in small
    for width in (20, 40, 60, 76, 200):
        for row in text_of(pull, 2.0, width).splitlines()[1:]:
            assert cell_len(row) <= max(width, 48)


def test_hostile_words_of_a_server_are_text() -> None:
    pull = Pull("a\x1b[2Jb", "[/b]", 0.0)
    pull.take(PullStep("pul\x1b[31mling\n"), 0.0)
    assert "\x1b" not in text_of(pull, 0.0)
    pull.take(layer("\x1b]0;x\x07" * 9, 0, 0), 0.0)
    shown = text_of(pull, 0.0)
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 2
    pull.state, pull.problem = PullState.FAILED, "it \x1b[31m" + "said much " * 40
    shown = text_of(pull, 0.0, 60)
    assert "\x1b" not in shown
    assert all(cell_len(row) <= 60 for row in shown.splitlines())


def test_the_header_has_few_words() -> None:
    one, two = Pull("qwen3:8b", "", 0.0), Pull("llama3.2", "", 0.0)
    assert header_words([]) == ("", "")
    assert header_words([one]) == ("⇣ qwen3:8b …", "⇣ …")
    one.take(layer(BIG, 1000, 500), 0.0)
    assert header_words([one]) == ("⇣ qwen3:8b 50 %", "⇣ 50 %")
    two.take(layer(SMALL, 1000, 0), 0.0)
    assert header_words([two, one]) == ("⇣ 2 models 25 %", "⇣ 25 %")


def test_sizes_are_told_in_powers_of_1000() -> None:
    assert [size_words(size) for size in (0, 999, 1000, 5_225_388_164, 2e15)] == [
        "0 B", "999 B", "1.0 kB", "5.2 GB", "2000.0 TB",
    ]  # fmt: skip


class TestPulls:
    async def test_one_that_is_under_way_is_not_begun_twice(self) -> None:
        clock = ManualClock()
        ended: list[Pull] = []
        pulls = Pulls(clock, changed=lambda: None, ended=ended.append)
        demo = DemoBackend(pace=clock)
        first = pulls.start("demo:a", "", demo)
        assert pulls.start("demo:a", "", demo) is first
        other = pulls.start("demo:a", "ben", demo)
        assert other is not first
        assert pulls.running == [other, first]
        await pulls.aclose()
        assert [pull.state for pull in pulls.all] == [PullState.CANCELLED] * 2
        assert len(ended) == 2
        await pulls.aclose()

    async def test_one_is_cancelled_and_the_others_go_on(self) -> None:
        clock = ManualClock()
        pulls = Pulls(clock, changed=lambda: None, ended=lambda pull: None)
        demo = DemoBackend(pace=clock)
        one, two = (pulls.start(name, "", demo) for name in ("demo:a", "demo:b"))
        await idle()
        pulls.cancel(one)
        pulls.cancel(one)
        await idle()
        assert one.state is PullState.CANCELLED
        while two.running:
            clock.advance(0.05)
            await asyncio.sleep(0)
        assert two.state is PullState.DONE
        assert two.completed == two.total > 0
        pulls.cancel(two)
        again = pulls.start("demo:a", "", demo)
        assert pulls.all == [again, two], "it takes the place of the cancelled one"
        await pulls.aclose()

    async def test_a_fault_of_a_backend_ends_the_pull_only(self) -> None:
        class Broken(DemoBackend):
            def pull(self, model: str) -> None:  # type: ignore[override]
                raise ValueError("oops")

        pulls = Pulls(ManualClock(), changed=lambda: None, ended=lambda pull: None)
        pull = pulls.start("x", "", Broken())  # type: ignore[arg-type]
        await idle()
        assert pull.state is PullState.FAILED
        assert pull.problem == "ValueError: oops"
        await pulls.aclose()

    async def test_what_has_ended_is_forgotten_in_time(self) -> None:
        clock = ManualClock()
        pulls = Pulls(clock, changed=lambda: None, ended=lambda pull: None)
        demo = DemoBackend(pace=clock)
        for number in range(ENDED_KEPT + 5):
            pull = pulls.start(f"demo:{number}", "", demo)
            await idle()
            pulls.cancel(pull)
            await idle()
        assert len(pulls.all) <= ENDED_KEPT + 1
        await pulls.aclose()

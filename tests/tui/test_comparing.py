"""Models side by side: their panes, what each took, and how a comparison is left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ccchat_tui.engine.request import ReplyStats
from ccchat_tui.sessions.attachments import TEXT, Attachment
from ccchat_tui.sessions.model import Turn, TurnState
from ccchat_tui.testing.app import AppUnderTest, scripted_app
from ccchat_tui.tui.screens.compare_models import CompareModelsScreen
from ccchat_tui.tui.screens.confirm import ConfirmScreen
from ccchat_tui.tui.widgets.compare_figures import Figures, figure_rows, figures_of
from ccchat_tui.tui.widgets.composer import PLACEHOLDER
from ccchat_tui.tui.widgets.deck import COMPARED_HEIGHT, COMPARED_WIDTH, compared_shape
from tests.tui.test_slash import give, shows_panel, write

SIZE = (140, 44)
NOTES = Attachment("notes.txt", TEXT, 5, "0" * 64, "notes")
BOTH = "/compare llama3 qwen3 -- Why?"


def asked(app: AppUnderTest) -> list[list[str]]:
    """The questions of every chat, tab by tab."""
    return [[turn.question for turn in pane.session.turns] for pane in app.chats.deck.panes]


def files(app: AppUnderTest) -> list[list[list[str]]]:
    """The files that went with every question of every chat."""
    return [
        [[file.name for file in turn.attachments] for turn in pane.session.turns]
        for pane in app.chats.deck.panes
    ]


def models(app: AppUnderTest) -> list[str]:
    """The models of the panes in sight."""
    return [pane.session.model for pane in app.chats.deck.in_sight]


def figures(app: AppUnderTest, place: int) -> str:
    """What stands below a pane in sight."""
    found = app.chats.deck.in_sight[place].figures
    assert found is not None
    return found.text


# Without an app ------------------------------------------------------------------------------


def turn(**facts: Any) -> Turn:
    """A turn that has ended."""
    made = Turn("t", "Why?", "m", asked_at=None)  # type: ignore[arg-type]
    made.state = TurnState.COMPLETED
    for name, value in facts.items():
        setattr(made, name, value)
    return made


class TestFigures:
    """What a reply took."""

    def test_nothing_asked(self) -> None:
        assert figures_of(None, None, 1.0) == Figures()

    def test_the_servers_own_count_and_speed(self) -> None:
        stats = ReplyStats(tokens=120, tokens_per_second=34.6)
        ended = turn(parts=["a"] * 100, stats=stats, duration=4.2)
        found = figures_of(ended, 0.84, 99.0)
        assert found == Figures(TurnState.COMPLETED, 0.84, 4.2, 34.6, 120)
        assert figure_rows(found, 60) == [
            "first token 0.8 s · total 4.2 s",
            "35 tokens/s · 120 tokens",
        ]

    def test_what_was_cut_off_has_what_came(self) -> None:
        cut = turn(state=TurnState.CANCELLED, parts=["a", "b"], thinking=["c"], duration=2.0)
        found = figures_of(cut, None, 99.0)
        assert found == Figures(TurnState.CANCELLED, None, 2.0, None, 3)
        # As long as the server has not told it, the speed is that since the first token.
        assert figures_of(cut, 0.5, 99.0).rate == 2.0
        assert figure_rows(found, 60) == [
            "first token \u2013 · total 2.0 s",
            "\u2013 tokens/s · 3 tokens",
        ]

    def test_in_little_room_words_go_before_figures(self) -> None:
        found = Figures(TurnState.COMPLETED, 0.84, 4.2, 34.6, 1)
        assert figure_rows(found, 26) == ["first 0.8 s · total 4.2 s", "35 tokens/s · 1 token"]
        assert figure_rows(found, 16) == ["0.8 s · 4.2 s", "35/s · 1 tok"]

    @given(width=st.integers(1, 80), total=st.floats(0, 1e6), tokens=st.integers(0, 10**9))
    def test_they_never_take_more_than_there_is(
        self, width: int, total: float, tokens: int
    ) -> None:
        rows = figure_rows(Figures(TurnState.FAILED, total, total, total, tokens), width)
        assert all(cell_len(row) <= width for row in rows)


@given(
    panes=st.integers(1, 9),
    active=st.integers(0, 8),
    width=st.integers(1, 300),
    height=st.integers(1, 90),
)
def test_the_active_pane_is_in_sight_and_every_page_is_full(
    panes: int, active: int, width: int, height: int
) -> None:
    active %= panes
    shape = compared_shape(panes, active, width, height)
    assert shape.first <= active < shape.first + shape.count <= panes
    assert shape.columns == 1 or shape.columns * COMPARED_WIDTH <= width
    assert shape.rows == 1 or shape.rows * COMPARED_HEIGHT <= height
    assert 0 <= shape.columns * shape.rows - shape.count < shape.columns
    assert shape.count == compared_shape(panes, 0, width, height).count


@pytest.mark.parametrize(
    ("panes", "size", "shape"),
    [
        (2, (80, 21), (2, 1, 2)),
        (3, (80, 21), (2, 1, 2)),
        (3, (120, 37), (3, 1, 3)),
        (2, (60, 17), (2, 1, 2)),
        (2, (50, 40), (1, 2, 2)),
        (2, (50, 21), (1, 1, 1)),
        (5, (120, 37), (3, 2, 5)),
        (3, (40, 17), (1, 1, 1)),
    ],
)
def test_shapes_that_people_see(
    panes: int, size: tuple[int, int], shape: tuple[int, int, int]
) -> None:
    found = compared_shape(panes, 0, *size)
    assert (found.columns, found.rows, found.count) == shape


# In the app ----------------------------------------------------------------------------------


class TestComparing:
    """Panes that belong together."""

    async def test_side_by_side_with_heads_and_figures(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, BOTH)
            assert models(app) == ["llama3.2:3b", "qwen3:8b"]
            assert asked(app) == [[], ["Why?"], ["Why?"]]
            assert app.focused is app.pane.composer
            left, right = app.chats.deck.in_sight
            assert left.region.right == right.region.x
            assert str(left.border_title) == "◌ llama3.2:3b · 1 of 2"
            # Both are under way at once.
            await app.script.call(1)
            app.time.advance(0.8)
            await app.script.emit(0, "Because")
            app.time.advance(2.0)
            await app.script.emit(0, " so.")
            app.time.advance(2.0)
            await app.settle()
            assert "first token 0.8 s · total 4.8 s" in figures(app, 0)
            assert "tokens/s · 2 tokens" in figures(app, 0)
            assert "first token … · total 4.8 s" in figures(app, 1)
            await app.script.finish(0, tokens=9, rate=35.0)
            app.time.advance(5.0)
            await app.settle()
            assert "first token 0.8 s · total 4.8 s" in figures(app, 0)
            assert "35 tokens/s · 9 tokens" in figures(app, 0)
            assert "✓ completed" in figures(app, 0)
            assert "total 9.8 s" in figures(app, 1)

    async def test_following_questions_go_to_all_and_other_chats_are_left_alone(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, "/compare llama3 qwen3")
            assert asked(app) == [[], [], []]
            await pilot.press("alt+right")
            assert app.pane.session.model == "qwen3:8b"
            await give(app, pilot, "How?")
            assert asked(app) == [[], ["How?"], ["How?"]]
            assert app.pane.composer.text == ""
            # It is the last one to the right.
            await pilot.press("alt+right")
            assert app.pane.session.model == "qwen3:8b"
            await pilot.press("alt+1")
            assert len(app.chats.deck.in_sight) == 1
            await give(app, pilot, "Only you")
            assert asked(app) == [["Only you"], ["How?"], ["How?"]]
            # The grid is for the ordinary ones.
            await pilot.press("ctrl+n", "ctrl+g")
            await app.settle()
            assert [pane.number for pane in app.chats.deck.in_sight] == [1, 4]
            await pilot.press("alt+2")
            assert models(app) == ["llama3.2:3b", "qwen3:8b"]

    async def test_what_one_refuses_stays_and_goes_to_that_one_alone(self) -> None:
        app = scripted_app(max_concurrent_chats=1, max_queue=1)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, "/compare llama3 qwen3 gemma3 -- Why?")
            assert asked(app) == [[], ["Why?"], ["Why?"], []]
            assert app.pane.composer.text == "Why?"
            assert "Sent to 2 of 3; Enter asks the rest. Not sent to gemma3:4b: " in app.pane.news
            await pilot.press("enter")
            await app.settle()
            assert app.pane.news.startswith("Not sent to gemma3:4b: ")
            assert app.pane.composer.text == "Why?"
            app.sessions.cancel_newest(app.session(3))
            await pilot.press("enter")
            await app.settle()
            assert asked(app) == [[], ["Why?"], ["Why?"], ["Why?"]]
            assert app.pane.composer.text == ""
            assert app.pane.news == ""

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("/compare llama3 nope -- Why?", "There is no model “nope”. There are llama3.2:3b"),
            ("/compare llama3", "two models or more"),
            ("/keep", "/compare begins one"),
            ("/compare-close", "/compare begins one"),
        ],
    )
    async def test_what_cannot_be_done_is_told_and_stays(self, text: str, told: str) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, text)
            assert told in app.pane.news
            assert app.pane.composer.text == text
            assert len(app.chats.deck.panes) == 1

    async def test_attached_files_go_with_the_first_question_also_of_who_is_asked_later(
        self,
    ) -> None:
        app = scripted_app(max_concurrent_chats=1, max_queue=1)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            app.pane.attaching.put([NOTES])
            await give(app, pilot, "/compare llama3 qwen3 gemma3 -- Why?")
            assert files(app) == [[], [["notes.txt"]], [["notes.txt"]], []]
            assert [each.session.attached for each in app.chats.deck.panes] == [
                (),
                (NOTES,),
                (),
                (),
            ]
            app.sessions.cancel_newest(app.session(3))
            await pilot.press("enter")
            await app.settle()
            assert files(app) == [[], [["notes.txt"]], [["notes.txt"]], [["notes.txt"]]]
            assert not app.pane.session.attached

    async def test_models_are_completed_word_by_word(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await write(pilot, "/compare q", "tab", "l", "tab")
            assert app.pane.composer.text == "/compare qwen3:8b llama3.2:3b "
            # Two are named, so Enter means these two.
            await pilot.press("enter")
            await app.settle()
            assert models(app) == ["qwen3:8b", "llama3.2:3b"]

    async def test_the_queue_makes_way_and_comes_back(self) -> None:
        app = scripted_app()
        async with app.run_test(size=(80, 24)) as pilot:
            await app.settle()
            assert shows_panel(app)
            await give(app, pilot, BOTH)
            assert not shows_panel(app)
            assert len(app.chats.deck.in_sight) == 2
            app.sessions.cancel_all()
            await app.settle()
            await give(app, pilot, "/compare-close")
            assert shows_panel(app)


class TestLeaving:
    """One is kept, or all, or none."""

    async def test_one_is_kept(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, BOTH)
            assert app.session(3).title == "qwen3:8b compared · Why?"
            await app.script.finish(0)
            await app.settle()
            await pilot.press("alt+right", "alt+k")
            # That of the other has ended: nothing is lost by closing it.
            await app.settle()
            assert [pane.session.model for pane in app.chats.deck.panes][1:] == ["qwen3:8b"]
            assert app.pane.session.title == "Why?"
            assert app.pane.comparison is None
            assert app.pane.composer.placeholder == PLACEHOLDER
            assert not app.pane.framed
            assert app.pane._info.display
            await give(app, pilot, "More")
            assert asked(app) == [[], ["Why?", "More"]]

    async def test_what_runs_is_asked_about_and_the_titles_stay(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, BOTH)
            compared = [app.session(2), app.session(3)]
            await give(app, pilot, "/compare-close")
            assert isinstance(app.screen, ConfirmScreen)
            await pilot.press("n")
            assert len(app.chats.deck.panes) == 3
            await give(app, pilot, "/compare-close")
            await pilot.press("y")
            await app.settle()
            assert len(app.chats.deck.panes) == 1
            assert app.service.snapshot().in_flight == 0
            titles = [session.title for session in compared]
            assert titles == ["llama3.2:3b compared · Why?", "qwen3:8b compared · Why?"]

    async def test_all_are_kept_and_the_last_of_several_is_a_chat_like_any(self) -> None:
        app = scripted_app(confirm_quit=False)
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            await give(app, pilot, BOTH)
            await give(app, pilot, "/keep all")
            assert len(app.chats.deck.panes) == 3
            assert all(pane.comparison is None for pane in app.chats.deck.panes)
            await give(app, pilot, BOTH)
            await pilot.press("f9")
            await app.settle()
            assert len(app.chats.deck.panes) == 4
            assert app.pane.comparison is None
            assert len(app.chats.deck.in_sight) == 1


class TestChoosing:
    """The dialog."""

    async def test_two_are_marked_and_what_cannot_chat_is_not(self) -> None:
        app = scripted_app()
        async with app.run_test(size=SIZE) as pilot:
            await app.settle()
            infos = app.script.model_infos
            infos[2] = replace(infos[2], capabilities=("embedding",))
            await pilot.press("alt+c")
            await app.workers.wait_for_complete()
            await app.settle()
            screen = app.screen
            assert isinstance(screen, CompareModelsScreen)
            await pilot.press("space", "enter")
            assert screen.is_current
            await pilot.press(*"gem", "space")
            assert "cannot chat" in screen._said
            await pilot.press("backspace", "backspace", "backspace", *"qwe", "space")
            assert screen.chosen == ["llama3.2:3b", "qwen3:8b"]
            await pilot.press("enter")
            await app.settle()
            assert models(app) == ["llama3.2:3b", "qwen3:8b"]
            await pilot.press(*"Hi", "enter")
            await app.settle()
            assert asked(app) == [[], ["Hi"], ["Hi"]]

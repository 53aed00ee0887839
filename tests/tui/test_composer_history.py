"""The earlier prompts, and the way back to the draft."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccchat_tui.tui.widgets.composer_history import Draft, PromptHistory

DRAFT = Draft("draft", ((0, 1), (0, 3)))


def test_there_and_back_again() -> None:
    history = PromptHistory(["one", "two"])
    assert history.newer(DRAFT) is None
    assert history.older(DRAFT) == Draft("two")
    assert history.browsing
    assert history.older(Draft("two")) == Draft("one")
    assert history.older(Draft("one")) is None
    assert history.newer(Draft("one")) == Draft("two")
    assert history.newer(Draft("two")) == DRAFT
    assert not history.browsing


def test_with_nothing_before_there_is_nowhere_to_go() -> None:
    history = PromptHistory()
    assert history.older(DRAFT) is None
    assert not history.browsing
    assert history.draft() is None


def test_the_same_prompt_twice_running_counts_once_and_the_oldest_go_first() -> None:
    history = PromptHistory(["0"], limit=3)
    for prompt in ("1", "1", "2", "1", "3"):
        history.add(prompt)
    assert history.prompts == ("2", "1", "3")


def test_the_draft_can_be_had_back_at_once() -> None:
    history = PromptHistory(["one", "two"])
    history.older(DRAFT)
    history.older(Draft("two"))
    assert set(history.kept_texts()) == {"one", "two", "draft"}
    assert history.draft() == DRAFT
    assert not history.browsing
    assert set(history.kept_texts()) == {"one", "two"}


@given(st.lists(st.text(max_size=3), max_size=5), st.lists(st.booleans(), max_size=30))
def test_however_one_walks_the_draft_and_every_change_is_kept(
    prompts: list[str], steps: list[bool]
) -> None:
    history = PromptHistory(prompts)
    here, shown = len(prompts), DRAFT
    texts = {**dict(enumerate(map(Draft, prompts))), len(prompts): DRAFT}
    for number, older in enumerate(steps):
        if here < len(prompts):
            shown = texts[here] = Draft(f"{shown.text}{number}", ((0, 0), (0, number)))
        moved = history.older(shown) if older else history.newer(shown)
        target = here + (-1 if older else 1)
        assert (moved is None) == (not 0 <= target <= len(prompts))
        if moved is not None:
            here, shown = target, moved
            if here == len(prompts):
                # Back at the draft one browses no more: changes to prompts were for this time.
                assert moved == DRAFT
                texts = {**dict(enumerate(map(Draft, prompts))), len(prompts): DRAFT}
            assert moved == texts[here]
        assert history.browsing == (here < len(prompts))
    assert history.prompts == tuple(prompts)

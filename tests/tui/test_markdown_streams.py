"""However a text comes in, the rows are those of the text: nothing is lost, nothing moves."""

from __future__ import annotations

import random
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from ccchat_tui.text import Sanitizer, sanitize
from ccchat_tui.tui.markdown.document import Document
from ccchat_tui.tui.markdown.lines import Line, plain_text
from tests.tui.markdown_corpus import CORPUS, FAMILY

WIDTHS = (20, 40, 80)


def whole(text: str, width: int, *, finish: bool = True) -> list[Line]:
    """The rows of a text that comes in one piece."""
    document = Document(width)
    document.feed(text)
    if finish:
        document.finish()
    document.update()
    return document.lines


def check(lines: list[Line], width: int) -> None:
    """What holds for all rows at all times."""
    for line in lines:
        assert line.cells == cell_len(line.text), line
        assert line.cells == sum(cell_len(text) for text, _ in line.spans), line
        assert line.cells <= width, line
        assert 0 <= line.lead <= len(line.text), line
        assert "\n" not in line.text
        assert "\t" not in line.text


def stream(text: str, width: int, cuts: list[int]) -> None:
    """Feed a text in pieces, and compare with the whole at every step."""
    document = Document(width)
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    before: list[Line] = []
    # As in earnest: a joiner at the end of a piece is held back until its neighbour is known.
    sanitizer = Sanitizer()
    come = ""
    for begin, end in pairwise(places):
        piece = sanitizer.feed(text[begin:end])
        come += piece
        document.feed(piece)
        changed = document.update()
        # What stands above the first changed row is what stood there.
        assert document.lines[:changed] == before[:changed]
        check(document.lines, width)
        assert document.lines == whole(come, width, finish=False), (come, begin)
        before = document.lines.copy()
    document.feed(sanitizer.close())
    document.finish()
    changed = document.update()
    assert document.lines[:changed] == before[:changed]
    check(document.lines, width)
    assert document.lines == whole(sanitize(text), width)
    assert document.update() == len(document.lines)


@pytest.mark.parametrize("name", CORPUS)
@pytest.mark.parametrize("width", WIDTHS)
def test_in_pieces_equals_at_once(name: str, width: int) -> None:
    text = CORPUS[name]
    rng = random.Random(f"{name} {width}")
    for count in (0, 3, 12, 40):
        stream(text, width, [rng.randrange(len(text) + 1) for _ in range(count)])


@pytest.mark.parametrize("name", CORPUS)
def test_one_character_at_a_time_equals_at_once(name: str) -> None:
    stream(CORPUS[name], 40, list(range(len(CORPUS[name]))))


_BITS = st.sampled_from(
    [
        *"\n\n\n  \t#>*-_`~|[]()!<&\\:=+.1a",
        "**",
        "```",
        "~~~",
        "---",
        "\n\n",
        "\n- ",
        "\n  ",
        "\n    ",
        "\n> ",
        "\n1. ",
        "\n# ",
        "\n|a|b|\n|-|-|\n",
        "|---",
        "<div>",
        "<!--",
        "-->",
        "](u)",
        "word ",
        "a" * 30,
        "\u4e2d\u6587",
        FAMILY,
        "\u0301",
        "\ufe0f",
        "\u2764",
        "&#x301;",
        "&#8238;",
    ]
)
_ODD_TEXTS = st.lists(_BITS, max_size=40).map(lambda bits: sanitize("".join(bits)))


@settings(max_examples=400, deadline=None)
@given(_ODD_TEXTS, st.sampled_from((4, 7, 20, 40)), st.lists(st.integers(0, 999), max_size=8))
def test_odd_texts_in_pieces_equal_odd_texts_at_once(
    text: str, width: int, cuts: list[int]
) -> None:
    stream(text, width, cuts)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(list(CORPUS.values())), max_size=4).map("\n".join), st.randoms())
def test_mixed_documents(text: str, rng: random.Random) -> None:
    stream(text, rng.choice(WIDTHS), [rng.randrange(len(text) + 1) for _ in range(6)])


@settings(max_examples=150, deadline=None)
@given(_ODD_TEXTS, st.sampled_from((4, 20, 80)), st.sampled_from((5, 19, 60)))
def test_another_width_is_as_if_it_had_always_been_this_one(text: str, one: int, two: int) -> None:
    document = Document(one)
    half = len(text) // 2
    document.feed(text[:half])
    document.update()
    document.set_width(two)
    document.update()
    assert document.lines == whole(text[:half], two, finish=False)
    document.feed(text[half:])
    document.finish()
    document.update()
    document.set_width(one)
    assert document.update() == 0 or not document.lines
    assert document.lines == whole(text, one)


_WORD = re.compile(r"[^\W_]+")


def words_missing(text: str, lines: list[Line]) -> list[str]:
    """Words of the source that cannot be found in what is shown."""
    shown = plain_text(lines)
    return [word for word in _WORD.findall(text) if word not in shown]


@pytest.mark.parametrize("name", [name for name in CORPUS if name not in ("html", "tasks")])
def test_every_word_appears(name: str) -> None:
    # Not those with boxes drawn for letters, or with character references.
    # Wide enough that no cell of a table is broken.
    assert words_missing(CORPUS[name], whole(CORPUS[name], 240)) == []


_NUMBERS = st.integers(0, 999).map(lambda number: f"w{number}")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            _NUMBERS, st.sampled_from([*"\n\n\n #>*-_`~|[]()!<\\", "**", "```\n", "\n|", "|-|-|\n"])
        ),
        max_size=40,
    )
)
def test_no_word_is_ever_lost(pieces: list[tuple[str, str]]) -> None:
    """Whatever markup is put between words, or is left open, each of them is shown."""
    text = "".join(word + mark for word, mark in pieces)
    assert words_missing(text, whole(text, 80)) == []
    assert words_missing(text, whole(text, 80, finish=False)) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_hostile_text_is_only_text(width: int) -> None:
    raw = (
        "\x1b]0;x\x07[bold]# \x9b2J\u202e[/INST] a\u0301"
        + "\u0301" * 300
        + " [x=1: &#27;[2J &#x9b; \u2066"
    )
    sanitizer = Sanitizer()
    lines = whole(sanitizer.feed(raw) + sanitizer.close(), width)
    check(lines, width)
    shown = plain_text(lines)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]", shown)
    assert "[bold]" in shown
    assert "[/INST]" in shown


def test_marks_cannot_be_piled_up_by_way_of_markup() -> None:
    for raw in ("a" + "&#x301;" * 500, "a" + ("\u0301" * 8 + "**") * 60):
        for line in whole(sanitize(raw), 80):
            run = longest = 0
            for char in line.text:
                run = 0 if cell_len(char) else run + 1
                longest = max(longest, run)
            assert longest <= 9, raw[:20]

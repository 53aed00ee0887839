"""What a stream costs, counted: finished blocks are left alone, long ones grow cheaply."""

from __future__ import annotations

import sys
from collections import Counter
from types import FrameType

import pytest

from ccchat_tui.tui.markdown import inline, leaves, tables
from ccchat_tui.tui.markdown.code import Highlighter
from ccchat_tui.tui.markdown.document import Document
from ccchat_tui.tui.markdown.leaf import Leaf
from ccchat_tui.tui.markdown.lines import Line


class Ledger:
    """Counts what is parsed and what is laid out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parsed: Counter[str] = Counter()
        self.highlighted = 0
        self.updates: Counter[int] = Counter()
        self._keep: list[Leaf] = []
        parse = inline._parse
        highlight = Highlighter._tokenise

        def counting_parse(text: str, style: str, *, unfinished: bool) -> list[tuple[str, str]]:
            self.parsed[text] += 1
            return parse(text, style, unfinished=unfinished)

        def counting_highlight(
            highlighter: Highlighter, text: str, stack: list[str]
        ) -> list[list[tuple[str, str]]]:
            self.highlighted += len(text)
            return highlight(highlighter, text, stack)

        monkeypatch.setattr(inline, "_parse", counting_parse)
        monkeypatch.setattr(Highlighter, "_tokenise", counting_highlight)
        for kind in (
            leaves.ParagraphLayout,
            leaves.CodeLayout,
            leaves.VerbatimLayout,
            leaves.RuleLayout,
            tables.TableLayout,
        ):
            self._watch(monkeypatch, kind)

    def _watch(self, monkeypatch: pytest.MonkeyPatch, kind: type[leaves.LeafLayout]) -> None:
        update = kind.update

        def counting_update(layout: leaves.LeafLayout, leaf: Leaf) -> list[Line] | None:
            self._keep.append(leaf)
            self.updates[id(leaf)] += 1
            return update(layout, leaf)

        monkeypatch.setattr(kind, "update", counting_update)

    @property
    def characters(self) -> int:
        """Characters parsed, each as often as it was."""
        return self.highlighted + sum(len(text) * count for text, count in self.parsed.items())

    def clear(self) -> None:
        """Begin anew."""
        self.parsed.clear()
        self.updates.clear()
        self.highlighted = 0


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Counts from now on."""
    return Ledger(monkeypatch)


FINISHED = (
    "A *first* paragraph.\n\n## Head *two*\n\n"
    "- item *one*\n- item *two*\n\n```python\nx = 1\n```\n\n"
    "| a | *b* |\n|---|---|\n| c | d |\n\n> quote *q*\n\n---\n\n<div>\nx\n</div>\n\n"
)


def test_a_finished_block_is_neither_parsed_nor_laid_out_again(ledger: Ledger) -> None:
    document = Document(40)
    document.feed(FINISHED)
    document.update()
    assert sum(ledger.parsed.values()) >= 8
    # The last block may still change; everything above is finished.
    document.feed("The *last* one\n\nand ")
    document.update()
    ledger.clear()
    for number in range(50):
        document.feed(f"word{number} ")
        document.update()
    assert all(text.startswith("and ") for text in ledger.parsed)
    assert max(ledger.updates.values()) == 1
    assert len(ledger.updates) == 50
    ledger.clear()
    assert document.update() == len(document.lines)
    assert not ledger.updates


def test_the_same_width_lays_nothing_out_and_another_lays_out_all_once(ledger: Ledger) -> None:
    document = Document(40)
    document.feed(FINISHED)
    document.finish()
    document.update()
    ledger.clear()
    document.set_width(40)
    document.update()
    assert not ledger.updates
    document.set_width(30)
    assert not ledger.updates
    document.update()
    assert set(ledger.updates.values()) == {1}
    assert len(ledger.updates) == 9


def test_blocks_that_come_in_the_same_piece_are_parsed_once(ledger: Ledger) -> None:
    document = Document(40)
    document.feed("".join(f"Paragraph *{n}*.\n\n" for n in range(100)))
    document.update()
    document.finish()
    document.update()
    assert set(ledger.parsed.values()) == {1}
    assert len(ledger.parsed) == 100


def fence(size: int) -> str:
    return "```python\n" + "".join(f"    v{n} = f({n}, 'text')  # {n}\n" for n in range(size))


def items(size: int) -> str:
    return "".join(f"- item {n} with **some** words\n" for n in range(size))


def nested(size: int) -> str:
    return "1. outer\n" + "".join(f"   - item {n} with **some** words\n" for n in range(size))


def loose(size: int) -> str:
    return "".join(f"{n}. item `{n}`\n\n" for n in range(size))


def table(size: int) -> str:
    return "| a | b |\n|---|---|\n" + "".join(f"| row {n} | `{n}` words |\n" for n in range(size))


def paragraph(size: int) -> str:
    return "the queue hands out *slots* in `turn` and " * size


def cell(size: int) -> str:
    return "| a | b | c |\n|---|---|---|\n| x | " + "the queue *hands* out and " * size + "| y |"


def one_word(size: int) -> str:
    return "abcdefghijklmnopqrstuvwxy" * size


def wide_word(size: int) -> str:
    return "\u4e2d\u6587\u5b57" * size


def emoji(size: int) -> str:
    return "\U0001f469\u200d\U0001f467\U0001f600" * size


def quote(size: int) -> str:
    return "".join(f"> line {n} of *it*\n" for n in range(size))


def heading(size: int) -> str:
    return "# " + "a *very* long heading " * size


def comment(size: int) -> str:
    return "```c\n/* " + "words and words\n" * size


def html(size: int) -> str:
    return "<div>\n" + "".join(f"<p>line {n}</p>\n" for n in range(size))


def raw_line(size: int) -> str:
    return "```\n" + "0123456789abcdef" * size


def html_line(size: int) -> str:
    return "<div>" + "0123456789abcdef" * size


CASES = [
    (fence, 1000),
    (items, 250),
    (nested, 250),
    (loose, 250),
    (table, 250),
    (paragraph, 600),
    (cell, 800),
    (one_word, 2000),
    (wide_word, 4000),
    (emoji, 4000),
    (quote, 400),
    (heading, 400),
    (comment, 500),
    (html, 500),
    (raw_line, 1500),
    (html_line, 1500),
]


def calls(text: str, flushes: int) -> int:
    """Python calls that it takes to draw a text in so many flushes, to the end."""
    count = 0

    def profile(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal count
        if event == "call":
            count += 1

    document = Document(80)
    size = -(-len(text) // flushes)
    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        for begin in range(0, len(text), size):
            document.feed(text[begin : begin + size])
            document.update()
        document.finish()
        document.update()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(("make", "size"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_twice_as_long_costs_twice_as_much(make: object, size: int) -> None:
    """A fence of 2,000 lines, a list of 500 items, a table of 500 rows, a paragraph of 50,000
    characters, a cell of 40,000, a line of 100,000 without a space: each flush costs the same,
    early or late."""
    assert callable(make)
    one = calls(make(size), 60)
    two = calls(make(2 * size), 120)
    assert two < 2.5 * one, (one, two, two / one)


@pytest.mark.parametrize(
    ("make", "size"), CASES[:7], ids=lambda case: getattr(case, "__name__", "")
)
def test_each_character_is_parsed_a_few_times_at_most(
    ledger: Ledger, make: object, size: int
) -> None:
    assert callable(make)
    text = make(2 * size)
    document = Document(80)
    for begin in range(0, len(text), 200):
        document.feed(text[begin : begin + 200])
        document.update()
    document.finish()
    document.update()
    assert ledger.characters < 9 * len(text)

"""Long conversations: opening, scrolling, another width, and the memory of what is shown.

    python -m tests.benchmarks.bench_long [--quick]

All in processor time, on 120 x 40 cells, with every frame written as for a terminal. A turn of the
conversation is a question and an answer of varied Markdown; the long reply is of the same. The
framework's `Markdown` is given a text that it can take in; memory is per 1,000 tokens, for both, as
`tracemalloc` counts what was allocated for a widget and is still held once it has been scrolled
through, so that everything in it has been laid out and drawn.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import sys
import tracemalloc
from collections.abc import Callable
from itertools import islice

from ccchat_tui.sessions.model import Turn, TurnState
from ccchat_tui.tui.memory import set_startup_aside
from tests.benchmarks.bench_drawing import chunked, measure_transcript
from tests.benchmarks.drawing_app import (
    MarkdownApp,
    TranscriptApp,
    cpu,
    make_turn,
    run,
    settled,
)
from tests.benchmarks.prose import prose
from tests.benchmarks.rows import Row, spread, table

SIZE = (120, 40)
TURNS = 5000
LONG = 64_000
"""Tokens of the long reply; one has four characters."""
OPEN_AIM, FRAME_AIM = 150.0, 1000 / 30
MARKDOWN_TOKENS = 2000


def conversation(turns: int) -> list[Turn]:
    """A conversation that is over; every answer has a hundred tokens or so."""
    source = prose()
    made = []
    for number in range(turns):
        turn = make_turn(number)
        turn.parts.extend(islice(source, 100))
        turn.state = TurnState.COMPLETED
        made.append(turn)
    return made


def long_reply(tokens: int) -> Turn:
    """One turn with a reply of so many tokens."""
    turn = make_turn()
    turn.parts.extend(islice(prose(), tokens))
    turn.state = TurnState.COMPLETED
    return turn


def opening(turns: list[Turn]) -> float:
    """Milliseconds from the turns to the screen that shows the end of them."""
    took: list[float] = []

    async def body(app: TranscriptApp) -> None:
        await settled(app)
        begin = cpu()
        app.transcript.set_turns(turns)
        await settled(app)
        took.append((cpu() - begin) * 1000)

    run(TranscriptApp(), body, SIZE)
    return took[0]


def scrolling(turns: list[Turn], pages: int) -> list[float]:
    """Milliseconds of each page that is scrolled up, to rows that were never seen before."""
    took: list[float] = []

    async def body(app: TranscriptApp) -> None:
        await settled(app)
        app.transcript.set_turns(turns)
        await settled(app)
        set_startup_aside()
        for _ in range(pages):
            begin = cpu()
            app.transcript.scroll_page_up(animate=False)
            await settled(app)
            took.append((cpu() - begin) * 1000)

    _as_the_app(lambda: run(TranscriptApp(), body, SIZE))
    return took


def resizing(turns: list[Turn]) -> tuple[float, float]:
    """Milliseconds from another width to the screen, and the longest block of the loop in the
    second after."""
    took: list[float] = []
    blocks: list[float] = []

    async def body(app: TranscriptApp) -> None:
        await settled(app)
        app.transcript.set_turns(turns)
        await settled(app)
        set_startup_aside()
        begin = cpu()
        app.transcript.styles.width = 90
        await settled(app)
        took.append((cpu() - begin) * 1000)
        loop = asyncio.get_running_loop()
        end = loop.time() + 1
        while loop.time() < end:
            used = cpu()
            await asyncio.sleep(0.001)
            blocks.append((cpu() - used) * 1000)

    _as_the_app(lambda: run(TranscriptApp(), body, SIZE))
    return took[0], max(blocks)


def memory_ours(tokens: int) -> float:
    """Kilobytes held for 1,000 tokens, all of them shown once."""
    held: list[float] = []
    turns = conversation(max(1, tokens // 100))

    async def body(app: TranscriptApp) -> None:
        await settled(app)
        before = _held()
        app.transcript.set_turns(turns)
        await settled(app)
        while app.transcript.scroll_y > 0:
            app.transcript.scroll_page_up(animate=False)
            await settled(app)
        held.append(_held() - before)

    _traced(lambda: run(TranscriptApp(), body, SIZE))
    return held[0] / tokens * 1000 / 1024


def memory_markdown(tokens: int) -> float:
    """The same of Textual's `Markdown`."""
    held: list[float] = []
    text = "".join(islice(prose(), tokens))

    async def body(app: MarkdownApp) -> None:
        await settled(app)
        before = _held()
        await app.markdown.update(text)
        await settled(app)
        while app.scroll.scroll_y < app.scroll.max_scroll_y:
            app.scroll.scroll_page_down(animate=False)
            await settled(app)
        held.append(_held() - before)

    _traced(lambda: run(MarkdownApp(), body, SIZE))
    return held[0] / tokens * 1000 / 1024


def _as_the_app(act: Callable[[], None]) -> None:
    """Do something during which the search for garbage is what it is in the app."""
    thresholds = gc.get_threshold()
    try:
        act()
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


def _held() -> float:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _traced(act: Callable[[], None]) -> None:
    tracemalloc.start()
    try:
        act()
    finally:
        tracemalloc.stop()


def rows(quick: bool) -> list[Row]:
    """The figures for the table of all benchmarks."""
    rounds = 2 if quick else 5
    turns = conversation(TURNS)
    reply = [long_reply(LONG)]
    many = conversation(LONG // 100)
    opened = [opening(turns) for _ in range(rounds)]
    pages = scrolling(turns, 60 if quick else 300)
    wide = [resizing(reply) for _ in range(rounds)]
    each = [resizing(many) for _ in range(rounds)]
    out = [
        Row(
            f"a conversation of {TURNS:,} turns opens, processor time",
            statistics.median(opened),
            OPEN_AIM,
            "aim",
            "ms",
            f"median of {rounds}; {spread(opened, 1)}",
        ),
        Row(
            "  and a page of it is scrolled, processor time, p99",
            sorted(pages)[len(pages) * 99 // 100],
            FRAME_AIM,
            "a frame",
            "ms",
            f"of {len(pages)} pages; median {statistics.median(pages):.1f}",
        ),
    ]
    for name, taken in ((f"one reply of {LONG:,} tokens", wide), (f"{LONG:,} in turns", each)):
        first = [begin for begin, _ in taken]
        rest = [block for _, block in taken]
        out += [
            Row(
                f"another width: {name}, until drawn, processor time",
                statistics.median(first),
                FRAME_AIM,
                "a frame",
                "ms",
                f"median of {rounds}; {spread(first, 1)}",
            ),
            Row(
                "  and the longest block after that, processor time",
                statistics.median(rest),
                FRAME_AIM,
                "a frame",
                "ms",
                f"median of {rounds}; {spread(rest, 1)}",
            ),
        ]
    tokens = 4000 if quick else 16_000
    out.append(
        Row(
            "memory for 1,000 tokens that are shown",
            memory_ours(tokens),
            memory_markdown(MARKDOWN_TOKENS),
            "Markdown",
            "kB",
            f"one run each, of {tokens:,} and {MARKDOWN_TOKENS:,} tokens",
        )
    )
    out.append(_flat(quick))
    return out


def _flat(quick: bool) -> Row:
    """What a token more costs, at the end of a long reply beside a short one."""
    short: list[float] = []
    long: list[float] = []
    rounds = 2 if quick else 5
    for _ in range(rounds):
        for length, found in ((1000, short), (LONG, long)):
            source = prose()
            prefill = list(islice(source, length))
            found.append(measure_transcript(prefill, chunked(source, 60 if quick else 240)))
    return Row(
        f"transcript: a flush at {LONG:,} tokens, processor time",
        statistics.median(long),
        statistics.median(short),
        "at 1,000",
        "ms",
        f"medians of {rounds} rounds each; {spread(long, 2)} / {spread(short, 2)}",
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, less exact")
    sys.stdout.write(table(rows(parser.parse_args().quick)))


if __name__ == "__main__":
    main()

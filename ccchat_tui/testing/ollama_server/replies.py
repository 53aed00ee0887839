"""What the server says when nobody tells it what to say."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

from ccchat_tui.testing.ollama_server.steps import Line, line

CREATED = "2026-11-02T10:00:00.123456789Z"

_TEXT = (
    "This reply comes from a test server, so it is made of the same few sentences.\n\n"
    "## A heading\n\nSome *emphasis*, some **strong words**, and `code` in a line.\n\n"
    "- a first point\n- a second one, with a wide character: 漢字\n- a third: 👩‍🚀\n\n"
    "```python\ndef add(a: int, b: int) -> int:\n    return a + b\n```\n\n"
    "| column | other |\n| --- | --- |\n| one | two |\n\n"
)


def pieces_of(question: str, tokens: int) -> list[str]:
    """The reply to a question, token by token: it begins with the question's own words, so that
    replies can be told apart."""
    begin = [*(f"{word} " for word in f"About: {question}".split()[:40]), "\n\n"]
    words = [word + " " for word in _TEXT.split(" ")]
    return list(itertools.islice(itertools.chain(begin, itertools.cycle(words)), tokens))


def text_of(question: str, tokens: int) -> str:
    """The whole reply to a question."""
    return "".join(pieces_of(question, tokens))


def chunk(model: str, text: str = "", **more: Any) -> dict[str, Any]:
    """One object of a stream that goes on."""
    return {
        "model": model,
        "created_at": CREATED,
        "message": {"role": "assistant", "content": text, **more},
        "done": False,
    }


def final(model: str, reason: str, tokens: int, asked: int, **more: Any) -> dict[str, Any]:
    """The last object of a stream; the times are nanoseconds."""
    return {
        **chunk(model),
        "done": True,
        "done_reason": reason,
        "total_duration": 1_500_000_000 + tokens * 20_000_000,
        "load_duration": 1_000_000_000,
        "prompt_eval_count": asked,
        "prompt_eval_duration": 500_000_000,
        "eval_count": tokens,
        "eval_duration": tokens * 20_000_000,
        **more,
    }


def lines_of(
    model: str, pieces: list[str], *, thinking: list[str], reason: str, asked: int
) -> list[Line]:
    """A whole reply, line by line."""
    lines = [line(chunk(model, thinking=piece)) for piece in thinking]
    lines += [line(chunk(model, piece)) for piece in pieces]
    return [*lines, line(final(model, reason, len(pieces) + len(thinking), asked))]


def joined(lines: Sequence[Line]) -> dict[str, Any]:
    """A reply as the one object that comes where it is not streamed."""
    objects = [json.loads(each.data) for each in lines]
    message = {"role": "assistant", "content": ""}
    for each in objects:
        for key in ("content", "thinking"):
            if text := each["message"].get(key):
                message[key] = message.get(key, "") + text
    return {**objects[-1], "message": message}

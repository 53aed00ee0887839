"""What one request of the chaos is: drawn by its number and the seed, whatever the moment is.

The question says what goes wrong with each attempt, so that what the server sends for it can be
worked out from the question alone: by the server, to send it, and by the audit, to hold what was
received against it.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ccchat_tui.engine.request import Priority
from ccchat_tui.testing.ollama_server import FAULTS, pieces_of
from ccchat_tui.testing.ollama_server.faults import Wrong
from ccchat_tui.testing.ollama_server.replies import lines_of
from ccchat_tui.testing.ollama_server.steps import Answer, Head, Line

MODELS = ("llama3.2:3b", "gemma3:4b", "qwen3:8b")
THINKER = "qwen3:8b"
THOUGHTS = ("Let me ", "think. ")

_RARE = {
    # One of these sends 9 MiB, and the others make the service go one at a time.
    "huge_line": 0.1,
    "busy": 0.3,
    "busy_for_7_s": 0.1,
    "busy_shortly": 0.3,
    "half_an_error": 0.3,
    "held_error": 0.3,
    "out_of_memory": 0.3,
    "needs_more_memory": 0.3,
    "memory_line": 0.3,
    # These last until a limit is over.
    "held": 0.3,
    "stall": 0.5,
}
_NAMES = tuple(FAULTS)
_WEIGHTS = tuple(_RARE.get(name, 1.0) for name in _NAMES)

_PLAN = re.compile(r"plan:(\S+)")
_SIZE = re.compile(r"size:(\d+)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request."""

    number: int
    user: str
    model: str
    question: str
    priority: Priority
    pause: float
    """Seconds from the user's last one."""
    cancel: str
    """When it is cancelled: `at once`, `later`, `while it streams`, or empty for not at all."""
    cancel_after: float
    timeout: float | None


def draw(seed: int, number: int, users: int) -> Wanted:
    """The request of a number."""
    rng = random.Random(f"{seed}:{number}")
    attempts = [_fault(rng) for _ in range(rng.choice((1, 1, 2, 3)))]
    model = rng.choices((*MODELS, "nope", "nomic-embed-text"), (60, 20, 16, 2, 2))[0]
    size = rng.choice((2, 5, 12, 30, 60))
    return Wanted(
        number=number,
        user=f"user {rng.randrange(users)}",
        model=model,
        question=f"{seed}.{number} plan:{','.join(attempts)} size:{size}",
        priority=rng.choice(list(Priority)),
        pause=rng.expovariate(20.0),
        cancel=rng.choices(("", "at once", "later", "while it streams"), (72, 4, 12, 12))[0],
        cancel_after=rng.expovariate(1.0),
        timeout=rng.choice((None, None, None, 0.4)),
    )


def _fault(rng: random.Random) -> str:
    """What one attempt meets: nothing, half of the time."""
    if rng.random() < 0.5:
        return "right"
    name = rng.choices(_NAMES, _WEIGHTS)[0]
    return f"{name}@{rng.choice((0, 0, 1, 2, 4))}"


def fault_at(question: str, attempt: int) -> tuple[str, int] | None:
    """What the n-th attempt that reaches the server meets (0 for the first); `None` for nothing.
    After the last one of the plan the last stays."""
    found = _PLAN.search(question)
    if found is None:
        return None
    plan = found[1].split(",")
    name, _, after = plan[min(attempt, len(plan) - 1)].partition("@")
    return None if name == "right" else (name, int(after))


def size_of(question: str) -> int:
    """How many tokens the reply has."""
    found = _SIZE.search(question)
    return int(found[1]) if found else 8


def pieces(question: str) -> list[str]:
    """The whole reply, token by token."""
    return pieces_of(question, size_of(question))


@dataclass(frozen=True, slots=True)
class Sent:
    """What the server sends for an attempt, if nobody leaves and nothing breaks."""

    text: str
    thinking: str
    whole: bool
    """Whether it says that the reply is complete."""


@lru_cache(maxsize=64)
def sent_for(question: str, model: str, attempt: int) -> Sent:
    """What the n-th attempt that reaches the server is sent."""
    fault = fault_at(question, attempt)
    thinking = list(THOUGHTS) if model == THINKER else []
    lines = lines_of(model, pieces(question), thinking=thinking, reason="stop", asked=1)
    if fault is None or fault[0] in ("redirect_same", "held_then_right"):
        return _said(b"".join(each.data for each in lines))
    name, after = fault
    data = bytearray()
    for step in FAULTS[name].make(Wrong(lines, model, after)):
        if isinstance(step, bytes):
            data += step
        elif isinstance(step, Line):
            data += step.data
        elif isinstance(step, Answer) and step.status == 200:
            data += step.body
        elif isinstance(step, Head) and (step.status != 200 or step.headers):
            return Sent("", "", whole=False)
    if name == "one_byte_on_the_wire":
        return _said(b"".join(each.data for each in lines))
    return _said(bytes(data))


def _said(data: bytes) -> Sent:
    """The texts of the lines of a reply, up to the one that ends it."""
    text, thinking = "", ""
    for line in data.split(b"\n"):
        said = _object(line)
        if said is None:
            continue
        message = said.get("message")
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            continue
        text += message["content"]
        thinking += message.get("thinking", "")
        if said.get("done") is True:
            return Sent(text, thinking, whole=True)
    return Sent(text, thinking, whole=False)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line.decode("utf-8-sig", errors="replace"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None

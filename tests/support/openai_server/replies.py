"""What the server says, in the dialects that there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ccchat_tui.testing.ollama_server.steps import Line, dumps

SSE = "text/event-stream"
DONE = Line(b"data: [DONE]\n\n")


@dataclass(frozen=True, slots=True)
class Dialect:
    """In what servers of this protocol differ."""

    thinking: str = "reasoning_content"
    """The field of what a model thinks aloud; vLLM calls it `reasoning`, too."""
    counting: int | None = 200
    """What is answered to `stream_options`: 200 with a count, a refusal, or (`None`) nothing at
    all, as if it were not there."""
    going_on: int = 200
    """What is answered to `continue_final_message`: 200, or a refusal."""
    timings: bool = False
    """Whether the last chunk has llama.cpp's times."""
    role_first: bool = True
    """Whether a chunk without text comes at once, before anything is generated."""


PLAIN = Dialect()


def event(value: Any) -> Line:
    """An object as one event."""
    return Line(b"data: " + dumps(value) + b"\n\n")


def chunk(model: str, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    """One object of a stream."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_795_000_000,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }


def whole(model: str, text: str) -> dict[str, Any]:
    """A reply that is not streamed."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": usage(7, 5),
    }


def usage(asked: int, tokens: int) -> dict[str, Any]:
    """How many tokens there were."""
    return {"prompt_tokens": asked, "completion_tokens": tokens, "total_tokens": asked + tokens}


def events_of(
    model: str,
    pieces: Sequence[str],
    *,
    dialect: Dialect,
    thinking: Sequence[str],
    reason: str,
    count: bool,
) -> list[Line]:
    """A whole reply, event by event."""
    events = []
    if dialect.role_first:
        events.append(event(chunk(model, {"role": "assistant", "content": ""})))
    events += [event(chunk(model, {dialect.thinking: piece})) for piece in thinking]
    events += [event(chunk(model, {"content": piece})) for piece in pieces]
    last = chunk(model, {}, reason)
    if dialect.timings:
        last["timings"] = {
            "prompt_n": 7,
            "prompt_ms": 500.0,
            "predicted_n": len(pieces),
            "predicted_ms": 20.0 * len(pieces),
        }
    events.append(event(last))
    if count:
        counted = {**chunk(model, {}), "choices": [], "usage": usage(7, len(pieces))}
        events.append(event(counted))
    return [*events, DONE]

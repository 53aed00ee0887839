"""What is sent to `/api/chat` and what each line of the reply says: the part that runs per token.

Plain dictionaries and no models here, because a model costs more than the whole rest of a chunk.
"""

from __future__ import annotations

import json
from typing import Any, Final

from ccchat_tui.backends.base import ChatChunk, ChatStats, Prompt
from ccchat_tui.backends.json_body import json_body
from ccchat_tui.backends.ollama_errors import bad_line, in_stream

_decode = json.JSONDecoder().raw_decode
_NANOSECONDS: Final = 1e9


async def request_body(prompt: Prompt, **more: Any) -> bytes:
    """The body of a request for a streamed reply.

    Args:
        prompt: What is asked.
        more: Fields of one's own, where the server knows further ones.

    Raises:
        BackendError: An option cannot be sent, being no JSON.
    """
    messages: list[dict[str, Any]] = []
    for message in prompt.messages:
        sent: dict[str, Any] = {"role": message.role, "content": message.content}
        if message.images:
            sent["images"] = list(message.images)
        messages.append(sent)
    body: dict[str, Any] = {"model": prompt.model, "messages": messages, "stream": True}
    if prompt.options:
        body["options"] = dict(prompt.options)
    if prompt.think is not None:
        # What can think does so unless it is told not to.
        body["think"] = prompt.think
    if prompt.keep_alive is not None:
        body["keep_alive"] = _keep_alive(prompt.keep_alive)
    return await json_body({**body, **more}, prompt)


def model_body(model: str) -> bytes:
    """The body of a request that names a model and nothing else."""
    return json.dumps({"model": model}).encode()


def _keep_alive(value: str | float) -> str | float:
    """A bare number in a text means seconds, as in OLLAMA_KEEP_ALIVE; the server takes that only
    as a number."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return value
    return value


def read_chunk(line: str, address: str) -> ChatChunk:
    """What one line of a reply says.

    Args:
        line: Not empty, without white space at its ends.
        address: Whose, for people.

    Raises:
        BackendError: It is an error, or no part of a reply.
    """
    try:
        data, end = _decode(line)
    except (ValueError, RecursionError):
        raise bad_line(line, address) from None
    if end != len(line) or not isinstance(data, dict):
        raise bad_line(line, address)
    if data.get("error") is not None:
        raise in_stream(data["error"], address)
    message = data.get("message")
    if isinstance(message, dict):
        text = message.get("content") or ""
        thinking = message.get("thinking") or ""
        if not (isinstance(text, str) and isinstance(thinking, str)):
            raise bad_line(line, address)
    elif message is None and "done" in data:
        text = thinking = ""
    else:
        raise bad_line(line, address)
    if data.get("done") is True:
        return ChatChunk(text, thinking, _stats(data))
    return ChatChunk(text, thinking)


def _stats(data: dict[str, Any]) -> ChatStats:
    """The figures of the last line; any of them may be missing."""
    reason = data.get("done_reason")
    return ChatStats(
        done_reason=reason if isinstance(reason, str) and reason else None,
        prompt_tokens=_count(data.get("prompt_eval_count")),
        reply_tokens=_count(data.get("eval_count")),
        load_seconds=_seconds(data.get("load_duration")),
        prompt_seconds=_seconds(data.get("prompt_eval_duration")),
        reply_seconds=_seconds(data.get("eval_duration")),
    )


def _count(value: object) -> int | None:
    """A figure as Go writes it; nothing else is believed, nor counted with."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63:
        return value
    return None


def _seconds(value: object) -> float | None:
    count = _count(value)
    return None if count is None else count / _NANOSECONDS

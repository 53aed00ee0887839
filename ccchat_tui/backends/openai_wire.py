"""What each event of a reply says: the part that runs per token.

Plain dictionaries and no models here, because a model costs more than the whole rest of a chunk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ccchat_tui.backends.base import ChatChunk, ChatStats
from ccchat_tui.backends.openai_errors import bad_event, broke_off, in_stream

DONE: Final = "[DONE]"
"""The data of the last event."""

_decode = json.JSONDecoder().raw_decode
_GIVEN_UP: Final = frozenset({"abort", "error"})
"""Values of `finish_reason` that mean a failure (vLLM, OpenRouter)."""


class Reply:
    """Reads the events of one reply.

    A reply is complete once `[DONE]` has come, or has ended well if a `finish_reason` came before
    the end of the stream. Between the two, there may be an event with the number of tokens.

    Args:
        address: Whose, for people.
    """

    __slots__ = ("_address", "_begun", "_timings", "_usage", "complete", "reason")

    def __init__(self, address: str) -> None:
        self.reason: str | None = None
        """Why the model stopped, once it has: `stop`, `length`, ..."""
        self.complete = False
        """Whether nothing more will come."""
        self._address = address
        self._begun = False
        self._usage: Mapping[str, Any] = {}
        self._timings: Mapping[str, Any] = {}

    @property
    def ended(self) -> bool:
        """Whether the model has said all it will."""
        return self.complete or self.reason is not None

    def take(self, event: str) -> ChatChunk:
        """What one event says; empty for one without text, which is a sign of life.

        Raises:
            BackendError: It is an error, or no part of a reply.
        """
        if event == DONE:
            self.complete = True
            return ChatChunk()
        try:
            data, end = _decode(event)
        except (ValueError, RecursionError):
            raise bad_event(event, self._address) from None
        chunk = self._object(data, event)
        # Some leave out the blank line between two events, which are one by the standard then.
        if (rest := event[end:].strip()) and not self.complete:
            more = self.take(rest)
            return ChatChunk(chunk.text + more.text, chunk.thinking + more.thinking)
        return chunk

    def stats(self) -> ChatStats:
        """What the server has said of the reply."""
        usage, timings = self._usage, self._timings
        return ChatStats(
            done_reason=self.reason,
            prompt_tokens=_first_count(usage.get("prompt_tokens"), timings.get("prompt_n")),
            reply_tokens=_first_count(usage.get("completion_tokens"), timings.get("predicted_n")),
            prompt_seconds=_seconds(timings.get("prompt_ms")),
            reply_seconds=_seconds(timings.get("predicted_ms")),
        )

    def _object(self, data: Any, event: str) -> ChatChunk:
        if not isinstance(data, dict):
            raise bad_event(event, self._address)
        if data.get("error") or _is_bare_error(data):
            raise in_stream(data, self._address)
        if isinstance(usage := data.get("usage"), dict):
            self._usage = usage
        if isinstance(timings := data.get("timings"), dict):
            # llama.cpp only.
            self._timings = timings
        choices = data.get("choices")
        # None in the event with the usage, and in what proxies add of their own.
        if not choices:
            return ChatChunk()
        if not (isinstance(choices, list) and isinstance(choices[0], dict)):
            raise bad_event(event, self._address)
        return self._choice(choices[0], event)

    def _choice(self, choice: Mapping[str, Any], event: str) -> ChatChunk:
        part = choice.get("delta") or {}
        if not part and "message" in choice and not self._begun:
            # A whole answer from a server that does not stream; some repeat it behind a stream.
            part = choice["message"]
            self.complete = True
        if not isinstance(part, dict):
            raise bad_event(event, self._address)
        text = part.get("content") or ""
        # One of two names; vLLM had both for a while, with the same in them.
        thinking = part.get("reasoning_content") or part.get("reasoning") or ""
        if not (isinstance(text, str) and isinstance(thinking, str)):
            raise bad_event(event, self._address)
        if isinstance(reason := choice.get("finish_reason"), str) and reason:
            if reason in _GIVEN_UP:
                raise broke_off(reason, self._address)
            self.reason = reason
        if text or thinking:
            self._begun = True
        return ChatChunk(text, thinking)


def _is_bare_error(data: Mapping[str, Any]) -> bool:
    """Whether it is what stands in an `error`, without that: from older versions of vLLM, and of
    llama.cpp, which had it in a field of that name."""
    return "choices" not in data and "message" in data and "code" in data


def _first_count(*values: object) -> int | None:
    """The first that is a figure; nothing else is believed, nor counted with."""
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63:
            return value
    return None


def _seconds(milliseconds: object) -> float | None:
    if not isinstance(milliseconds, (int, float)) or isinstance(milliseconds, bool):
        return None
    return milliseconds / 1000 if 0 <= milliseconds < 1e15 else None

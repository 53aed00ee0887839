"""What a reply is kept under in the cache, and which are not to be kept at all."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ccchat_tui.backends.base import Prompt
from ccchat_tui.backends.json_body import SLICE
from ccchat_tui.backends.model_lists import full_name


async def key_of(prompt: Prompt, user: str, digest: str) -> bytes | None:
    """What the reply to a prompt is kept under; `None` if the prompt has no such form.

    Args:
        prompt: What is asked.
        user: To whom alone the reply may be given; empty for all.
        digest: The model's, so that another version of it gives no old replies.
    """
    try:
        messages = [
            [
                each.role,
                await _in_short(each.content),
                [await _in_short(i) for i in each.images],
            ]
            for each in prompt.messages
        ]
        what = [user, digest, messages, prompt.options, prompt.think, prompt.version]
        text = json.dumps(what, sort_keys=True, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError):
        return None
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def repeatable(options: Mapping[str, Any]) -> bool:
    """Whether options make the same reply come again: `temperature` 0, or a fixed `seed` (below
    zero Ollama draws one, and -1 is its default; Ollama source, api/types.go)."""
    temperature, seed = options.get("temperature"), options.get("seed")
    if isinstance(temperature, int | float) and temperature is not False and temperature == 0:
        return True
    return isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0


def runs_elsewhere(model: str) -> bool:
    """Whether a name is that of a model which a local Ollama hands on to the cloud: then the
    digest is that of the stub (Ollama's documentation, "Cloud models")."""
    return full_name(model).endswith((":cloud", "-cloud"))


async def _in_short(value: Any) -> Any:
    """A very long text, such as a picture, as its hash; worked out slice by slice, with a turn for
    others between."""
    if not isinstance(value, str) or len(value) <= SLICE:
        return value
    digest = hashlib.sha256()
    for start in range(0, len(value), SLICE):
        digest.update(value[start : start + SLICE].encode("utf-8", "surrogatepass"))
        await asyncio.sleep(0)
    return [len(value), digest.hexdigest()]


def _plain(value: object) -> object:
    """A mapping of an unusual kind as a plain one; anything else has no place in a key."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be part of a key")

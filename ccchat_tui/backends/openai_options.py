"""A prompt as the body of a request to `/chat/completions`.

Options are kept by Ollama's names everywhere in the program, and translated here:

    temperature, top_p, seed, stop, presence_penalty, frequency_penalty     the same
    num_predict (when positive)             max_tokens
    top_k, min_p                            the same; no part of OpenAI's own protocol, but of
                                            llama.cpp, vLLM and LM Studio
    repeat_penalty                          repeat_penalty (llama.cpp, LM Studio) and
                                            repetition_penalty (vLLM)
    think "low", "medium", "high", "max"    reasoning_effort; "max" is "high" there
    think true, false                       chat_template_kwargs.enable_thinking (vLLM, llama.cpp)

They are sent only where somebody has set them, so that a server that takes none of the further ones
is asked in its own words unless it is asked for more; then its refusal names what it refuses.

Left out, because the protocol has no place for them: keep_alive, num_ctx and all other options of
loading (a server of this kind has one context, chosen when it was started), num_keep, typical_p,
repeat_last_n, and whatever is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ccchat_tui.backends.base import ChatMessage, Prompt
from ccchat_tui.backends.json_body import json_body

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "seed": ("seed",),
    "stop": ("stop",),
    "presence_penalty": ("presence_penalty",),
    "frequency_penalty": ("frequency_penalty",),
    "num_predict": ("max_tokens",),
    "top_k": ("top_k",),
    "min_p": ("min_p",),
    "repeat_penalty": ("repeat_penalty", "repetition_penalty"),
}
"""Names there, by Ollama's."""

_PICTURES: Final = {"iVBOR": "png", "/9j/": "jpeg", "R0lGOD": "gif", "UklGR": "webp"}
"""Kinds of pictures, by how their Base64 begins."""


async def request_body(prompt: Prompt, *, usage: bool, go_on: bool = False) -> bytes:
    """The body of a request for a streamed reply.

    Args:
        prompt: What to ask.
        usage: Whether to ask for the number of tokens, which not every server understands.
        go_on: Whether to say that the last message is the beginning of the reply. Without that
            vLLM begins another one (`continue_final_message` and `add_generation_prompt` are its
            fields, in vllm/entrypoints/openai/protocol.py), and llama.cpp, which goes on by itself,
            refuses it for models that think (llama.cpp#15404). OpenAI itself knows no such thing
            and answers with a message of its own.

    Raises:
        BackendError: An option cannot be sent, being no JSON.
    """
    body: dict[str, Any] = {
        "model": prompt.model,
        "messages": [_message(message) for message in prompt.messages],
        "stream": True,
        **translated(prompt.options),
    }
    if usage:
        body["stream_options"] = {"include_usage": True}
    if isinstance(prompt.think, bool):
        body["chat_template_kwargs"] = {"enable_thinking": prompt.think}
    elif prompt.think is not None:
        body["reasoning_effort"] = "high" if prompt.think == "max" else prompt.think
    if go_on:
        body["continue_final_message"], body["add_generation_prompt"] = True, False
        body["chat_template_kwargs"] = {"enable_thinking": False}
    return await json_body(body, prompt)


def translated(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options by the names that they have there; those that have none are left out."""
    sent: dict[str, Any] = {}
    for name, value in options.items():
        if name == "num_predict" and isinstance(value, (int, float)) and value <= 0:
            # Ollama's "no limit", which is what leaving it out means here.
            continue
        sent.update(dict.fromkeys(_NAMES.get(name, ()), value))
    return sent


def _message(message: ChatMessage) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.content}
    parts: list[dict[str, Any]] = []
    if message.content:
        parts.append({"type": "text", "text": message.content})
    for image in message.images:
        kind = next((kind for head, kind in _PICTURES.items() if image.startswith(head)), "png")
        url = f"data:image/{kind};base64,{image}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return {"role": message.role, "content": parts}

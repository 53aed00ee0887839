"""What Ollama refuses before a chat's first line, in its own words."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from ccchat_tui.testing.ollama_server.catalog import Model, seconds_of
from ccchat_tui.testing.ollama_server.steps import Answer, error

_THINK = ("low", "medium", "high", "max")
_NUMBERS = ("num_ctx", "num_predict", "temperature", "top_k", "top_p", "seed", "repeat_penalty")


def refusal_of_types(body: dict[str, Any]) -> Answer | None:
    """What a Go decoder says of fields of the wrong type; `None` if it says nothing."""
    wanted = {"model": str, "messages": list, "stream": bool, "options": dict, "tools": list}
    for name, kind in wanted.items():
        value = body.get(name)
        if value is not None and not isinstance(value, kind):
            said = {bool: "bool", str: "string", dict: "object", list: "array"}
            given = said.get(type(value), "number")
            return error(
                400,
                f"json: cannot unmarshal {given} into Go struct field ChatRequest.{name} "
                f"of type {said[kind]}",
            )
    for message in body.get("messages") or []:
        for image in message.get("images") or []:
            try:
                base64.b64decode(image, validate=True)
            except (binascii.Error, ValueError):
                return error(400, "illegal base64 data at input byte 0")
    think = body.get("think")
    if not (think is None or isinstance(think, bool) or think in _THINK):
        return error(400, f'invalid think value: "{think}" (must be "high", "medium", "low")')
    try:
        seconds_of(body.get("keep_alive"))
    except ValueError as fault:
        return error(400, str(fault))
    return None


def refusal_of_model(body: dict[str, Any], model: Model) -> Answer | None:
    """What this model is not able to do; `None` if it is able to do it all."""
    name = body["model"]
    if "completion" not in model.capabilities:
        return error(400, f'"{name}" does not support chat')
    if body.get("tools") and "tools" not in model.capabilities:
        return error(400, f"registry.ollama.ai/library/{model.name} does not support tools")
    if body.get("think") and "thinking" not in model.capabilities:
        return error(400, f'"{name}" does not support thinking')
    options = body.get("options") or {}
    for option, value in options.items():
        if option in _NUMBERS and (isinstance(value, bool) or not isinstance(value, (int, float))):
            return error(500, f'option "{option}" must be of type float32')
        if option == "stop" and not isinstance(value, list):
            return error(500, 'option "stop" must be of type array')
    if body.get("format") not in (None, "", "json") and not isinstance(body["format"], dict):
        return error(500, f"invalid format: {body['format']!r}; expected a JSON schema")
    return None

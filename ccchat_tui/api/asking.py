"""A chat as it is asked over HTTP, in the fields of Ollama's `/api/chat` and some of ours."""

from __future__ import annotations

import json
import re
from typing import Any, Final, TypeGuard

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ccchat_tui.backends.base import BackendError, ChatMessage, Prompt
from ccchat_tui.backends.prompts import check_prompt
from ccchat_tui.quick import dataclass
from ccchat_tui.text import shown_value

LONGEST_NAME: Final = 512
ONE_LINE: Final = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
"""What names are, as a pattern that JSON Schema and Python both read: no control characters and no
line breaks."""
MOST_MESSAGES: Final = 10_000

_NOT_PASSED_ON: Final = ("tools", "format", "logprobs", "top_logprobs", "tool_calls")
"""What would change the reply, and which a backend here is not told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be asked, and how the answer is to come."""

    model: str
    """Empty where none was named."""
    messages: tuple[ChatMessage, ...]
    options: dict[str, Any]
    think: Any
    keep_alive: Any
    stream: bool

    def prompt(self, model: str, user: str) -> Prompt:
        """As a backend is asked it."""
        return Prompt(
            model=model,
            messages=self.messages,
            options=self.options,
            think=self.think,
            keep_alive=self.keep_alive,
            user=user,
        )

    @property
    def preview(self) -> str:
        """The last thing that was said."""
        return self.messages[-1].content if self.messages else ""


async def read_object(request: Request, known: frozenset[str] | None = None) -> dict[str, Any]:
    """The JSON object of a body.

    Args:
        request: What was sent; an empty body is refused.
        known: The fields there are; `None` where what is not known is ignored, as Ollama does.

    Raises:
        HTTPException: 400, and why.
    """
    body = await request.body()
    if not body.strip():
        raise HTTPException(400, "missing request body")
    try:
        data = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise HTTPException(400, f"the body is not JSON: {why[:100]}") from None
    if not isinstance(data, dict):
        raise HTTPException(400, f"the body is {shown_value(data)}; give a JSON object")
    if known is not None:
        for name in data:
            if name not in known:
                there = ", ".join(sorted(known))
                raise HTTPException(
                    400, f"there is no field {shown_value(name)}; there are {there}"
                )
    return data


def read_asked(data: dict[str, Any]) -> Asked:
    """The chat in a body. Raises `HTTPException`: 400, the field, its value, and what to give."""
    _refuse_what_is_lost(data, "")
    model = data.get("model")
    model = "" if model is None else model
    if not is_name(model):
        raise _wrong("model", model, f"a name in one line, of at most {LONGEST_NAME} characters")
    stream = data.get("stream")
    if not (stream is None or isinstance(stream, bool)):
        raise _wrong("stream", stream, "true or false")
    options = data.get("options")
    if not (options is None or isinstance(options, dict)):
        raise _wrong("options", options, "an object")
    for name in ("truncate", "shift"):
        if data.get(name) not in (None, True):
            raise HTTPException(400, f"{name} is not passed on by ccchat; leave it out")
    asked = Asked(
        model=model,
        messages=tuple(_messages(data.get("messages"))),
        options=dict(options or {}),
        think=None if data.get("think") == "" else data.get("think"),
        keep_alive=data.get("keep_alive"),
        stream=stream is not False,
    )
    try:
        check_prompt(asked.prompt(model, ""))
    except BackendError as error:
        raise HTTPException(400, error.message) from None
    return asked


def is_name(value: object) -> TypeGuard[str]:
    """Whether it is a text in one line, that can be written and is not too long."""
    if not isinstance(value, str) or len(value) > LONGEST_NAME:
        return False
    half = any("\ud800" <= char <= "\udfff" for char in value)  # of a surrogate pair
    return not half and re.match(ONE_LINE, value) is not None


def _messages(given: Any) -> list[ChatMessage]:
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > MOST_MESSAGES:
        raise _wrong("messages", given, f"a list of at most {MOST_MESSAGES} messages")
    return [_message(number, each) for number, each in enumerate(given, 1)]


def _message(number: int, given: Any) -> ChatMessage:
    if not isinstance(given, dict):
        raise _wrong(f"message {number}", given, "an object with role and content")
    _refuse_what_is_lost(given, f"message {number}: ")
    role, content, images = given.get("role"), given.get("content"), given.get("images")
    if images is None:
        images = []
    if not isinstance(images, list):
        raise _wrong(f"message {number}: images", images, "a list of texts in base64")
    return ChatMessage(
        role.lower() if isinstance(role, str) else role,  # type: ignore[arg-type] # checked below
        "" if content is None else content,
        tuple(images),
    )


def _refuse_what_is_lost(data: dict[str, Any], where: str) -> None:
    for name in _NOT_PASSED_ON:
        if data.get(name):
            raise HTTPException(400, f"{where}{name} is not passed on by ccchat; leave it out")


def _wrong(name: str, value: object, give: str) -> HTTPException:
    return HTTPException(400, f"{name} is {shown_value(value)}; give {give}")


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")

"""Requests as JSON: the same whether they are encoded at once or slice by slice."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccchat_tui.backends import json_body as module
from ccchat_tui.backends.base import BackendError, ChatMessage, ErrorKind, Prompt
from ccchat_tui.backends.json_body import SLICE, json_body
from ccchat_tui.backends.ollama_wire import request_body
from ccchat_tui.testing.virtual_time import run_virtual

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=9), JSON), st.integers(1, 7))
def test_slices_are_the_whole(body: dict[str, Any], size: int) -> None:
    prompt = Prompt("m", (ChatMessage("user", "x" * 10),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SLICE", size)
        sliced = run_virtual(json_body(body, prompt))
    assert json.loads(sliced) == body
    assert sliced.isascii()


def test_others_have_their_turn_while_a_long_prompt_is_encoded() -> None:
    text = 'two "lines"\n\N{GRINNING FACE} ' * (SLICE // 5)

    async def main() -> tuple[bytes, int]:
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(others())
        body = await request_body(Prompt("m", (ChatMessage("user", text),)))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return body, turns

    body, turns = run_virtual(main())
    assert json.loads(body)["messages"][0]["content"] == text
    assert turns >= len(text) // SLICE


@pytest.mark.parametrize("text", ["short", "x" * (2 * SLICE)], ids=["short", "long"])
def test_an_option_that_is_no_json_is_named(text: str) -> None:
    prompt = Prompt("m", (ChatMessage("user", text),), options={"temperature": float("nan")})
    with pytest.raises(BackendError) as caught:
        run_virtual(request_body(prompt))
    assert caught.value.kind is ErrorKind.BAD_REQUEST
    assert "temperature" in caught.value.message

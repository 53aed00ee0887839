"""Whether a model is loaded again is said by what the server holds, as far as it tells."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input, Static

from ccchat_tui.backends.base import LoadedModel, ModelInfo
from ccchat_tui.testing.app import until
from ccchat_tui.testing.ollama_server import OllamaServer
from ccchat_tui.tui.screens.chat_settings import ChatSettingsScreen
from ccchat_tui.tui.screens.chat_settings_form import ChatSettings, warning
from tests.tui.test_model_desk import app_over
from tests.tui.test_screens import session

MODEL = "llama3.2:3b"


@pytest.mark.parametrize(
    ("before", "wanted", "loaded", "said"),
    [
        # Not loaded: whatever is asked, it is loaded once, as it would have been.
        ({"num_ctx": 4096}, {"num_ctx": 8192}, [], []),
        ({}, {"num_gpu": 3}, [("qwen3:8b", 4096)], []),
        # Loaded as it is wanted, by whoever that was.
        ({"num_ctx": 4096}, {"num_ctx": 8192}, [(MODEL, 8192)], []),
        ({"num_ctx": 4096}, {"num_ctx": 8192}, [("llama3.2:3b", None)], ["num_ctx"]),
        # Loaded otherwise, though nothing is changed here.
        ({"num_ctx": 4096}, {"num_ctx": 4096}, [(MODEL, 8192)], ["num_ctx"]),
        # What it was loaded with of the others is not told: a change counts.
        ({"num_ctx": 8192}, {"num_ctx": 8192, "num_gpu": 3}, [(MODEL, 8192)], ["num_gpu"]),
        ({"num_ctx": 8192}, {}, [(MODEL, 8192)], ["num_ctx"]),
        # More context than the model has is not loaded.
        ({}, {"num_ctx": 999_999}, [(MODEL, 131_072)], []),
        # Two servers, of which one has it otherwise.
        ({"num_ctx": 8192}, {"num_ctx": 8192}, [(MODEL, 8192), (MODEL, 4096)], ["num_ctx"]),
    ],
)
def test_by_what_is_loaded(
    before: dict[str, Any],
    wanted: dict[str, Any],
    loaded: list[tuple[str, int | None]],
    said: list[str],
) -> None:
    words = warning(
        session(options=before),
        ChatSettings(MODEL, options=wanted),
        models=[ModelInfo(MODEL, context_length=131_072)],
        loaded=[LoadedModel(name, context_length=tokens) for name, tokens in loaded],
    )
    assert [name for name in ("num_ctx", "num_gpu") if name in words] == said
    assert bool(said) == ("again" in words)


def test_another_model_that_is_loaded_otherwise() -> None:
    chosen = ChatSettings("qwen3:8b", options={"num_ctx": 4096})
    held = [LoadedModel("qwen3:8b", context_length=8192)]
    assert "load qwen3:8b again" in warning(session(), chosen, loaded=held)
    assert warning(session(), chosen, loaded=[]) == ""


async def test_the_servers_are_asked_when_the_settings_are_shown() -> None:
    async with OllamaServer() as server, app_over(server) as (app, pilot):
        for asked, words in ((False, ""), (True, "again")):
            if asked:
                app.sessions.send(app.pane.session, "Hello")
                await until(lambda: not app.pane.session.turns[0].state.alive)
            await pilot.press("f4")
            await app.workers.wait_for_complete()
            dialog = app.screen
            assert isinstance(dialog, ChatSettingsScreen)
            dialog.query_one("#num_ctx", Input).value = "8192"
            await pilot.pause()
            told = dialog.query_one(".warning", Static)
            assert words in str(told.content)
            assert bool(str(told.content)) == asked
            await pilot.press("escape")
            await app.settle()

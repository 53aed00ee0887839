"""Pictures on their way to servers: each kind of server gets them in its own form."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from ccchat_tui.backends.base import ChatMessage, Prompt
from ccchat_tui.backends.hosts import read_host
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.backends.openai import OpenAIBackend
from ccchat_tui.sessions.attachments import attachment_from
from ccchat_tui.sessions.context import question_with
from ccchat_tui.testing.ollama_server import OllamaServer
from tests.sessions.pictures import GIF, JPEG, WEBP, png
from tests.support.caches import cached, chunks, question
from tests.support.openai_server import OpenAIServer
from tests.support.pools import virtual

NOTES = attachment_from("notes.txt", b"cod")


@pytest.mark.parametrize("data", [png(), png(900_000)], ids=len)
async def test_ollama(data: bytes) -> None:
    message = question_with("What is it?", (attachment_from("a", data), NOTES))
    async with OllamaServer() as server:
        backend = OllamaBackend(read_host(server.url))
        chunks = [chunk async for chunk in backend.stream(Prompt("gemma3:4b", (message,)))]
        await backend.aclose()
        [chat] = server.chats
    assert chunks[-1].done
    [told] = chat.body["messages"]
    assert [base64.b64decode(each) for each in told["images"]] == [data]
    assert told["content"] == "notes.txt:\n```txt\ncod\n```\n\nWhat is it?"


@pytest.mark.parametrize(
    ("data", "kind"),
    [(png(900_000), "png"), (JPEG, "jpeg"), (GIF, "gif"), (WEBP, "webp")],
    ids=["png", "jpeg", "gif", "webp"],
)
async def test_openai(data: bytes, kind: str) -> None:
    message = question_with("What is it?", (attachment_from("a", data), NOTES))
    async with OpenAIServer() as server:
        backend = OpenAIBackend(read_host(server.url))
        chunks = [chunk async for chunk in backend.stream(Prompt("mist-7b", (message,)))]
        await backend.aclose()
        [chat] = server.chats
    assert chunks[-1].done
    [told] = chat.body["messages"]
    text, picture = told["content"]
    assert text["text"].endswith("What is it?")
    head, _, body = picture["image_url"]["url"].partition(",")
    assert head == f"data:image/{kind};base64"
    assert base64.b64decode(body) == data


@virtual
async def test_the_cache_tells_long_pictures_apart_to_their_last_letter() -> None:
    backend, server = cached()
    for end in ("AA==", "AQ==", "AA=="):
        message = ChatMessage("user", "What is it?", ("x" * 1_000_000 + end,))
        await chunks(backend, replace(question(), messages=(message,)))
    assert len(server.asked) == 2
    assert backend.status().hits == 1

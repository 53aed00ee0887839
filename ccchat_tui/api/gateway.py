"""Ollama's own protocol, so that its clients share the queue, its limits and its fairness.

What they ask is a request like any other: it waits its turn, is seen in the panel, and is cancelled
when its client leaves. Whatever kind of server answers, the lists are in Ollama's form (Ollama
source, api/types.go).
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ccchat_tui import __version__
from ccchat_tui.api.asking import is_name, read_asked, read_object
from ccchat_tui.api.hub import Hub, answer, caller_of
from ccchat_tui.api.views import Json
from ccchat_tui.backends.base import LoadedModel, ModelInfo, managers_of
from ccchat_tui.backends.model_lists import full_name

PROTOCOL: Final = "0.33.0"
"""The version of Ollama whose protocol is spoken here; clients go by it to know what they may ask.
It is not that of the server behind, of which there may be several."""

_NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
"""Go's time that was never set."""
_FOREVER: Final = datetime(2318, 3, 6, tzinfo=UTC)
"""What Ollama says of a model that stays loaded."""


class Gateway:
    """The endpoints.

    Args:
        hub: The engine.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/api/chat", self.chat, methods=["POST"]),
            Route("/api/tags", self.tags, methods=["GET"]),
            Route("/api/show", self.show, methods=["POST"]),
            Route("/api/version", self.version, methods=["GET"]),
            Route("/api/ps", self.running, methods=["GET"]),
        ]

    async def chat(self, request: Request) -> Response:
        """Ask something; without messages, have the model loaded, or unloaded with `keep_alive`
        0."""
        asked = read_asked(await read_object(request))
        if not asked.model:
            raise HTTPException(400, "model is required")
        handle = self._hub.submit(asked, model=asked.model, user=caller_of(request).user)
        return self._hub.reply(handle, stream=asked.stream)

    async def tags(self, _request: Request) -> Response:
        """The models there are."""
        models = await self._hub.ask(self._hub.service.backend.models())
        return answer({"models": [_tag(model) for model in models]})

    async def show(self, request: Request) -> Response:
        """What is known of one model."""
        data = await read_object(request)
        name = data.get("model") or data.get("name")
        if not is_name(name):
            raise HTTPException(400, "model is required")
        for model in await self._hub.ask(self._hub.service.backend.models()):
            if full_name(model.name) == full_name(name):
                return answer(_shown(model))
        raise HTTPException(404, f"model '{name}' not found")

    async def version(self, _request: Request) -> Response:
        """Whose protocol this is, and who speaks it."""
        return answer({"version": PROTOCOL, "ccchat": __version__})

    async def running(self, _request: Request) -> Response:
        """The models in the memory of the servers that can say it."""
        managers = managers_of(self._hub.service.backend).values()
        lists = await asyncio.gather(*(self._hub.ask(each.running()) for each in managers))
        return answer({"models": [_process(model) for each in lists for model in each]})


def _tag(model: ModelInfo) -> Json:
    told: Json = {
        "name": model.name,
        "model": model.name,
        "modified_at": _time(model.modified_at),
        "size": model.size or 0,
        "digest": model.digest or "",
        "details": _details(model),
    }
    if model.capabilities:
        told["capabilities"] = list(model.capabilities)
    return told


def _shown(model: ModelInfo) -> Json:
    family = model.family or "unknown"
    info: dict[str, Any] = {"general.architecture": family}
    if model.context_length:
        info[f"{family}.context_length"] = model.context_length
    return {
        "details": _details(model),
        "model_info": info,
        "capabilities": list(model.capabilities) or ["completion"],
        "modified_at": _time(model.modified_at),
    }


def _details(model: ModelInfo) -> Json:
    told: Json = {
        "parent_model": "",
        "format": "",
        "family": model.family or "",
        "families": [model.family] if model.family else None,
        "parameter_size": model.parameter_size or "",
        "quantization_level": model.quantization or "",
    }
    if model.context_length:
        told["context_length"] = model.context_length
    return told


def _process(model: LoadedModel) -> Json:
    return {
        "name": model.name,
        "model": model.name,
        "size": model.size or 0,
        "digest": "",
        "details": _details(ModelInfo(model.name)),
        "expires_at": _time(_FOREVER if model.stays else model.expires_at),
        "size_vram": model.size_vram or 0,
        "context_length": model.context_length or 0,
    }


def _time(moment: datetime | None) -> str:
    return (moment or _NEVER).isoformat().replace("+00:00", "Z")

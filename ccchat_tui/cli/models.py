"""`ccchat models`: what the server has; and the opening of servers for the other commands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ccchat_tui.backends.base import BackendError, ChatBackend, HasServers, ModelInfo
from ccchat_tui.cli.output import CommandError, complain, say, table, terminal_width, visible

if TYPE_CHECKING:
    from ccchat_tui.backends.hosts import Host, Server
    from ccchat_tui.config import Loaded

_UNITS = ("B", "kB", "MB", "GB", "TB")


def print_models(loaded: Loaded, servers: Sequence[Host | Server]) -> int:
    """Print the models there are; of several servers, which have each, and which do not answer.

    Raises:
        CommandError: If the server does not answer, or has none.
    """
    models, problems = asyncio.run(_models(loaded, servers))
    for problem in problems:
        complain(f"note: {problem}")
    head = ["name", "size", "family", "parameters", "quantisation", "context"]
    rows = [
        [
            model.name,
            size_in_words(model.size),
            model.family or "",
            model.parameter_size or "",
            model.quantization or "",
            f"{model.context_length:,}" if model.context_length else "",
        ]
        for model in models
    ]
    if any(model.servers for model in models):
        head.append("servers")
        for row, model in zip(rows, models, strict=True):
            row.append(", ".join(model.servers))
    shown = [[visible(cell) for cell in row] for row in rows]
    say(table(head, shown, width=terminal_width(), right={1, 5}))
    return 0


async def _models(
    loaded: Loaded, servers: Sequence[Host | Server]
) -> tuple[list[ModelInfo], list[str]]:
    """The models, and what is wrong with servers that did not tell theirs."""
    backend = open_backend(loaded, servers)
    try:
        models = await list_models(backend)
        states = backend.servers() if isinstance(backend, HasServers) else ()
        return models, [
            f"{each.name} is not in it: {each.reason or 'its list takes too long'}"
            for each in states
            if each.models is None
        ]
    finally:
        await backend.aclose()


def open_backend(loaded: Loaded, servers: Sequence[Host | Server]) -> ChatBackend:
    """The servers that the settings name, or the demo model if they ask for it.

    Raises:
        CommandError: If a server is of a kind that cannot be used.
    """
    settings = loaded.settings
    if settings.demo:
        from ccchat_tui.backends.demo import DemoBackend  # noqa: PLC0415

        return DemoBackend()
    from ccchat_tui.backends.connect import open_servers  # noqa: PLC0415
    from ccchat_tui.backends.kinds import KindError  # noqa: PLC0415

    try:
        return open_servers(
            servers,
            api_key=settings.api_key.get_secret_value(),
            connect_timeout=settings.connect_timeout,
            cache=settings.cache(),
        )
    except KindError as error:
        raise CommandError(str(error), 2) from None


async def list_models(backend: ChatBackend) -> list[ModelInfo]:
    """The models of a backend, at least one.

    Raises:
        CommandError: If it does not answer, or has none.
    """
    try:
        models = await backend.models()
    except BackendError as error:
        hints = f" ({', '.join(error.hints)})" if error.hints else ""
        raise CommandError(
            f"{error.message}{hints}\n"
            "--host names another server; --demo uses the built-in demo model, which needs none"
        ) from None
    if not models:
        how = ", for example with `ollama pull llama3.2`" if "Ollama" in backend.name else ""
        raise CommandError(f"the server at {backend.address} has no models; get one there{how}")
    return models


def size_in_words(size: int | None) -> str:
    """Bytes as people read them, in powers of 1000 as Ollama shows them; empty for unknown."""
    if size is None:
        return ""
    value = float(size)
    for unit in _UNITS[:-1]:
        if value < 999.95:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} {_UNITS[-1]}"

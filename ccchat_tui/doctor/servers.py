"""The model servers: whether each answers, how fast, and what it has."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from ccchat_tui.backends.base import BackendError
from ccchat_tui.backends.connect import open_servers
from ccchat_tui.backends.hosts import HostError, Server, names_of
from ccchat_tui.backends.kinds import KindError, check_kinds
from ccchat_tui.backends.model_lists import full_name
from ccchat_tui.config_servers import without_password
from ccchat_tui.doctor.finding import Finding, Findings, note, ok, problem, warning

if TYPE_CHECKING:
    from ccchat_tui.backends.hosts import Host
    from ccchat_tui.config import Settings

AREA: Final = "server"
SLOW: Final = 1.0
"""Seconds for a sign of life from which on a server counts as slow."""
WITHIN: Final = 20.0
"""Seconds for everything that one server is asked."""


def check_servers(settings: Settings) -> Findings:
    """Ask each of them, all at once."""
    if settings.demo:
        yield note(
            AREA,
            "none is asked: the built-in demo model answers",
            "leave out --demo and CCCHAT_DEMO to have a server answer",
        )
        return
    try:
        servers = settings.model_servers()
        check_kinds(servers)
    except (HostError, KindError) as error:
        yield problem(AREA, without_password(str(error)), "name another one in OLLAMA_HOST")
        return
    names = names_of([each if isinstance(each, Server) else Server(each) for each in servers])
    yield from asyncio.run(_ask_all(settings, servers, names))


async def _ask_all(
    settings: Settings, servers: list[Server] | list[Host], names: list[str]
) -> list[Finding]:
    numbers = range(len(servers))
    asked = [_ask(settings, servers[number], names[number]) for number in numbers]
    found = await asyncio.gather(*asked)
    findings = [finding for finding, _ in found]
    models = {model for _, there in found for model in there}
    if settings.model and models and full_name(settings.model) not in map(full_name, models):
        findings.append(
            warning(
                AREA,
                f"no server has the model {settings.model!r} of new chats",
                f"get it there, or choose one of {', '.join(sorted(models)[:10])}",
            )
        )
    return findings


async def _ask(settings: Settings, server: Host | Server, name: str) -> tuple[Finding, list[str]]:
    """What one says of itself, and its models."""
    where = without_password(server.url)
    who = f"{server.kind} at {where}"
    if name not in server.url:
        who = f"{name}, {who}"
    told: dict[str, Any] = {"name": name, "kind": server.kind, "address": where}
    backend = open_servers(
        [server],
        api_key=settings.api_key.get_secret_value(),
        connect_timeout=settings.connect_timeout,
    )
    try:
        async with asyncio.timeout(WITHIN):
            began = time.monotonic()
            says = await backend.probe()
            seconds = time.monotonic() - began
            models = [model.name for model in await backend.models()]
    except BackendError as error:
        hints = f"; {', '.join(error.hints)}" if error.hints else ""
        said = without_password(f"{error.message}{hints}")
        if where not in said:
            said = f"{who}: {said}"
        remedy = "start it, or name another one with --host or OLLAMA_HOST"
        return problem(AREA, said, remedy, **told, failure=str(error.kind)), []
    except TimeoutError:
        said = f"{who}: no answer within {WITHIN:g} s"
        return problem(AREA, said, "look what keeps it, or name another one", **told), []
    finally:
        await backend.aclose()
    count = "1 model" if len(models) == 1 else f"{len(models)} models"
    version = f", version {says}" if says else ""
    said = f"{who} answers in {seconds * 1000:.0f} ms{version}, {count}"
    told |= {"version": says, "ms": round(seconds * 1000, 1), "models": models}
    if not models:
        get = "`ollama pull llama3.2` gets one" if server.kind == "ollama" else "get one there"
        return problem(AREA, f"{said}: nothing can be asked", get, **told), []
    if seconds > SLOW:
        return warning(AREA, said, "look at the network, and at what else it does", **told), models
    return ok(AREA, said, **told), models

"""`ccchat serve`, and `--api` beside the other commands: the engine over HTTP."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ccchat_tui.api.address import Address, AddressError, bind, read_address
from ccchat_tui.api.tokens import ADMIN, Tokens, TokensError
from ccchat_tui.beside import Beside, Outside, all_beside
from ccchat_tui.cli.models import open_backend
from ccchat_tui.cli.output import CommandError, complain, say
from ccchat_tui.clock import SystemClock
from ccchat_tui.ending import PATIENT, Ending, drain_within
from ccchat_tui.engine.service import ConcurrentChatService
from ccchat_tui.paths import tokens_file

if TYPE_CHECKING:
    from ccchat_tui.backends.hosts import Host, Server
    from ccchat_tui.config import Loaded


def serve(
    loaded: Loaded,
    servers: Sequence[Host | Server],
    given: Mapping[str, Any],
    further: Beside | None = None,
) -> int:
    """Serve the API and nothing else, until a signal ends it.

    The first signal lets what was taken come to its end, within the time that is set; a second one
    cancels it.

    Returns:
        0 after an end in good order, 1 if the API ended by itself, 128 and the number of a signal
        that did not wait.

    Raises:
        CommandError: It cannot listen there, or what it takes is not installed.
    """
    if given.get("dashboard"):
        say(Path(__file__).parents[1].joinpath("api", "grafana.json").read_text("utf-8").rstrip())
        return 0
    api, address = open_api(loaded, given, given.get("address", ""))
    beside = all_beside(further, api)
    assert beside is not None
    said = (
        f"ccchat listens at {address.url}, for browsers too; `ccchat token` shows who may come in"
    )
    return asyncio.run(run_engine(loaded, servers, beside, said))


async def run_engine(
    loaded: Loaded, servers: Sequence[Host | Server], beside: Beside, said: str
) -> int:
    """Run an engine for others until a signal ends it, or the API that they reach it by.

    Args:
        loaded: The settings.
        servers: Whom to ask.
        beside: How others reach it.
        said: What is said once they can.
    """
    backend = open_backend(loaded, servers)
    service = ConcurrentChatService(backend, loaded.settings.engine(), clock=SystemClock())
    asked, now = asyncio.Event(), asyncio.Event()

    def stop() -> None:
        now.set()
        asked.set()

    ending = Ending(asked.set, stop, patient=PATIENT | {"SIGINT"})
    try:
        with ending.listening():
            async with beside(service) as outside:
                assert outside is not None
                say(said)
                sys.stdout.flush()
                await _first(asked, outside.ended)
                await drain_within(service, loaded.settings.drain_timeout, now)
                await service.aclose()
    finally:
        await service.aclose()
        await backend.aclose()
    if outside.problem:
        raise CommandError(outside.problem)
    return 128 + ending.came if now.is_set() else 0


async def _first(*events: asyncio.Event) -> None:
    """Wait for the first of these."""
    tasks = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def open_api(loaded: Loaded, given: Mapping[str, Any], where: str) -> tuple[Beside, Address]:
    """Listen, with tokens for whoever is named, before anything is drawn or asked.

    Args:
        loaded: The settings.
        given: The command line.
        where: The address as it was given; empty for the usual one.

    Raises:
        CommandError: That cannot be done.
    """
    try:
        from ccchat_tui.api.server import serving  # noqa: PLC0415 - an extra, and only who serves
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("ccchat_tui"):
            raise
        raise CommandError(
            f"the API needs {error.name}, which is not installed; "
            "`pip install 'ccchat-tui[api]'` brings what it takes"
        ) from None
    settings = loaded.settings
    try:
        address = read_address(where) if where else Address(*_USUAL)
        check_reach(address, given)
        tokens = Tokens(tokens_file())
        tokens.make_missing((ADMIN, *(user for user in settings.users if user != ADMIN)))
        listener, address = bind(address)
    except AddressError as error:
        raise CommandError(str(error), 2) from None
    except TokensError as error:
        raise CommandError(str(error)) from None
    names = names_for(address, given)

    @asynccontextmanager
    async def beside(service: ConcurrentChatService) -> AsyncIterator[Outside]:
        outside = Outside(address.url)
        async with serving(
            service,
            listener,
            tokens,
            clock=SystemClock(),
            model=settings.model,
            names=names,
            any_ip=not address.loopback,
            outside=outside,
        ):
            yield outside

    return beside, address


def beside_of(loaded: Loaded, given: Mapping[str, Any]) -> Beside | None:
    """What `--api` asks for beside another command; `None` if it was not given. Raises
    `CommandError`."""
    if "api" not in given:
        return None
    beside, address = open_api(loaded, given, given["api"])
    if given.get("command") == "simulate":  # the app shows it
        complain(f"the API listens at {address.url}")
    return beside


_USUAL: Final = ("127.0.0.1", 11435)


def names_for(address: Address, given: Mapping[str, Any]) -> list[str]:
    """The host names by which clients may reach what listens there."""
    allowed = [name.strip() for name in given.get("allow_host", "").split(",")]
    return [address.host, *filter(None, allowed)]


def check_reach(address: Address, given: Mapping[str, Any], what: str = "the API") -> None:
    """Raise `CommandError` for an address that others reach, unless that was meant."""
    if not address.loopback and not given.get("expose_without_tls"):
        raise CommandError(
            f"at {address.url} other machines reach {what}, and what is said travels there "
            "unencrypted, tokens too; put a proxy that speaks TLS before 127.0.0.1, or say "
            "--expose-without-tls",
            2,
        )

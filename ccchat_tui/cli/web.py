"""`ccchat web`: the app in browsers, all visitors on one engine."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from ccchat_tui.api.address import AddressError, bind, read_address
from ccchat_tui.api.tokens import ADMIN, Caller, Tokens, TokensError
from ccchat_tui.beside import Beside, all_beside
from ccchat_tui.cli.output import CommandError, is_terminal
from ccchat_tui.cli.serve import check_reach, names_for, open_api, run_engine
from ccchat_tui.config import TOKEN_ENV, VISITOR_ENV
from ccchat_tui.paths import chosen_store, tokens_file

if TYPE_CHECKING:
    from ccchat_tui.backends.hosts import Host, Server
    from ccchat_tui.config import Loaded
    from ccchat_tui.engine.service import ConcurrentChatService

USUAL: Final = "127.0.0.1:11436"
"""The one after the API's."""


def web(
    loaded: Loaded,
    servers: Sequence[Host | Server],
    given: Mapping[str, Any],
    further: Beside | None = None,
) -> int:
    """Serve the app to browsers until a signal ends it; see `serve.serve`.

    Each visitor has a process of the app of their own, which works on the engine here as
    `ccchat --connect` does, through an API that only this machine reaches.

    Raises:
        CommandError: It cannot listen there, or what it takes is not installed.
    """
    try:
        from ccchat_tui.web.server import Visitors, visited  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("ccchat_tui"):
            raise
        raise CommandError(
            f"the app in a browser needs {error.name}, which is not installed; "
            "`pip install 'ccchat-tui[web]'` brings what it takes"
        ) from None
    try:
        address = read_address(given.get("address") or USUAL)
        check_reach(address, given, "the app")
        listener, address = bind(address)
    except AddressError as error:
        raise CommandError(str(error).replace("the API", "the app"), 2) from None
    try:
        api, behind = open_api(loaded, {}, "127.0.0.1:0")
    except CommandError:
        listener.close()
        raise
    tokens = Tokens(tokens_file())
    visitors = Visitors(
        behind.url,
        tokens,
        names_for(address, given),
        any_ip=not address.loopback,
        env_of=lambda caller, token: env_of(loaded, caller, token),
    )

    @asynccontextmanager
    async def pages(_service: ConcurrentChatService) -> AsyncIterator[None]:
        async with visited(visitors, listener):
            yield

    beside = all_beside(further, api, pages)
    assert beside is not None
    said = f"ccchat is at {address.url}; `ccchat token` shows who may come in"
    if is_terminal(sys.stdout):  # a token is nothing for a log
        said = f"ccchat is at {address.url}/?token={_first_token(loaded, tokens)}"
    return asyncio.run(run_engine(loaded, servers, beside, said))


def env_of(loaded: Loaded, caller: Caller, token: str) -> dict[str, str]:
    """What a visitor's process is told: who they are, and where their conversations are kept.
    Each has a file of their own, so that no one reads another's, and reaches no other file of this
    machine: there are the tokens of the others."""
    store = chosen_store(loaded.settings.store)
    if store is not None and not caller.admin:
        name = sha256(caller.user.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        store = store.parent / "web" / f"{name}.db"
    kept = "off" if store is None else str(store)
    return {TOKEN_ENV: token, VISITOR_ENV: "1", "CCCHAT_STORE": kept}


def _first_token(loaded: Loaded, tokens: Tokens) -> str:
    user = next((user for user in loaded.settings.users if user != ADMIN), ADMIN)
    try:
        return tokens.get(user)
    except TokensError as error:
        raise CommandError(str(error)) from None

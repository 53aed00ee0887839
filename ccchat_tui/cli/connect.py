"""`ccchat --connect URL`: the app on the engine of another ccchat."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from ccchat_tui.backends.base import BackendError
from ccchat_tui.backends.ccchat import CcchatServer
from ccchat_tui.backends.hosts import Host, HostError, read_host
from ccchat_tui.cli.output import CommandError
from ccchat_tui.clock import SystemClock
from ccchat_tui.config import TOKEN_ENV, Loaded
from ccchat_tui.paths import tokens_file
from ccchat_tui.remote.me import who_am_i
from ccchat_tui.remote.service import RemoteService
from ccchat_tui.text import shown_value

PORT: Final = 11435
"""The one on which `ccchat serve` listens."""


def open_remote(loaded: Loaded, where: str) -> RemoteService:
    """Ask a ccchat who we are there, before anything is drawn.

    Args:
        loaded: The settings.
        where: Its address: `HOST`, `HOST:PORT` or a URL.

    Raises:
        CommandError: It cannot be worked on: what is wrong, and what to do.
    """
    host = read_address(where)
    server = CcchatServer(
        host, api_key=find_token(host), connect_timeout=loaded.settings.connect_timeout
    )
    try:
        me = asyncio.run(who_am_i(server))
    except BackendError as error:
        raise CommandError(f"--connect: {error.message}") from None
    return RemoteService(server, me, clock=SystemClock())


def read_address(where: str) -> Host:
    """The address of a ccchat. Raises `CommandError`."""
    text = where.strip()
    if "://" not in text:
        bare = text.rpartition("]")[2] if text.startswith("[") else text
        if ":" not in bare:
            text = f"{text}:{PORT}"
        text = f"http://{text}"
    if not text.startswith(("http://", "https://")):
        raise CommandError(
            f"--connect cannot be {shown_value(where)}; give a URL as in http://127.0.0.1:{PORT}", 2
        )
    try:
        host = read_host(text)
    except HostError as error:
        raise CommandError(str(error).replace("OLLAMA_HOST", "--connect"), 2) from None
    if host.warning:
        raise CommandError(host.warning.replace("OLLAMA_HOST", "--connect"), 2)
    return host


def find_token(host: Host) -> str:
    """What says who we are there: `CCCHAT_TOKEN`, and never an option, which others can see; on
    this machine, where the tokens can be read, the admin's. Raises `CommandError` if there is
    neither."""
    if token := os.environ.get(TOKEN_ENV, "").strip():
        return token
    if host.loopback:
        from ccchat_tui.api.tokens import ADMIN, Tokens, TokensError  # noqa: PLC0415

        try:
            if token := Tokens(tokens_file()).all().get(ADMIN, ""):
                return token
        except TokensError as error:
            raise CommandError(f"--connect: {error}") from None
    raise CommandError(
        f"--connect needs a token: give one in {TOKEN_ENV}; `ccchat token --user NAME` prints it "
        f"where the engine of {host.url} runs",
        2,
    )

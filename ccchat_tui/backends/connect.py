"""From addresses to the backend that asks the servers there."""

from __future__ import annotations

import random
from collections.abc import Sequence

from ccchat_tui.backends.base import ChatBackend
from ccchat_tui.backends.hosts import Host
from ccchat_tui.backends.ollama import OllamaBackend
from ccchat_tui.clock import Clock


def open_servers(
    hosts: Sequence[Host],
    *,
    api_key: str = "",
    connect_timeout: float = 5.0,
    clock: Clock | None = None,
    rng: random.Random | None = None,
) -> ChatBackend:
    """One backend for all servers: of one its own, of several a pool of theirs.

    Nothing is connected to, and httpx is not imported, before the first question is asked of it.

    Args:
        hosts: At least one, each with an address of its own.
        api_key: A key for them. Of several servers only those reached by HTTPS get it, if there
            are such: a key for a server on the internet is nothing to send in the clear to one in
            the next room.
        connect_timeout: Seconds for a connection to come about.
        clock: Where the time comes from; its seconds must be those of the event loop's timers.
        rng: Where the jitter between probes of a pool's servers comes from.

    Raises:
        ValueError: There is no host, or one is there twice.
    """
    if not hosts or len({host.url for host in hosts}) < len(hosts):
        named = [host.url for host in hosts]
        raise ValueError(f"servers {named}: give at least one, and each of them once")
    safe = [host for host in hosts if host.url.startswith("https:")]
    keyed = safe or hosts
    backends = [
        OllamaBackend(
            host,
            api_key=api_key if host in keyed else "",
            connect_timeout=connect_timeout,
            clock=clock,
        )
        for host in hosts
    ]
    if len(backends) == 1:
        return backends[0]
    from ccchat_tui.backends.pool import PoolBackend, PoolServer  # noqa: PLC0415 - several only

    servers = [
        PoolServer(name, backend) for name, backend in zip(_names(hosts), backends, strict=True)
    ]
    return PoolBackend(servers, clock=clock, rng=rng)


def load_client() -> None:
    """Load what the first question would load: httpx, and all that this loads. It may be called
    in a thread, and more than once."""
    import ccchat_tui.backends.http  # noqa: F401, PLC0415


def _names(hosts: Sequence[Host]) -> list[str]:
    """What people call each of several servers: its address without the scheme, where that is
    enough to tell them apart."""
    short = [host.url.partition("://")[2] for host in hosts]
    return short if len(set(short)) == len(short) else [host.url for host in hosts]

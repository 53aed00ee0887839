"""From addresses to the backend that asks the servers there."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ccchat_tui.backends.base import ChatBackend
from ccchat_tui.backends.breaker import BreakerSettings
from ccchat_tui.backends.hosts import Host, Server, names_of
from ccchat_tui.backends.kinds import Target, open_kind
from ccchat_tui.backends.pool import PoolBackend, PoolServer
from ccchat_tui.clock import Clock

if TYPE_CHECKING:
    from ccchat_tui.backends.cache import CacheSettings

LONGEST_PAUSE_NEAR = 3.0
"""Seconds between two tries of a server on this machine that is left out, at most: asking costs
next to nothing there, and whoever starts it sits before it."""


def open_servers(
    hosts: Sequence[Host | Server],
    *,
    api_key: str = "",
    connect_timeout: float = 5.0,
    cache: CacheSettings | None = None,
    clock: Clock | None = None,
    rng: random.Random | None = None,
) -> ChatBackend:
    """One backend for all servers: a pool of them, or of the only one, which has a circuit breaker
    by that; and the reply cache before it, if there is to be one.

    Nothing is connected to, and httpx is not imported, before the first question is asked of it.

    Args:
        hosts: At least one, each with an address of its own.
        api_key: A key for bare addresses. Of several only those reached by HTTPS get it, if there
            are such: a key for a server on the internet is nothing to send in the clear to one in
            the next room. A `Server` has its own and gets no other.
        connect_timeout: Seconds for a connection to come about.
        cache: What of the replies is kept; `None` for none.
        clock: Where the time comes from; its seconds must be those of the event loop's timers.
        rng: Where the jitter between probes of the servers comes from.

    Raises:
        ValueError: There is no host, or one is there twice, or two have one name.
        KindError: A server is of a kind that cannot be used.
    """
    if not hosts or len({host.url for host in hosts}) < len(hosts):
        named = [host.url for host in hosts]
        raise ValueError(f"servers {named}: give at least one, and each of them once")
    servers = _with_keys(hosts, api_key)
    near = all(server.host.loopback for server in servers)
    backend = PoolBackend(
        [
            PoolServer(
                name,
                open_kind(Target(server.host, server.api_key, connect_timeout, clock)),
                weight=server.weight,
                limit=server.limit,
            )
            for name, server in zip(names_of(servers), servers, strict=True)
        ],
        breaker=BreakerSettings(longest_pause=LONGEST_PAUSE_NEAR) if near else None,
        clock=clock,
        rng=rng,
    )
    if cache is None:
        return backend
    from ccchat_tui.backends.cache import CachingBackend  # noqa: PLC0415 - off by default

    return CachingBackend(backend, cache, clock=clock)


def load_client() -> None:
    """Load what the first question would load: httpx, and all that this loads. It may be called
    in a thread, and more than once."""
    import ccchat_tui.backends.http  # noqa: F401, PLC0415


def _with_keys(hosts: Sequence[Host | Server], api_key: str) -> list[Server]:
    """Each with the key that it is to be sent."""
    bare = [host for host in hosts if isinstance(host, Host)]
    keyed = [host for host in bare if host.url.startswith("https:")] or bare
    return [
        host if isinstance(host, Server) else Server(host, api_key=api_key if host in keyed else "")
        for host in hosts
    ]

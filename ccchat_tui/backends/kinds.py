"""Kinds of model servers: those that are built in, and those of other packages.

A package adds a kind by an entry point in the group `ccchat_tui.backends`. Its name is the kind; it
stands for something that is called with a `Target` and returns a `ChatBackend`. It is named before
an address, as in `parrot+home://cage`.

Looking through what is installed takes long, so that it is done only where a kind is named that is
not built in, and a package's own code is loaded only when its kind is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field
from typing import TYPE_CHECKING, Final

from ccchat_tui.backends.base import ChatBackend
from ccchat_tui.backends.hosts import BUILT_IN, Host, Server
from ccchat_tui.quick import dataclass
from ccchat_tui.text import one_line

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from ccchat_tui.clock import Clock

GROUP: Final = "ccchat_tui.backends"
"""The group of entry points."""


class KindError(Exception):
    """A kind of server cannot be used. Its text is meant for people."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server that a backend is to ask."""

    host: Host
    api_key: str = field(default="", repr=False)
    """Sent to this server and to no other; empty for none."""
    connect_timeout: float = 5.0
    """Seconds for a connection to come about."""
    clock: Clock | None = None
    """Where the time comes from; `None` for the system's."""

    @property
    def url(self) -> str:
        """What stands behind the `+`, as it was written."""
        return self.host.url


Opener = Callable[[Target], ChatBackend]
"""Makes the backend of a server, without connecting to it yet. `ValueError` says, in words, what is
wrong with the target."""


def open_kind(target: Target) -> ChatBackend:
    """The backend of one server, by its kind.

    Raises:
        KindError: There is no such kind, or it cannot be used.
    """
    kind = target.host.kind
    if kind == "ollama":
        from ccchat_tui.backends.ollama import OllamaBackend  # noqa: PLC0415

        return _ours(OllamaBackend, target)
    if kind == "openai":
        from ccchat_tui.backends.openai import OpenAIBackend  # noqa: PLC0415

        return _ours(OpenAIBackend, target)
    opener = _opener(kind)
    try:
        backend = opener(target)
    except Exception as error:
        # Whatever a package raises, it is told, and never shown as a fault of ours.
        raise KindError(f"{one_line(target.url, 80)} cannot be asked: {_told(error)}") from error
    if not isinstance(backend, ChatBackend):
        raise KindError(
            f"The kind of server {kind!r} gives a {type(backend).__name__}, which is no ChatBackend"
        )
    return backend


def check_kinds(servers: Iterable[Host | Server]) -> None:
    """Make sure that there is each of the kinds that are named, by loading those of packages.

    Raises:
        KindError: For the first that cannot be used.
    """
    for kind in dict.fromkeys(server.kind for server in servers):
        if kind not in BUILT_IN:
            _opener(kind)


def _ours(backend: Callable[..., ChatBackend], target: Target) -> ChatBackend:
    return backend(
        target.host,
        api_key=target.api_key,
        connect_timeout=target.connect_timeout,
        clock=target.clock,
    )


def _opener(kind: str) -> Opener:
    """What a package has for a kind."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and seldom needed

    everything = entry_points(group=GROUP)
    found = [point for point in everything if point.name == kind]
    if not found:
        there = sorted({*BUILT_IN, *(point.name for point in everything)})
        raise KindError(
            f"There is no kind of server {kind!r}; there are {one_line(', '.join(there), 200)}. "
            "Others come with packages, which must be installed beside ccchat."
        )
    if len(found) > 1:
        raise KindError(
            f"The kind of server {kind!r} comes with several packages "
            f"({', '.join(sorted(map(_package, found)))}); remove all but one"
        )
    (point,) = found
    try:
        opener: Opener = point.load()
    except Exception as error:
        raise KindError(
            f"The kind of server {kind!r} of {_package(point)} cannot be loaded: {_told(error)}"
        ) from error
    if not callable(opener):
        raise KindError(
            f"The kind of server {kind!r} of {_package(point)} is of type "
            f"{type(opener).__name__}, and nothing to be called"
        )
    return opener


def _package(point: EntryPoint) -> str:
    """What a package is called."""
    return one_line(point.dist.name if point.dist is not None else point.value, 80)


def _told(error: Exception) -> str:
    """An error of a package's in one line."""
    words = one_line(str(error), 200)
    if isinstance(error, ValueError) and words:
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__

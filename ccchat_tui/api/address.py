"""Where the API listens: read from the command line, and bound before anything is drawn."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final

from ccchat_tui.quick import dataclass
from ccchat_tui.text import shown_value

LOOPBACK: Final = "127.0.0.1"
DEFAULT_PORT: Final = 11435
"""The one after Ollama's own."""
BACKLOG: Final = 128

_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


class AddressError(Exception):
    """The API cannot listen there; the text says what was given, and what to give."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port. Port 0 is any that is free."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """As a client is told it."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def read_address(text: str) -> Address:
    """Read `PORT`, `HOST:PORT` or `[HOST]:PORT`; without a host it is this machine alone.

    Raises:
        AddressError: It is none of these.
    """
    host, colon, port = text.strip().rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if ":" not in host:
            raise _wrong(text)
    elif ":" in host:
        raise _wrong(text)
    if not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535 or (colon and not host):
        raise _wrong(text)
    host = host or LOOPBACK
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if ":" in host or not _NAME.fullmatch(host) or re.fullmatch(r"[0-9.]+", host):
            raise _wrong(text) from None
    return Address(host, int(port))


def _wrong(text: str) -> AddressError:
    return AddressError(
        f"the API cannot listen at {shown_value(text)}; give a port from 0 to 65535, or a host "
        "and a port, such as 11435, 127.0.0.1:11435 or [::1]:11435"
    )


def bind(address: Address) -> tuple[socket.socket, Address]:
    """A socket that listens there, and where that is, if any free port was asked for.

    Raises:
        AddressError: It cannot, in words.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        bound = socket.create_server(
            found[0][4][:2], family=found[0][0], backlog=BACKLOG, reuse_port=False
        )
    except OSError as error:
        raise AddressError(
            f"the API cannot listen at {address.url}: {error.strerror or error}; "
            "give another port, or 0 for any that is free"
        ) from None
    bound.setblocking(False)
    return bound, Address(address.host, bound.getsockname()[1])

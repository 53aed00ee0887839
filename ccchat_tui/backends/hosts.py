"""Where a model server is, and of what kind: `OLLAMA_HOST`, read by the rules of Ollama itself.

The rules are those of Ollama's own client and server (Ollama source, envconfig/config.go, `Host`),
so that a value that works for `ollama run` works here. Two things differ, because we only ever
connect and never listen: "every address" (`0.0.0.0`, `[::]`) and an empty host become the loopback
address, and several servers may be named, separated by commas.

A server of another kind has the kind before its address, as in `openai+http://127.0.0.1:8080/v1`.
No value that Ollama takes looks like that. What stands behind the `+` is then an address with a
scheme: read by the same rules for `ollama` and for `openai` (which is looked for under `/v1` where
no path is given), and left as it is for the kinds of other packages.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import field, replace

from ccchat_tui.quick import dataclass

DEFAULT_PORT = "11434"
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"
BUILT_IN = ("ollama", "openai")
"""The kinds that come with ccchat; see `ccchat_tui.backends.kinds` for others."""

_SCHEME_PORTS = {"http": "80", "https": "443"}
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
# A port as Go's strconv.ParseInt takes it in base 10; a port must also fit 16 bits.
_PORT = re.compile(r"[+]?[0-9]+", re.ASCII)
_PATH = re.compile(r"[^\s?#\\\x00-\x20\x7f]*")
_KIND = re.compile(r"([a-z][a-z0-9_-]{0,39})\+(?=[a-z][a-z0-9.-]*://)", re.IGNORECASE)
_FOREIGN = re.compile(r"[\x21-\x7e]{1,1000}")
_HOST = re.compile(r"[^\s/?#@\\%\[\]\x00-\x20\x7f]+")


class HostError(ValueError):
    """A value of `OLLAMA_HOST` that cannot be an address. Its text is meant for people."""


@dataclass(frozen=True, slots=True)
class Host:
    """One model server's address."""

    url: str
    """The base URL, always with a port, without a slash at its end: `http://127.0.0.1:11434`. Of a
    kind that is not built in, whatever stood there."""
    warning: str = ""
    """What was wrong with the value and what was taken instead; empty if nothing was."""
    kind: str = "ollama"
    """How it is spoken with."""

    @property
    def loopback(self) -> bool:
        """Whether the server is on this very machine."""
        return is_loopback(self.url)


@dataclass(frozen=True, slots=True)
class Server:
    """One of several model servers, with the terms on which it is asked."""

    host: Host
    name: str = ""
    """What people call it; empty for its address."""
    weight: float = 1.0
    """Its share: a server of weight 2 is given twice the requests of one of weight 1."""
    limit: int | None = None
    """How many requests it may have at once; `None` for no limit of its own."""
    api_key: str = field(default="", repr=False)
    """Sent to this server and to no other; empty for none."""

    @property
    def url(self) -> str:
        """The base URL."""
        return self.host.url

    @property
    def kind(self) -> str:
        """How it is spoken with."""
        return self.host.kind

    @property
    def warning(self) -> str:
        """What was wrong with its address; empty if nothing was."""
        return self.host.warning


def names_of(servers: Sequence[Server]) -> list[str]:
    """What people call each of several servers: its name, or else its address without the scheme
    and the port that goes without saying, where that is enough to tell them apart."""
    short = [server.name or _short(server.url) or server.url for server in servers]
    return [
        name if server.name or short.count(name) == 1 else server.url
        for name, server in zip(short, servers, strict=True)
    ]


def _short(url: str) -> str:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    usual = "443" if scheme == "https" else DEFAULT_PORT
    return authority.removesuffix(f":{usual}") + slash + path


def read_host(text: str) -> Host:
    """Read one address.

    Args:
        text: As in `OLLAMA_HOST`: `example.com`, `:1234`, `https://h/ollama`, `::1`, or nothing;
            or a kind and an address, `openai+http://h:8080/v1`.

    Returns:
        The address, with a warning where a part of the value was not usable.

    Raises:
        HostError: The value names another scheme than http and https, or no possible host.
    """
    value = text.strip().strip("\"'").strip()
    if named := _KIND.match(value):
        return _of_kind(named[1].lower(), value[named.end() :])
    scheme, has_scheme, rest = value.partition("://")
    default_port = DEFAULT_PORT
    if not has_scheme:
        scheme, rest = "http", value
        if value == "ollama.com":
            scheme, rest = "https", "ollama.com:443"
    elif scheme in _SCHEME_PORTS:
        default_port = _SCHEME_PORTS[scheme]
    else:
        raise HostError(
            f"OLLAMA_HOST is {_shown(value)}: its scheme must be http or https, "
            f"as in {DEFAULT_URL}."
        )
    rest, _, path = rest.partition("/")
    warnings = []
    if "@" in rest:
        # Never repeated in the warning: it may hold a password.
        rest = rest.rpartition("@")[2]
        warnings.append(
            "OLLAMA_HOST holds a user name or password, which is not used; set an API key instead."
        )
    host, port = _split_host_port(rest, default_port)
    if not _PORT.fullmatch(port) or int(port) > 65535:
        warnings.append(
            f"OLLAMA_HOST has the port {_shown(port)}, which is not a number from 0 to 65535; "
            f"using {default_port}."
        )
        port = default_port
    host = _ANY_ADDRESS.get(host, host)
    if not _HOST.fullmatch(host) or (":" in host and _address(host) is None):
        raise HostError(
            f"OLLAMA_HOST is {_shown(value.rpartition('@')[2])}: {_shown(host)} is not a host "
            f"name or address; give one as in {DEFAULT_URL}."
        )
    if ":" in host:
        host = f"[{host}]"
    path = path.rstrip("/")
    if not _PATH.fullmatch(path):
        raise HostError(
            f"OLLAMA_HOST has the path {_shown(path)}, which cannot be the start of an address; "
            f"give one as in {DEFAULT_URL}/ollama."
        )
    return Host(
        url=f"{scheme}://{host}:{int(port)}" + (f"/{path}" if path else ""),
        warning=" ".join(warnings),
    )


def _of_kind(kind: str, address: str) -> Host:
    """An address of which the kind was named."""
    if kind in BUILT_IN:
        host = read_host(address)
        if kind == "openai" and "/" not in host.url.partition("://")[2]:
            host = replace(host, url=f"{host.url}/v1")
        return replace(host, kind=kind)
    if "@" in address:
        raise HostError(
            f"The address of the {kind} server holds a user name or password; "
            "set an API key instead."
        )
    if not _FOREIGN.fullmatch(address):
        raise HostError(
            f"The address of the {kind} server is {_shown(address)}: it may hold letters, figures "
            "and signs of ASCII only, and 1000 of them at most."
        )
    return Host(address, kind=kind)


def read_hosts(text: str) -> list[Host]:
    """Read several addresses separated by commas.

    Empty places between commas are skipped and an address named twice counts once; nothing at all
    is the default server.

    Raises:
        HostError: For the first value that cannot be an address.
    """
    values = [part for part in text.strip().strip("\"'").split(",") if part.strip()]
    hosts: dict[str, Host] = {}
    for value in values or [""]:
        host = read_host(value)
        if hosts.setdefault(host.url, host).kind != host.kind:
            raise HostError(
                f"OLLAMA_HOST has {_shown(host.url)} as two kinds of server; leave one of them out."
            )
    return list(hosts.values())


def parse_host(text: str) -> str:
    """The base URL of one address; see `read_host`, whose warning it leaves out."""
    return read_host(text).url


def parse_hosts(text: str) -> list[str]:
    """The base URLs of several addresses; see `read_hosts`."""
    return [host.url for host in read_hosts(text)]


def is_loopback(url: str) -> bool:
    """Whether a base URL leads to this very machine: then no proxy may come between."""
    authority = url.partition("://")[2].partition("/")[0]
    host = _split_host_port(authority, DEFAULT_PORT)[0].strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    if isinstance(address, ipaddress.IPv6Address):
        # Python before 3.13 does not look at the address that is mapped into it.
        address = address.ipv4_mapped or address
    return address is not None and address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """A host that is an address in figures; `None` for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _split_host_port(rest: str, default_port: str) -> tuple[str, str]:
    """Host (without brackets) and port, as Go's net.SplitHostPort tells them apart; where that
    finds no port, the whole is the host."""
    if rest.startswith("["):
        host, bracket, tail = rest[1:].partition("]")
        if bracket and tail.startswith(":") and "[" not in host:
            return host, tail[1:]
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
        return host, port
    address = _address(rest.strip("[]"))
    return (rest or "127.0.0.1") if address is None else str(address), default_port


def _shown(value: str) -> str:
    """A value from outside for a message: quoted, controls escaped, not too long."""
    return ascii(value if len(value) <= 80 else value[:79] + "\N{HORIZONTAL ELLIPSIS}")

"""The `[[servers]]` tables of the config file: several model servers, each on its own terms."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
)
from pydantic_core import ErrorDetails

from ccchat_tui.backends.hosts import HostError, Server, names_of, read_host
from ccchat_tui.config_keys import KeyFromEnvironment, KeyFromFile, KeyTroubleError
from ccchat_tui.config_words import Number, Setting, Whole, allowed, short

WHAT = "tables headed [[servers]], each with a url, and no more than 100 of them"
MASK = "********"


def without_password(text: str) -> str:
    """A text without the passwords that addresses in it may hold."""
    return re.sub(r"(?<=//)[^/\s,'\"]*@", f"{MASK}@", text)


def _address(url: str) -> str:
    """Refuse what Ollama's rules would quietly make something else of: who writes a table means
    what stands in it."""
    if "," in url or not url.strip():
        raise ValueError("not one address")
    try:
        host = read_host(url)
    except HostError as error:
        raise ValueError(str(error)) from None
    if host.warning:
        raise ValueError(host.warning)
    return url.strip()


def _one_key(key: SecretStr, info: ValidationInfo) -> SecretStr:
    """Refuse more than one place for a key. This is the last of them to be looked at."""
    keys = (key, info.data.get("api_key"), info.data.get("api_key_env"))
    if sum(1 for each in keys if each is not None and each.get_secret_value()) > 1:
        raise KeyTroubleError("is one place too many: give the key once")
    return key


class ServerSettings(BaseModel):
    """One `[[servers]]` table."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    url: Annotated[
        str,
        AfterValidator(_address),
        Setting(
            allowed="an address such as 192.168.1.7:11434 or https://models.example, of http or "
            "https, without a user name, with a port from 0 to 65535 if any; or a kind and an "
            "address, such as openai+http://127.0.0.1:8080/v1"
        ),
    ]
    """where it is, by Ollama's own rules; a kind may stand before it, as in openai+http://h/v1"""

    name: Annotated[
        str,
        BeforeValidator(lambda name: name.strip() if isinstance(name, str) else name),
        Field(max_length=40),
    ] = ""
    """what it is called on the screen; its address if left out"""

    weight: Annotated[Number, Field(gt=0, le=1000)] = 1.0
    """its share: a server of weight 2 is given twice the requests of one of weight 1"""

    limit: Annotated[
        Annotated[Whole, Field(ge=1, le=1000)] | None,
        Setting(allowed="a whole number from 1 to 1000, or leave it out for no limit"),
    ] = None
    """requests it may have at once, within the limit for all"""

    api_key: Annotated[SecretStr, Setting(allowed="text")] = SecretStr("")
    """sent to this server, and to no other, as a bearer token"""

    api_key_env: Annotated[KeyFromEnvironment, Setting(allowed="the name of a variable")] = (
        SecretStr("")
    )
    """the variable of the environment that holds the key"""

    api_key_file: Annotated[KeyFromFile, AfterValidator(_one_key), Setting(allowed="a file")] = (
        SecretStr("")
    )
    """the file that holds the key and nothing else, readable by you alone"""

    @property
    def key(self) -> str:
        """The key, wherever it stands; empty for none."""
        keys = (self.api_key, self.api_key_env, self.api_key_file)
        return next((key for each in keys if (key := each.get_secret_value())), "")

    def server(self) -> Server:
        """The same for whoever asks it."""
        return Server(
            read_host(self.url),
            name=self.name,
            weight=self.weight,
            limit=self.limit,
            api_key=self.key,
        )

    def __str__(self) -> str:
        """On one line, without its key."""
        terms = [self.url] if self.name else []
        if self.weight != 1.0:
            terms.append(f"weight {self.weight:g}")
        if self.limit is not None:
            terms.append(f"limit {self.limit}")
        if self.key:
            terms.append(f"key {MASK}")
        told = f" ({', '.join(terms)})" if terms else ""
        return f"{self.name or self.url}{told}"


def _each_once(tables: tuple[ServerSettings, ...]) -> tuple[ServerSettings, ...]:
    """Refuse two tables for one server, and two servers of one name."""
    servers = [table.server() for table in tables]
    for what, values in (
        ("url", [server.url for server in servers]),
        ("name", names_of(servers)),
    ):
        value, count = Counter(values).most_common(1)[0] if values else ("", 0)
        if count > 1:
            numbers = [str(n) for n, each in enumerate(values, 1) if each == value]
            raise ValueError(f"{' and '.join(numbers)}: {what} {value!r}")
    return tables


def _some(value: object) -> object:
    """Say of what is no list of tables only that."""
    if not isinstance(value, (list, tuple)):
        raise ValueError("no list")
    return value


ServerTables = Annotated[
    tuple[ServerSettings, ...],
    BeforeValidator(_some),
    Field(max_length=100),
    AfterValidator(_each_once),
]


def in_words(detail: ErrorDetails, source: str) -> str:
    """What a complaint of pydantic about the tables means to a person.

    Args:
        detail: Its place begins with `servers`.
        source: Where the tables come from.
    """
    place = detail["loc"][1:]
    if not place:
        told = detail.get("ctx", {}).get("error")
        if isinstance(detail["input"], (list, tuple)) and told is not None:
            return f"[[servers]] tables {told} is there twice ({source}): give each server once"
        return f"servers cannot be {short(detail['input'])} ({source}): give {WHAT}"
    table = f"[[servers]] table {int(place[0]) + 1}"
    if len(place) == 1:
        return f"{table} cannot be {short(detail['input'])} ({source}): give {WHAT}"
    field = str(place[1])
    if detail["type"] == "extra_forbidden":
        close = difflib.get_close_matches(field.lower(), ServerSettings.model_fields, 1)
        remedy = f"did you mean {close[0]}?" if close else f"there are {', '.join(_FIELDS)}"
        return f"{table}: {field!r} is no setting of a server ({source}); {remedy}"
    told = detail.get("ctx", {}).get("error")
    if isinstance(told, KeyTroubleError):
        return f"{table}: {field} {told} ({source})"
    may = allowed(ServerSettings.model_fields[field])
    missing = detail["type"] == "missing"
    what = f" has no {field}" if missing else f": {field} cannot be {_shown(field, detail)}"
    return f"{table}{what} ({source}): give {may}"


def _shown(field: str, detail: ErrorDetails) -> str:
    if field.startswith("api_key"):
        return MASK
    return without_password(short(detail["input"]))


_FIELDS = tuple(ServerSettings.model_fields)

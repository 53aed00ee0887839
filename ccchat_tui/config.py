"""What may be set, and where each value came from.

Four layers, each over the one before: the defaults below, the config file (TOML), the
environment, the command line. A value that makes no sense stops the program with a
`SettingsError` that names it, before anything is drawn.

Read by a small loader, because `pydantic-settings` would cost a tenth of a second at every start,
and checked by pydantic only where a value is given that needs it.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import MISSING, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from ccchat_tui.quick import dataclass
from ccchat_tui.secret import Secret

if TYPE_CHECKING:
    from pydantic import BeforeValidator, Field

    from ccchat_tui.backends.cache import CacheSettings
    from ccchat_tui.backends.hosts import Host, Server
    from ccchat_tui.config_rules import (
        KEYS,
        SERVERS,
        KeyTable,
        Limit,
        Number,
        SecretText,
        ServerTables,
        Setting,
        Whole,
        lower,
        names,
        weights,
    )
    from ccchat_tui.engine.limits import EngineSettings

ENV_PREFIX = "CCCHAT_"
CONFIG_ENV = "CCCHAT_CONFIG"
DEBUG_ENV = "CCCHAT_DEBUG"
HOTTEST = 2.0
"""Above this temperature no model says anything sensible."""
TOKEN_ENV = "CCCHAT_TOKEN"  # noqa: S105 - the name of a variable
"""Says who one is to the ccchat of `--connect`."""
VISITOR_ENV = "CCCHAT_VISITOR"
"""Set where somebody uses the app from another machine's browser."""
NOT_SETTINGS = frozenset({CONFIG_ENV, DEBUG_ENV, TOKEN_ENV, VISITOR_ENV})
"""Names with our prefix that are read elsewhere."""


class SettingsError(Exception):
    """A setting cannot be used as it was given.

    Args:
        message: In words: the setting, the value, where it came from, what is allowed. One line
            for each thing that is wrong.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


PLAIN_NAMES = frozenset(
    {
        "max_concurrent_chats",
        "max_concurrent_per_user",
        "requests_per_minute",
        "chat_timeout",
        "chat_retry_attempts",
        "enable_concurrent_processing",
        "ollama_host",
    }
)
"""Settings whose variable in the environment has no prefix."""
NO_KEY = Secret("")
_TABLES = frozenset({"servers", "keys"})
"""Those that only the config file can say."""
_TEXTS = frozenset({"ollama_host", "model", "system", "preset", "store", "theme"})
_ANY_TEXT = 100
"""So many characters of ASCII each of these may be, whatever they are."""


@dataclass(frozen=True)
class Settings:
    """Every setting. The text under a field is what `ccchat config` and the README say of it; what
    stands beside its type is checked by `config_rules`, where `load_settings` is given values."""

    max_concurrent_chats: Annotated[
        Limit,
        Setting(allowed="a whole number from 1 to 1000, or auto"),
    ] = 5
    """requests in flight at once, all users together; `auto` finds out how many are worth it"""

    auto_max: Annotated[Whole, Field(ge=1, le=1000)] = 32
    """the most at once that `auto` tries"""

    max_concurrent_per_user: Annotated[Whole, Field(ge=1, le=1000)] = 3
    """requests in flight at once, one user"""

    requests_per_minute: Annotated[Whole, Field(ge=0, le=1_000_000)] = 20
    """requests of one user in any 60 seconds; 0 for no limit"""

    chat_timeout: Annotated[Whole, Field(ge=1, le=86_400_000)] = 300_000
    """milliseconds a request may take from its start"""

    chat_retry_attempts: Annotated[Whole, Field(ge=0, le=100)] = 2
    """how often a request is tried again, while nothing of its reply was shown"""

    enable_concurrent_processing: bool = True
    """false runs one request at a time"""

    ollama_host: Annotated[
        str,
        Field(max_length=4096),
        Setting(
            allowed="an address such as 127.0.0.1:11434 or https://models.example, by Ollama's "
            "own rules; several separated by commas",
        ),
    ] = "127.0.0.1:11434"
    """the model server, by Ollama's own rules; several separated by commas"""

    servers: Annotated[ServerTables, Setting(allowed=SERVERS)] = ()
    """several model servers on different terms, as `[[servers]]` tables; see below"""

    api_key: Annotated[SecretText, Setting(allowed="text")] = NO_KEY
    """key sent to the model server as a bearer token; empty for none"""

    model: Annotated[str, Field(max_length=512)] = ""
    """model of new chats; empty takes the first that the server has"""

    users: Annotated[
        tuple[str, ...],
        BeforeValidator(names),
        Field(min_length=1, max_length=100),
        Setting(allowed="1 to 100 names separated by commas"),
    ] = ("you",)
    """one chat is opened for each of these users; separated by commas"""

    user_weights: Annotated[
        dict[str, Annotated[Whole, Field(ge=1, le=1000)]],
        BeforeValidator(weights),
        Setting(
            allowed="names with whole numbers from 1 to 1000, such as ada=2,bob=1",
        ),
    ] = field(default_factory=dict)
    """turns a user gets under load, as in `ada=2,bob=1` or a table in the file; 1 if not named"""

    demo: bool = False
    """true uses the built-in demo model and asks no server"""

    system: Annotated[str, Field(max_length=1_000_000)] = ""
    """system prompt of new chats"""

    temperature: Annotated[
        Annotated[Number, Field(ge=0, le=HOTTEST)] | None,
        Setting(allowed=f"a number from 0 to {HOTTEST:g}"),
    ] = None
    """temperature of new chats; unset leaves it to the model"""

    preset: Annotated[str, Field(max_length=200)] = ""
    """preset of new chats, by its name; `system` and `temperature` count more"""

    connect_timeout: Annotated[Number, Field(gt=0, le=600)] = 5.0
    """seconds to wait for a connection"""

    first_token_timeout: Annotated[Number, Field(ge=0, le=86_400)] = 0.0
    """seconds to wait for the first token; 0 for as long as the request may take"""

    stall_timeout: Annotated[Number, Field(ge=0, le=86_400)] = 120.0
    """seconds without a token until a reply counts as stalled; 0 for no limit"""

    queue_timeout: Annotated[Number, Field(ge=0, le=86_400)] = 0.0
    """seconds a request may wait in the queue; 0 for no limit"""

    max_queue: Annotated[Whole, Field(ge=1, le=10_000_000)] = 1000
    """requests that may wait in the queue; more are refused"""

    drain_timeout: Annotated[Number, Field(ge=0, le=86_400)] = 30.0
    """seconds that what runs has to end after a SIGTERM; then it is cancelled"""

    reply_cache: Annotated[
        Literal["off", "user", "shared"],
        BeforeValidator(lower),
        Setting(allowed="off, user or shared"),
    ] = "off"
    """`user` gives a user's repeatable reply (temperature 0 or a seed) again, `shared` to all"""

    reply_cache_size: Annotated[Whole, Field(ge=1, le=4096)] = 16
    """megabytes of memory for kept replies"""

    reply_cache_age: Annotated[Number, Field(gt=0, le=31_536_000)] = 3600.0
    """seconds for which a kept reply counts"""

    reply_cache_pace: Annotated[Number, Field(ge=0, le=100_000)] = 0.0
    """pieces a second at which a kept reply is given again; 0 for all at once"""

    store: Annotated[
        str,
        Field(max_length=4096),
        Setting(allowed="a file, or off, or nothing for the usual place"),
    ] = ""
    """file in which conversations are kept; empty for the usual place, `off` for memory only"""

    restore_tabs: bool = True
    """whether the tabs of last time come back at the start; where users are named, theirs only"""

    theme: Annotated[str, Field(max_length=100)] = ""
    """colours of the app; empty for its own choice"""

    panel_visible: bool = True
    """whether the queue panel is shown at the start"""

    panel_width: Annotated[Whole, Field(ge=26, le=100)] = 42
    """columns of the queue panel"""

    frames_per_second: Annotated[Whole, Field(ge=1, le=120)] = 30
    """how often, at most, the screen is drawn"""

    confirm_quit: bool = True
    """whether quitting and closing ask while something runs"""

    notify: Annotated[
        Literal["off", "toast", "bell", "desktop"],
        BeforeValidator(lower),
        Setting(allowed="off, toast, bell or desktop"),
    ] = "bell"
    """how a reply's end out of sight is told: off, toast; bell, desktop: also in the background"""

    density: Annotated[
        Literal["comfortable", "compact"],
        BeforeValidator(lower),
        Setting(allowed="comfortable or compact"),
    ] = "comfortable"
    """`compact` gives rows of frames and space to the text"""

    log_level: Annotated[
        Literal["off", "error", "warning", "info", "debug"],
        BeforeValidator(lower),
        Setting(allowed="off, error, warning, info or debug"),
    ] = "off"
    """how much is written into the log, if anything; `ccchat doctor` says where it is"""

    log_texts: bool = False
    """whether what is said, by people, models and servers, is written into the log too"""

    traces: bool = False
    """whether traces are sent by OTLP, to where OTEL_EXPORTER_OTLP_ENDPOINT says"""

    keys: Annotated[KeyTable, Setting(allowed=KEYS)] = field(default_factory=dict)
    """keys of your own, as a `[keys]` table; `ccchat config --keys` lists what there is"""

    def model_servers(self) -> list[Server] | list[Host]:
        """The model servers, in the order in which they are named.

        Raises:
            HostError: `ollama_host` names what cannot be an address.
        """
        from ccchat_tui.backends.hosts import read_hosts  # noqa: PLC0415 - only who asks them

        if self.servers:
            return [table.server() for table in self.servers]
        return read_hosts(self.ollama_host)

    def cache(self) -> CacheSettings | None:
        """What of the replies is kept; `None` for nothing."""
        if self.reply_cache == "off":
            return None
        from ccchat_tui.backends.cache import CacheSettings  # noqa: PLC0415 - off by default

        return CacheSettings(
            max_bytes=self.reply_cache_size * 1024 * 1024,
            max_age=self.reply_cache_age,
            shared=self.reply_cache == "shared",
            pace=self.reply_cache_pace or None,
        )

    def engine(self) -> EngineSettings:
        """The part of these that the engine goes by, in its own units (seconds)."""
        from ccchat_tui.engine.adaptive import AdaptiveSettings  # noqa: PLC0415 - only who runs
        from ccchat_tui.engine.limits import EngineSettings  # noqa: PLC0415

        within = AdaptiveSettings(start=min(2, self.auto_max), maximum=self.auto_max)
        number = self.max_concurrent_chats
        return EngineSettings(
            max_concurrent=within.start if number == "auto" else number,
            adaptive=within,
            adapts=number == "auto",
            max_concurrent_per_user=self.max_concurrent_per_user,
            requests_per_minute=self.requests_per_minute,
            timeout=self.chat_timeout / 1000,
            retry_attempts=self.chat_retry_attempts,
            concurrent=self.enable_concurrent_processing,
            max_queue=self.max_queue,
            queue_timeout=self.queue_timeout or None,
            first_token_timeout=self.first_token_timeout or None,
            stall_timeout=self.stall_timeout or None,
            user_weights=dict(self.user_weights),
        )


_DEFAULTS: Mapping[str, object] = {
    each.name: each.default if each.default_factory is MISSING else each.default_factory()
    for each in fields(Settings)
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, and what is known of how they came about."""

    settings: Settings
    sources: Mapping[str, str]
    """Where each value came from, by field: `default`, `FILE`, `MAX_CONCURRENT_CHATS` (the
    environment) or `--max-concurrent` (the command line), in words."""
    file: Path | None
    """The config file that was looked for, whether or not it is there."""
    file_found: bool = False
    warnings: tuple[str, ...] = field(default=())
    """What looks like a mistake but stops nothing."""

    def is_default(self, name: str) -> bool:
        """Whether nobody set this field."""
        return self.sources[name] == DEFAULT


DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting, as a table shows it."""

    name: str
    """The name of the field and the key in the config file."""
    env: str
    default: str
    meaning: str
    allowed: str


def load_settings(
    overrides: Mapping[str, tuple[str, object]] | Mapping[str, object],
    env: Mapping[str, str],
    config_file: Path | None,
    *,
    file_required: bool = False,
) -> Loaded:
    """Put the layers on top of one another and check what comes of it.

    Args:
        overrides: What the command line says, by field; either the bare value, or the name of
            the option and the value.
        env: The environment. A variable that is set to nothing counts as not set.
        config_file: The TOML file; `None` for none.
        file_required: Whether it is a mistake if the file is not there (someone named it).

    Raises:
        SettingsError: If any value, key or file cannot be used.
    """
    values: dict[str, object] = {}
    sources = dict.fromkeys(_DEFAULTS, DEFAULT)

    def put(name: str, value: object, source: str) -> None:
        values[name] = value
        sources[name] = source

    found = False
    if config_file is not None:
        data = _read_file(config_file, required=file_required)
        found = data is not None
        for key, value in (data or {}).items():
            put(key, value, f"file {config_file}")
    for name in _DEFAULTS:
        if (variable := env_of(name)) and (text := env.get(variable, "").strip()):
            put(name, text, f"environment {variable}")
    for name, given in overrides.items():
        option, value = given if isinstance(given, tuple) else (name, given)
        put(name, value, f"command line {option}")
    settings = _checked(values, env, sources)
    settings, notes = _named_once(settings, sources)
    if found and config_file is not None:
        notes += _open_to_others(config_file, settings, sources)
    return Loaded(settings, sources, config_file, found, (*_strangers(env), *notes))


def _checked(
    values: Mapping[str, object], env: Mapping[str, str], sources: Mapping[str, str]
) -> Settings:
    if _plain(values):
        given: Mapping[str, Any] = values
        return Settings(**given)
    from ccchat_tui.config_rules import WrongSettingsError, check  # noqa: PLC0415 - loads pydantic

    try:
        return Settings(**check(Settings, values, env, sources))
    except WrongSettingsError as error:
        raise SettingsError(str(error)) from None


def _open_to_others(file: Path, settings: Settings, sources: Mapping[str, str]) -> Iterator[str]:
    """A note where a key stands in a config file that others may read."""
    here = f"file {file}"
    keys = [settings.api_key.get_secret_value()] if sources["api_key"] == here else []
    keys += [table.api_key.get_secret_value() for table in settings.servers]
    if not any(keys):
        return
    from ccchat_tui.config_keys import private  # noqa: PLC0415 - loads pydantic

    with suppress(OSError):
        if not private(file):
            yield f"config file {file} holds a key, and others may read it: `chmod 600` it"


def _named_once(settings: Settings, sources: dict[str, str]) -> tuple[Settings, list[str]]:
    """The settings with the servers named in one way: addresses from a later layer count more than
    the tables of the file. Besides, what there is to say of it.

    Raises:
        SettingsError: The file names them in both ways.
    """
    tables, hosts = sources["servers"], sources["ollama_host"]
    if not settings.servers:
        return settings, []
    if hosts == tables:
        raise SettingsError(
            f"ollama_host and [[servers]] both name the servers ({tables}): leave one of them out"
        )
    if hosts != DEFAULT:
        sources["servers"] = f"{tables}, not used because of {hosts}"
        note = f"the [[servers]] tables of {tables} are not used: {hosts} names the servers"
        return replace(settings, servers=()), [note]
    sources["ollama_host"] = f"{hosts}, not used because of [[servers]]"
    if settings.api_key.get_secret_value():
        note = "is sent to no server: with [[servers]] tables each has an api_key of its own"
        return settings, [f"api_key ({sources['api_key']}) {note}"]
    return settings, []


def _read_file(path: Path, *, required: bool) -> dict[str, object] | None:
    """The content of a config file; `None` if it is not there and need not be."""
    try:
        # Editors on Windows put a byte order mark before the first line.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if not required:
            return None
        raise SettingsError(f"config file {path}: there is no such file") from None
    except OSError as error:
        raise SettingsError(f"config file {path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"config file {path}: is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"config file {path}: is not TOML: {error}") from None


def env_of(name: str) -> str:
    """The variable of the environment that sets it; empty for what only the config file can say."""
    if name in _TABLES:
        return ""
    return name.upper() if name in PLAIN_NAMES else f"{ENV_PREFIX}{name.upper()}"


def _plain(values: Mapping[str, object]) -> bool:
    """Whether values need no check: each is what its setting may be, whoever looks."""
    return all(
        isinstance(value, bool)
        if isinstance(_DEFAULTS.get(name), bool)
        else name in _TEXTS and _is_any_text(value)
        for name, value in values.items()
    )


def _is_any_text(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and len(value) <= _ANY_TEXT


def _strangers(env: Mapping[str, str]) -> Iterator[str]:
    """Variables with our prefix that set nothing: most likely mistyped."""
    known = {*map(env_of, _DEFAULTS), *NOT_SETTINGS}
    for name in sorted(env):
        if name.startswith(ENV_PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            yield f"{name} is set in the environment, but is no setting{hint}"


def setting_rows() -> list[SettingRow]:
    """Every setting, in the order in which they are declared."""
    from ccchat_tui.config_rules import form_of  # noqa: PLC0415 - loads pydantic
    from ccchat_tui.config_words import allowed, meanings, shown  # noqa: PLC0415

    told = meanings(Settings)
    return [
        SettingRow(
            name=name,
            env=env_of(name),
            default=shown(_DEFAULTS[name]),
            meaning=told.get(name, ""),
            allowed=allowed(info),
        )
        for name, info in form_of(Settings).model_fields.items()
    ]


def markdown_table() -> str:
    """The settings as the Markdown table that the README holds."""
    rows = [
        f"| {_code(row.env)} | `{row.name}` | {_code(row.default)} | {row.meaning} |"
        for row in setting_rows()
    ]
    head = ["| environment | key in the file | default | meaning |", "| --- | --- | --- | --- |"]
    return "\n".join(head + rows)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""

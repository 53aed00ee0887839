"""What may be set, and where each value came from.

Four layers, each over the one before: the defaults below, the config file (TOML), the
environment, the command line. A value that makes no sense stops the program with a
`SettingsError` that names it, before anything is drawn.

This is a plain pydantic model read by a small loader, because `pydantic-settings` would cost a
tenth of a second at every start.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_core import ErrorDetails

from ccchat_tui.config_bindings import WHAT as KEYS
from ccchat_tui.config_bindings import KeyTable
from ccchat_tui.config_keys import private
from ccchat_tui.config_servers import WHAT as SERVERS
from ccchat_tui.config_servers import ServerTables
from ccchat_tui.config_servers import in_words as server_in_words
from ccchat_tui.config_words import (
    Limit,
    Number,
    Setting,
    Whole,
    allowed,
    meanings,
    setting_of,
    short,
    shown,
)

if TYPE_CHECKING:
    from ccchat_tui.backends.cache import CacheSettings
    from ccchat_tui.backends.hosts import Host, Server
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


def _names(value: object) -> object:
    """Names from text, separated by commas; twice the same name is one name."""
    names = value.split(",") if isinstance(value, str) else value
    if isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names):
        return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    return names


def _lower(value: object) -> object:
    """A word, however it is written."""
    return value.strip().lower() if isinstance(value, str) else value


def _weights(value: object) -> object:
    """Weights from text such as `ada=2,bob=1`."""
    if not isinstance(value, str):
        return value
    weights = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, separator, weight = part.rpartition("=")
        if not separator or not name.strip():
            raise ValueError(f"{part!r} has no '='")
        weights[name.strip()] = weight.strip()
    return weights


class Settings(BaseModel):
    """Every setting. The text under a field is what `ccchat config` and the README say of it."""

    # That text is read by `meanings`, when it is asked for: pydantic would read and parse this file
    # at every start.
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    max_concurrent_chats: Annotated[
        Limit,
        Setting(env="MAX_CONCURRENT_CHATS", allowed="a whole number from 1 to 1000, or auto"),
    ] = 5
    """requests in flight at once, all users together; `auto` finds out how many are worth it"""

    auto_max: Annotated[Whole, Field(ge=1, le=1000), Setting(env="CCCHAT_AUTO_MAX")] = 32
    """the most at once that `auto` tries"""

    max_concurrent_per_user: Annotated[
        Whole, Field(ge=1, le=1000), Setting(env="MAX_CONCURRENT_PER_USER")
    ] = 3
    """requests in flight at once, one user"""

    requests_per_minute: Annotated[
        Whole, Field(ge=0, le=1_000_000), Setting(env="REQUESTS_PER_MINUTE")
    ] = 20
    """requests of one user in any 60 seconds; 0 for no limit"""

    chat_timeout: Annotated[Whole, Field(ge=1, le=86_400_000), Setting(env="CHAT_TIMEOUT")] = (
        300_000
    )
    """milliseconds a request may take from its start"""

    chat_retry_attempts: Annotated[
        Whole, Field(ge=0, le=100), Setting(env="CHAT_RETRY_ATTEMPTS")
    ] = 2
    """how often a request is tried again, while nothing of its reply was shown"""

    enable_concurrent_processing: Annotated[bool, Setting(env="ENABLE_CONCURRENT_PROCESSING")] = (
        True
    )
    """false runs one request at a time"""

    ollama_host: Annotated[
        str,
        Field(max_length=4096),
        Setting(
            env="OLLAMA_HOST",
            allowed="an address such as 127.0.0.1:11434 or https://models.example, by Ollama's "
            "own rules; several separated by commas",
        ),
    ] = "127.0.0.1:11434"
    """the model server, by Ollama's own rules; several separated by commas"""

    servers: Annotated[ServerTables, Setting(allowed=SERVERS)] = ()
    """several model servers on different terms, as `[[servers]]` tables; see below"""

    api_key: Annotated[SecretStr, Setting(env="CCCHAT_API_KEY", allowed="text")] = SecretStr("")
    """key sent to the model server as a bearer token; empty for none"""

    model: Annotated[str, Field(max_length=512), Setting(env="CCCHAT_MODEL")] = ""
    """model of new chats; empty takes the first that the server has"""

    users: Annotated[
        tuple[str, ...],
        BeforeValidator(_names),
        Field(min_length=1, max_length=100),
        Setting(env="CCCHAT_USERS", allowed="1 to 100 names separated by commas"),
    ] = ("you",)
    """one chat is opened for each of these users; separated by commas"""

    user_weights: Annotated[
        dict[str, Annotated[Whole, Field(ge=1, le=1000)]],
        BeforeValidator(_weights),
        Setting(
            env="CCCHAT_USER_WEIGHTS",
            allowed="names with whole numbers from 1 to 1000, such as ada=2,bob=1",
        ),
    ] = Field(default_factory=dict)
    """turns a user gets under load, as in `ada=2,bob=1` or a table in the file; 1 if not named"""

    demo: Annotated[bool, Setting(env="CCCHAT_DEMO")] = False
    """true uses the built-in demo model and asks no server"""

    system: Annotated[str, Field(max_length=1_000_000), Setting(env="CCCHAT_SYSTEM")] = ""
    """system prompt of new chats"""

    temperature: Annotated[
        Annotated[Number, Field(ge=0, le=HOTTEST)] | None,
        Setting(env="CCCHAT_TEMPERATURE", allowed=f"a number from 0 to {HOTTEST:g}"),
    ] = None
    """temperature of new chats; unset leaves it to the model"""

    preset: Annotated[str, Field(max_length=200), Setting(env="CCCHAT_PRESET")] = ""
    """preset of new chats, by its name; `system` and `temperature` count more"""

    connect_timeout: Annotated[
        Number, Field(gt=0, le=600), Setting(env="CCCHAT_CONNECT_TIMEOUT")
    ] = 5.0
    """seconds to wait for a connection"""

    first_token_timeout: Annotated[
        Number, Field(ge=0, le=86_400), Setting(env="CCCHAT_FIRST_TOKEN_TIMEOUT")
    ] = 0.0
    """seconds to wait for the first token; 0 for as long as the request may take"""

    stall_timeout: Annotated[
        Number, Field(ge=0, le=86_400), Setting(env="CCCHAT_STALL_TIMEOUT")
    ] = 120.0
    """seconds without a token until a reply counts as stalled; 0 for no limit"""

    queue_timeout: Annotated[
        Number, Field(ge=0, le=86_400), Setting(env="CCCHAT_QUEUE_TIMEOUT")
    ] = 0.0
    """seconds a request may wait in the queue; 0 for no limit"""

    max_queue: Annotated[Whole, Field(ge=1, le=10_000_000), Setting(env="CCCHAT_MAX_QUEUE")] = 1000
    """requests that may wait in the queue; more are refused"""

    drain_timeout: Annotated[
        Number, Field(ge=0, le=86_400), Setting(env="CCCHAT_DRAIN_TIMEOUT")
    ] = 30.0
    """seconds that what runs has to end after a SIGTERM; then it is cancelled"""

    reply_cache: Annotated[
        Literal["off", "user", "shared"],
        BeforeValidator(_lower),
        Setting(env="CCCHAT_REPLY_CACHE", allowed="off, user or shared"),
    ] = "off"
    """`user` gives a user's repeatable reply (temperature 0 or a seed) again, `shared` to all"""

    reply_cache_size: Annotated[
        Whole, Field(ge=1, le=4096), Setting(env="CCCHAT_REPLY_CACHE_SIZE")
    ] = 16
    """megabytes of memory for kept replies"""

    reply_cache_age: Annotated[
        Number, Field(gt=0, le=31_536_000), Setting(env="CCCHAT_REPLY_CACHE_AGE")
    ] = 3600.0
    """seconds for which a kept reply counts"""

    reply_cache_pace: Annotated[
        Number, Field(ge=0, le=100_000), Setting(env="CCCHAT_REPLY_CACHE_PACE")
    ] = 0.0
    """pieces a second at which a kept reply is given again; 0 for all at once"""

    store: Annotated[
        str,
        Field(max_length=4096),
        Setting(env="CCCHAT_STORE", allowed="a file, or off, or nothing for the usual place"),
    ] = ""
    """file in which conversations are kept; empty for the usual place, `off` for memory only"""

    restore_tabs: Annotated[bool, Setting(env="CCCHAT_RESTORE_TABS")] = True
    """whether the tabs of last time come back at the start; where users are named, theirs only"""

    theme: Annotated[str, Field(max_length=100), Setting(env="CCCHAT_THEME")] = ""
    """colours of the app; empty for its own choice"""

    panel_visible: Annotated[bool, Setting(env="CCCHAT_PANEL_VISIBLE")] = True
    """whether the queue panel is shown at the start"""

    panel_width: Annotated[Whole, Field(ge=26, le=100), Setting(env="CCCHAT_PANEL_WIDTH")] = 42
    """columns of the queue panel"""

    frames_per_second: Annotated[
        Whole, Field(ge=1, le=120), Setting(env="CCCHAT_FRAMES_PER_SECOND")
    ] = 30
    """how often, at most, the screen is drawn"""

    confirm_quit: Annotated[bool, Setting(env="CCCHAT_CONFIRM_QUIT")] = True
    """whether quitting and closing ask while something runs"""

    notify: Annotated[
        Literal["off", "toast", "bell", "desktop"],
        BeforeValidator(_lower),
        Setting(env="CCCHAT_NOTIFY", allowed="off, toast, bell or desktop"),
    ] = "bell"
    """how a reply's end out of sight is told: off, toast; bell, desktop: also in the background"""

    density: Annotated[
        Literal["comfortable", "compact"],
        BeforeValidator(_lower),
        Setting(env="CCCHAT_DENSITY", allowed="comfortable or compact"),
    ] = "comfortable"
    """`compact` gives rows of frames and space to the text"""

    log_level: Annotated[
        Literal["off", "error", "warning", "info", "debug"],
        BeforeValidator(_lower),
        Setting(env="CCCHAT_LOG_LEVEL", allowed="off, error, warning, info or debug"),
    ] = "off"
    """how much is written into the log, if anything; `ccchat doctor` says where it is"""

    log_texts: Annotated[bool, Setting(env="CCCHAT_LOG_TEXTS")] = False
    """whether what is said, by people, models and servers, is written into the log too"""

    traces: Annotated[bool, Setting(env="CCCHAT_TRACES")] = False
    """whether traces are sent by OTLP, to where OTEL_EXPORTER_OTLP_ENDPOINT says"""

    keys: Annotated[KeyTable, Setting(allowed=KEYS)] = Field(default_factory=dict)
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
    sources = dict.fromkeys(Settings.model_fields, DEFAULT)

    def put(name: str, value: object, source: str) -> None:
        values[name] = value
        sources[name] = source

    found = False
    if config_file is not None:
        data = _read_file(config_file, required=file_required)
        found = data is not None
        for key, value in (data or {}).items():
            put(key, value, f"file {config_file}")
    for name, setting in _declared():
        if setting.env and (text := env.get(setting.env, "").strip()):
            put(name, text, f"environment {setting.env}")
    for name, given in overrides.items():
        option, value = given if isinstance(given, tuple) else (name, given)
        put(name, value, f"command line {option}")
    try:
        settings = Settings.model_validate(values, context={"env": env})
    except ValidationError as error:
        lines = [_in_words(detail, sources) for detail in error.errors(include_url=False)]
        # A union or a table reports once for each of its parts; a person needs it once.
        raise SettingsError("\n".join(dict.fromkeys(lines))) from None
    settings, notes = _named_once(settings, sources)
    if found and config_file is not None:
        notes += _open_to_others(config_file, settings, sources)
    return Loaded(settings, sources, config_file, found, (*_strangers(env), *notes))


def _open_to_others(file: Path, settings: Settings, sources: Mapping[str, str]) -> Iterator[str]:
    """A note where a key stands in a config file that others may read."""
    here = f"file {file}"
    keys = [settings.api_key] if sources["api_key"] == here else []
    keys += [table.api_key for table in settings.servers]
    with suppress(OSError):
        if any(key.get_secret_value() for key in keys) and not private(file):
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
        return settings.model_copy(update={"servers": ()}), [note]
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


def _declared() -> Iterator[tuple[str, Setting]]:
    for name, info in Settings.model_fields.items():
        yield name, setting_of(info)


def _in_words(detail: ErrorDetails, sources: Mapping[str, str]) -> str:
    """What one complaint of pydantic means to a person."""
    key = str(detail["loc"][0])
    source = sources.get(key, "")
    if key == "servers":
        return server_in_words(detail, source)
    if detail["type"] == "extra_forbidden":
        close = difflib.get_close_matches(key.lower(), Settings.model_fields, 1)
        remedy = f"did you mean {close[0]}?" if close else "`ccchat config` lists what there is"
        return f"{key!r} is no setting ({source}); {remedy}"
    given = "********" if key == "api_key" else short(detail["input"])
    inner = ".".join(str(part) for part in detail["loc"][1:] if part != "float")
    name = f"{key}.{inner}" if inner else key
    may = allowed(Settings.model_fields[key])
    return f"{name} cannot be {given} ({source}): give {may}"


def _strangers(env: Mapping[str, str]) -> Iterator[str]:
    """Variables with our prefix that set nothing: most likely mistyped."""
    known = {setting.env for _, setting in _declared()} | NOT_SETTINGS
    for name in sorted(env):
        if name.startswith(ENV_PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            yield f"{name} is set in the environment, but is no setting{hint}"


def setting_rows() -> list[SettingRow]:
    """Every setting, in the order in which they are declared."""
    told = meanings(Settings)
    return [
        SettingRow(
            name=name,
            env=setting_of(info).env,
            default=shown(info.get_default(call_default_factory=True)),
            meaning=told.get(name, ""),
            allowed=allowed(info),
        )
        for name, info in Settings.model_fields.items()
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

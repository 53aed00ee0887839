"""The `ccchat` command: reads the command line, and sends it to who does the work.

What each branch needs is imported in it, so that `ccchat --version` loads next to nothing and
only the app loads Textual. Every way out is an exit code: 0 all is well, 1 something failed, 2
the input makes no sense, 130 interrupted.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccchat_tui.cli.output import (
    CommandError,
    complain,
    is_terminal,
    silence,
    use_utf8,
)
from ccchat_tui.cli.parser import OPTIONS, CommandLine

if TYPE_CHECKING:
    from ccchat_tui.backends.hosts import Host, Server
    from ccchat_tui.beside import Beside
    from ccchat_tui.config import Loaded

INTERRUPTED = 130
READER_GONE = 141
"""What a shell calls a program that wrote into a closed pipe."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: The words after the program's name; `None` takes the process's own.

    Returns:
        The exit code. Nothing is raised: what went wrong is told on standard error.
    """
    use_utf8()
    code = 0
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        return code
    except CommandError as error:
        complain(error.message)
        return error.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if _reader_gone(error):
            silence()
            return code or READER_GONE
        return _fault(error)


def _run(argv: Sequence[str]) -> int:
    try:
        given = CommandLine().parse(argv)
    except SystemExit as stop:  # how argparse ends after --help and --version
        return int(stop.code or 0)
    command = given.get("command")
    if (plain := _plain(command, given)) is not None:
        return plain()
    if command == "doctor":
        from ccchat_tui.cli.doctor import doctor  # noqa: PLC0415

        return doctor(given, lambda: _settings(given), _overrides(given))
    if command is None:
        # A start makes much that stays and no garbage; looking for some in between took a tenth
        # of it. It is looked for again when the first screen stands.
        gc.disable()
        try:
            return _app(given)
        finally:
            gc.enable()
    loaded = _load(given)
    servers = _servers(loaded)
    for warning in (*loaded.warnings, *(each.warning for each in servers if each.warning)):
        complain(f"note: {warning}")
    return _command(command, loaded, servers, given)


def _plain(command: str | None, given: Mapping[str, Any]) -> Callable[[], int] | None:
    """A command that asks for no settings; `None` for the others."""
    match command:
        case "config" if given.get("markdown"):
            from ccchat_tui.cli.config import print_markdown  # noqa: PLC0415

            return print_markdown
        case "scenarios":
            from ccchat_tui.cli.scenario import print_scenarios  # noqa: PLC0415

            return print_scenarios
        case "replay":
            return lambda: _replay(given)
        case "report":
            from ccchat_tui.cli.report_events import report  # noqa: PLC0415

            return lambda: report(given)
        case "token":
            from ccchat_tui.cli.token import tokens_command  # noqa: PLC0415

            return lambda: tokens_command(given)
        case _:
            return None


def _command(command: str, loaded: Loaded, servers: Sequence[Any], given: Mapping[str, Any]) -> int:
    """Run a command that is not the app."""
    match command:
        case "config":
            from ccchat_tui.cli.config import print_config, print_keys  # noqa: PLC0415
            from ccchat_tui.config import SettingsError  # noqa: PLC0415

            try:
                return print_keys(loaded) if given.get("keys") else print_config(loaded)
            except SettingsError as error:
                raise CommandError(str(error), 2) from None
        case "models":
            from ccchat_tui.cli.models import print_models  # noqa: PLC0415

            return print_models(loaded, servers)
        case "demo":
            from ccchat_tui.beside import all_beside  # noqa: PLC0415 - loads the event loop
            from ccchat_tui.cli.demo import demo  # noqa: PLC0415

            with _watched(loaded, command) as watching:
                return demo(loaded, given, lambda: all_beside(watching, _beside(loaded, given)))
        case "list" | "search" | "export" | "import":
            from ccchat_tui.cli import history  # noqa: PLC0415 - loads SQLite

            commands = {
                "list": history.list_conversations,
                "search": history.search_conversations,
                "export": history.export_conversations,
                "import": history.import_conversations,
            }
            return commands[command](loaded, given)
        case "serve" | "web":
            if command == "web":
                from ccchat_tui.cli.web import web as serving  # noqa: PLC0415
            else:
                from ccchat_tui.cli.serve import serve as serving  # noqa: PLC0415

            with _watched(loaded, command) as watching:
                return serving(loaded, servers, given, watching)
        case _:
            from ccchat_tui.beside import all_beside  # noqa: PLC0415 - loads the event loop
            from ccchat_tui.cli.simulate import simulate  # noqa: PLC0415

            with _watched(loaded, command) as watching:
                beside = all_beside(watching, _beside(loaded, given))
                return simulate(loaded, servers, given, beside)


@contextmanager
def _watched(loaded: Loaded, command: str) -> Iterator[Beside | None]:
    """A log of what is done inside and traces of it, where they are asked for; yields what is to
    run beside an engine. Raises `CommandError`."""
    settings = loaded.settings
    if settings.log_level == "off" and not settings.traces:
        yield None
        return
    from ccchat_tui.beside import all_beside  # noqa: PLC0415 - loads the event loop
    from ccchat_tui.logs.open import logged  # noqa: PLC0415 - only who asks pays for it
    from ccchat_tui.paths import log_file  # noqa: PLC0415

    path, log = log_file(), None
    traces = _traced() if settings.traces else None
    with ExitStack() as stack:
        if settings.log_level != "off":
            try:
                log = stack.enter_context(logged(loaded, command, path))
            except OSError as error:
                complain(f"note: no log can be written to {path}: {error.strerror}")
        yield all_beside(log, traces)


def _traced() -> Beside:
    try:
        from ccchat_tui.traces import traced  # noqa: PLC0415 - an extra, and only who asks

        return traced()
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("ccchat_tui"):
            raise
        raise CommandError(
            f"traces need {error.name}, which is not installed; "
            "`pip install 'ccchat-tui[otel]'` brings what they take"
        ) from None


def _beside(loaded: Loaded, given: Mapping[str, Any]) -> Beside | None:
    """What `--api` asks for, without loading what it takes where it does not."""
    if "api" not in given:
        return None
    from ccchat_tui.cli.serve import beside_of  # noqa: PLC0415

    return beside_of(loaded, given)


def _beside_app(loaded: Loaded, given: Mapping[str, Any], watching: Beside | None) -> Beside | None:
    """What `--api` and `--events` ask for beside the app, and what else watches it."""
    from ccchat_tui.beside import all_beside  # noqa: PLC0415 - loads the event loop

    events = None
    if "events" in given:
        from ccchat_tui.cli.report_events import log_beside  # noqa: PLC0415

        events = log_beside(given["events"])
    return all_beside(watching, events, _beside(loaded, given))


def _app(given: Mapping[str, Any]) -> int:
    """Draw the app, once everything that could be wrong has been looked at. It shows the warnings
    itself."""
    loaded = _load(given)
    _servers(loaded)
    from ccchat_tui.backends.kinds import KindError  # noqa: PLC0415
    from ccchat_tui.config import SettingsError  # noqa: PLC0415
    from ccchat_tui.tui.run import check_theme, run_app  # noqa: PLC0415 - the way to Textual

    try:
        if _on_terminal():
            with _watched(loaded, "app") as watching:
                if "connect" in given:
                    from ccchat_tui.cli.connect import open_remote  # noqa: PLC0415

                    return run_app(loaded, remote=open_remote(loaded, given["connect"]))
                return run_app(loaded, _beside_app(loaded, given, watching))
        check_theme(loaded.settings.theme)
    except (SettingsError, KindError) as error:
        raise CommandError(str(error), 2) from None
    raise CommandError(
        "the app draws on a terminal, and there is none here (input or output is a file or a "
        "pipe); run it in a terminal, or use `ccchat simulate`, `models` or `config`"
    )


def _on_terminal() -> bool:
    """Whether there is something to draw on: a terminal, or a browser, which is drawn on through
    pipes by whoever names the driver for it."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return bool(os.environ.get("TEXTUAL_DRIVER")) or all(map(is_terminal, streams))


def _replay(given: Mapping[str, Any]) -> int:
    """Play an event log in the app's screens; where there is no terminal, print its report."""
    if given.get("json") or given.get("table") or not _on_terminal():
        from ccchat_tui.cli.report_events import replay  # noqa: PLC0415

        return replay(given)
    from ccchat_tui.config import SettingsError  # noqa: PLC0415
    from ccchat_tui.event_log.reader import EventLogError  # noqa: PLC0415
    from ccchat_tui.tui.timeline.run_replay import run_replay  # noqa: PLC0415

    try:
        return run_replay(_load(given), Path(given["file"]).expanduser())
    except SettingsError as error:
        raise CommandError(str(error), 2) from None
    except EventLogError as error:
        raise CommandError(error.words, 2) from None


def _load(given: Mapping[str, Any]) -> Loaded:
    """The settings, from all layers. Raises `CommandError`."""
    from ccchat_tui.config import SettingsError  # noqa: PLC0415

    try:
        return _settings(given)
    except SettingsError as error:
        raise CommandError(error.message, 2) from None


def _settings(given: Mapping[str, Any]) -> Loaded:
    """The settings, from all layers. Raises `SettingsError`."""
    from ccchat_tui.config import CONFIG_ENV, load_settings  # noqa: PLC0415
    from ccchat_tui.paths import config_file  # noqa: PLC0415

    named = given.get("config") or os.environ.get(CONFIG_ENV, "").strip()
    file = Path(named).expanduser() if named else config_file()
    return load_settings(_overrides(given), os.environ, file, file_required=bool(named))


def _overrides(given: Mapping[str, Any]) -> dict[str, tuple[str, object]]:
    """The settings of the command line, with the options that they are of."""
    overrides: dict[str, tuple[str, object]] = {
        field: (option, given[field]) for field, option in OPTIONS.items() if field in given
    }
    if "ollama_host" in overrides:
        # Who names a server wants that one, and not the demo model of a config file.
        overrides["demo"] = (OPTIONS["ollama_host"], False)
    return overrides


def _servers(loaded: Loaded) -> list[Server] | list[Host]:
    """The servers, their addresses read by Ollama's own rules, each of a kind that there is."""
    from ccchat_tui.backends.hosts import HostError  # noqa: PLC0415
    from ccchat_tui.backends.kinds import KindError, check_kinds  # noqa: PLC0415

    try:
        servers = loaded.settings.model_servers()
        check_kinds(servers)
    except HostError as error:
        raise CommandError(f"{error} ({loaded.sources['ollama_host']})", 2) from None
    except KindError as error:
        raise CommandError(str(error), 2) from None
    return servers


def _reader_gone(error: Exception) -> bool:
    """Whether it means that nobody reads what we write: a pipe without a reader, of which Windows
    tells in another way, or a terminal whose window was closed."""
    told = errno.EINVAL if os.name == "nt" else errno.EIO
    return isinstance(error, BrokenPipeError) or (
        isinstance(error, OSError) and error.errno == told
    )


def _fault(error: Exception) -> int:
    """Tell of an error that nobody was ready for."""
    from ccchat_tui.fault import write_trace  # noqa: PLC0415 - loads no Textual

    if os.environ.get("CCCHAT_DEBUG", "").strip() not in {"", "0"}:
        import traceback  # noqa: PLC0415

        traceback.print_exception(error)
    complain(write_trace(error).removeprefix("ccchat: "))
    return 1

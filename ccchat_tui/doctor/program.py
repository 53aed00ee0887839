"""The program itself: versions, extras, and what it has written of itself."""

from __future__ import annotations

import platform
import sqlite3
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from ccchat_tui import __version__
from ccchat_tui.doctor.finding import Findings, note, ok, problem, warning
from ccchat_tui.paths import log_file, trace_file

if TYPE_CHECKING:
    from ccchat_tui.config import Settings

NEEDED: Final = ("textual", "rich", "httpx", "pydantic", "platformdirs", "markdown-it-py",
                 "pygments")  # fmt: skip
EXTRAS: Final = {
    "api": ("starlette", "uvicorn", "prometheus-client"),
    "web": ("textual-serve", "aiohttp"),
    "otel": ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"),
}
"""What each extra brings."""


def check_versions() -> Findings:
    """What is installed, and in which version."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}".strip()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield ok(
        "versions",
        f"ccchat {__version__}, {python}, {system}, SQLite {sqlite3.sqlite_version}",
        ccchat=__version__,
        python=python,
        system=system,
        sqlite=sqlite3.sqlite_version,
        executable=sys.executable,
    )
    there = {name: _version(name) for name in NEEDED}
    missing = [name for name, found in there.items() if not found]
    said = ", ".join(f"{name} {found}" for name, found in there.items() if found)
    if missing:
        yield problem(
            "versions",
            f"{', '.join(missing)} is not installed",
            "`pip install --force-reinstall ccchat-tui` brings what it takes",
            **there,
        )
    yield ok("versions", said, **there)


def check_extras() -> Findings:
    """Which extras are there, whole or in part."""
    for extra, names in EXTRAS.items():
        there = {name: _version(name) for name in names}
        said = ", ".join(f"{name} {found}" for name, found in there.items() if found)
        install = f"`pip install 'ccchat-tui[{extra}]'` brings it"
        if all(there.values()):
            yield ok("extras", f"{extra}: {said}", extra=extra, **there)
        elif any(there.values()):
            lacks = ", ".join(name for name, found in there.items() if not found)
            yield warning("extras", f"{extra} lacks {lacks}", install, extra=extra, **there)
        else:
            yield note("extras", f"{extra} is not installed", install, extra=extra, **there)


def check_logs(settings: Settings) -> Findings:
    """Where it writes, and whether a fault was written."""
    log, level = log_file(), settings.log_level
    if level == "off":
        yield note("log", f"off; it would be {log}", "CCCHAT_LOG_LEVEL=info writes one")
    else:
        yield ok("log", f"{level}, to {log}", level=level, file=str(log))
    trace = trace_file()
    try:
        moment = datetime.fromtimestamp(trace.stat().st_mtime, UTC)
    except FileNotFoundError:
        return
    when = f"{moment:%Y-%m-%d %H:%M} UTC"
    yield note(
        "log",
        f"a fault was written down on {when}, in {trace}",
        "send it with a report, once you have looked whether it quotes what you said",
        fault_at=moment.isoformat(),
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

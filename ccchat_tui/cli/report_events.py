"""Event logs on the command line: `--events FILE`, `ccchat replay FILE`, `ccchat report FILE`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccchat_tui import __version__
from ccchat_tui.cli.output import CommandError, complain, say, terminal_width
from ccchat_tui.cli.report import report_table
from ccchat_tui.clock import SystemClock
from ccchat_tui.engine.stats import LimitsView
from ccchat_tui.event_log.writer import EventLog

if TYPE_CHECKING:
    from ccchat_tui.beside import Beside
    from ccchat_tui.clock import Clock
    from ccchat_tui.engine.service import ConcurrentChatService


def open_log(
    file: str,
    service: ConcurrentChatService,
    clock: Clock,
    *,
    patient: bool = False,
    aside: bool = True,
    users: Sequence[tuple[str, str]] = (),
    **about: object,
) -> EventLog:
    """Have a service's events written into a file from now on.

    Args:
        file: Its path.
        service: Whose events.
        clock: The service's clock.
        patient: Whether to wait for a disk that does not keep up.
        aside: Whether another thread writes; see `EventLog`.
        users: Names and colours, in the order in which they are to be told of.
        about: What else the first line says.

    Raises:
        CommandError: It cannot be written.
    """
    snapshot = service.snapshot(0, users=False)
    limits = snapshot.limits
    try:
        log = EventLog(
            Path(file).expanduser(),
            {
                "program": __version__,
                "date": clock.now().isoformat(),
                **about,
                "mode": snapshot.mode,
                "mode_reason": snapshot.mode_reason,
                "limits": {name: getattr(limits, name) for name in LimitsView.__slots__},
                "users": [{"name": name, "colour": colour} for name, colour in users],
            },
            snapshot.at,
            patient=patient,
            aside=aside,
        )
    except OSError as error:
        raise CommandError(
            f"--events cannot be {file!r}: it cannot be written: {error.strerror}", 2
        ) from None
    service.subscribe(log)
    return log


def log_beside(file: str) -> Beside:
    """An event log of a service, for as long as it is used.

    Args:
        file: Its path.
    """

    @asynccontextmanager
    async def beside(service: ConcurrentChatService) -> AsyncIterator[None]:
        log = open_log(file, service, SystemClock(), title="ccchat")
        try:
            yield
        finally:
            log.close(service.snapshot(0, users=False).at)
            tell_of(log, file)

    return beside


def tell_of(log: EventLog, file: str) -> None:
    """Say what is missing in a log that was closed."""
    if log.problem:
        complain(f"the event log {file} is not whole: {log.problem}")
    elif log.lost:
        complain(f"the event log {file} is not whole: {log.lost} events came too fast for the disk")


def replay(given: Mapping[str, Any]) -> int:
    """Print what became of the run that an event log tells of.

    Raises:
        CommandError: The file cannot be read.
    """
    from ccchat_tui.event_log.reader import EventLogError  # noqa: PLC0415 - loads pydantic
    from ccchat_tui.scenarios.replay import replay_log  # noqa: PLC0415

    try:
        run = replay_log(Path(given["file"]).expanduser(), complain)
    except EventLogError as error:
        raise CommandError(error.words, 2) from None
    report = run.figures.report(run.wall)
    if given.get("json"):
        say(json.dumps(report, ensure_ascii=False))
    else:
        say(report_table(report, terminal_width()))
    return 0


def report(given: Mapping[str, Any]) -> int:
    """Write the report of the run that an event log tells of, or print it as Markdown.

    Raises:
        CommandError: The file cannot be read, or the report cannot be written.
    """
    from ccchat_tui.event_log.reader import EventLogError  # noqa: PLC0415 - loads pydantic
    from ccchat_tui.runs.course import Courses  # noqa: PLC0415
    from ccchat_tui.scenarios.page import html_report, markdown_report  # noqa: PLC0415
    from ccchat_tui.scenarios.replay import replay_log  # noqa: PLC0415

    output: str | None = given.get("output")
    forms = {".html": html_report, ".htm": html_report, ".md": markdown_report}
    form = markdown_report if output is None else forms.get(Path(output).suffix.lower())
    if form is None:
        raise CommandError(
            f"-o cannot be {str(output)[:80]!r}: give a file that ends in .html or in .md", 2
        )
    courses = Courses()
    try:
        run = replay_log(Path(given["file"]).expanduser(), complain, courses)
    except EventLogError as error:
        raise CommandError(error.words, 2) from None
    text = form(run, courses.all)
    if output is None:
        say(text.rstrip("\n"))
        return 0
    try:
        Path(output).expanduser().write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CommandError(
            f"-o cannot be {output!r}: it cannot be written: {error.strerror}", 2
        ) from None
    return 0

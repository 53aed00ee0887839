"""The log of one run of the program, from its start to its end."""

from __future__ import annotations

import logging
import os
import platform
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ccchat_tui import __version__
from ccchat_tui.logs.engine import EngineLog
from ccchat_tui.logs.file import LogFile
from ccchat_tui.logs.records import LineHandler

if TYPE_CHECKING:
    from ccchat_tui.beside import Beside
    from ccchat_tui.config import Loaded
    from ccchat_tui.engine.service import ConcurrentChatService

_log = logging.getLogger(__name__)
_OTHERS: Final = ("uvicorn", "asyncio", "opentelemetry")
"""Who else is listened to, from warnings up."""


@contextmanager
def logged(loaded: Loaded, command: str, path: Path) -> Iterator[Beside]:
    """Write a log of what is done inside.

    Args:
        loaded: The settings; `log_level` is not `off`.
        command: What is run.
        path: The file.

    Yields:
        What has an engine's events written too.

    Raises:
        OSError: It cannot be written.
    """
    settings = loaded.settings
    file = LogFile(path)
    handler = LineHandler(file, texts=settings.log_texts)
    level = getattr(logging, settings.log_level.upper())
    loggers = {name: logging.getLogger(name) for name in ("ccchat_tui", *_OTHERS)}
    before = {name: (each.level, each.propagate) for name, each in loggers.items()}
    for name, logger in loggers.items():
        logger.addHandler(handler)
        logger.setLevel(max(level, logging.WARNING) if name in _OTHERS else level)
        logger.propagate = False  # the root's way leads to the screen
    began = time.monotonic()
    _say_start(loaded, command)
    try:
        yield _beside(texts=settings.log_texts)
    except Exception:
        _log.exception("The program has failed")
        raise
    finally:
        ran = round(time.monotonic() - began, 3)
        _log.info("stop", extra={"told": {"pid": os.getpid(), "ran_seconds": ran}})
        for name, logger in loggers.items():
            logger.removeHandler(handler)
            level, logger.propagate = before[name]
            logger.setLevel(level)
        file.close()


def _beside(*, texts: bool) -> Beside:
    @asynccontextmanager
    async def beside(service: ConcurrentChatService) -> AsyncIterator[None]:
        unsubscribe = service.subscribe(EngineLog(service, texts=texts))
        try:
            yield
        finally:
            unsubscribe()

    return beside


def _say_start(loaded: Loaded, command: str) -> None:
    told = {
        "version": __version__,
        "command": command,
        "pid": os.getpid(),
        "python": platform.python_version(),
        "platform": sys.platform,
        "config_file": str(loaded.file) if loaded.file_found else None,
        # Whence, and not what: some of them are secrets.
        "config": {name: source for name, source in loaded.sources.items() if source != "default"},
    }
    _log.info("start", extra={"told": told})

"""From what the program's parts say to the lines of the log.

The parts say it by the standard library's `logging`, so that none of them knows this package: an
event's name, and beside it `told` (fields that may stand in the log) and `texts` (what quotes
somebody: a message, a reply, what a server said; left out unless it is asked for).
"""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ccchat_tui.logs.file import LogFile

LONGEST_MESSAGE: Final = 200
_HOME: Final = Path(__file__).parents[2]


class LineHandler(logging.Handler):
    """Makes lines of log records.

    Args:
        file: Where they go.
        texts: Whether what quotes somebody is written too.
    """

    def __init__(self, file: LogFile, *, texts: bool = False) -> None:
        super().__init__()
        self._file = file
        self._texts = texts

    def emit(self, record: logging.LogRecord) -> None:
        """One record. It is put into the queue as it is, and written by the other thread."""
        try:
            self._file.write(self._line(record))
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - its name there
        """Nothing: the standard library would write on the screen."""

    def _line(self, record: logging.LogRecord) -> dict[str, Any]:
        told: dict[str, Any] | None = getattr(record, "told", None)
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
        }
        if told is not None:
            line |= {"event": record.msg, **told}
        else:
            # The words without what is put into them, which may come from anywhere.
            said = record.getMessage() if self._texts else str(record.msg)
            line |= {
                "event": "said",
                "logger": record.name,
                "message": said.partition("\n")[0][:LONGEST_MESSAGE],
            }
        if self._texts:
            line |= getattr(record, "texts", {})
        if record.exc_info and record.exc_info[1] is not None:
            line |= self._fault(record.exc_info[1])
        return line

    def _fault(self, error: BaseException) -> dict[str, Any]:
        """What and where; the words of a fault may quote a message."""
        trace = [
            f"{_inside(frame.filename)}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        fault = {"fault": type(error).__name__, "trace": trace}
        cause = error.__cause__ or error.__context__
        if cause is not None:
            fault["cause"] = type(cause).__name__
        if self._texts:
            fault["fault_message"] = str(error)
        return fault


def _inside(file: str) -> str:
    """A file by its place in the program, without where the program is."""
    path = Path(file)
    try:
        return path.relative_to(_HOME).as_posix()
    except ValueError:
        return "/".join(path.parts[-2:])

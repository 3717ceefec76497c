"""Logs that can be read by machines and passed on: one JSON object a line, and nothing that people wrote.

A message says what happened in the words of the program. What an exception quotes is left out, because
drivers quote rows and parsers quote input; its type and the places it passed through remain.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

FIELDS = ("part", "request_id", "method", "route", "status", "milliseconds", "role", "case_id", "read_model")
"""The only extras that a log record may carry into the log; all of them are ids, names or numbers."""

_FRAMES = 12


class JsonLines(logging.Formatter):
    """One JSON object for each record; `part` names the process that wrote it."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self._part = part

    def format(self, record: logging.LogRecord) -> str:
        """Time (UTC), level, part, logger, message, known extras, and of an exception its type and places."""
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": self._part,
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        return json.dumps(entry | _failure(record), ensure_ascii=False, default=str)


TOLD = ("method", "route", "status", "milliseconds", "role", "case_id", "read_model")
"""The extras that people at a terminal are shown."""


class Lines(JsonLines):
    """The same for people at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Local time, part, level, message and extras; of an exception its type and the last place."""
        clock = datetime.fromtimestamp(record.created).astimezone()
        failure = _failure(record)
        more = f" [{failure['error']} at {failure['through'][-1]}]" if failure else ""
        level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        told = [str(getattr(record, name)) for name in TOLD if getattr(record, name, None) is not None]
        message = " ".join([record.getMessage(), *told])
        return f"{clock:%H:%M:%S} {self._part:<7} {level}{message}{more}"


def log_to(stream: TextIO, part: str, level: str = "INFO") -> None:
    """Send every log record of this process to the stream, replacing where they went before."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines(part) if stream.isatty() else JsonLines(part))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)


def _failure(record: logging.LogRecord) -> dict[str, Any]:
    if not record.exc_info or record.exc_info[0] is None:
        return {}
    kind, _, trace = record.exc_info
    frames = traceback.extract_tb(trace)[-_FRAMES:]
    through = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": f"{kind.__module__}.{kind.__qualname__}", "through": through or ["?"]}


def log_here(part: str, level: str = "INFO") -> None:
    """Send every log record of this process to standard error."""
    log_to(sys.stderr, part, level)

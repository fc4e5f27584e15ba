"""The log, as messages on standard output."""

from __future__ import annotations

import contextlib
import logging
import os
import threading

from airbyte_sources import messages
from singer_reports.output.stdout import STDOUT, OutputError
from singer_reports.redaction import Redactor

_LEVELS = {
    logging.CRITICAL: "FATAL",
    logging.ERROR: "ERROR",
    logging.WARNING: "WARN",
    logging.INFO: "INFO",
    logging.DEBUG: "DEBUG",
}


class LogHandler(logging.Handler):
    """Writes log records as messages; threads may log while a record is written."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a log record; if that fails, the next message of another kind will say so."""
        line = messages.log(_LEVELS.get(record.levelno, "INFO"), self.format(record))
        with contextlib.suppress(OSError, OutputError):
            if threading.current_thread() is threading.main_thread():
                STDOUT.write(line)
            else:
                STDOUT.write_in_thread(line)


def redacted(text: str) -> str:
    """Return a text as it would be logged: without the secrets of the settings, on one line."""
    for handler in logging.getLogger().handlers:
        for each in handler.filters:
            if isinstance(each, Redactor):
                text = each.clean(text)
    return text


def log_to_stdout(tap: str, *, debug: bool = False) -> None:
    """Send the log to standard output.

    Args:
        tap: The name of the tap, whose variable may set the level, as for its own command.
        debug: Whether to log what helps to find an error in the source.
    """
    prefix = tap.upper().replace("-", "_")
    level = os.environ.get(f"{prefix}_LOGLEVEL") or os.environ.get("LOGLEVEL") or "INFO"
    known = logging.getLevelNamesMapping()
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if debug else known.get(level.upper(), logging.INFO))
    root.handlers[:] = [LogHandler()]
    logging.captureWarnings(capture=True)

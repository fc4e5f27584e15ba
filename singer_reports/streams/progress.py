"""Reports a stream's progress: a bar on a terminal, else a log line every ten seconds."""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Self

import click

if TYPE_CHECKING:
    from collections.abc import Callable

#: The minimum time between two log lines of a stream.
SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """The progress of one stream, reported during a ``with`` block.

    A log line looks like ``stats: 12 of 30 days, 143,000 rows, 5,400 rows a second, 0:00:40 left``.
    """

    def __init__(
        self,
        stream: str,
        total: int,
        unit: str,
        log: Callable[..., None] | None,
    ) -> None:
        """Start at zero.

        Args:
            stream: The stream's name.
            total: The total number of units, such as days.
            unit: The name of the unit, in the plural.
            log: Logs a format and its arguments; ``None`` reports nothing.
        """
        self._stream = stream
        #: The total number of units.
        self.total = total
        self._unit = unit
        self._log = log
        #: The numbers of units and rows so far.
        self.done = self.rows = 0
        self._started = self._told = time.monotonic()
        self._exits = contextlib.ExitStack()
        self._bar: Any = None
        if log is not None and total > 0 and _on_terminal():
            self._bar = click.progressbar(
                length=total,
                label=f"{stream}, {unit}",
                width=0,  # As wide as the terminal.
                show_pos=True,
                show_percent=False,
                item_show_func=lambda _: self._rows_and_rate(),
                file=sys.stderr,
            )

    def __enter__(self) -> Self:
        """Show the bar, if there is one."""
        if self._bar:
            with _unread():
                self._exits.enter_context(self._bar)
            for handler in logging.getLogger().handlers:
                handler.addFilter(_clear_line)
                self._exits.callback(handler.removeFilter, _clear_line)
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the bar as it is."""
        with _unread():
            self._exits.close()

    def advance(self, units: int, rows: int) -> None:
        """Report that more has been read and written.

        Args:
            units: The number of units, such as days.
            rows: The number of their rows.
        """
        self.done += units
        self.rows += rows
        now = time.monotonic()
        if self._bar:
            with _unread():
                self._bar.update(units)
        elif self._log and now - self._told >= SECONDS_BETWEEN_LINES and self.done < self.total:
            self._told = now
            seconds = (now - self._started) * (self.total - self.done) / self.done
            self._log(
                "%s: %d of %d %s, %s, %s left",
                self._stream,
                self.done,
                self.total,
                self._unit,
                self._rows_and_rate(),
                datetime.timedelta(seconds=round(seconds)),
            )

    def _rows_and_rate(self) -> str:
        seconds = max(time.monotonic() - self._started, 0.001)
        return f"{self.rows:,} rows, {self.rows / seconds:,.0f} rows a second"


def _unread() -> contextlib.suppress:
    """Go on when the terminal goes away: the rows are worth more than the bar."""
    return contextlib.suppress(OSError)


def _on_terminal() -> bool:
    # None in a program without standard error.
    return bool(sys.stderr and sys.stderr.isatty()) and os.environ.get("TERM") != "dumb"


def _clear_line(_: logging.LogRecord) -> bool:
    """Take the bar away before a log line is written; the next advance draws it again."""
    with _unread():
        click.echo("\r\033[K", file=sys.stderr, nl=False)
    return True

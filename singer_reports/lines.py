"""Writes whole lines to standard output, also when a signal ends the run.

A target fails at a line that is cut off, and loses the lines it has buffered. So a signal waits
until the current lines have been written. If the target does not read any more, they never are: a
second signal ends the run at once. Signals within a second count as one, because both the terminal
and Meltano send Ctrl-C to a tap.
"""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

from singer_sdk.contrib.msgspec import MsgSpecWriter

if TYPE_CHECKING:
    from singer_sdk.singerlib.encoding.simple import Message


#: Signals that come so soon after the first one are taken for the same.
SECONDS_OF_ECHO = 1.0
#: A run that has not ended by then has not noticed the signal.
SECONDS_TO_REPEAT = 2.0


class EndedBySignal(SystemExit):
    """The end of a run that a signal requested, with the exit code that shells use for it."""

    def __init__(self, number: int) -> None:
        """Know the signal.

        Args:
            number: The signal's number.
        """
        super().__init__(128 + number)
        self.number = number


class Output:
    """Standard output, and the signal that waits for what is being written to it."""

    def __init__(self) -> None:
        """Begin with nothing written and no signal."""
        self._writing = False
        self._waiting: int | None = None
        self._waiting_since = 0.0

    def write(self, lines: bytes | bytearray) -> None:
        """Write whole lines.

        Args:
            lines: One or more, but few enough for a signal to wait for.

        Raises:
            EndedBySignal: If a signal has come in the meantime.
        """
        self._writing = True
        written = 0
        try:
            with memoryview(lines) as whole:
                # A signal may cut a write short, and does where PYTHONUNBUFFERED is set.
                while written < len(whole):
                    written += sys.stdout.buffer.write(whole[written:])
            sys.stdout.flush()
        finally:
            self._writing = False
            if self._waiting is not None:
                number, self._waiting = self._waiting, None
                raise EndedBySignal(number)

    def end(self, number: int) -> None:
        """End the run, behind the lines that are being written.

        Args:
            number: The signal's number.

        Raises:
            EndedBySignal: At once, if no lines are being written, or if one has waited already.
        """
        if self._writing and self._waiting is None:
            self._waiting, self._waiting_since = number, time.monotonic()
        elif not self._writing or time.monotonic() - self._waiting_since > SECONDS_OF_ECHO:
            self._repeat(number)
            raise EndedBySignal(number)

    def _repeat(self, number: int) -> None:
        """Raise again after two seconds if the run has not ended by then.

        Python swallows an exception that is raised inside of ``__del__``.
        """
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, lambda *_: self.end(number))
            signal.setitimer(signal.ITIMER_REAL, SECONDS_TO_REPEAT)


#: There is one standard output, and one place to which signals come.
OUTPUT = Output()


class LineWriter(MsgSpecWriter):
    """Writes messages as whole lines."""

    def write_message(self, message: Message) -> None:
        """Write a message.

        Args:
            message: The message.
        """
        OUTPUT.write(self.format_message(message))

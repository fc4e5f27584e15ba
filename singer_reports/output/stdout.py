"""Writes whole lines to standard output, also when a signal ends the run.

A target fails at an incomplete line and loses the lines it has buffered. So a signal takes effect
after the current lines have been written. If the target has stopped reading, that never happens: a
second signal ends the run at once. Signals within one second count as one, because both the
terminal and Meltano send Ctrl-C to a tap.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from singer_reports.sdk_internals import MsgSpecWriter, encoder

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

    from singer_sdk.singerlib.encoding.simple import Message


#: Signals within this time after the first one count as the same signal.
DUPLICATE_SIGNAL_SECONDS = 1.0
#: If the run has not ended after this time, the exception was lost and is raised again.
RAISE_AGAIN_SECONDS = 2.0
_CLOSED = "it is closed"
_NON_BLOCKING = "it does not wait for its reader (non-blocking mode)"


class SignalExit(SystemExit):
    """Ends a run because of a signal, with the exit code that shells use: 128 plus its number."""

    def __init__(self, number: int) -> None:
        """Set the exit code.

        Args:
            number: The signal's number.
        """
        super().__init__(128 + number)
        self.number = number


class OutputError(Exception):
    """Standard output cannot be written to; the message is for the user."""

    def __init__(self, reason: str) -> None:
        """Say why, in a clause."""
        super().__init__(
            f"Standard output cannot be written to: {reason}. Correct this and run again: the next "
            "run goes on after the last state that has arrived."
        )


@contextlib.contextmanager
def stdout_errors() -> Iterator[None]:
    """Explain errors of standard output, but for a reader that has gone away.

    Raises:
        OutputError: For any other one.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except BlockingIOError as error:
        raise OutputError(_NON_BLOCKING) from error
    except OSError as error:
        raise OutputError(str(error.strerror).lower()) from error


def require_stdout() -> None:
    """Refuse to run without standard output.

    Raises:
        OutputError: If it is closed.
    """
    # Typed as if it were always there.
    if not sys.stdout:
        raise OutputError(_CLOSED)


class StdoutWriter:
    """Writes to standard output; a signal during a write takes effect after it."""

    def __init__(self) -> None:
        """Start without a deferred signal."""
        #: Whether every line so far was written to its end.
        self.is_whole = True
        # Reentrant, because a warning may be logged here in the middle of a write.
        self._lock = threading.RLock()
        self._writing = False
        self._held: bytearray | None = None
        self._deferred_signal: int | None = None
        self._deferred_since = 0.0

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Write the lines of the block together at its end; if it raises, none of them.

        Raises:
            OutputError: If they cannot be written.
            SignalExit: If a signal comes.
        """
        self._held = bytearray()
        try:
            yield
            lines = self._held
        finally:
            self._held = None
        self.write(lines)

    def write(self, lines: bytes | bytearray) -> None:
        """Write whole lines.

        Args:
            lines: One or more; few, because a signal waits for them.

        Raises:
            OutputError: If they cannot be written.
            SignalExit: If a signal has come in the meantime.
        """
        if self._held is not None:
            self._held += lines
            return
        with self._lock:
            self._writing = True
            try:
                self._write(lines)
            finally:
                self._writing = False
                if self._deferred_signal is not None:
                    number, self._deferred_signal = self._deferred_signal, None
                    raise SignalExit(number)

    def write_in_thread(self, lines: bytes) -> None:
        """Write whole lines in a thread, to which no signals come.

        Raises:
            OutputError: If they cannot be written.
        """
        with self._lock:
            self._write(lines)

    def _write(self, lines: bytes | bytearray) -> None:
        self.is_whole = False
        with memoryview(lines) as view, stdout_errors():
            _write(view)
        self.is_whole = True

    def handle_signal(self, number: int) -> None:
        """End the run, after the lines that are being written.

        Args:
            number: The signal's number.

        Raises:
            SignalExit: At once, if no lines are being written or a signal is deferred already.
        """
        if self._writing and self._deferred_signal is None:
            self._deferred_signal, self._deferred_since = number, time.monotonic()
        elif (
            not self._writing or time.monotonic() - self._deferred_since > DUPLICATE_SIGNAL_SECONDS
        ):
            self._raise_again_later(number)
            raise SignalExit(number)

    def _raise_again_later(self, number: int) -> None:
        """Raise again after two seconds if the run has not ended by then.

        Python swallows exceptions raised inside ``__del__``.
        """
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, lambda *_: self.handle_signal(number))
            signal.setitimer(signal.ITIMER_REAL, RAISE_AGAIN_SECONDS)


def _write(view: memoryview) -> None:
    written = 0
    # A signal may cut a write short, and does where PYTHONUNBUFFERED is set.
    while written < len(view):
        count: int | None = sys.stdout.buffer.write(view[written:])
        if count is None:  # What raises BlockingIOError otherwise does not with PYTHONUNBUFFERED.
            raise BlockingIOError
        written += count
    sys.stdout.flush()


#: There is one standard output, and one place to which signals come.
STDOUT = StdoutWriter()


class SignalSafeWriter(MsgSpecWriter):
    """Writes messages as whole lines; a subclass may write those of another protocol."""

    def write_message(self, message: Message) -> None:
        """Write a message as one line."""
        STDOUT.write(self.format_message(message))

    def record_frame(
        self, stream: str, version: int | None, time_extracted: datetime.datetime
    ) -> tuple[bytes, bytes]:
        """Return what stands before and behind the JSON of a record in its line.

        Args:
            stream: The name of the stream.
            version: The version of its records; ``None`` if they have no version.
            time_extracted: When the records were read.
        """
        prefix = b'{"type":"RECORD","stream":%s,"record":' % encoder.encode(stream)
        suffix = b"" if version is None else b',"version":%d' % version
        return prefix, b'%s,"time_extracted":%s}\n' % (suffix, encoder.encode(time_extracted))

    def write_records(self, stream: str, lines: bytes, count: int) -> None:  # noqa: ARG002
        """Write the lines of records.

        Args:
            stream: The name of their stream.
            lines: The lines.
            count: How many they are.
        """
        STDOUT.write(lines)

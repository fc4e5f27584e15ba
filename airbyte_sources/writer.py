"""Writes what a tap reads as messages of the Airbyte protocol.

A record is the same JSON that the tap would write, with other bytes around it. A state is written
whenever the tap writes one, for each stream that it is about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib import RecordMessage, SchemaMessage, StateMessage

from airbyte_sources import messages
from airbyte_sources.errors import failure_type
from singer_reports.cli_errors import sentence
from singer_reports.output.stdout import STDOUT, SignalSafeWriter

if TYPE_CHECKING:
    import datetime

    from singer_sdk.singerlib.encoding.simple import Message

    from airbyte_sources.messages import Status
    from singer_reports.streams.progress import Progress


class _Reading:
    """How far a stream is."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.has_records = False
        #: The number of records since the last state.
        self.pending = 0
        #: The last state that was written.
        self.written: dict[str, Any] | None = None
        #: How much must have been read before the number of rows is estimated again.
        self.next_estimate = 1


class Silence(SignalSafeWriter):
    """Writes nothing: to test streams without reading them."""

    def write_message(self, message: Message) -> None:
        """Write nothing."""


class ProtocolWriter(SignalSafeWriter):
    """Writes records, states and how far each stream is."""

    def __init__(self, written_by_others: frozenset[str]) -> None:
        """Start without a stream.

        Args:
            written_by_others: The streams whose records are written while others are read.
        """
        super().__init__()
        #: The errors of streams that have failed, by name; the tap fills it in.
        self.failures: dict[str, Exception] = {}
        self._written_by_others = written_by_others
        #: The streams that have been started and not ended: first those written by others.
        self._open: dict[str, _Reading] = {}
        self._bookmarks: dict[str, Any] = {}

    # What the tap calls

    def record_frame(
        self,
        stream: str,
        version: int | None,  # noqa: ARG002 - the protocol has none
        time_extracted: datetime.datetime,
    ) -> tuple[bytes, bytes]:
        """Return what stands before and behind the JSON of a record in its line."""
        return messages.record_frame(stream, time_extracted)

    def write_records(self, stream: str, lines: bytes, count: int) -> None:
        """Write the lines of records; the first ones say that the stream is running."""
        reading = self._open[stream]
        if not reading.has_records:
            reading.has_records = True
            self._status(stream, "RUNNING")
        reading.pending += count
        STDOUT.write(lines)

    def write_message(self, message: Message) -> None:
        """Write what a Singer message says; a schema says that a stream is started."""
        if isinstance(message, RecordMessage):
            assert message.time_extracted is not None, "the tap sets it"  # noqa: S101
            prefix, suffix = messages.record_frame(message.stream, message.time_extracted)
            line = prefix + messages.encode(message.record) + suffix
            self.write_records(message.stream, line, 1)
        elif isinstance(message, SchemaMessage):
            self._start(message.stream)
        elif isinstance(message, StateMessage):
            self._bookmarks = message.value.get("bookmarks", {})
            self._write_states()

    def report_progress(self, stream: str, progress: Progress) -> None:
        """Estimate the number of rows from those so far, each time twice as much has been read."""
        reading = self._open[stream]
        if reading.next_estimate <= progress.done < progress.total:
            reading.next_estimate = 2 * progress.done
            rows = progress.rows * progress.total // progress.done
            STDOUT.write(messages.estimate(stream, rows))

    # Beginning and end of streams

    def _start(self, stream: str) -> None:
        if stream in self._written_by_others:
            if stream not in self._open:
                self._open = {stream: _Reading(stream), **self._open}
                self._status(stream, "STARTED")
            return
        self._finish_current()
        self._open[stream] = _Reading(stream)
        self._status(stream, "STARTED")

    @property
    def current(self) -> str | None:
        """The stream that is being read."""
        return next((name for name in self._open if name not in self._written_by_others), None)

    def _finish_current(self) -> None:
        if stream := self.current:
            if error := self.failures.get(stream):
                self.fail(error)
            else:
                self._complete(stream)

    def _complete(self, stream: str) -> None:
        reading = self._open.pop(stream)
        if reading.pending or reading.written is None:
            self._write_state(reading)
        self._status(stream, "COMPLETE")

    def fail(self, error: Exception) -> None:
        """Say that the stream that is being read has failed, or the whole run if there is none.

        Args:
            error: Why.
        """
        stream = self.current
        STDOUT.write(messages.error(sentence(error), failure_type(error), stream))
        if stream:
            del self._open[stream]
            self._status(stream, "INCOMPLETE")

    def finish(self) -> None:
        """End all streams, when the tap has read them."""
        self._finish_current()
        if self.failures:
            self.interrupt()
        for stream in list(self._open):
            self._complete(stream)

    def interrupt(self) -> None:
        """Say that the streams which have not ended will not be completed."""
        while self._open:
            stream, _ = self._open.popitem()
            self._status(stream, "INCOMPLETE")

    def _status(self, stream: str, status: Status) -> None:
        STDOUT.write(messages.status(stream, status))

    # States

    def _write_states(self) -> None:
        """Write the states that are new, or that records were written before."""
        for reading in self._open.values():
            if reading.pending or self._bookmarks.get(reading.name, {}) != reading.written:
                self._write_state(reading)

    def _write_state(self, reading: _Reading) -> None:
        reading.written = dict(self._bookmarks.get(reading.name, {}))
        count, reading.pending = reading.pending, 0
        STDOUT.write(messages.state(reading.name, reading.written, count))

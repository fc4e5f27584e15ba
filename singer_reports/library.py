"""A tap as a Python library: records instead of messages, and no hold on the program's signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk import Stream, Tap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_reports.redaction import Redactor


class LibraryTap(Tap):
    """A tap that a Python program can read."""

    #: Knows the secrets of the run.
    redactor: Redactor

    def records(self, stream: str) -> Iterator[dict[str, Any]]:
        """Read a stream; nothing is written to standard output.

        The records are those that a run of the command sends, one dictionary each. Numbers are
        ``int`` or ``Decimal``, as exact as the API sends them. ``state`` moves on as the records
        are taken: it covers the days whose records have all been taken. A second reading goes on
        there.

        Args:
            stream: The name of a stream, whether or not it is read by default.

        Returns:
            The records. The first request is sent when the first one is taken.

        Raises:
            ValueError: If there is no such stream.
        """
        if stream not in self.streams:
            message = f"There is no stream {stream!r}. There are: {', '.join(self.streams)}."
            raise ValueError(message)
        return self._records(self.streams[stream])

    def _records(self, stream: Stream) -> Iterator[dict[str, Any]]:
        stream.selected = True
        name = stream.stream_maps[0].stream_alias
        try:
            # As in BATCH mode: the SDK has no public way to records without messages.
            for record in stream._sync_records(write_messages=False):  # noqa: SLF001
                for message in stream._generate_record_messages(record):  # noqa: SLF001
                    # The setting stream_maps can make further streams of this one.
                    if message.stream == name:
                        yield message.record
        except Exception as error:
            self.redactor.redact_error(error)
            raise

    def _setup_signal_handlers(self) -> None:
        """Leave the signals to the program; the SDK takes them for every tap that is made."""

    def handle_signals(self) -> None:
        """Let SIGINT and SIGTERM end the run as the command does it."""
        super()._setup_signal_handlers()

"""A stream that is read completely: plans slices, reads them and writes records."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from singer_reports.output.bulk import BulkWriter, bulk_writer
from singer_reports.streams.progress import Progress
from singer_reports.streams.sliced_stream import SlicedStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from singer_sdk.helpers.types import Context
    from singer_sdk.metrics import Counter

    from singer_reports.records.row_types import Row
    from singer_reports.run import Run


class FullTableStream(SlicedStream):
    """A stream that every run reads completely; ``DateRangeStream`` reads windows of days."""

    #: Whether progress is logged, counted in ``slice_unit``.
    logs_progress: ClassVar[bool] = False

    def __init__(self, run: Run, **options: Any) -> None:  # noqa: ANN401
        """Create a stream of a run."""
        super().__init__(run, **options)
        self.time_extracted = run.now
        #: Whether a Python program takes the records, and no messages are wanted.
        self.is_library = False
        self._bulk: BulkWriter | None = None

    @property
    def writes_messages(self) -> bool:
        """Whether records go to standard output; in BATCH mode, they go to files."""
        return not self.is_library and self.get_batch_config(self.config) is None

    def slices(self) -> Sequence[Any]:
        """Plan what this run reads, and log it.

        Returns:
            Slices; ``None`` stands for the whole stream.
        """
        self.log("%s: the whole list", self.name)
        return [None]

    def get_records(self, context: Context | None) -> Iterable[Row]:
        """Read all slices; write their records in bulk, or yield them if the SDK must write them.

        Yields:
            Records, sorted by key within a slice.
        """
        self.request_context = context
        writer = self.run.tap.message_writer
        self._bulk = bulk_writer(self, writer) if self.writes_messages else None
        slices = self.slices()
        with self._progress(slices) as progress:
            for stream_slice, rows in self.read_slices(slices):
                self.start_slice(stream_slice)
                count = len(rows)
                if self._bulk is None:
                    yield from rows
                else:
                    self._bulk.write(rows, self.time_extracted)
                    self._record_counter.increment(count)
                if count:
                    self.repeat_state()
                # Free the rows before the next slice is complete.
                rows.clear()
                self.finish_slice(stream_slice)
                progress.advance(self.slice_size(stream_slice), count)
                if self.run.on_progress:
                    self.run.on_progress(self.name, progress)

    def start_slice(self, stream_slice: Any) -> None:  # noqa: ANN401
        """Do nothing; called before the first record of a slice is written."""

    def finish_slice(self, stream_slice: Any) -> None:  # noqa: ANN401
        """Do nothing; called when all records of a slice have been written."""

    def encode_rows(self, rows: list[Row]) -> list[Any]:
        """Return the records: JSON if they are written in bulk, else dictionaries."""
        return self._bulk.encode(rows) if self._bulk else super().encode_rows(rows)

    def get_record_counter(self, **options: Any) -> Counter:  # noqa: ANN401
        """Return the SDK's counter, and keep it to count records that are written in bulk."""
        self._record_counter = super().get_record_counter(**options)
        return self._record_counter

    def _progress(self, slices: Sequence[Any]) -> Progress:
        is_logged = self.logs_progress and self.logger.isEnabledFor(logging.INFO)
        total = sum(map(self.slice_size, slices))
        return Progress(self.name, total, self.slice_unit, self.log if is_logged else None)

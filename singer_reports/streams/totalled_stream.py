"""A stream of rows by date whose readings have control totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import Metadata

from singer_reports.reading_times import EXTRACTED_AT
from singer_reports.records.decoder import ResponseSchemaError
from singer_reports.streams.control_totals import ControlTotals, ReportTotals
from singer_reports.streams.full_table import FullTableStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.singerlib import MetadataMapping

    from singer_reports.dates import Window
    from singer_reports.records.row_types import Row
    from singer_reports.records.totals import PageTotals, TotalFields


class TotalledStream(FullTableStream):
    """Writes the control totals of its windows, if that stream is selected."""

    #: The fields that are added up; the rows must have the computed field ``extracted_at``.
    total_fields: TotalFields | None = None
    #: Makes the control totals; ``None`` if there are none.
    _totals: ReportTotals | None = None

    @property
    def metadata(self) -> MetadataMapping:
        """The metadata, in which the time of the reading is as automatic as the key.

        Control totals without the times of the rows would say that none of the rows counts.
        """
        metadata = super().metadata
        if self.total_fields and (field := metadata.get(("properties", EXTRACTED_AT))):
            field.inclusion = Metadata.InclusionType.AUTOMATIC
        return metadata

    def begin_totals(self) -> None:
        """Find out whether there are control totals; called before the first request.

        A connection test has none: it does not read all rows of a day.
        """
        stream = self.run.stream(ControlTotals.name)
        self._totals = None
        if not isinstance(stream, ControlTotals) or not stream.selected:
            return
        if self.total_fields and not self.is_connection_test:
            self._totals = ReportTotals(self.name, self.total_fields, stream)

    def total_details(self, envelope: Any) -> dict[str, Any]:  # noqa: ANN401, ARG002
        """Return further fields of the control totals, from a response."""
        return {}

    def page_totals(self, rows: list[Row], envelope: Any) -> PageTotals | None:  # noqa: ANN401
        """Return the control totals of a page's rows."""
        if self._totals is None:
            return None
        return self._totals.of_page(rows, self.total_details(envelope))

    def start_slice(self, stream_slice: Window) -> None:
        """Make the control totals of a window, before its first row is written."""
        if self._totals is None:
            return
        try:
            self._totals.complete_slice(
                stream_slice, self.slice_totals, self.time_extracted, self.run.today
            )
        except ResponseSchemaError as error:
            message = f"{error}. None of these rows was written."
            raise self.fatal_error(stream_slice, message) from error

    def finish_slice(self, stream_slice: Window) -> None:  # noqa: ARG002
        """Write the control totals of a window whose rows have all been written."""
        if self._totals is not None:
            self._totals.write(self.time_extracted, writes_messages=self.writes_messages)

    def get_batches(self, batch_config: Any, context: Any = None) -> Iterator[Any]:  # noqa: ANN401
        """Return the batches of rows; the control totals of a window come before its state."""
        for batch in super().get_batches(batch_config, context):
            self._write_total_batches()
            yield batch
        self._write_total_batches()

    def _write_total_batches(self) -> None:
        if self._totals is not None:
            self._totals.stream.write_batches()

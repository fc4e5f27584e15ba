"""The stream ``control_totals``: what each reading of each day of a report amounted to.

The reports write its records: behind the rows of a slice, and before the state that covers them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from singer_reports import dates
from singer_reports.output.stdout import STDOUT
from singer_reports.reading_times import EXTRACTED_AT, format_time
from singer_reports.records.totals import PageTotals, Sums, TotalFields, merge, sum_rows
from singer_reports.sdk_internals import SdkStream

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator, Sequence

    from singer_sdk.helpers.types import Context

    from singer_reports.dates import Window
    from singer_reports.run import Run


class ControlTotals(SdkStream):
    """One record per report, day, currency and reading; a tap adds the schema."""

    name = "control_totals"
    primary_keys = ("report", "date", "currency", EXTRACTED_AT)
    replication_key = EXTRACTED_AT
    is_written_by_others = True
    #: No requests are sent; the SDK asks for an address.
    url_base = ""

    def __init__(self, run: Run) -> None:
        """Create the stream of a run."""
        super().__init__(run.tap)
        self.time_extracted = run.now
        self._pending: list[dict[str, Any]] = []

    @property
    def replication_method(self) -> str:
        """Always INCREMENTAL: as a full table, each run would replace the earlier readings."""
        return REPLICATION_INCREMENTAL

    def add(
        self,
        records: list[dict[str, Any]],
        time_extracted: datetime.datetime,
        *,
        writes_messages: bool,
    ) -> None:
        """Write records, or keep them for ``get_records``.

        Args:
            records: The totals of a slice.
            time_extracted: When the slice was read.
            writes_messages: Whether the rows of the slice were written as messages.
        """
        self.time_extracted = time_extracted
        if writes_messages:
            self.write_schema()
            # A day's totals that were cut short would say that rows of it were taken back.
            with STDOUT.at_once():
                self.write_records(records)
        else:
            self._pending += records

    def get_records(self, context: Context | None) -> Iterator[dict[str, Any]]:  # noqa: ARG002
        """Yield the records that have been kept: those of a Python program, and of batches."""
        pending, self._pending = self._pending, []
        yield from pending


class ReportTotals:
    """Makes the control totals of one report."""

    def __init__(self, report: str, fields: TotalFields, stream: ControlTotals) -> None:
        """Start without totals.

        Args:
            report: The name of the report.
            fields: The fields that are added up.
            stream: Writes the totals.
        """
        self.stream = stream
        self._report = report
        self._fields = fields
        self._records: list[dict[str, Any]] = []

    def of_page(self, rows: list[Any], details: dict[str, Any]) -> PageTotals:
        """Return the totals of a page; called in several threads.

        Raises:
            ResponseSchemaError: If a sum is too large to be exact.
        """
        return PageTotals(sum_rows(rows, self._fields), details)

    def complete_slice(
        self,
        window: Window,
        pages: Sequence[PageTotals],
        time_extracted: datetime.datetime,
        today: datetime.date,
    ) -> None:
        """Make the records of a window, those of days without rows too.

        Raises:
            ResponseSchemaError: If a sum is too large to be exact.
        """
        totals = merge(pages)
        sums = dict(totals.sums)
        with_rows = {date for date, _ in sums}
        for day in dates.windows(window.first, window.last, 1):
            if str(day.first) not in with_rows:
                sums[str(day.first), self._fields.default_currency] = Sums()
        currency_counts = Counter(date for date, _ in sums)
        self._records = [
            {
                "report": self._report,
                "date": date,
                "currency": currency,
                EXTRACTED_AT: format_time(time_extracted),
                "row_count": of_day.row_count,
                "currency_count": currency_counts[date],
                "impressions": of_day.impressions,
                "clicks": of_day.clicks,
                "amount": of_day.amount,
                "complete": date < str(today),
                **totals.details,
            }
            for (date, currency), of_day in sorted(sums.items())
        ]

    def write(self, time_extracted: datetime.datetime, *, writes_messages: bool) -> None:
        """Write the records of the slice whose rows have been written."""
        self.stream.add(self._records, time_extracted, writes_messages=writes_messages)
        self._records = []

"""A stream of rows by date, read in windows of days.

The bookmark holds the first and the last of the complete days that have been read and written, not
values of rows: a day without rows counts, a window that failed does not.
"""

from __future__ import annotations

import datetime
import logging
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from singer_reports import dates
from singer_reports.config.bookmarks import Settings, coverage, written
from singer_reports.reading_times import EXTRACTED_AT, format_time, parse_time
from singer_reports.streams.totalled_stream import TotalledStream
from singer_reports.streams.unused_hooks import UNUSED_HOOKS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from singer_reports.dates import EarlierWindow, Window
    from singer_reports.records.page import Page
    from singer_reports.records.row_types import Row

#: How far the clocks of machines may differ without a warning.
_TOLERANCE = datetime.timedelta(hours=1)


class DateRangeStream(TotalledStream):
    """An INCREMENTAL stream of rows by day.

    Settings: ``start_date``, ``end_date``, ``lookback_days``, ``include_today``,
    ``max_concurrency``.
    """

    replication_key = "date"
    is_sorted = True
    slice_unit = "days"
    logs_progress = True
    #: The maximum number of days per request.
    window_days: int = 1

    #: The complete days that have been read so far; ``None`` if there are no such days.
    covered: Window | None = None
    #: The time in the last state; no reading with a later time has been written.
    _saved: datetime.datetime | None = None

    @property
    def definition(self) -> dict[str, Any]:
        """What the rows depend on, kept in the bookmark: ``dimensions``, ``filters``, ``timezone``.

        It contains strings and sorted lists of strings, so that it can be compared after a round
        trip through JSON.
        """
        return {}

    #: Also those of partitions: a bookmark holds days of the whole stream, not per partition.
    unused_hooks = UNUSED_HOOKS | dict.fromkeys(
        ("parent_stream_type", "partitions", "state_partitioning_keys"),
        "requests that the API groups itself",
    )

    # Plan

    def slices(self) -> list[Window]:
        """Plan the windows that this run reads, from the settings, the bookmark and the clock.

        The lookback and the days after the last covered day come first. If ``start_date`` has moved
        earlier, the days before the first covered day follow, latest first.
        """
        self._read_last_time()
        self.begin_totals()
        run = self.run
        start, end = run.date_setting("start_date"), run.date_setting("end_date")
        assert start is not None, "every tap's start_date is required or has a default"  # noqa: S101
        yesterday = run.today - dates.ONE_DAY
        last = dates.last_day(end, run.today, include_today=self.config["include_today"])
        covered = self._read_bookmark(start, yesterday)
        first = dates.first_day(start, covered, self.config["lookback_days"])
        later = list(dates.windows(first, last, self.window_days))
        earlier = self._earlier_windows(start, covered, last)
        planned: list[Window] = [*later, *earlier]
        if not planned and not (covered and start < covered.first):
            self.warn("nothing to read, as %s would be the first day and %s the last", first, last)
        if self.is_connection_test:
            # One request, for the days most likely to have rows.
            return later[-1:] or planned[:1]
        if later:
            self._log_plan(dates.Window(first, last), len(later))
        if earlier:
            self.log("%s: start_date has moved earlier, so these days are read as well", self.name)
            self._log_plan(dates.Window(start, earlier[0].last), len(earlier))
        return planned

    def _earlier_windows(
        self, start: datetime.date, covered: Window | None, last: datetime.date
    ) -> list[EarlierWindow]:
        """Return the windows from ``start`` to the first covered day, unless a gap would remain."""
        if covered is None or covered.first <= start:
            return []
        before = covered.first - dates.ONE_DAY
        if before > last:
            self.warn(
                "the days from %s to %s are not read: there would be a gap between them and %s, "
                "the first day covered. Set end_date to %s or later, or run without a state.",
                start,
                last,
                covered.first,
                before,
            )
            return []
        return list(dates.earlier_windows(start, before, self.window_days))

    def _log_plan(self, days: Window, requests: int) -> None:
        # A window may be divided, but for a single day.
        is_exact = self.paginator.is_single_page and requests == days.days
        at_least = "" if is_exact else "at least "
        plural = "" if requests == 1 else "s"
        self.log("%s: %s, %s%d request%s", self.name, days, at_least, requests, plural)

    def _read_bookmark(self, start: datetime.date, yesterday: datetime.date) -> Window | None:
        """Return the covered days, and log a warning if settings or clock have changed them."""
        if self.replication_method != REPLICATION_INCREMENTAL:
            self.covered = None
            return None
        run = self.run
        settings = Settings(start, yesterday, run.zone, run.earliest_day, self.definition)
        found = coverage(self.stream_state, settings)
        for warning in found.warnings:
            self.warn("%s", warning)
        self.covered = found.days
        if found.days and found.is_doubtful:
            first = dates.first_day(start, found.days, self.config["lookback_days"])
            before = first - dates.ONE_DAY
            self.covered = None if before < found.days.first else found.days._replace(last=before)
        if self.covered and found.warnings and not self.is_connection_test:
            # Even if this run reads no complete day: the next run would log the same warning.
            self.stream_state.update(written(self.covered, "date", self.definition))
        return found.days

    def _read_last_time(self) -> None:
        """Let the readings of this run follow those of earlier runs, whatever the clock says."""
        if (saved := self.stream_state.get(EXTRACTED_AT)) is None:
            return
        last = parse_time(saved)
        self.clock.start_after(last)
        if last - self.clock.now() > _TOLERANCE:
            self.warn(
                "the state says that the last reading was at %s, which is still to come: the clock "
                "of this machine was ahead then, or is behind now. %s goes on from there, so that "
                "the order of the readings stays right.",
                saved,
                EXTRACTED_AT,
            )

    def warn(self, message: str, *arguments: object) -> None:
        """Log a warning of this stream."""
        self.log(f"%s: {message}", self.name, *arguments, level=logging.WARNING)

    def slice_size(self, stream_slice: Window) -> int:
        """Return the number of days in a window."""
        return stream_slice.days

    def split(self, stream_slice: Window) -> Sequence[Window]:
        """Return the halves of a window; empty for a single day."""
        return stream_slice.split() if stream_slice.days > 1 else ()

    def requested_values(self, stream_slice: Window) -> dict[str, Collection[Any]]:
        """Return the days of a window."""
        days = dates.windows(stream_slice.first, stream_slice.last, 1)
        return {"date": {str(day.first) for day in days}}

    def post_process_rows(self, rows: list[Row], page: Page, envelope: Any) -> list[Row]:  # noqa: ANN401
        """Add the time of the reading to each row, if it is one of the computed fields."""
        if EXTRACTED_AT in self.computed_fields:
            extracted_at = format_time(page.time_extracted)
            for row in rows:
                row.extracted_at = extracted_at
        return super().post_process_rows(rows, page, envelope)

    # Bookmark

    def start_slice(self, stream_slice: Window) -> None:
        """Save the time of a reading before its records: a run that dies must not repeat it.

        What is saved is the latest time of a request, so once per run is enough most of the time.
        """
        super().start_slice(stream_slice)
        if self.is_connection_test or (self._saved and self.time_extracted <= self._saved):
            return
        self._save_last_time()
        if self.writes_messages:
            self.write_state()

    def _save_last_time(self) -> None:
        if self.clock.last is not None:
            self.stream_state[EXTRACTED_AT] = format_time(self.clock.last)
            self._saved = self.clock.last

    def finish_slice(self, stream_slice: Window) -> None:
        """Write the control totals of a window, and advance the bookmark past it."""
        super().finish_slice(stream_slice)
        if self.is_connection_test or self.replication_method != REPLICATION_INCREMENTAL:
            return
        yesterday = self.run.today - dates.ONE_DAY
        self.covered = dates.extend(self.covered, stream_slice, yesterday)
        if self.covered is not None:
            self.stream_state.update(written(self.covered, "date", self.definition))
        self._save_last_time()
        if self.writes_messages:
            # Not in BATCH mode, where the target has not received the file of these records yet.
            self.write_state()

"""A stream of dated rows: plan, fetch, rows and bookmark, with a window of days as the unit.

The bookmark holds the complete days of the windows that were read and written whole, from the first
to the last, and not the values of rows: a day without rows counts, a window that failed does not.
"""

from __future__ import annotations

import datetime
import logging
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from singer_reports import dates
from singer_reports.config.bookmarks import Settings, coverage, written
from singer_reports.http.errors import RequestError, should_split_window
from singer_reports.records.decoder import ResponseSchemaError
from singer_reports.records.page import Page, PageResponse
from singer_reports.streams.full_table import FullTableStream

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.helpers.types import Context, Record

    from singer_reports.dates import EarlierWindow, Window
    from singer_reports.records.row_types import Row

#: A window that may still be cut in halves is given up sooner than a single day.
ATTEMPTS_BEFORE_SPLIT = 3


class DateRangeStream(FullTableStream):
    """Rows by day. Settings: ``start_date``, ``end_date``, ``lookback_days``, ``include_today``,
    ``max_concurrency``.
    """  # noqa: D205

    replication_key = "date"
    is_sorted = True
    #: The most days a request asks for.
    window_days: int = 1

    #: The complete days that have been read, as of the window at hand; None for none.
    covered: Window | None = None

    @property
    def definition(self) -> dict[str, Any]:
        """What the rows depend on, kept in the bookmark: ``dimensions``, ``filters``, ``timezone``.

        It holds texts and sorted lists of texts, so that it can be compared once it was JSON.
        """
        return {}

    # Plan

    def plan(self) -> list[Window]:
        """Make the windows this run reads, from the settings, the bookmark and the clock.

        First come the days from the last one covered on, less the lookback; then, the latest first,
        those before the first one covered, if ``start_date`` has moved earlier.
        """
        tap = self._shared
        start, end = tap.date_setting("start_date"), tap.date_setting("end_date")
        assert start is not None, "every tap's start_date is required or has a default"  # noqa: S101
        yesterday = tap.today - dates.ONE_DAY
        last = dates.last_day(end, tap.today, include_today=self.config["include_today"])
        covered = self._read_bookmark(start, yesterday)
        first = dates.first_day(start, covered, self.config["lookback_days"])
        later = list(dates.windows(first, last, self.window_days))
        earlier = self._earlier_windows(start, covered, last)
        planned: list[Window] = [*later, *earlier]
        if not planned and not (covered and start < covered.first):
            self.warn("nothing to read, as %s would be the first day and %s the last", first, last)
        if self.ABORT_AT_RECORD_COUNT is not None:
            # A test of the connection asks once, for the days most likely to have rows.
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
        """Make the windows from ``start`` to the first day covered, unless a gap would remain."""
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
        at_least = "at least " if self.paginated else ""
        plural = "" if requests == 1 else "s"
        self.log("%s: %s, %s%d request%s", self.name, days, at_least, requests, plural)

    def _read_bookmark(self, start: datetime.date, yesterday: datetime.date) -> Window | None:
        """Read which days are covered, and warn of what the settings or the clock change in it."""
        if self.replication_method != REPLICATION_INCREMENTAL:
            self.covered = None
            return None
        tap = self._shared
        settings = Settings(start, yesterday, tap.zone, tap.earliest_day, self.definition)
        found = coverage(self.stream_state, settings)
        for warning in found.warnings:
            self.warn("%s", warning)
        self.covered = found.days
        if found.days and found.is_doubtful:
            first = dates.first_day(start, found.days, self.config["lookback_days"])
            before = first - dates.ONE_DAY
            self.covered = None if before < found.days.first else found.days._replace(last=before)
        if self.covered and found.warnings and self.ABORT_AT_RECORD_COUNT is None:
            # Also if this run reads no complete day, or the next one would be told the same.
            self.stream_state.update(written(self.covered, "date", self.definition))
        return found.days

    def warn(self, message: str, *arguments: object) -> None:
        """Log a warning of this stream."""
        self.log(f"%s: {message}", self.name, *arguments, level=logging.WARNING)

    # Fetch and rows

    def rows_by_slice(self) -> Iterable[list[Any]]:
        """Read the windows in order, several at a time; each ends with a bookmark."""
        plan = self.plan()
        with self.progress(sum(window.days for window in plan), "days") as progress:
            for window, rows in self.read_slices(plan):
                count = len(rows)
                yield rows
                self._finish_window(window)
                progress.advance(window.days, count)

    def send_request(self, page: Page, max_attempts: int | None = None) -> requests.Response:
        """Ask for a window, giving up sooner where it can still be cut in halves."""
        return super().send_request(
            page, max_attempts or (ATTEMPTS_BEFORE_SPLIT if page.slice.days > 1 else None)
        )

    def fetch_page(self, page: Page) -> PageResponse | None:
        """Fetch a page; ``None`` if its window asks for more than the API can answer at once."""
        try:
            return super().fetch_page(page)
        except RequestError as error:
            if page.slice.days == 1 or not should_split_window(error.__cause__):
                raise
            self.log(
                "%s: too much for the API at once, so asking for half as many days",
                self.request_label(page),
                level=logging.WARNING,
            )
            return None

    def further_pages(self, page: Page, response: PageResponse | None) -> Iterable[Page]:
        """Name the further pages of a window, or its halves if it was too much."""
        if response is None:
            return map(Page.first, page.slice.split())
        return super().further_pages(page, response)

    def post_process_rows(self, rows: list[Row], page: Page, envelope: Any) -> list[Row]:  # noqa: ANN401
        """Return the rows of the window's days, without any the API sent beyond them."""
        rows = super().post_process_rows(rows, page, envelope)
        days = dates.windows(page.slice.first, page.slice.last, 1)
        wanted = {str(day.first) for day in days}
        others = {row.date for row in rows} - wanted
        if not others:
            return rows
        for text in others:
            try:
                datetime.date.fromisoformat(text)
            except ValueError:
                message = f"expected a day as YYYY-MM-DD, got {text!r}"
                raise ResponseSchemaError(message) from None
        kept = [row for row in rows if row.date in wanted]
        self.log(
            "%s: left out %d rows of other days, which were not asked for (%s)",
            self.request_label(page),
            len(rows) - len(kept),
            ", ".join(sorted(others)[:3]),
            level=logging.WARNING,
        )
        return kept

    # Bookmark

    def _finish_window(self, window: Window) -> None:
        """Move the bookmark past a window whose rows have all been written, and say so."""
        if (
            self.ABORT_AT_RECORD_COUNT is not None
            or self.replication_method != REPLICATION_INCREMENTAL
        ):
            return
        yesterday = self._shared.today - dates.ONE_DAY
        self.covered = dates.extend(self.covered, window, yesterday)
        if self.covered is not None:
            self.stream_state.update(written(self.covered, "date", self.definition))
            self.state_manager.is_flushed = False
        if self.writes_messages:
            # In BATCH mode these rows are in a file the target has not been told of yet.
            self._write_state_message()

    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        """Leave the bookmark alone: it follows windows, not rows."""

    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Leave the state alone: the plan says where a run starts."""

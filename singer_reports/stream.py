"""A stream of dated rows: plan, fetch, rows and bookmark, with a window of days as the unit.

The bookmark is the last complete day of the last window that was read and written whole, not a
value of a row: a day without rows moves it on, a window that failed does not.
"""

from __future__ import annotations

import datetime
import logging
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from singer_reports import dates
from singer_reports.decode import UnexpectedAnswer
from singer_reports.errors import RequestFailed, is_overload
from singer_reports.pages import Answer, Page
from singer_reports.state import not_a_day
from singer_reports.table import TableStream

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.helpers.types import Context, Record

    from singer_reports.dates import Window
    from singer_reports.row_types import Row

#: A window that may still be cut in halves is given up sooner than a single day.
TRIES_BEFORE_SPLIT = 3


class DatedStream(TableStream):
    """Rows by day. Settings: ``start_date``, ``end_date``, ``lookback_days``, ``include_today``,
    ``max_concurrency``.
    """  # noqa: D205

    replication_key = "date"
    is_sorted = True
    #: The most days a request asks for.
    window_days: int = 1

    # Plan

    def plan(self) -> list[Window]:
        """Make the windows this run reads, from the settings, the bookmark and the clock.

        Raises:
            RequestFailed: If the state holds a bookmark that is not a day.
        """
        tap = self._shared
        end = tap.day_setting("end_date")
        last = dates.last_day(end, tap.today, include_today=self.config["include_today"])
        start = tap.day_setting("start_date")
        assert start is not None, "every tap's start_date is required or has a default"  # noqa: S101
        first = dates.first_day(
            start, self.bookmark, self.config["lookback_days"], tap.today - dates.ONE_DAY
        )
        planned = list(dates.windows(first, last, self.window_days))
        if not planned:
            self.log("%s: nothing to read, %s is after %s", self.name, first, last)
            return planned
        if self.ABORT_AT_RECORD_COUNT is not None:
            # A test of the connection asks once, for the days most likely to have rows.
            planned = planned[-1:]
        count = len(planned)
        self.log(
            "%s: %s, %s%d request%s",
            self.name,
            dates.Window(planned[0].first, last),
            "at least " if self.paged else "",
            count,
            "" if count == 1 else "s",
        )
        return planned

    @property
    def bookmark(self) -> datetime.date | None:
        """The last complete day an earlier run has read and written; none without one."""
        value = self.stream_state.get("replication_key_value")
        if value is None or self.replication_method != REPLICATION_INCREMENTAL:
            return None
        try:
            return dates.parse_day(value, self._shared.zone)
        except (TypeError, ValueError):
            raise RequestFailed(not_a_day(self.name, value)) from None

    # Fetch and rows

    def get_parts(self) -> Iterable[list[Any]]:
        """Read the windows in order, several at a time; each ends with a bookmark."""
        plan = self.plan()
        with self.progress(sum(window.days for window in plan), "days") as progress:
            for window, rows in self.read(plan):
                count = len(rows)
                yield rows
                self._finish(window)
                progress.advance(window.days, count)

    def ask(self, page: Page, tries: int | None = None) -> requests.Response:
        """Ask for a window, giving up sooner where it can still be cut in halves."""
        return super().ask(page, tries or (TRIES_BEFORE_SPLIT if page.part.days > 1 else None))

    def fetch(self, page: Page) -> Answer | None:
        """Fetch a page; none if its window asks for more than the API can answer at once."""
        try:
            return super().fetch(page)
        except RequestFailed as error:
            if page.part.days == 1 or not is_overload(error.__cause__):
                raise
            self.log(
                "%s: too much for the API at once, so asking for half as many days",
                self.where(page),
                level=logging.WARNING,
            )
            return None

    def further_pages(self, page: Page, answer: Answer | None) -> Iterable[Page]:
        """Name the further pages of a window, or its halves if it was too much."""
        if answer is None:
            return map(Page.first, page.part.halves())
        return super().further_pages(page, answer)

    def finish_rows(self, rows: list[Row], page: Page, envelope: Any) -> list[Row]:  # noqa: ANN401
        """Return the rows of the window's days, without any the API sent beyond them."""
        rows = super().finish_rows(rows, page, envelope)
        days = dates.windows(page.part.first, page.part.last, 1)
        wanted = {str(day.first) for day in days}
        others = {row.date for row in rows} - wanted
        if not others:
            return rows
        for text in others:
            try:
                datetime.date.fromisoformat(text)
            except ValueError:
                message = f"expected a day as YYYY-MM-DD, got {text!r}"
                raise UnexpectedAnswer(message) from None
        kept = [row for row in rows if row.date in wanted]
        self.log(
            "%s: left out %d rows of other days, which were not asked for (%s)",
            self.where(page),
            len(rows) - len(kept),
            ", ".join(sorted(others)[:3]),
            level=logging.WARNING,
        )
        return kept

    # Bookmark

    def _finish(self, window: Window) -> None:
        """Move the bookmark past a window whose rows have all been written, and say so."""
        if (
            self.ABORT_AT_RECORD_COUNT is not None
            or self.replication_method != REPLICATION_INCREMENTAL
        ):
            return
        yesterday = self._shared.today - dates.ONE_DAY
        bookmark = dates.bookmark_after(self.bookmark, window, yesterday)
        if bookmark is not None:
            self.stream_state.update(
                replication_key=self.replication_key, replication_key_value=str(bookmark)
            )
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

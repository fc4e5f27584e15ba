"""A stream that reads slices: fetches their pages in order, checks and sorts their rows."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any, ClassVar

from singer_reports.http.fetch import Fetched, Fetcher
from singer_reports.reading_times import ReadingClock
from singer_reports.records.checks import InconsistentResponseError, TooFewRowsError
from singer_reports.records.page import Page, PageResponse, check_and_sort
from singer_reports.streams.page_stream import PageStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_reports.records.totals import PageTotals
    from singer_reports.run import Run


class SlicedStream(PageStream):
    """Reads slices of a stream; a slice is what is requested, checked and sorted as a whole."""

    #: Seconds to wait before an inconsistent slice is read again: the API's cache lifetime.
    retry_inconsistent_after: ClassVar[float] = 0

    def __init__(self, run: Run, **options: Any) -> None:  # noqa: ANN401
        """Make a stream of a run."""
        super().__init__(run, **options)
        self.clock = ReadingClock(run.time)
        #: The control totals of the pages of the slice that was read last.
        self.slice_totals: list[PageTotals] = []

    def read_slices(self, slices: Iterable[Any]) -> Iterator[tuple[Any, list[Any]]]:
        """Read slices with concurrent requests, and yield them in order, checked.

        Args:
            slices: What ``slices`` returns.

        Yields:
            Each slice, or its halves, with its rows: complete, each key once, sorted by key.

        Raises:
            RequestError: If a request fails, a response does not match the schema, or the rows are
                inconsistent at the second reading, too.
        """
        pages, concurrency = map(self.first_page, slices), self.config["max_concurrency"]
        with self._reading(), Fetcher(pages, self._fetch, concurrency) as fetcher:
            responses: list[PageResponse] = []
            missing = 1
            for page, response in fetcher:
                if response is None:
                    continue  # Its halves follow.
                responses.append(response)
                missing += len(response.next_pages) - 1
                if missing:
                    continue
                try:
                    rows = check_and_sort(responses, self.primary_keys, self.source_keys)
                except InconsistentResponseError as error:
                    fetcher.read_next(self._second_reading(page, error))
                else:
                    self.time_extracted = page.time_extracted
                    self.slice_totals = [each.totals for each in responses if each.totals]
                    if self.is_connection_test:
                        # No more than it wants, or the SDK would abort the stream.
                        del rows[self.ABORT_AT_RECORD_COUNT :]
                    # Not a copy, so that they can be freed before the next slice is complete.
                    yield page.slice, rows
                responses, missing = [], 1
                fetcher.release()

    def _fetch(self, page: Page) -> Fetched[Page, PageResponse | None]:
        """Fetch a page, or name the halves of a slice that is too large."""
        response = self.fetch_page(page)
        if response is None:
            parts = self.split(page.slice)
            if self.is_connection_test:
                # Enough to show that the stream can be read.
                parts = parts[-1:]
            return Fetched(None, parts=list(map(self.first_page, parts)))
        return Fetched(response, response.next_pages, size=response.size)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Hold what lasts as long as the stream is read."""
        self._ended.clear()
        self.begin_reading()
        try:
            yield
        finally:
            self._ended.set()
            self._warn_of_unknown_fields()

    def _second_reading(self, page: Page, error: InconsistentResponseError) -> Iterable[Page]:
        """Return the pages that an inconsistent slice is read again with.

        Returns:
            The first pages of its halves if rows are missing, else its own first page.

        Raises:
            RequestError: If it has been read again already.
        """
        label = self.request_label(page.slice)
        halves = self.split(page.slice) if isinstance(error, TooFewRowsError) else ()
        if halves:
            self.log("%s: %s; reading it in halves", label, error, level=logging.WARNING)
            return map(self.first_page, halves)
        if page.is_second_reading:
            raise self.fatal_error(
                page.slice,
                f"{error}, at the second reading too. None of these rows was written; run again "
                f"later, and if it stays so report it to {self.api_name}.",
            ) from error
        self.log("%s: %s; reading it once more", label, error, level=logging.WARNING)
        time.sleep(self.retry_inconsistent_after)
        return [self.first_page(page.slice, is_second_reading=True)]

    def first_page(self, stream_slice: Any, *, is_second_reading: bool = False) -> Page:  # noqa: ANN401
        """Return the first page of a slice, with the time at which its reading begins."""
        return Page.first(stream_slice, self.clock, is_second_reading=is_second_reading)

"""A page: its request, its response, and how the pages of a slice are checked and merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from singer_reports.records.checks import (
    InconsistentResponseError,
    ReplacedValue,
    check_total,
    check_unique,
    sorted_by_key,
)
from singer_reports.records.decoder import ResponseSchemaError

if TYPE_CHECKING:
    import datetime
    from collections.abc import Sequence

    from singer_reports.reading_times import ReadingClock
    from singer_reports.records.envelope import Envelope
    from singer_reports.records.row_types import Row
    from singer_reports.records.totals import PageTotals

#: The maximum number of pages per slice; a larger one is an error, and would fill the memory.
MAX_PAGES = 100_000


class Page(NamedTuple):
    """The request for one page of a slice."""

    slice: Any
    #: When the first page of the slice was requested; the same for all its records.
    time_extracted: datetime.datetime
    number: int = 1
    #: Whether the slice is read again, because its rows were inconsistent.
    is_second_reading: bool = False

    @classmethod
    def first(
        cls,
        stream_slice: Any,  # noqa: ANN401
        clock: ReadingClock,
        *,
        is_second_reading: bool = False,
    ) -> Page:
        """Return the first page of a slice, to be requested now."""
        return cls(stream_slice, clock.next(), is_second_reading=is_second_reading)

    def __str__(self) -> str:
        """Return the slice, unless it is the whole stream, and the page, unless it is the first."""
        page = f"page {self.number}" if self.number > 1 else ""
        return f"{self.slice or ''} {page}".strip()


class PageResponse:
    """The rows of a page, and what the API announced about them."""

    def __init__(self, envelope: Envelope[Row]) -> None:
        """Copy what the API announced; rows and keys are set later.

        Raises:
            ResponseSchemaError: If it announces more than ``MAX_PAGES`` pages.
        """
        #: The number of rows in the response.
        self.count = len(envelope.rows)
        self.total_count = envelope.total_count
        self.page_count = envelope.page_count
        self.has_more = envelope.has_more
        #: The bytes that rows and keys take in memory.
        self.size = 0
        #: The stream's rows, each as a dictionary or, if they are written in bulk, as JSON.
        self.rows: list[Any] = []
        #: The primary key of each row.
        self.keys: list[Any] = []
        #: The nulls in place of which the keys have a sentinel.
        self.replaced: list[ReplacedValue] = []
        #: The key of each row of the response, if the stream makes several rows of one.
        self.source_keys: list[Any] = []
        #: The pages of the slice that this response shows to be needed.
        self.next_pages: Sequence[Page] = ()
        #: Whether these pages are not requested, as in a connection test.
        self.is_partial = False
        #: The control totals of the rows, if there are any.
        self.totals: PageTotals | None = None
        #: Why the response cannot be what was requested, if it cannot.
        self.inconsistency: InconsistentResponseError | None = None
        if self.page_count > MAX_PAGES:
            message = f"it announces {self.page_count:,} pages"
            raise ResponseSchemaError(message)


def size_in_memory(rows: list[Any], content_bytes: int) -> int:
    """Return about how many bytes the rows of a response take, with their keys (measured).

    Args:
        rows: The rows, as dictionaries or JSON.
        content_bytes: The size of the response.
    """
    is_json = bool(rows) and isinstance(rows[0], bytes)
    return content_bytes + 300 * len(rows) if is_json else 3 * content_bytes + 500 * len(rows)


def check_and_sort(
    responses: list[PageResponse], names: Sequence[str], source_names: Sequence[str] = ()
) -> list[Any]:
    """Check, merge and sort the rows of a slice.

    Args:
        responses: All its pages, or those of a connection test; their rows are removed.
        names: The fields of the primary key.
        source_names: The key fields of the response's own rows, if they are different.

    Raises:
        InconsistentResponseError: If the rows are incomplete, or a key occurs twice.
    """
    for response in responses:
        if response.inconsistency:
            raise response.inconsistency
    if not any(response.is_partial for response in responses):
        count = sum(response.count for response in responses)
        check_total(
            count, [response.total_count for response in responses], has_more=responses[-1].has_more
        )
    rows: list[Any] = []
    keys: list[Any] = []
    source_keys: list[Any] = []
    replaced: list[ReplacedValue] = []
    for response in responses:
        rows += response.rows
        keys += response.keys
        source_keys += response.source_keys
        replaced += response.replaced
        response.rows.clear()
    check_unique(source_keys, source_names)
    check_unique(keys, names, replaced)
    return sorted_by_key(rows, keys)

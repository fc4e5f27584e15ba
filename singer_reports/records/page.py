"""What one request asks for and what comes of it, and how answers make a whole."""

from __future__ import annotations

import datetime
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
    from collections.abc import Sequence

    from singer_reports.records.envelope import Envelope
    from singer_reports.records.row_types import Row

#: More pages than any slice can have; a larger number is a mistake, and would fill the memory.
MAX_PAGES = 100_000


class Page(NamedTuple):
    """One request: a page of what is read as a whole."""

    slice: Any
    #: When reading the slice began; the same for all its records.
    time_extracted: datetime.datetime
    number: int = 1

    @classmethod
    def first(cls, stream_slice: Any) -> Page:  # noqa: ANN401
        """Make the first request of a slice, which is about to be sent."""
        return cls(stream_slice, datetime.datetime.now(datetime.UTC))

    def __str__(self) -> str:
        """Name the slice, if it is not everything, and the page, if it is not the first."""
        page = f"page {self.number}" if self.number > 1 else ""
        return f"{self.slice or ''} {page}".strip()


class PageResponse:
    """What came of a request, with what the API said of it."""

    def __init__(self, envelope: Envelope[Row]) -> None:
        """Note what the API said; the rows and their keys are made of those that came.

        Raises:
            ResponseSchemaError: If it announces more pages than there can be.
        """
        #: How many rows came.
        self.count = len(envelope.rows)
        self.total_count = envelope.total_count
        self.page_count = envelope.page_count
        self.has_more = envelope.has_more
        #: The stream's rows, each as a dictionary or, where they are written in bulk, as its JSON.
        self.rows: list[Any] = []
        #: The primary key of each.
        self.keys: list[Any] = []
        #: What the API's sentinels replace in the keys.
        self.replaced: list[ReplacedValue] = []
        #: The key of each of the API's own rows, where the stream's rows are made of parts of them.
        self.source_keys: list[Any] = []
        #: The pages of the slice that it shows to be needed.
        self.next_pages: Sequence[Page] = ()
        #: Whether these are left out, as in a connection test.
        self.is_partial = False
        #: Why the response cannot be what was requested, if it cannot.
        self.inconsistency = ""
        if self.page_count > MAX_PAGES:
            message = f"it announces {self.page_count:,} pages"
            raise ResponseSchemaError(message)


def check_and_sort(
    responses: list[PageResponse], names: Sequence[str], source_names: Sequence[str] = ()
) -> list[Any]:
    """Check and sort the rows of a slice.

    Args:
        responses: All its pages, or those a test of the connection wants; they give up their rows.
        names: The fields of the primary key.
        source_names: The fields of the key of the API's own rows, if that is another.

    Raises:
        InconsistentResponseError: If the rows are not those the API announced.
    """
    for response in responses:
        if response.inconsistency:
            raise InconsistentResponseError(response.inconsistency)
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

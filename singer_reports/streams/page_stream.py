"""A stream that fetches pages: requests them, and makes rows of the responses."""

from __future__ import annotations

import logging
import threading
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.helpers.conform import TypeConformanceLevel

from singer_reports.http.errors import RequestError, ResponseTooLargeError, should_split
from singer_reports.records.checks import (
    InconsistentResponseError,
    TooFewRowsError,
    keys_of,
    keys_without_null,
)
from singer_reports.records.decoder import Decoder, ResponseSchemaError
from singer_reports.records.page import Page, PageResponse, size_in_memory
from singer_reports.records.row_types import Row, Schema, as_dictionaries
from singer_reports.streams.http_stream import HttpStream
from singer_reports.streams.paginators import Paginator, SinglePagePaginator
from singer_reports.streams.slice_size import SliceSize

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from singer_reports.records.totals import PageTotals

_MAX_EXAMPLES = 3


class PageStream(HttpStream):
    """Fetches the pages of slices."""

    #: The ``Envelope`` of the responses, generic over the type of the rows.
    envelope: Any
    #: Returns the pages of a slice.
    paginator: Paginator = SinglePagePaginator()
    #: Fields of the response's rows that are left out, and not reported as unknown.
    ignored_fields: ClassVar[frozenset[str]] = frozenset()
    #: Fields that are not in the response: ``post_process_rows`` sets them.
    computed_fields: Sequence[str] = ()
    #: Key fields that may be null in a response, and the value that replaces null.
    null_key_values: Mapping[str, Any] = {}
    #: The key of the response's own rows, if ``post_process_rows`` makes several rows of one.
    source_keys: ClassVar[Sequence[str]] = ()
    #: The unit in which slices are measured, in the plural.
    slice_unit: ClassVar[str] = "rows"

    # The decoder checks the types.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    @property
    def response_schema(self) -> Schema:
        """The JSON Schema of the rows of a response; the stream's own unless overridden."""
        return self.schema

    def split(self, stream_slice: Any) -> Sequence[Any]:  # noqa: ANN401, ARG002
        """Return the halves of a slice, which are read if the API cannot serve it in one response.

        Returns:
            Two slices; empty if it cannot be split.
        """
        return ()

    def slice_size(self, stream_slice: Any) -> int:  # noqa: ANN401, ARG002
        """Return the size of a slice in ``slice_unit``."""
        return 1

    def begin_reading(self) -> None:
        """Make what reading needs; not in ``__init__``, as a stream may not be read at all."""
        self._size = SliceSize()
        self._decoding = threading.Lock()
        self.decoder = Decoder(
            self.envelope,
            self.response_schema,
            nullable=frozenset(self.null_key_values),
            computed_fields=self.computed_fields,
            ignored_fields=self.ignored_fields,
        )

    def fetch_page(self, page: Page) -> PageResponse | None:
        """Fetch a page and decode its rows; called in a thread.

        Returns:
            The response; ``None`` if the slice is too large, and its halves are to be fetched.

        Raises:
            RequestError: If there is no response, or it does not match the schema.
        """
        # Halves would repeat the pages before a later one.
        can_split = page.number == 1 and bool(self.split(page.slice))
        if can_split and self.slice_size(page.slice) > self._size.most:
            return None
        try:
            content = self.send_request(page, can_split=can_split).content
        except RequestError as error:
            if can_split and should_split(error.__cause__):
                self._prepare_split(page, error.__cause__)
                return None
            raise
        self._size.fit(self.slice_size(page.slice), len(content))
        # One at a time: no more than that runs at once anyway, and the rows of each take memory.
        with self._decoding:
            return self._decoded(page, content)

    def _decoded(self, page: Page, content: bytes) -> PageResponse:
        """Decode a response to rows; in the worker thread, while they are in the CPU's cache."""
        try:
            envelope = self.decoder.decode(content)
            response = PageResponse(envelope)
            if self.source_keys:
                response.source_keys = keys_of(envelope.rows, self.source_keys)
            rows = self.post_process_rows(envelope.rows, page, envelope)
            rows = self._requested_rows(rows, page, response)
            response.totals = self.page_totals(rows, envelope)
        except ResponseSchemaError as error:
            raise self._schema_error(page, error) from error
        response.keys, response.replaced = keys_without_null(
            rows, self.primary_keys, self.null_key_values
        )
        response.rows = self.encode_rows(rows)
        response.size = size_in_memory(response.rows, len(content))
        response.next_pages = self.paginator.next_pages(page, response)
        if self.is_connection_test and response.next_pages:
            response.next_pages, response.is_partial = (), True
        return response

    def _prepare_split(self, page: Page, cause: BaseException | None) -> None:
        """Log why a slice is split, and make the next ones smaller if its response was large."""
        if isinstance(cause, ResponseTooLargeError):
            self._size.reduce(self.slice_size(page.slice))
            why, level = "a large answer, so asking for fewer", logging.INFO
        else:
            why, level = "too much for the API at once, so asking for half as many", logging.WARNING
        self.log("%s: %s %s", self.request_label(page), why, self.slice_unit, level=level)

    def post_process_rows(self, rows: list[Row], page: Page, envelope: Any) -> list[Row]:  # noqa: ANN401, ARG002
        """Convert the rows of a response to the stream's rows; called in several threads.

        Args:
            rows: All rows of the page; they may be changed in place.
            page: What was requested.
            envelope: The response.

        Raises:
            ResponseSchemaError: If a value does not match the schema.
        """
        return rows

    def page_totals(self, rows: list[Row], envelope: Any) -> PageTotals | None:  # noqa: ANN401, ARG002
        """Return the control totals of a page's rows; a subclass may have some."""
        return None

    def requested_values(self, stream_slice: Any) -> Mapping[str, Collection[Any]]:  # noqa: ANN401, ARG002
        """Return the values that fields of a slice's rows may have, where they were requested."""
        return {}

    def _requested_rows(self, rows: list[Row], page: Page, response: PageResponse) -> list[Row]:
        """Leave out rows that were not requested; refuse the response if others are missing."""
        kept, examples = rows, []
        missing: set[Any] = set()
        for name, wanted in self.requested_values(page.slice).items():
            value_of = attrgetter(name)
            if others := set(map(value_of, kept)).difference(wanted):
                # As texts, because null cannot be compared with other values.
                texts = sorted(map(str, others))
                examples += [f"{name} {text}" for text in texts[:_MAX_EXAMPLES]]
                kept = [row for row in kept if value_of(row) not in others]
                if name == self.replication_key:
                    missing = set(wanted).difference(map(value_of, kept))
        if len(kept) == len(rows):
            return rows
        listed = ", ".join(examples)
        if not kept:
            message = f"the API sent {len(rows):,} rows, and none that was requested ({listed})"
            response.inconsistency = InconsistentResponseError(message)
            return rows
        if missing and self.split(page.slice):
            # It may be the response to another request, whose days are some of these.
            without = ", ".join(sorted(missing)[:_MAX_EXAMPLES])
            message = f"the API sent rows that were not requested ({listed}), and none of {without}"
            response.inconsistency = TooFewRowsError(message)
            return rows
        self.log(
            "%s: left out %d of %d rows, which were not requested (%s)",
            self.request_label(page),
            len(rows) - len(kept),
            len(rows),
            listed,
            level=logging.WARNING,
        )
        return kept

    def encode_rows(self, rows: list[Row]) -> list[Any]:
        """Return rows as records: dictionaries, unless a subclass returns JSON."""
        return as_dictionaries(rows, self.schema)

    # Errors

    def _schema_error(self, page: Page, error: ResponseSchemaError) -> RequestError:
        return self.fatal_error(
            page,
            f"{self.api_name}'s answer is not what its documentation says: {error}. None of these "
            "rows was written; please report it to the makers of this tap.",
        )

    def _warn_of_unknown_fields(self) -> None:
        """Log once which fields were left out because the schema does not have them."""
        if unknown := self.decoder.unknown_fields:
            names = ", ".join(
                f"{name} ({count:,} times)" for name, count in sorted(unknown.items())
            )
            self.log(
                "%s: left out fields that this version does not know: %s. A newer one may.",
                self.name,
                names,
                level=logging.WARNING,
            )
            unknown.clear()

"""Reads a stream slice by slice: requests, decodes, checks and sorts the rows of each."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.helpers.conform import TypeConformanceLevel

from singer_reports.http.errors import RequestError, should_split
from singer_reports.http.fetch import fetch_in_order
from singer_reports.records.checks import (
    InconsistentResponseError,
    TooFewRowsError,
    keys_of,
    keys_without_null,
)
from singer_reports.records.decoder import Decoder, ResponseSchemaError
from singer_reports.records.page import Page, PageResponse, check_and_sort
from singer_reports.records.row_types import Row, Schema, as_dictionary
from singer_reports.streams.http_stream import HttpStream
from singer_reports.streams.paginators import Paginator, SinglePagePaginator

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from singer_reports.run import Run

_MAX_EXAMPLES = 3


class SlicedStream(HttpStream):
    """Reads slices of a stream; a slice is what is requested, checked and sorted as a whole."""

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
    #: Seconds to wait before an inconsistent slice is read again: the API's cache lifetime.
    retry_inconsistent_after: ClassVar[float] = 0
    #: The unit in which slices are measured, in the plural.
    slice_unit: ClassVar[str] = "rows"

    # The decoder checks the types.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(self, run: Run, **options: Any) -> None:  # noqa: ANN401
        """Make a stream of a run."""
        super().__init__(run, **options)
        self._is_reading = False
        #: Bounds the requests under way, also while a slice is read again beside the next ones.
        self._slots = threading.BoundedSemaphore(self.config["max_concurrency"])

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

    def read_slices(
        self, slices: Iterable[Any], *, is_second_reading: bool = False
    ) -> Iterator[tuple[Any, list[Any]]]:
        """Read slices with concurrent requests, and yield them in order, checked.

        Args:
            slices: What ``slices`` returns.
            is_second_reading: Whether a slice whose rows were inconsistent is read again.

        Yields:
            Each slice, or its halves, with its rows: complete, each key once, sorted by key.

        Raises:
            RequestError: If a request fails, a response does not match the schema, or the rows are
                inconsistent at the second reading, too.
        """
        with self._reading():
            responses: list[PageResponse] = []
            missing = 1
            for page, response in fetch_in_order(
                map(Page.first, slices),
                self.fetch_page,
                self.next_pages,
                self.config["max_concurrency"],
            ):
                if response is None:
                    continue  # Its halves follow.
                responses.append(response)
                missing += len(response.next_pages) - 1
                if missing:
                    continue
                try:
                    rows = check_and_sort(responses, self.primary_keys, self.source_keys)
                except InconsistentResponseError as error:
                    yield from self._read_again(page, error, is_second_reading=is_second_reading)
                else:
                    self.time_extracted = page.time_extracted
                    # No more than a connection test wants, or the SDK would abort the stream.
                    yield page.slice, rows[: self.ABORT_AT_RECORD_COUNT]
                responses, missing = [], 1

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Hold what lasts as long as the stream is read; a slice read again is part of that."""
        if self._is_reading:
            yield
            return
        self._is_reading = True
        self._ended.clear()
        # Not in __init__: a run may create a stream and not read it.
        self.decoder = Decoder(
            self.envelope,
            self.response_schema,
            nullable=frozenset(self.null_key_values),
            computed_fields=self.computed_fields,
            ignored_fields=self.ignored_fields,
        )
        try:
            yield
        finally:
            self._is_reading = False
            self._ended.set()
            self._warn_of_unknown_fields()

    def _read_again(
        self, page: Page, error: InconsistentResponseError, *, is_second_reading: bool
    ) -> Iterator[tuple[Any, list[Any]]]:
        """Read an inconsistent slice again: in halves if rows are missing, else as a whole."""
        label = self.request_label(page.slice)
        halves = self.split(page.slice) if isinstance(error, TooFewRowsError) else ()
        if halves:
            self.log("%s: %s; reading it in halves", label, error, level=logging.WARNING)
            return self.read_slices(halves)
        if is_second_reading:
            raise self.fatal_error(
                page.slice,
                f"{error}, at the second reading too. None of these rows was written; run again "
                f"later, and if it stays so report it to {self.api_name}.",
            ) from error
        self.log("%s: %s; reading it once more", label, error, level=logging.WARNING)
        time.sleep(self.retry_inconsistent_after)
        return self.read_slices([page.slice], is_second_reading=True)

    def fetch_page(self, page: Page) -> PageResponse | None:
        """Fetch a page and decode its rows; called in a thread.

        Returns:
            The response; ``None`` if the API cannot serve the slice, which is then split.

        Raises:
            RequestError: If there is no response, or it does not match the schema.
        """
        halves = self.split(page.slice)
        try:
            with self._slots:
                content = self.send_request(page, can_split=bool(halves)).content
        except RequestError as error:
            if halves and should_split(error.__cause__):
                self.log(
                    "%s: too much for the API at once, so asking for half as many %s",
                    self.request_label(page),
                    self.slice_unit,
                    level=logging.WARNING,
                )
                return None
            raise
        # Runs in the worker thread, while the rows are in the CPU's cache.
        try:
            envelope = self.decoder.decode(content)
            response = PageResponse(envelope)
            if self.source_keys:
                response.source_keys = keys_of(envelope.rows, self.source_keys)
            rows = self.post_process_rows(envelope.rows, page, envelope)
            rows = self._requested_rows(rows, page, response)
        except ResponseSchemaError as error:
            raise self._schema_error(page, error) from error
        response.keys = keys_without_null(rows, self.primary_keys, self.null_key_values)
        response.rows = self.encode_rows(rows)
        response.next_pages = self.paginator.next_pages(page, response)
        if self.is_connection_test and response.next_pages:
            response.next_pages, response.is_partial = (), True
        return response

    def next_pages(self, page: Page, response: PageResponse | None) -> Iterable[Page]:
        """Return the pages that follow a page: of its slice, or of the slice's halves."""
        if response is None:
            return map(Page.first, self.split(page.slice))
        return response.next_pages

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

    def requested_values(self, stream_slice: Any) -> Mapping[str, Collection[Any]]:  # noqa: ANN401, ARG002
        """Return the values that fields of a slice's rows may have, where they were requested."""
        return {}

    def _requested_rows(self, rows: list[Row], page: Page, response: PageResponse) -> list[Row]:
        """Leave out rows that were not requested; refuse the response if there is no other."""
        kept, examples = rows, []
        for name, wanted in self.requested_values(page.slice).items():
            value_of = attrgetter(name)
            if others := set(map(value_of, kept)).difference(wanted):
                examples += [f"{name} {value}" for value in sorted(others)[:_MAX_EXAMPLES]]
                kept = [row for row in kept if value_of(row) not in others]
        if len(kept) == len(rows):
            return rows
        listed = ", ".join(examples)
        if not kept:
            response.inconsistency = (
                f"the API sent {len(rows):,} rows, and none that was requested ({listed})"
            )
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
        return list(map(as_dictionary, rows))

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

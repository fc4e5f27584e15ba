"""A stream that is read whole: its rows decoded by its schema, checked and sorted by key."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.helpers.conform import TypeConformanceLevel

from singer_reports.http.fetch import fetch_in_order
from singer_reports.output.bulk import BulkWriter, bulk_writer
from singer_reports.records.checks import InconsistentResponseError, keys_of, keys_without_null
from singer_reports.records.decoder import Decoder, ResponseSchemaError
from singer_reports.records.page import Page, PageResponse, check_and_sort
from singer_reports.records.row_types import Row, Schema, as_dictionary
from singer_reports.streams.http_stream import HttpStream
from singer_reports.streams.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from singer_sdk.helpers.types import Context
    from singer_sdk.metrics import Counter
    from singer_sdk.singerlib import RecordMessage

    from singer_reports.http.errors import RequestError
    from singer_reports.tap import ReportTap


class FullTableStream(HttpStream):
    """A stream read whole; ``DateRangeStream`` reads it by windows of days instead."""

    #: The ``Envelope`` of the responses, generic over the type of the rows.
    envelope: Any
    #: Fields of the rows that are not data, and are left out without a word.
    ignored_fields: ClassVar[frozenset[str]] = frozenset()
    #: Fields that the rows get here, and that do not come with them.
    computed_fields: Sequence[str] = ()
    #: What stands for none in a key field, by field; the API may leave these null.
    null_key_values: Mapping[str, Any] = {}
    #: What tells the API's own rows apart, where the stream's rows are made of parts of them.
    source_keys: ClassVar[Sequence[str]] = ()
    #: Whether the API may need several requests for a slice.
    paginated: ClassVar[bool] = False
    #: Waited before rows that did not add up are read once more: the time a response is cached.
    retry_inconsistent_after: ClassVar[float] = 0

    # The decoder has seen to the types.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(self, tap: ReportTap, **options: Any) -> None:  # noqa: ANN401
        """Begin with nothing read."""
        super().__init__(tap, **options)
        #: When the slice at hand was read.
        self.time_extracted = tap.now
        self._bulk: BulkWriter | None = None
        self.writes_messages = False

    @property
    def response_schema(self) -> Schema:
        """The JSON Schema of the rows as the API sends them: the stream's own, as a rule."""
        return self.schema

    def rows_by_slice(self) -> Iterable[list[Any]]:
        """Read the whole stream; a subclass reads it slice by slice.

        Yields:
            The rows of each slice, which the caller empties when they have been written.
        """
        self.log("%s: the whole list", self.name)
        for _, rows in self.read_slices([None]):
            yield rows

    def progress(self, total: int, unit: str) -> Progress:
        """Tell how far the stream is, unless LOGLEVEL is set to keep quiet.

        Args:
            total: How much there is to do.
            unit: What is counted, in the plural.
        """
        wanted = self.logger.isEnabledFor(logging.INFO)
        return Progress(self.name, total, unit, self.log if wanted else None)

    def get_records(self, context: Context | None) -> Iterable[Row]:  # noqa: ARG002
        """Hand the rows to the SDK, or write them where nothing is left for it to do."""
        for rows in self.rows_by_slice():
            if self._bulk is None:
                yield from rows
            else:
                self._bulk.write(rows, self.time_extracted)
                self._shared.records_since_state = True
                self._record_counter.increment(len(rows))
            # Or they would stay until the next slice has been read as a whole.
            rows.clear()

    def get_record_counter(self, **options: Any) -> Counter:  # noqa: ANN401
        """Make the SDK's counter, and keep it for rows that the SDK does not see."""
        self._record_counter = super().get_record_counter(**options)
        return self._record_counter

    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[Row, Any, Any]:
        self.writes_messages = write_messages
        self._bulk = bulk_writer(self) if write_messages else None
        return super()._sync_records(context, write_messages=write_messages)

    def read_slices(self, slices: Iterable[Any]) -> Iterator[tuple[Any, list[Any]]]:
        """Read slices of the stream, several requests at a time, and hand them out in order.

        Args:
            slices: What is read and checked as a whole: windows of days, or ``None`` for all.

        Yields:
            Each slice, or the smaller ones it had to be cut into, with its rows: complete, each key
            once, sorted by key.

        Raises:
            RequestError: If a request fails, a response is not what the schema says, or the rows
                do not add up at the second reading either.
        """
        self._ended.clear()
        # Not earlier: most streams of a tap may not be read at all.
        self.decoder = Decoder(
            self.envelope,
            self.response_schema,
            nullable=frozenset(self.null_key_values),
            computed_fields=self.computed_fields,
            ignored_fields=self.ignored_fields,
        )
        try:
            for stream_slice, responses in self._fetch_pages(slices):
                # No more than a test of the connection wants, so that the SDK need not cut it off.
                rows = self._check_or_reread(stream_slice, responses)
                yield stream_slice, rows[: self.ABORT_AT_RECORD_COUNT]
        finally:
            self._ended.set()
            self.warn_of_unknown_fields()

    def _fetch_pages(self, slices: Iterable[Any]) -> Iterator[tuple[Any, list[PageResponse]]]:
        """Fetch all pages of each slice."""
        responses: list[PageResponse] = []
        concurrency = self.config["max_concurrency"]
        for page, response in fetch_in_order(
            map(Page.first, slices), self.fetch_page, self.further_pages, concurrency
        ):
            if response is not None:
                responses.append(response)
                if len(responses) == self.pages_to_read(responses[0]):
                    self.time_extracted = page.time_extracted
                    yield page.slice, responses
                    responses = []

    def fetch_page(self, page: Page) -> PageResponse | None:
        """Fetch a page and make its rows; ``None`` if its slice must be cut into smaller ones.

        All that concerns a single row is done here, while the processor has it at hand.
        """
        try:
            envelope = self.decoder.decode(self.send_request(page).content)
            response = PageResponse(envelope)
            if self.source_keys:
                response.source_keys = keys_of(envelope.rows, self.source_keys)
            rows = self.post_process_rows(envelope.rows, page, envelope)
        except ResponseSchemaError as error:
            raise self.schema_error(page, error) from error
        response.keys = keys_without_null(rows, self.primary_keys, self.null_key_values)
        response.rows = self._bulk.encode(rows) if self._bulk else list(map(as_dictionary, rows))
        return response

    def pages_to_read(self, first: PageResponse) -> int:
        """Say how many pages of a slice to read, from its first one; one in a connection test."""
        return first.page_count if self.ABORT_AT_RECORD_COUNT is None else 1

    def further_pages(self, page: Page, response: PageResponse | None) -> Iterable[Page]:
        """Name the pages that a slice's first page shows to be there."""
        if response is None or page.number > 1:
            return ()
        return [page._replace(number=each) for each in range(2, self.pages_to_read(response) + 1)]

    def _check_or_reread(self, stream_slice: Any, responses: list[PageResponse]) -> list[Any]:  # noqa: ANN401
        """Check a slice and sort it; read it once more if it does not add up."""
        try:
            return check_and_sort(responses, self.primary_keys, self.source_keys)
        except InconsistentResponseError as error:
            label = self.request_label(stream_slice)
            self.log("%s: %s; reading it once more", label, error, level=logging.WARNING)
            time.sleep(self.retry_inconsistent_after)
        try:
            again = self._fetch_pages([stream_slice])
            keys = self.primary_keys, self.source_keys
            return [row for _, responses in again for row in check_and_sort(responses, *keys)]
        except InconsistentResponseError as error:
            raise self.fatal_error(
                stream_slice,
                f"{error}, at the second reading too. None of these rows was written; run again "
                f"later, and if it stays so report it to {self.api_name}.",
            ) from error

    def post_process_rows(self, rows: list[Row], page: Page, envelope: Any) -> list[Row]:  # noqa: ANN401, ARG002
        """Make the stream's rows of those that came; several pages may be at it at a time.

        Args:
            rows: All rows of the page; they may be changed in place.
            page: What was read.
            envelope: What came with them.

        Raises:
            ResponseSchemaError: If a value cannot be what it must be.
        """
        return rows

    def schema_error(self, page: Any, error: ResponseSchemaError) -> RequestError:  # noqa: ANN401
        """Make the error for a response that is JSON but not what the schema says."""
        return self.fatal_error(
            page,
            f"{self.api_name}'s answer is not what its documentation says: {error}. None of these "
            "rows was written; please report it to the makers of this tap.",
        )

    def _write_state_message(self) -> None:
        """Write the state behind the rows it speaks of, also when it has not changed.

        The SDK leaves out a state equal to the last one, and some targets forget theirs with every
        record that comes behind it.
        """
        if self._shared.records_since_state:
            self._shared.state_writer._last_emitted_state = None  # noqa: SLF001
            self._shared.records_since_state = False
        super()._write_state_message()

    def _generate_record_messages(self, record: Row) -> Generator[RecordMessage, None, None]:
        """Date every record by the reading of its slice, so that the newest reading can be told."""
        for message in super()._generate_record_messages(record):
            message.time_extracted = self.time_extracted
            self._shared.records_since_state = True
            yield message

    def warn_of_unknown_fields(self) -> None:
        """Say once which fields were left out because the schema does not know them."""
        if unknown := self.decoder.unknown_fields:
            text = ", ".join(f"{name} ({count:,} times)" for name, count in sorted(unknown.items()))
            self.log(
                "%s: left out fields that this version does not know: %s. A newer one may.",
                self.name,
                text,
                level=logging.WARNING,
            )
            unknown.clear()

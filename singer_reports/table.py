"""A stream that is read whole: its rows decoded by its schema, checked and sorted by key."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.helpers.conform import TypeConformanceLevel

from singer_reports.decode import Decoder, Row, Schema, UnexpectedAnswer
from singer_reports.http import HttpStream
from singer_reports.rows import IncompleteAnswer, check_count, fill_null_keys, sorted_by_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk.helpers.types import Context

    from singer_reports.tap import ReportTap


class TableStream(HttpStream):
    """A stream read whole in one request; ``DatedStream`` builds windows of days on it."""

    #: A generic ``msgspec.Struct`` over the type of its rows, with ``rows`` and ``announced``.
    envelope: ClassVar[Any]
    #: What stands for none in a key field, by field; the API may leave these null.
    null_keys: Mapping[str, Any] = {}
    #: Waited before rows that did not add up are read once more: the time an answer is cached.
    seconds_to_second_reading: ClassVar[float] = 0

    # The decoder has seen to the types.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(self, tap: ReportTap, **options: Any) -> None:  # noqa: ANN401
        """Make the decoder from the stream's schema."""
        super().__init__(tap, **options)
        self.decoder: Decoder[Any] = Decoder(
            self.envelope, self.wire_schema, frozenset(self.null_keys)
        )

    @property
    def wire_schema(self) -> Schema:
        """The JSON Schema of the rows as the API sends them: the stream's own, as a rule."""
        return self.schema

    def get_records(self, context: Context | None) -> Iterable[Row]:  # noqa: ARG002
        """Read the whole stream."""
        self.log("%s: the whole list, 1 request", self.name)
        yield from self.read(None)
        self.warn_of_unknown_fields()

    def read(self, page: Any) -> list[Row]:  # noqa: ANN401
        """Read the rows of one request, checked and sorted; once more if they do not add up.

        Args:
            page: What ``get_http_request`` finds as ``next_page_token``: a window of days, or none.

        Raises:
            RequestFailed: If the request fails, the answer is not what the schema says, or the rows
                do not add up at the second reading either.
        """
        try:
            return self._read_once(page)
        except IncompleteAnswer as error:
            self.log("%s: %s; reading it once more", self.where(page), error, level=logging.WARNING)
            time.sleep(self.seconds_to_second_reading)
        try:
            return self._read_once(page)
        except IncompleteAnswer as error:
            raise self.failure(
                page,
                f"{error}, at the second reading too. None of these rows was written; run again "
                f"later, and if it stays so report it to {self.api_name}.",
            ) from error

    def _read_once(self, page: Any) -> list[Row]:  # noqa: ANN401
        try:
            answer = self.decoder.decode(self.ask(page).content)
            check_count(answer.rows, answer.announced)
            fill_null_keys(answer.rows, self.null_keys)
            return sorted_by_key(self.finish_rows(answer, page), self.primary_keys)
        except UnexpectedAnswer as error:
            raise self.failure(
                page,
                f"{self.api_name}'s answer is not what its documentation says: {error}. None of "
                "these rows was written; please report it to the makers of this tap.",
            ) from error

    def finish_rows(self, answer: Any, page: Any) -> list[Row]:  # noqa: ANN401, ARG002
        """Return the answer's rows, with what the API says beside them and not in them."""
        return answer.rows  # type: ignore[no-any-return]

    def warn_of_unknown_fields(self) -> None:
        """Say once which fields were left out because the schema does not know them."""
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

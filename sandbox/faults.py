"""Faults that tests request: what goes wrong, for which requests, how often."""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: What can go wrong; `Fault` explains each.
Kind: TypeAlias = Literal[
    # Another response replaces the good one.
    "status",
    "rate_limit",
    "html",
    "redirect",
    "empty",
    "error_in_body",
    # The good response is badly delivered.
    "hang",
    "slow",
    "reset",
    "reset_in_body",
    "cut",
    "cut_chunked",
    "truncated",
    "gigantic",
    "byte_order_mark",
    # The good response has other rows or totals.
    "set_field",
    "set_field_in_all",
    "drop_field",
    "unknown_field",
    "quoted_numbers",
    "null_key",
    "wrong_type",
    "not_a_number",
    "duplicate_row",
    "lost_row",
    "foreign_row",
    "shifted_days",
    "shuffled_rows",
    "wrong_total",
    "drop_envelope_field",
    "empty_object",
    # The data or the token changes during a sync; Adcloud only.
    "page_shift",
    "dead_token",
    "bad_credentials",
]


@dataclass
class Fault:
    """Something that goes wrong with some requests.

    A fault applies to the requests that match its path, method and query. Of several faults that
    are due, the one added first is triggered.

    Kinds, with the arguments they use:

    * `status`: an error (`status`, default 500) with the documented body, and `message` if given.
    * `rate_limit`: 429 (or `status`) with `Retry-After: seconds`; `as_date` writes it as an HTTP
      date that many seconds ahead of the real clock; `seconds=None` leaves the header out.
    * `html`: an HTML page with `status` (default 502).
    * `redirect`: 302 (or `status`) to `location`.
    * `empty`: `status` (default 200) and an empty body.
    * `error_in_body`: HTTP 200, and an error (`status`, default 500) in the body.
    * `hang`: nothing for `seconds` (default 3600), then the good response; setting `seconds` to 0
      releases the requests that hang.
    * `slow`: the good response in 20 pieces over `seconds` (default 1).
    * `reset`: the connection is reset before the response.
    * `reset_in_body`: the connection is reset in the middle of the body.
    * `cut`: the connection is closed in the middle of the body, short of its Content-Length.
    * `cut_chunked`: the same in the middle of a chunked transfer.
    * `truncated`: the first half of the body, with a Content-Length that fits.
    * `gigantic`: `size` bytes (default 64 MiB) of white space before the good JSON.
    * `byte_order_mark`: the good JSON behind the byte order mark of UTF-8.
    * `set_field`: `field` of one row (`row`, default the first) becomes `value`.
    * `set_field_in_all`: `field` of every row becomes `value`.
    * `drop_field`: `field` is missing in one row.
    * `unknown_field`: all rows have one more `field` (default `surprise`) of `value`.
    * `quoted_numbers`: all numbers in rows are strings.
    * `null_key`: a dimension (`field`, or one that the row has) of one row is null.
    * `wrong_type`: a number (`field`, or one that the row has) of one row is text (`value`).
    * `not_a_number`: a number (`field`, or one that the row has) of one row is `"NaN"`.
    * `duplicate_row`: one row comes twice; the totals count both.
    * `lost_row`: one row is missing; the totals still count it.
    * `foreign_row`: one more row, of the day `value` (default 2000-01-01); the totals count it.
    * `shifted_days`: the day of every row is `by` days (default 1) later.
    * `shuffled_rows`: the rows come in another order.
    * `wrong_total`: the totals are `by` (default 1) too high.
    * `drop_envelope_field`: `field` is missing in the envelope (`itemCount`; or in `collection`,
      `_meta`).
    * `empty_object`: `{}` in place of the list of rows, as PHP writes an empty one.
    * `page_shift` (Adcloud): `by` rows were inserted (above 0) or deleted (below 0) before the
      page, so it starts that many rows earlier or later; the totals stay.
    * `dead_token` (Adcloud): the request's token is invalid from this request on.
    * `bad_credentials` (Adcloud): the token endpoint refuses the client.

    Attributes:
        kind: What goes wrong.
        path: Regular expression to find in the path.
        query: Parameters that the query must have.
        method: The method; `None` for any.
        after: How many matching requests are let through first.
        times: How many matching requests then trigger it; `None` for all.
        status: The HTTP status of the response.
        message: The message of an error.
        seconds: The duration, in seconds.
        as_date: Whether Retry-After is an HTTP date.
        location: The target of a redirect.
        size: The number of bytes.
        row: The index of the row; negative from the end.
        field: The name of the field.
        value: The value of the field.
        by: The difference in rows or days.
        matched: How many requests matched so far.
        triggered: How many requests triggered it so far.
    """

    kind: Kind
    path: str = ""
    query: dict[str, str] = dataclass_field(default_factory=dict)
    method: str | None = None
    after: int = 0
    times: int | None = None
    status: int | None = None
    message: str | None = None
    seconds: float | None = None
    as_date: bool = False
    location: str = "http://localhost.invalid/"
    size: int = 64 * 1024 * 1024
    row: int = 0
    field: str | None = None
    value: Any = None
    by: int = 1
    matched: int = 0
    triggered: int = 0

    def matches(self, method: str, path: str, query: Sequence[tuple[str, str]]) -> bool:
        """Return whether path, method and query select a request."""
        return (
            (self.method is None or self.method == method)
            and re.search(self.path, path) is not None
            and all(pair in query for pair in self.query.items())
        )

    def triggers(self) -> bool:
        """Count a matching request and return whether it triggers the fault."""
        self.matched += 1
        due = self.matched > self.after and (self.times is None or self.triggered < self.times)
        self.triggered += due
        return due


class Faults:
    """The faults requested; safe to change while the server runs."""

    def __init__(self) -> None:
        """Start without faults."""
        self._lock = Lock()
        self._faults: list[Fault] = []

    def __iter__(self) -> Iterator[Fault]:
        """Iterate over all faults, in the order they were added."""
        with self._lock:
            return iter(self._faults.copy())

    def add(self, fault: Fault) -> Fault:
        """Add a fault and return it, so that its counts can be read later."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def trigger(self, method: str, path: str, query: Sequence[tuple[str, str]]) -> Fault | None:
        """Return the fault that a request triggers; `None` for a good response."""
        with self._lock:
            for fault in self._faults:
                if fault.matches(method, path, query) and fault.triggers():
                    return fault
        return None

"""Complete HTTP responses of both APIs, prepared so that the server only has to send them."""

from __future__ import annotations

import datetime
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs

from benchmarks.data import Dataset, shuffled
from sandbox.adcloud.envelopes import MAX_PER_PAGE, Page

if TYPE_CHECKING:
    from collections.abc import Sequence

TOKEN = "benchmark-token"  # noqa: S105 - opens nothing
_TOKEN_RESPONSE = b'{"access_token":"%s","scope":""}' % TOKEN.encode()


class Responses(Protocol):
    """The responses of one part of the server."""

    @property
    def seconds(self) -> float:
        """The delay of each response, in seconds."""

    def find(self, path: str, query: str) -> bytes:
        """Return the response to a request, head and body."""


def http_response(body: bytes, status: str = "200 OK") -> bytes:
    """Return an HTTP response with a JSON body."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return b"%s\r\n\r\n%s" % (head.encode(), body)


@dataclass(frozen=True)
class ReportResponses:
    """Adcloud's advertiser report, version 1, in pages of 200 rows.

    Attributes:
        days: The days.
        pages: The responses with the pages of each template day.
        empty: The response for a page after the last.
        seconds: The delay of each response, in seconds.
    """

    days: Sequence[str]
    pages: Sequence[Sequence[bytes]]
    empty: bytes
    seconds: float = 0

    def find(self, path: str, query: str) -> bytes:
        """Return a page of the report, or an access token."""
        if path == "/v1/oauth/access_token":
            return http_response(_TOKEN_RESPONSE)
        params = parse_qs(query)
        if path != "/v1/reports/advertiser" or params["per_page"] != [str(MAX_PER_PAGE)]:
            return http_response(b"{}", "404 Not Found")
        (date,), (page,) = params["filter[date]"], params.get("page", ["1"])
        first = datetime.date.fromisoformat(self.days[0])
        template = (datetime.date.fromisoformat(date) - first).days % len(self.pages)
        pages = self.pages[template]
        if int(page) > len(pages):
            return self.empty
        prepared = pages[int(page) - 1]
        # All dates have the same length, so the Content-Length stays correct.
        return prepared.replace(self.days[template].encode(), date.encode())


def report_responses(dataset: Dataset, seconds: float = 0) -> ReportResponses:
    """Prepare the pages of a report.

    Args:
        dataset: The rows.
        seconds: The delay of each response, in seconds.
    """
    pages = [
        [http_response(body) for body in _pages(date, rows)]
        for date, rows in zip(dataset.days, dataset.templates, strict=False)
    ]
    return ReportResponses(dataset.days, pages, http_response(_page("", [], 1, 0)), seconds)


def _pages(date: str, rows: Sequence[bytes]) -> list[bytes]:
    return [
        _page(date, rows[start : start + MAX_PER_PAGE], number, len(rows))
        for number, start in enumerate(range(0, len(rows), MAX_PER_PAGE), start=1)
    ]


def _page(date: str, rows: Sequence[bytes], number: int, total: int) -> bytes:
    url, query = "http://localhost/v1/reports/advertiser", [("filter[date]", date)]
    page = Page(url, query, rows, number, MAX_PER_PAGE, total)
    return page.to_v1(TOKEN, announce_pages=True)


@dataclass(frozen=True)
class StatisticsResponses:
    """Adsterra's statistics, of any days, in one response.

    Attributes:
        days: The days.
        dimensions: What the statistics are grouped by.
        rows: The rows of each template day, separated by commas.
        counts: The number of these rows.
        everything: The response with all days, if it is prepared.
        seconds: The delay of each response, in seconds.
    """

    days: Sequence[str]
    dimensions: Sequence[str]
    rows: Sequence[bytes]
    counts: Sequence[int]
    everything: bytes | None = None
    seconds: float = 0

    def find(self, path: str, query: str) -> bytes:
        """Return the statistics of the requested days."""
        params = parse_qs(query)
        if path != "/stats.json" or params["group_by[]"] != list(self.dimensions):
            return http_response(b"{}", "404 Not Found")
        (first,), (last,) = params["start_date"], params["finish_date"]
        if self.everything and first <= self.days[0] and last >= self.days[-1]:
            return self.everything
        rows, count = [], 0
        for number, day in enumerate(self.days):
            template = number % len(self.rows)
            if first <= day <= last and self.counts[template]:
                date = b'"date":"%s"'
                old, new = date % self.days[template].encode(), date % day.encode()
                rows.append(self.rows[template].replace(old, new))
                count += self.counts[template]
        return _statistics(rows, count)


def statistics_responses(dataset: Dataset) -> StatisticsResponses:
    """Prepare the rows of the statistics, and the response with all days if none is repeated."""
    everything = None
    if len(dataset.templates) == len(dataset.days):
        rows = shuffled(itertools.chain(*dataset.templates))
        everything = _statistics(rows, len(rows))
    return StatisticsResponses(
        dataset.days,
        ("date", *dataset.key),
        [b",".join(shuffled(rows)) for rows in dataset.templates],
        [len(rows) for rows in dataset.templates],
        everything,
    )


def _statistics(rows: Sequence[bytes], count: int) -> bytes:
    times = b'"dbLastUpdateTime":"2024-05-01 12:00:00","dbDateTime":"2024-05-01 12:05:00"'
    return http_response(b'{"items":[%s],"itemCount":%d,%s}' % (b",".join(rows), count, times))

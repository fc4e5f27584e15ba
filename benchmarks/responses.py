"""Complete HTTP responses of both APIs, prepared so that the server only has to send them."""

from __future__ import annotations

import datetime
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
    """Adsterra's statistics, all in one response.

    Attributes:
        everything: The response.
        seconds: The delay of the response, in seconds.
    """

    everything: bytes
    seconds: float = 0

    def find(self, path: str, query: str) -> bytes:
        """Return the statistics."""
        params = parse_qs(query)
        if path != "/stats.json" or params["group_by[]"] != ["date", "placement", "country"]:
            return http_response(b"{}", "404 Not Found")
        return self.everything


def statistics_responses(dataset: Dataset) -> StatisticsResponses:
    """Prepare the only response of the statistics."""
    times = b'"dbLastUpdateTime":"2024-05-01 12:00:00","dbDateTime":"2024-05-01 12:05:00"'
    rows = shuffled(dataset)
    body = b'{"items":[%s],"itemCount":%d,%s}' % (b",".join(rows), len(rows), times)
    return StatisticsResponses(http_response(body))

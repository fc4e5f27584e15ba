"""A good response for every stream, and an adapter that returns any response."""

from __future__ import annotations

import http.client
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from sandbox.adcloud import entities, performance
from sandbox.adcloud import expected_rows as expected_report_rows
from sandbox.adcloud.app import PERFORMANCE_TYPE, REPORT_TYPE
from sandbox.adcloud.envelopes import Page
from sandbox.adcloud.inventory import COLLECTIONS
from sandbox.adsterra import DEMO
from sandbox.adsterra import expected_rows as expected_statistics_rows
from sandbox.numbers import from_json, to_json
from singer_reports.streams.control_totals import ControlTotals
from tap_adcloud.reports import AdvertiserReport
from tap_adcloud.streams import STREAMS as ADCLOUD_STREAMS
from tap_adcloud.streams import CampaignPerformance
from tap_adcloud.tap import TapAdcloud
from tap_adsterra.reports import ReportStream
from tap_adsterra.streams import STREAMS as ADSTERRA_STREAMS
from tap_adsterra.tap import TapAdsterra
from tests.support import NOW, day, select, sync

if TYPE_CHECKING:
    from collections.abc import Sequence

    import requests

    from singer_reports.tap import ReportTap
    from tests.support import RunResult

#: The one day that is requested.
DAY = "2024-04-29"
#: How many rows a good response has.
ROWS = 3
#: After so many requests, every response is 404, however many pages were announced.
MAX_REQUESTS = 30
TOKEN_PATH = "/oauth/access_token"  # noqa: S105 - a path
GOOD_TOKEN = {"access_token": "f00dfeedf00dfeedf00dfeed", "scope": ""}


@dataclass(frozen=True)
class Response:
    """A response to a request."""

    content: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)


class ResponsesByPath(HTTPAdapter):
    """An adapter without a network, with a response per end of a path."""

    def __init__(self, by_path: dict[str, Response]) -> None:
        """Return the first of these responses that fits."""
        super().__init__()
        self.by_path = by_path
        self.requested = 0

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        """Return the response to a request, after checking that the request can be sent."""
        connection = http.client.HTTPConnection("nowhere.invalid")
        connection.putrequest(str(request.method), request.path_url)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        path = urlsplit(str(request.url)).path
        response = next(self.by_path[end] for end in self.by_path if path.endswith(end))
        self.requested += 1
        if self.requested > MAX_REQUESTS:
            response = Response(b"", 404)
        raw = HTTPResponse(
            body=io.BytesIO(response.content),
            headers=dict(response.headers),
            status=response.status,
            reason="Any Reason",
            preload_content=False,
            decode_content=False,
        )
        return self.build_response(request, raw)


@dataclass(frozen=True, eq=False)
class StreamSample:
    """A stream and a good response for it.

    Attributes:
        tap_class: Its tap.
        stream: Its name.
        good: The good response.
        settings: Settings of the tap.
        before: Responses to its other requests, by the end of their path.
    """

    tap_class: type[ReportTap]
    stream: str
    good: dict[str, Any] = field(repr=False)
    settings: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Response] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name in test ids."""
        return f"{self.stream} {self.settings.get('report_api_version', '')}".strip()

    def make_tap(self) -> ReportTap:
        """Make a tap that reads the stream."""
        catalog = select(self.tap_class(config=dict(self.settings)).catalog_dict, [self.stream])
        return self.tap_class(config=dict(self.settings), catalog=catalog)

    def sent(self, content: bytes) -> list[dict[str, Any]]:
        """Return the requested rows of a response, parsed with the standard library."""
        text = content.decode("utf-8-sig", errors="replace")
        body = json.loads(text, parse_float=_decimal, parse_int=Decimal)
        rows = self._rows(body)
        if self.stream == "topic_discounts":
            return [
                {"topic_id": row["id"], **discount}
                for row in rows
                for discount in row.get("discounts") or ()
            ]
        if self.stream == "advertiser_report":
            rows = [{"booking_id": row.get("campaign_id"), **row} for row in rows]
        if self.stream == "campaign_performance":
            ids = {row["campaign_id"] for row in self._rows(self.good)}
            return [row for row in rows if _decimal(str(row.get("campaign_id"))) in ids]
        dated = "date" in self._rows(self.good)[0]
        return [row for row in rows if not dated or row["date"] == DAY]

    def _rows(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        body = body["data"] if "data" in self.good else body
        if body == []:
            return []
        rows: list[dict[str, Any]] = body["result" if "result" in self.good else "items"]
        return rows


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        # An exponent too large for Decimal; it can only be in a field that is ignored.
        return None


class Reader:
    """Reads one stream repeatedly, each time without a state and with other responses."""

    def __init__(self, sample: StreamSample) -> None:
        """Make the tap once."""
        self.sample = sample
        self.tap = sample.make_tap()

    def read(self, response: Response, **others: Response) -> RunResult:
        """Read the stream; all its requests get the same response.

        Args:
            response: The response.
            others: ``token``: the response of the token endpoint, if not a good one.
        """
        token = others.get("token", Response(to_json(GOOD_TOKEN)))
        by_path = {TOKEN_PATH: token, **self.sample.before, "": response}
        self.tap.run.session.mount("https://", ResponsesByPath(by_path))
        vars(self.tap)["_state"].clear()
        if isinstance(self.tap, TapAdcloud):
            self.tap.run.authenticator._token = None
        return sync(self.tap)


def numbers(rows: list[dict[str, Any]], schema: dict[str, Any]) -> dict[str, Counter[Decimal]]:
    """Count the values of each numeric field; null counts as 0, which replaces it in a key."""
    found = {}
    for name, kind in schema["properties"].items():
        if "integer" in kind["type"] or "number" in kind["type"]:
            values = [row.get(name) for row in rows]
            found[name] = Counter(
                Decimal(0 if value is None or str(value).lower() == "null" else value)
                for value in values
            )
    return found


def _statistics(stream: str, dimensions: Sequence[str]) -> StreamSample:
    rows = expected_statistics_rows(DEMO, dimensions, day(DAY), day(DAY), NOW)[:ROWS]
    good = {"items": rows, "itemCount": len(rows), "dbLastUpdateTime": "2024-05-01 11:50:00"}
    return StreamSample(TapAdsterra, stream, good, _ADSTERRA)


def _items(stream: str) -> dict[str, Any]:
    items = {"items": list(getattr(DEMO, stream)[:ROWS])}
    return {"data": items} if stream == "smart_links" else {**items, "itemCount": ROWS}


def _page(rows: Any, kind: str) -> dict[str, Any]:
    page = Page("https://api.invalid/", (), [to_json(row) for row in rows[:ROWS]], 1, 200, ROWS)
    body: dict[str, Any] = from_json(page.to_v2(kind))
    return body


def _report(version: str) -> StreamSample:
    rows = expected_report_rows(day(DAY), NOW, rows_per_day=20)[:ROWS]
    page = Page("https://api.invalid/", (), [to_json(row) for row in rows], 1, 200, ROWS)
    good = from_json(page.to_v1("f00d", announce_pages=True))
    if version == "v2":
        good = _page(rows, REPORT_TYPE)
    settings = {**_ADCLOUD, "report_api_version": version}
    return StreamSample(TapAdcloud, "advertiser_report", good, settings)


def _entities(stream: str) -> StreamSample:
    resource = "topics" if stream == "topic_discounts" else stream
    good = _page(entities(resource), COLLECTIONS[resource].item_type)
    return StreamSample(TapAdcloud, stream, good, _ADCLOUD)


def _performance() -> StreamSample:
    campaigns = _page(entities("campaigns"), COLLECTIONS["campaigns"].item_type)
    rows = performance([row["id"] for row in campaigns["items"]], NOW)
    good = _page(rows, PERFORMANCE_TYPE)
    before = {"/campaigns": Response(to_json(campaigns))}
    return StreamSample(TapAdcloud, "campaign_performance", good, _ADCLOUD, before)


_ADSTERRA: dict[str, Any] = {
    "api_token": "s3cr3tt0ken",
    "start_date": DAY,
    "end_date": DAY,
    "reports": [{"name": "own", "group_by": ["domain", "placement", "country"]}],
}
_ADCLOUD: dict[str, Any] = {
    "client_id": "the-client",
    "client_secret": "s3cr3t-0f-the-client",
    "start_date": DAY,
    "end_date": DAY,
}

#: All streams of both taps, the report from both versions of the API, and a report of a user's
#: own that is requested by day.
STREAM_SAMPLES = [
    *(
        StreamSample(TapAdsterra, stream.name, _items(stream.name), _ADSTERRA)
        for stream in ADSTERRA_STREAMS
        if not issubclass(stream, ReportStream | ControlTotals)
    ),
    *(
        _statistics(stream.name, stream.dimensions)
        for stream in ADSTERRA_STREAMS
        if issubclass(stream, ReportStream)
    ),
    _statistics("own", ("domain", "placement", "country")),
    _report("v1"),
    _report("v2"),
    *(
        _entities(stream.name)
        for stream in ADCLOUD_STREAMS
        if not issubclass(stream, AdvertiserReport | CampaignPerformance | ControlTotals)
    ),
    _performance(),
]

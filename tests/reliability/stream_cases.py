"""The kinds of streams, and their requests that can trigger a fault."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sandbox.adcloud import Settings, entities, expected_rows
from tap_adcloud.streams import CAMPAIGNS_PER_REQUEST
from tests.support import NOW, Adcloud, Adsterra, day, select

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from sandbox.server import Sandbox
    from singer_reports.tap import ReportTap
    from tests.support import RunResult

#: Days of three or four pages of ten rows.
SETTINGS = Settings(rows_per_day=30)
PLACES = ("first", "middle", "last")
#: The streams with a bookmark.
DATE_RANGE_STREAMS = {"stats", "advertiser_report"}


@dataclass(frozen=True)
class Place:
    """A request of a stream.

    Attributes:
        path: A regular expression for its path.
        query: Parameters of its query.
        named: The stream that an error there names.
        bookmark: The bookmark before its response.
        key: A field of the key of its rows.
        required: A field that its rows must have.
        text: A field of text that its rows have.
        total: The field that announces how many rows there are.
        envelope: The field that holds the rows.
    """

    path: str
    query: dict[str, str]
    named: str
    bookmark: str | None = None
    key: str = "id"
    required: str = "id"
    text: str = "name"
    total: str = "total_count"
    envelope: str = "items"


@dataclass(frozen=True, eq=False)
class StreamCase:
    """A kind of stream: how it is run, and its first, a middle and its last request."""

    name: str
    runner: type[Adsterra | Adcloud]
    streams: tuple[str, ...]
    places: dict[str, Place]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def tap(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, **options: Any) -> ReportTap:
        """Make a tap that reads the stream without lookback."""
        runner = self.runner(sandbox, monkeypatch)
        settings = {"lookback_days": 0, **self.settings}
        catalog = copy.deepcopy(_catalog(self.runner.tap_class, self.streams))
        return runner.tap(catalog=catalog, **{**settings, **options})


@cache
def _catalog(tap_class: type[ReportTap], streams: tuple[str, ...]) -> dict[str, Any]:
    # Discovery needs no settings.
    tap = tap_class(config={}, validate_config=False)
    return select(tap.catalog_dict, streams)


def by_key(*runs: RunResult) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return the last record of each stream and key of all runs, as a target keeps them."""
    rows = {}
    for run in runs:
        for schema in run.of_type("SCHEMA"):
            stream = schema["stream"]
            key = itemgetter(*schema["key_properties"])
            rows.update({(stream, key(row)): row for row in run.rows(stream)})
    return rows


def _windows() -> dict[str, Place]:
    starts = ("2024-04-01", "2024-04-11", "2024-04-21")
    bookmarks = (None, "2024-04-10", "2024-04-20")
    return {
        place: Place(
            path="/stats",
            query={"start_date": start},
            named="stats",
            bookmark=bookmark,
            key="placement",
            required="clicks",
            total="itemCount",
        )
        for place, start, bookmark in zip(PLACES, starts, bookmarks, strict=True)
    }


def _lists() -> dict[str, Place]:
    return {
        "first": Place("/domains", {}, "domains", text="title", total="itemCount"),
        "middle": Place("/placements", {}, "placements", text="title", total="itemCount"),
        # The only list without a total.
        "last": Place("/smart-links", {}, "smart_links", text="title", envelope="data"),
    }


def _days() -> dict[str, Place]:
    rows = expected_rows(day("2024-04-28"), NOW, rows_per_day=SETTINGS.rows_per_day)
    last_page = str(-(-len(rows) // 10))
    requested = [("2024-04-26", "1"), ("2024-04-27", "2"), ("2024-04-28", last_page)]
    bookmarks = (None, "2024-04-26", "2024-04-27")
    return {
        place: Place(
            path="/reports/advertiser",
            query={"filter[date]": date, "page": page},
            named="advertiser_report",
            bookmark=bookmark,
            key="topic_id",
            required="costs",
            text="website",
            total="size",
            envelope="result",
        )
        for place, (date, page), bookmark in zip(PLACES, requested, bookmarks, strict=True)
    }


def _pages(path: str, stream: str) -> dict[str, Place]:
    return {place: Place(path, {"page": str(page)}, stream) for page, place in enumerate(PLACES, 1)}


def _chunks() -> dict[str, Place]:
    ids = [str(row["id"]) for row in entities("campaigns")]
    chunks = [
        ",".join(ids[start : start + CAMPAIGNS_PER_REQUEST])
        for start in range(0, len(ids), CAMPAIGNS_PER_REQUEST)
    ]
    path, stream = "/campaign_performance_data", "campaign_performance"
    fields = ("campaign_id", "campaign_id")
    return {
        # The ids of the campaigns are requested first.
        "first": Place("/campaigns", {"page": "1"}, "campaigns"),
        "middle": Place(path, {"campaign_ids": chunks[1]}, stream, None, *fields),
        "last": Place(path, {"campaign_ids": chunks[-1]}, stream, None, *fields),
    }


STATISTICS = StreamCase(
    "Adsterra statistics",
    Adsterra,
    ("stats",),
    _windows(),
    {"start_date": "2024-04-01", "end_date": "2024-04-30", "window_days": 10},
)
LISTS = StreamCase(
    "Adsterra lists", Adsterra, tuple(place.named for place in _lists().values()), _lists()
)
REPORT = StreamCase(
    "Adcloud report",
    Adcloud,
    ("advertiser_report",),
    _days(),
    {"start_date": "2024-04-26", "end_date": "2024-04-28", "page_size": 10},
)
PAGES = StreamCase(
    "Adcloud lists", Adcloud, ("campaigns",), _pages("/campaigns", "campaigns"), {"page_size": 100}
)
#: With pages of nine topics, a shifted page repeats a topic without discounts.
DERIVED = StreamCase(
    "Adcloud discounts",
    Adcloud,
    ("topic_discounts",),
    _pages("/topics", "topic_discounts"),
    {"page_size": 9},
)
CHUNKS = StreamCase("Adcloud performance", Adcloud, ("campaign_performance",), _chunks())
STREAM_CASES = (STATISTICS, LISTS, REPORT, PAGES, DERIVED, CHUNKS)

"""Run a tap in this process, and parse what it writes."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
from dataclasses import dataclass, field
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sandbox.adcloud import CLIENT_ID, CLIENT_SECRET, expected_rows
from sandbox.adsterra import DEMO_TOKEN
from singer_reports.output.stdout import SignalExit
from singer_reports.tap import ReportTap
from tap_adcloud.tap import TapAdcloud
from tap_adsterra.tap import TapAdsterra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pytest

    from sandbox.middleware import SeenRequest
    from sandbox.server import Sandbox

    #: The fixture ``count_cases``: takes the name of a claim, and how many cases were tested.
    CountCases = Callable[[str, int], None]

#: The time of the sandbox and of the taps in tests: a Wednesday noon, far from any real one.
NOW = datetime.datetime(2024, 5, 1, 12, 0, tzinfo=datetime.UTC)

Message = dict[str, Any]


def day(text: str) -> datetime.date:
    """Read a day from ``YYYY-MM-DD``."""
    return datetime.date.fromisoformat(text)


@dataclass
class RunResult:
    """The messages of a run, and the error it ended with."""

    output: bytes
    error: Exception | SignalExit | None = None
    messages: list[Message] = field(init=False)

    def __post_init__(self) -> None:
        """Parse the messages; every number keeps its decimal value."""
        # Only a line feed ends a message: texts may contain other line breaks.
        lines = self.output.split(b"\n")
        self.messages = [json.loads(line, parse_float=Decimal) for line in lines if line]

    def of_type(self, kind: str, stream: str | None = None) -> list[Message]:
        """Return the messages of a type, and of a stream if one is named."""
        return [
            message
            for message in self.messages
            if message["type"] == kind and stream in (None, message.get("stream"))
        ]

    def records(self, stream: str) -> list[dict[str, Any]]:
        """Return a stream's records in the order written."""
        return [message["record"] for message in self.of_type("RECORD", stream)]

    def rows(self, stream: str) -> list[dict[str, Any]]:
        """Return a stream's records without the time that the tap adds."""
        return [
            {name: value for name, value in record.items() if name != "extracted_at"}
            for record in self.records(stream)
        ]

    @property
    def states(self) -> list[dict[str, Any]]:
        """The values of the STATE messages, in the order written."""
        return [message["value"] for message in self.of_type("STATE")]

    @property
    def state(self) -> dict[str, Any]:
        """The last state written, which the next run gets."""
        return self.states[-1] if self.states else {}

    @property
    def untimed_state(self) -> dict[str, Any]:
        """The last state without the times of the last readings."""
        return state_without_times(self.state)

    def bookmark(self, stream: str) -> str | None:
        """Return a stream's bookmark in the last state."""
        value = self.state.get("bookmarks", {}).get(stream, {}).get("replication_key_value")
        return None if value is None else str(value)

    def without_times(self) -> list[Message]:
        """Return the messages without the times at which the records were read.

        A state that only saves such a time is left out: a slice that is read again has one.
        """
        messages = []
        saved: dict[str, Any] | None = None
        for message in self.messages:
            kept = {name: value for name, value in message.items() if name != "time_extracted"}
            if "record" in kept:
                record = kept["record"].items()
                kept["record"] = {name: value for name, value in record if name != "extracted_at"}
            if "value" in kept:
                kept["value"] = state_without_times(kept["value"])
                if kept["value"] == saved:
                    continue
                saved = kept["value"]
            messages.append(kept)
        return messages


def state_without_times(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state without the times of the last readings."""
    bookmarks = state.get("bookmarks", {}).items()
    kept = {
        stream: {name: value for name, value in bookmark.items() if name != "extracted_at"}
        for stream, bookmark in bookmarks
    }
    return {**state, "bookmarks": kept} if kept else dict(state)


def sync(tap: ReportTap) -> RunResult:
    """Run a tap until it ends, fails, or gets a signal."""
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    error = None
    with contextlib.redirect_stdout(output):
        try:
            tap.sync_all()
        except (Exception, SignalExit) as raised:  # noqa: BLE001 - the test looks at it
            error = raised
    assert isinstance(output.buffer, io.BytesIO)
    return RunResult(output.buffer.getvalue(), error)


def select(catalog: dict[str, Any], streams: Iterable[str]) -> dict[str, Any]:
    """Select these streams of a catalog, and no others."""
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = entry["tap_stream_id"] in set(streams)
    return catalog


TapClass = TypeVar("TapClass", bound=ReportTap)


class Runner(Generic[TapClass]):
    """A tap against the sandbox."""

    tap_class: type[TapClass]

    def __init__(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """Give the tap the clock of the sandbox."""
        self.sandbox = sandbox
        monkeypatch.setattr(self.tap_class, "clock", staticmethod(lambda: sandbox.clock.now))

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Return settings for the sandbox."""
        raise NotImplementedError

    def tap(
        self,
        *streams: str,
        state: dict[str, Any] | None = None,
        catalog: dict[str, Any] | None = None,
        **changes: Any,
    ) -> TapClass:
        """Make a tap that reads these streams, or those selected by default."""
        settings = self.settings(**changes)
        if streams:
            catalog = select(self.tap_class(config=dict(settings)).catalog_dict, streams)
        return self.tap_class(config=settings, state=json.loads(json.dumps(state)), catalog=catalog)

    def run(self, *streams: str, **options: Any) -> RunResult:
        """Make such a tap and run it."""
        return sync(self.tap(*streams, **options))


class Adsterra(Runner[TapAdsterra]):
    """The Adsterra tap against the sandbox."""

    tap_class = TapAdsterra

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Return settings for the sandbox."""
        return {
            "api_token": DEMO_TOKEN,
            "api_url": self.sandbox.adsterra_url,
            "start_date": "2024-04-01",
            **changes,
        }

    def windows(self) -> list[str]:
        """Return the windows requested so far, sorted."""
        return sorted(
            "..".join([*request.values("start_date"), *request.values("finish_date")])
            for request in self.sandbox.requests
            if request.path.endswith("/stats.json")
        )


#: The primary key of Adcloud's report.
REPORT_KEY = (
    "date",
    "ad_placement_id",
    "topic_id",
    "booking_id",
    "ad_id",
    "ad_count",
    "ad_position",
)


class Adcloud(Runner[TapAdcloud]):
    """The Adcloud tap against the sandbox."""

    tap_class = TapAdcloud

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Return settings for the sandbox."""
        return {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "api_url": self.sandbox.adcloud_url,
            "start_date": "2024-04-24",
            **changes,
        }

    def report(self, **options: Any) -> RunResult:
        """Read only the report."""
        return self.run("advertiser_report", **options)

    def expected_rows(
        self, first: str = "2024-04-24", last: str = "2024-04-30"
    ) -> list[dict[str, Any]]:
        """Return the report's rows that the sandbox has, in the order of the key."""
        start, count = day(first), (day(last) - day(first)).days + 1
        rows = [
            row
            for number in range(count)
            for row in expected_rows(
                start + datetime.timedelta(number),
                self.sandbox.clock.now,
                rows_per_day=self.sandbox.adcloud.rows_per_day,
                timezone=self.sandbox.adcloud.timezone,
            )
        ]
        return sorted(rows, key=itemgetter(*REPORT_KEY))

    def requests_to(self, path: str = "/reports/advertiser") -> list[SeenRequest]:
        """Return the requests for a path so far, in their order."""
        return [request for request in self.sandbox.requests if request.path.endswith(path)]

    def pages(self) -> list[str]:
        """Return the requested days and pages of the report so far, in their order."""
        return [
            " ".join([*request.values("filter[date]"), *request.values("page")])
            for request in self.requests_to()
        ]

    def days(self) -> list[str]:
        """Return the requested days so far, sorted, without duplicates."""
        return sorted({page.split()[0] for page in self.pages()})

"""Running a tap in this process, and reading what it wrote."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.adsterra import DEMO_TOKEN
from tap_adsterra.tap import TapAdsterra

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from sandbox.server import Sandbox
    from singer_reports.tap import ReportTap

#: The time of the sandbox and of the taps in tests: a Wednesday noon, far from any real one.
NOW = datetime.datetime(2024, 5, 1, 12, 0, tzinfo=datetime.UTC)

Message = dict[str, Any]


def day(text: str) -> datetime.date:
    """Read a day from ``YYYY-MM-DD``."""
    return datetime.date.fromisoformat(text)


@dataclass
class Run:
    """What a run of a tap wrote, and what it ended with."""

    output: bytes
    error: Exception | None = None
    messages: list[Message] = field(init=False)

    def __post_init__(self) -> None:
        """Read the messages; every number keeps its decimal value."""
        lines = self.output.decode().splitlines()
        self.messages = [json.loads(line, parse_float=Decimal) for line in lines]

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

    @property
    def states(self) -> list[dict[str, Any]]:
        """The values of the STATE messages, in the order written."""
        return [message["value"] for message in self.of_type("STATE")]

    @property
    def state(self) -> dict[str, Any]:
        """The last state written: what the next run is given."""
        return self.states[-1] if self.states else {}

    def bookmark(self, stream: str) -> str | None:
        """Return a stream's bookmark in the last state."""
        value = self.state.get("bookmarks", {}).get(stream, {}).get("replication_key_value")
        return None if value is None else str(value)

    def without_times(self) -> list[Message]:
        """Return the messages without the times at which the records were read."""
        return [
            {name: value for name, value in message.items() if name != "time_extracted"}
            for message in self.messages
        ]


def sync(tap: ReportTap) -> Run:
    """Run a tap to its end, whichever that is."""
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    error = None
    with contextlib.redirect_stdout(output):
        try:
            tap.sync_all()
        except Exception as raised:  # noqa: BLE001 - tests look at whatever it was
            error = raised
    assert isinstance(output.buffer, io.BytesIO)
    return Run(output.buffer.getvalue(), error)


def select(catalog: dict[str, Any], streams: Iterable[str]) -> dict[str, Any]:
    """Select these streams of a catalog, and no others."""
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = entry["tap_stream_id"] in set(streams)
    return catalog


class Adsterra:
    """The Adsterra tap against the sandbox."""

    def __init__(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the tap's clock be the sandbox's."""
        self.sandbox = sandbox
        monkeypatch.setattr(TapAdsterra, "clock", staticmethod(lambda: sandbox.clock.now))

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Make settings for the sandbox."""
        return {
            "api_token": DEMO_TOKEN,
            "api_url": self.sandbox.adsterra_url,
            "start_date": "2024-04-01",
            **changes,
        }

    def tap(
        self,
        *streams: str,
        state: dict[str, Any] | None = None,
        catalog: dict[str, Any] | None = None,
        **changes: Any,
    ) -> TapAdsterra:
        """Make a tap that reads the streams named, or those selected by default."""
        settings = self.settings(**changes)
        if streams:
            catalog = select(TapAdsterra(config=dict(settings)).catalog_dict, streams)
        return TapAdsterra(config=settings, state=json.loads(json.dumps(state)), catalog=catalog)

    def run(self, *streams: str, **options: Any) -> Run:
        """Run such a tap to its end."""
        return sync(self.tap(*streams, **options))

    def windows(self) -> list[str]:
        """Return the windows asked of the sandbox so far, sorted."""
        return sorted(
            "..".join([*request.values("start_date"), *request.values("finish_date")])
            for request in self.sandbox.requests
            if request.path.endswith("/stats.json")
        )

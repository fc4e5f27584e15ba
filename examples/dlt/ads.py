"""The taps as a dlt source: rows, keys, state and exact decimals, into DuckDB.

Install ad-taps and dlt[duckdb] into one environment. TAP_ADSTERRA_API_TOKEN holds the token; the
other settings have variables, too. The second run reads only what is new or may have changed.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import dlt

from tap_adsterra import TapAdsterra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_reports.tap import ReportTap

TOTALS = "control_totals"
# One stream after the other: those before them make the control totals.
dlt.config["extract.next_item_mode"] = "fifo"


@dlt.source
def ads(tap: type[ReportTap], settings: dict[str, Any]) -> Iterator[Any]:
    """Return the streams of a tap that are selected by default, each as a resource."""

    @functools.cache
    def running() -> ReportTap:
        # Called while dlt reads: only then does it know the state of the last run.
        state = dlt.current.source_state().get("tap")
        return tap(config=settings, state=state, parse_env_config=True)

    streams = tap(config=settings, parse_env_config=True).streams
    for name in sorted(streams, key=lambda name: name == TOTALS):
        stream = streams[name]
        if stream.selected:
            yield dlt.resource(
                read(running, name),
                name=name,
                primary_key=list(stream.primary_keys),
                write_disposition="merge" if stream.replication_key else "replace",
                columns=columns(stream.schema["properties"]),
            )


def read(running: Callable[[], ReportTap], name: str) -> Iterator[dict[str, Any]]:
    """Read a stream. dlt stores the state with the rows, so not if the run fails."""
    yield from running().records(name)
    dlt.current.source_state()["tap"] = running().state


def columns(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the types that dlt would guess from the first row: of decimals and days."""
    found: dict[str, Any] = {}
    for name, field in fields.items():
        if "number" in field["type"]:
            found[name] = {"data_type": "decimal", "precision": 38, "scale": 9}
        elif field.get("format") == "date":
            found[name] = {"data_type": "date"}
    return found


def main() -> None:
    """Load Adsterra's rows into ads.duckdb."""
    pipeline = dlt.pipeline("ads", destination=dlt.destinations.duckdb("ads.duckdb"))
    print(pipeline.run(ads(TapAdsterra, {"start_date": "2024-04-01"})))


if __name__ == "__main__":
    main()
